/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/node.h"

#include <string.h>

#include "base/mem.h"
#include "format/content.h"
#include "format/le.h"
#include "format/node_priv.h"

struct leaf {
	struct column_tab tab;
	struct names_name name[NODE_MAX_ENTRIES];
	uint8_t row_of[NODE_MAX_ENTRIES];
	struct node_row row[NODE_MAX_ENTRIES];
	uint16_t at[NODE_MAX_ENTRIES];
	struct node_columns columns;
	struct dict dict;
};

static void get_row(struct rd *r, struct node_row *row)
{
	row->mode = (uint32_t)rd_varint_max(r, UINT32_MAX);
	row->uid = (uint32_t)rd_varint_max(r, UINT32_MAX);
	row->gid = (uint32_t)rd_varint_max(r, UINT32_MAX);
	row->fsflags = (uint32_t)rd_varint_max(r, UINT32_MAX);
	row->flags = rd_u8(r);
	row->kind = rd_u8(r);
	row->extra = rd_u8(r);
	row->xattrs = NULL;
	row->xattrs_len = 0;
	memset(&row->xattrs_id, 0, sizeof(row->xattrs_id));
	if (row->extra & ROW_XATTRS) {
		row->xattrs_len = (uint32_t)rd_varint_max(r,
			ENTRY_XATTR_INLINE_MAX);
		row->xattrs = rd_bytes(r, row->xattrs_len);
	}
	if (row->extra & ROW_XATTRS_ID)
		rd_copy(r, row->xattrs_id.b, sizeof(struct oid));
	if (!r->bad && node_bad_row(row))
		rd_fail(r);
}

static void get_rows(struct rd *r, struct leaf *l, unsigned n)
{
	const uint8_t *index = rd_bytes(r, n), *from;
	unsigned i, s = 0, place;

	for (i = 0; i < n && index; i++) {
		if (index[i] > s)
			rd_fail(r);
		l->row_of[i] = (uint8_t)(index[i] ? index[i] - 1u : s++);
	}
	dict_init(&l->dict);
	node_columns_init(&l->columns);
	for (i = 0; i < s && !r->bad; i++) {
		from = r->p;
		get_row(r, &l->row[i]);
		node_columns_add(&l->columns, l->row[i].mode, l->row[i].flags);
		if (dict_find(&l->dict, from, (uint32_t)(r->p - from),
			      &place) != i)
			rd_fail(r);
		else
			dict_add(&l->dict, from, (uint32_t)(r->p - from),
				place);
	}
}

static void set_row(struct entry *en, const struct node_row *row)
{
	en->mode = row->mode;
	en->uid = row->uid;
	en->gid = row->gid;
	en->fsflags = row->fsflags;
	en->flags = row->flags;
	en->xattrs = row->xattrs;
	en->xattrs_len = row->xattrs_len;
	en->xattrs_id = row->xattrs_id;
	if (S_ISDIR(row->mode)) {
		en->dir.kind = (enum dir_kind)row->kind;
	} else {
		en->links = 1;
		en->content.kind = (enum content_kind)row->kind;
	}
}

static void get_seconds(struct rd *r, struct leaf *l, struct node *node,
	enum leaf_column c)
{
	struct column_rows rows;
	const uint64_t *v = l->tab.v[l->tab.n];
	unsigned i, row;

	node_rows(&rows, l->at, node->entry, node->n, &l->columns, c);
	column_get(r, &l->tab, &rows, node->n);
	for (i = 0; i < rows.m; i++) {
		row = column_row(&rows, i);
		if (c == LEAF_SIZE)
			node->entry[row].size = v[row];
		else
			node_time(&node->entry[row], c)->tv_sec =
				(int64_t)v[row];
	}
}

static void get_nsec(struct rd *r, struct leaf *l, struct node *node,
	enum leaf_column c)
{
	struct column_rows rows;
	uint32_t v, first, diff = 0, most = 0;
	const uint8_t *p;
	unsigned i, each;

	node_rows(&rows, l->at, node->entry, node->n, &l->columns, c);
	if (rows.m == 0)
		return;
	each = rd_u8(r);
	p = rd_bytes(r, each ? rows.m * 4 : 4);
	if (!p)
		return;
	first = le_get32(p);
	for (i = 0; i < rows.m; i++) {
		v = each ? le_get32(p + 4 * (size_t)i) : first;
		diff |= v ^ first;
		most = v > most ? v : most;
		node_time(&node->entry[column_row(&rows, i)], c)->tv_nsec = v;
	}
	if (each != (diff != 0) || most > NODE_NSEC_MAX)
		rd_fail(r);
}

static void get_body(struct rd *r, struct entry *en, bool has_links)
{
	if (has_links) {
		en->links = rd_varint(r);
		en->link_group = rd_varint(r);
		if (en->links == 1 && en->link_group == 0)
			rd_fail(r);
	}
	if (S_ISREG(en->mode)) {
		content_get_body(r, &en->content);
	} else if (S_ISDIR(en->mode)) {
		dir_ref_get_body(r, &en->dir);
	} else if (S_ISLNK(en->mode)) {
		en->target_len = (uint16_t)rd_varint_max(r, ENTRY_TARGET_MAX);
		en->target = rd_bytes(r, en->target_len);
		en->size = en->target_len;
	} else if (S_ISCHR(en->mode) || S_ISBLK(en->mode)) {
		en->rdev_major = (uint32_t)rd_varint_max(r, UINT32_MAX);
		en->rdev_minor = (uint32_t)rd_varint_max(r, UINT32_MAX);
	}
}

/* Most entries: a file that is one object, with no more to say of it. */
static bool is_simple(const struct leaf *l, const struct entry *en, unsigned i)
{
	return S_ISREG(en->mode) && en->content.kind == CONTENT_ONE &&
		!(l->row[l->row_of[i]].extra & ROW_LINKS);
}

static void get_id(struct rd *r, struct oid *id)
{
	if ((size_t)(r->end - r->p) < sizeof(id->b)) {
		rd_fail(r);
		return;
	}
	memcpy(id->b, r->p, sizeof(id->b));
	r->p += sizeof(id->b);
}

static void get_bodies(struct rd *r, const struct leaf *l, struct node *node)
{
	struct entry *en = node->entry;
	unsigned i;

	for (i = 0; i < node->n && !r->bad; i++)
		if (!is_simple(l, &en[i], i))
			get_body(r, &en[i],
				l->row[l->row_of[i]].extra & ROW_LINKS);
	for (i = 0; i < node->n && !r->bad; i++) {
		if (is_simple(l, &en[i], i)) {
			get_id(r, &en[i].content.id);
			if (en[i].size - 1 >= OBJ_MAX_BYTES)
				rd_fail(r);
			continue;
		}
		if (S_ISREG(en[i].mode))
			content_get_ids(r, &en[i].content);
		else if (S_ISDIR(en[i].mode) && en[i].dir.kind == DIR_ROOT)
			get_id(r, &en[i].dir.id);
		if (node_bad_entry(&en[i]))
			rd_fail(r);
	}
}

int node_get_leaf(struct node *node, struct rd *r, struct err *e)
{
	struct leaf l;
	unsigned i;
	int rc;

	l.tab.n = 0;
	rc = names_get(r, &l.tab, l.name, node->n, &node->names, e);
	if (rc < 0)
		return rc;
	get_rows(r, &l, node->n);
	if (r->bad)
		return 0;
	node->entry = mem_zero(node->n, sizeof(*node->entry));
	if (!node->entry)
		return err_nomem(e);
	for (i = 0; i < node->n; i++) {
		node->entry[i].name = l.name[i].p;
		node->entry[i].name_len = l.name[i].len;
		set_row(&node->entry[i], &l.row[l.row_of[i]]);
	}
	get_seconds(r, &l, node, LEAF_COLUMNS);
	get_nsec(r, &l, node, LEAF_COLUMNS);
	get_seconds(r, &l, node, LEAF_SIZE);
	get_seconds(r, &l, node, LEAF_ATIME);
	get_seconds(r, &l, node, LEAF_CTIME);
	get_nsec(r, &l, node, LEAF_ATIME);
	get_nsec(r, &l, node, LEAF_CTIME);
	get_bodies(r, &l, node);
	return 0;
}
