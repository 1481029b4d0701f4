/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/node.h"

#include <string.h>

#include "base/mem.h"
#include "format/content.h"
#include "format/le.h"
#include "format/node_priv.h"

#define NSEC_MAX 999999999u
#define FLAGS_KNOWN \
	(ENTRY_IMPLICIT | ENTRY_CHANGED | ENTRY_ATIME | ENTRY_CTIME)

static bool xattrs_sound(const uint8_t *set, size_t len)
{
	struct xattr_iter it;
	struct xattr_item item;

	xattr_iter_init(&it, set, len);
	while (xattr_iter_next(&it, &item))
		;
	return rd_done(&it.r);
}

static bool type_known(uint32_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) ||
		S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) ||
		S_ISBLK(mode);
}

const char *node_bad_row(const struct node_row *row)
{
	unsigned kinds = S_ISREG(row->mode) ? CONTENT_LIST :
		S_ISDIR(row->mode) ? DIR_ROOT : 0;

	if (row->mode & ~(uint32_t)(S_IFMT | 07777) || !type_known(row->mode))
		return "mode";
	if (row->flags & ~FLAGS_KNOWN)
		return "flags";
	if (row->flags & ENTRY_IMPLICIT && !S_ISDIR(row->mode))
		return "implicit though not a directory";
	if (row->kind > kinds)
		return "kind";
	if (row->extra & ~(ROW_XATTRS | ROW_XATTRS_ID | ROW_LINKS) ||
	    (row->extra & ROW_XATTRS && row->extra & ROW_XATTRS_ID))
		return "attributes";
	if (row->extra & ROW_LINKS && S_ISDIR(row->mode))
		return "links of a directory";
	if (row->extra & ROW_XATTRS &&
	    (row->xattrs_len > ENTRY_XATTR_INLINE_MAX ||
	     !xattrs_sound(row->xattrs, row->xattrs_len)))
		return "extended attributes";
	if (row->extra & ROW_XATTRS_ID && oid_is_zero(&row->xattrs_id))
		return "id of extended attributes";
	return NULL;
}

void node_rows(struct column_rows *rows, uint16_t *at,
	const struct entry *entry, unsigned n, enum leaf_column c)
{
	unsigned i;

	rows->m = 0;
	for (i = 0; i < n; i++)
		if (node_has(&entry[i], c))
			at[rows->m++] = (uint16_t)i;
	rows->at = rows->m < n ? at : NULL;
}

static const char *bad_times(const struct entry *en)
{
	if ((uint64_t)en->mtime.tv_nsec > NSEC_MAX ||
	    (en->flags & ENTRY_ATIME &&
	     (uint64_t)en->atime.tv_nsec > NSEC_MAX) ||
	    (en->flags & ENTRY_CTIME &&
	     (uint64_t)en->ctime.tv_nsec > NSEC_MAX))
		return "nanoseconds";
	return NULL;
}

const char *node_bad_entry(const struct entry *en)
{
	const char *bad = bad_times(en);

	if (bad)
		return bad;
	if (S_ISDIR(en->mode))
		return dir_ref_bad(&en->dir);
	if (en->links == 0)
		return "number of links";
	if (S_ISREG(en->mode))
		return content_bad(&en->content, en->size);
	if (S_ISLNK(en->mode) &&
	    (en->target_len == 0 || en->target_len > ENTRY_TARGET_MAX ||
	     memchr(en->target, '\0', en->target_len)))
		return "target of a symbolic link";
	return NULL;
}

/*
 * Encoding.
 */

static void row_of(struct node_row *row, const struct entry *en)
{
	row->mode = en->mode;
	row->uid = en->uid;
	row->gid = en->gid;
	row->fsflags = en->fsflags;
	row->flags = en->flags;
	row->kind = S_ISREG(en->mode) ? (uint8_t)en->content.kind :
		S_ISDIR(en->mode) ? (uint8_t)en->dir.kind : 0;
	row->extra = 0;
	row->xattrs = en->xattrs;
	row->xattrs_len = en->xattrs_len;
	row->xattrs_id = en->xattrs_id;
	if (en->xattrs_len)
		row->extra |= ROW_XATTRS;
	if (!oid_is_zero(&en->xattrs_id))
		row->extra |= ROW_XATTRS_ID;
	if (!S_ISDIR(en->mode) && (en->links != 1 || en->link_group != 0))
		row->extra |= ROW_LINKS;
}

static bool row_equal(const struct node_row *a, const struct node_row *b)
{
	if (a->mode != b->mode || a->uid != b->uid || a->gid != b->gid ||
	    a->fsflags != b->fsflags || a->flags != b->flags ||
	    a->kind != b->kind || a->extra != b->extra)
		return false;
	if (a->extra & ROW_XATTRS &&
	    (a->xattrs_len != b->xattrs_len ||
	     memcmp(a->xattrs, b->xattrs, a->xattrs_len) != 0))
		return false;
	return !(a->extra & ROW_XATTRS_ID) ||
		oid_eq(&a->xattrs_id, &b->xattrs_id);
}

static uint8_t *put_row(uint8_t *p, const struct node_row *row)
{
	p = column_put_varint(p, row->mode);
	p = column_put_varint(p, row->uid);
	p = column_put_varint(p, row->gid);
	p = column_put_varint(p, row->fsflags);
	*p++ = (uint8_t)row->flags;
	*p++ = row->kind;
	*p++ = row->extra;
	if (row->extra & ROW_XATTRS) {
		p = column_put_varint(p, row->xattrs_len);
		memcpy(p, row->xattrs, row->xattrs_len);
		p += row->xattrs_len;
	}
	if (row->extra & ROW_XATTRS_ID) {
		memcpy(p, row->xattrs_id.b, sizeof(struct oid));
		p += sizeof(struct oid);
	}
	return p;
}

static const char *bad_name(const struct entry *entry, unsigned i)
{
	const struct entry *en = &entry[i];

	if (!node_name_ok(en->name, en->name_len))
		return "name";
	if (i && node_name_cmp(en[-1].name, en[-1].name_len, en->name,
			       en->name_len) >= 0)
		return "order";
	return NULL;
}

/* Index column and rows.  NULL: *bad says why, *at which entry. */
static uint8_t *put_rows(uint8_t *p, const struct entry *entry, unsigned n,
	const char **bad, unsigned *at)
{
	struct node_row row[2], *now = &row[0], *last = &row[1], *swap;
	uint8_t *index = p, *end = p + n, *next;
	unsigned i, number = 0, place;
	struct dict dict;

	dict_init(&dict);
	for (i = 0; i < n; i++) {
		row_of(now, &entry[i]);
		*at = i;
		if ((*bad = node_bad_entry(&entry[i])))
			return NULL;
		index[i] = (uint8_t)(number + 1);
		if (i && row_equal(now, last))
			continue;
		if ((*bad = node_bad_row(now)))
			return NULL;
		next = put_row(end, now);
		number = dict_find(&dict, end, (uint32_t)(next - end), &place);
		index[i] = (uint8_t)(number + 1);
		if (number == dict.n) {
			dict_add(&dict, end, (uint32_t)(next - end), place);
			index[i] = 0;
			end = next;
		}
		swap = last;
		last = now;
		now = swap;
	}
	return end;
}

static uint8_t *put_nsec(uint8_t *p, const struct entry *entry,
	const struct column_rows *w, enum leaf_column c)
{
	uint32_t first, diff = 0;
	unsigned i;

	if (w->m == 0)
		return p;
	first = (uint32_t)node_time(&entry[column_row(w, 0)], c)->tv_nsec;
	for (i = 1; i < w->m; i++)
		diff |= first ^ (uint32_t)node_time(
			&entry[column_row(w, i)], c)->tv_nsec;
	*p++ = diff != 0;
	for (i = 0; i < (diff ? w->m : 1); i++, p += 4)
		le_put32(p, (uint32_t)node_time(
			&entry[column_row(w, i)], c)->tv_nsec);
	return p;
}

static uint8_t *put_columns(uint8_t *p, struct column_tab *t,
	const struct entry *entry, unsigned n)
{
	struct column_rows rows[LEAF_COLUMNS + 1];
	uint16_t at[LEAF_COLUMNS + 1][NODE_MAX_ENTRIES];
	unsigned i, c;

	node_rows(&rows[LEAF_COLUMNS], at[LEAF_COLUMNS], entry, n,
		LEAF_COLUMNS);
	for (i = 0; i < n; i++)
		t->v[t->n][i] = (uint64_t)entry[i].mtime.tv_sec;
	p = column_put(p, t, &rows[LEAF_COLUMNS]);
	p = put_nsec(p, entry, &rows[LEAF_COLUMNS], LEAF_COLUMNS);
	for (c = 0; c < LEAF_COLUMNS; c++) {
		node_rows(&rows[c], at[c], entry, n, c);
		for (i = 0; i < n; i++)
			t->v[t->n][i] = !node_has(&entry[i], c) ? 0 :
				c == LEAF_SIZE ? entry[i].size :
				(uint64_t)node_time(&entry[i], c)->tv_sec;
		p = column_put(p, t, &rows[c]);
	}
	p = put_nsec(p, entry, &rows[LEAF_ATIME], LEAF_ATIME);
	return put_nsec(p, entry, &rows[LEAF_CTIME], LEAF_CTIME);
}

static void put_body(struct wr *w, const struct entry *en)
{
	if (!S_ISDIR(en->mode) && (en->links != 1 || en->link_group != 0)) {
		wr_varint(w, en->links);
		wr_varint(w, en->link_group);
	}
	if (S_ISREG(en->mode)) {
		content_put_body(w, &en->content);
	} else if (S_ISDIR(en->mode)) {
		dir_ref_put_body(w, &en->dir);
	} else if (S_ISLNK(en->mode)) {
		wr_varint(w, en->target_len);
		wr_bytes(w, en->target, en->target_len);
	} else if (S_ISCHR(en->mode) || S_ISBLK(en->mode)) {
		wr_varint(w, en->rdev_major);
		wr_varint(w, en->rdev_minor);
	}
}

static int put_bodies(struct buf *out, const struct entry *entry, uint32_t n,
	struct err *e)
{
	struct wr w;
	uint32_t i;

	wr_init(&w, out);
	for (i = 0; i < n; i++)
		put_body(&w, &entry[i]);
	for (i = 0; i < n; i++) {
		if (S_ISREG(entry[i].mode))
			content_put_ids(&w, &entry[i].content);
		else if (S_ISDIR(entry[i].mode) &&
			 entry[i].dir.kind == DIR_ROOT)
			wr_bytes(&w, entry[i].dir.id.b, sizeof(struct oid));
	}
	return wr_done(&w, e);
}

int node_put_leaf(struct buf *out, const struct entry *entry, uint32_t n,
	struct err *e)
{
	struct names_name name[NODE_MAX_ENTRIES];
	size_t room, was = out->len;
	const char *bad = NULL;
	struct column_tab t;
	unsigned i, at;
	uint8_t *p;
	int rc;

	BUG_ON(n == 0 || n > NODE_MAX_ENTRIES);
	/* All but the bodies; the ids as a guess. */
	room = 3 + NAMES_PUT_BYTES(n) + LEAF_COLUMNS * 2 + 2 + n *
		(1 + ROW_PUT_BYTES + 2 * sizeof(struct oid) +
		 (LEAF_COLUMNS + 1) * (COLUMN_VALUE_BYTES + 4));
	for (i = 0; i < n; i++) {
		if (entry[i].xattrs_len > ENTRY_XATTR_INLINE_MAX ||
		    (bad = bad_name(entry, i)))
			return err_set(e, ERR_CORRUPT,
				"an entry cannot be stored: %s",
				bad ? bad : "extended attributes");
		room += entry[i].xattrs_len + entry[i].name_len;
		name[i].p = entry[i].name;
		name[i].len = entry[i].name_len;
	}
	if ((rc = buf_reserve(out, room, e)) < 0)
		return rc;
	p = out->p + was;
	*p++ = 0;
	p = column_put_varint(p, n);
	t.n = 0;
	p = names_put(p, &t, name, n);
	if (!p)
		return err_nomem(e);
	p = put_rows(p, entry, n, &bad, &at);
	if (!p)
		return err_set(e, ERR_CORRUPT, "'%.*s' cannot be stored: %s",
			(int)entry[at].name_len, (const char *)entry[at].name,
			bad);
	p = put_columns(p, &t, entry, n);
	out->len = (size_t)(p - out->p);
	if ((rc = put_bodies(out, entry, n, e)) < 0)
		out->len = was;
	return rc;
}
