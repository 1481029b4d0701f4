/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/node.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/node_priv.h"

int node_name_cmp(const void *a, size_t alen, const void *b, size_t blen)
{
	int c = memcmp(a, b, alen < blen ? alen : blen);

	if (c != 0)
		return c;
	return (alen > blen) - (alen < blen);
}

bool node_name_ok(const void *name, size_t len)
{
	const char *s = name;

	if (len == 0 || len > ENTRY_NAME_MAX)
		return false;
	if (s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.')))
		return false;
	return !memchr(s, '/', len) && !memchr(s, '\0', len);
}

bool node_boundary(const struct key *tree, uint8_t level, const void *name,
	size_t name_len, uint32_t n)
{
	uint8_t b[1 + ENTRY_NAME_MAX];

	if (n >= NODE_MAX_ENTRIES)
		return true;
	if (n < NODE_MIN_ENTRIES)
		return false;
	BUG_ON(name_len > ENTRY_NAME_MAX);
	b[0] = level;
	memcpy(b + 1, name, name_len);
	return key_siphash(tree, b, 1 + name_len) % NODE_MEAN_ENTRIES == 0;
}

/* u8 level, varint n, names, column: entries below, n ids. */
int node_put_interior(struct buf *out, uint8_t level,
	const struct node_child *child, uint32_t n, struct err *e)
{
	struct names_name name[NODE_MAX_ENTRIES];
	struct column_rows rows = { NULL, n };
	struct column_tab t;
	size_t room;
	uint8_t *p;
	uint32_t i;
	int rc;

	BUG_ON(level == 0 || level > NODE_MAX_LEVEL);
	BUG_ON(n == 0 || n > NODE_MAX_ENTRIES);
	room = 1 + 2 + NAMES_PUT_BYTES(n) + 1 +
		n * (COLUMN_VALUE_BYTES + sizeof(struct oid));
	for (i = 0; i < n; i++) {
		name[i].p = child[i].name;
		name[i].len = child[i].name_len;
		room += child[i].name_len;
		if (child[i].entries == 0)
			return err_set(e, ERR_CORRUPT,
				"an empty child of a directory node");
	}
	if ((rc = buf_reserve(out, room, e)) < 0)
		return rc;
	p = out->p + out->len;
	*p++ = level;
	p = column_put_varint(p, n);
	t.n = 0;
	if ((rc = names_put(&p, &t, name, n, e)) < 0)
		return rc;
	for (i = 0; i < n; i++)
		t.v[t.n][i] = child[i].entries;
	p = column_put(p, &t, &rows);
	for (i = 0; i < n; i++, p += sizeof(struct oid))
		memcpy(p, child[i].id.b, sizeof(struct oid));
	out->len = (size_t)(p - out->p);
	return 0;
}

static int get_interior(struct node *node, struct rd *r, struct err *e)
{
	struct names_name name[NODE_MAX_ENTRIES];
	struct column_rows rows = { NULL, node->n };
	struct column_tab t;
	const uint8_t *ids;
	uint32_t i;
	int rc;

	t.n = 0;
	if ((rc = names_get(r, &t, name, node->n, &node->names, e)) < 0)
		return rc;
	if (r->bad)
		return 0;
	column_get(r, &t, &rows, node->n);
	ids = rd_bytes(r, node->n * sizeof(struct oid));
	if (!ids)
		return 0;
	node->child = mem_zero(node->n, sizeof(*node->child));
	if (!node->child)
		return err_nomem(e);
	for (i = 0; i < node->n; i++) {
		struct node_child *c = &node->child[i];

		c->name = name[i].p;
		c->name_len = name[i].len;
		c->entries = t.v[t.n - 1][i];
		memcpy(c->id.b, ids + i * sizeof(struct oid),
			sizeof(struct oid));
		if (c->entries == 0)
			rd_fail(r);
	}
	return 0;
}

int node_get(struct node *n, const void *p, size_t len, struct err *e)
{
	struct rd r;
	int rc;

	memset(n, 0, sizeof(*n));
	rd_init(&r, p, len);
	n->level = rd_u8(&r);
	n->n = (uint32_t)rd_varint_max(&r, NODE_MAX_ENTRIES);
	if (r.bad || n->n == 0 || n->level > NODE_MAX_LEVEL) {
		n->n = 0;
		return err_set(e, ERR_CORRUPT, "not a directory node");
	}
	rc = n->level ? get_interior(n, &r, e) : node_get_leaf(n, &r, e);
	if (rc == 0 && !rd_done(&r))
		rc = err_set(e, ERR_CORRUPT, "damaged directory node");
	if (rc < 0)
		node_release(n);
	return rc;
}

void node_release(struct node *n)
{
	free(n->entry);
	free(n->child);
	free(n->names);
	memset(n, 0, sizeof(*n));
}
