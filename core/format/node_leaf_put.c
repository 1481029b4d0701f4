/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/node.h"

#include <string.h>

#include "base/mem.h"
#include "format/content.h"
#include "format/le.h"
#include "format/node_priv.h"

#define FLAGS_KNOWN \
	(ENTRY_IMPLICIT | ENTRY_CHANGED | ENTRY_ATIME | ENTRY_CTIME | \
	 ENTRY_LOST)

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
	if (row->flags & ENTRY_LOST && !S_ISREG(row->mode))
		return "lost though not a file";
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

static const char *bad_times(const struct entry *en)
{
	if ((uint64_t)en->mtime.tv_nsec > NODE_NSEC_MAX ||
	    (en->flags & ENTRY_ATIME &&
	     (uint64_t)en->atime.tv_nsec > NODE_NSEC_MAX) ||
	    (en->flags & ENTRY_CTIME &&
	     (uint64_t)en->ctime.tv_nsec > NODE_NSEC_MAX))
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

static bool has_links(const struct entry *en)
{
	return !S_ISDIR(en->mode) && (en->links != 1 || en->link_group != 0);
}

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
	if (has_links(en))
		row->extra |= ROW_LINKS;
}

/* Have they the same row?  (That of a file and of a directory differ by their
 * mode, so both kinds may be compared.) */
static bool same_row(const struct entry *a, const struct entry *b)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
		a->fsflags == b->fsflags && a->flags == b->flags &&
		a->content.kind == b->content.kind &&
		a->dir.kind == b->dir.kind && has_links(a) == has_links(b) &&
		a->xattrs_len == b->xattrs_len &&
		(a->xattrs_len == 0 ||
		 memcmp(a->xattrs, b->xattrs, a->xattrs_len) == 0) &&
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

/* Index column and rows.  NULL: *bad says why, *at which entry. */
static uint8_t *put_rows(uint8_t *p, struct node_columns *columns,
	const struct entry *entry, unsigned n, const char **bad, unsigned *at)
{
	uint8_t *index = p, *end = p + n, *next;
	unsigned i, number = 0, place;
	struct node_row row;
	struct dict dict;

	dict_init(&dict);
	node_columns_init(columns);
	for (i = 0; i < n; i++) {
		*at = i;
		if ((*bad = node_bad_entry(&entry[i])))
			return NULL;
		index[i] = (uint8_t)(number + 1);
		if (i && same_row(&entry[i - 1], &entry[i]))
			continue;
		row_of(&row, &entry[i]);
		if ((*bad = node_bad_row(&row)))
			return NULL;
		next = put_row(end, &row);
		number = dict_find(&dict, end, (uint32_t)(next - end), &place);
		index[i] = (uint8_t)(number + 1);
		if (number == dict.n) {
			dict_add(&dict, end, (uint32_t)(next - end), place);
			node_columns_add(columns, row.mode, row.flags);
			index[i] = 0;
			end = next;
		}
	}
	return end;
}

/* Its time; LEAF_COLUMNS: mtime. */
static const struct timespec *time_of(const struct entry *en,
	enum leaf_column c)
{
	return c == LEAF_ATIME ? &en->atime :
		c == LEAF_CTIME ? &en->ctime : &en->mtime;
}

static uint8_t *put_nsec(uint8_t *p, const struct entry *entry,
	const struct column_rows *w, enum leaf_column c)
{
	uint32_t v, first = 0, diff = 0;
	uint8_t *mode = p;
	unsigned i;

	if (w->m == 0)
		return p;
	for (i = 0, p++; i < w->m; i++, p += 4) {
		v = (uint32_t)time_of(&entry[column_row(w, i)], c)->tv_nsec;
		if (i == 0)
			first = v;
		diff |= v ^ first;
		le_put32(p, v);
	}
	*mode = diff != 0;
	return diff ? p : mode + 5;
}

static uint8_t *put_seconds(uint8_t *p, struct column_tab *t,
	const struct entry *entry, unsigned n, const struct column_rows *rows,
	enum leaf_column c)
{
	uint64_t *v = t->v[t->n];
	unsigned i, row;

	if (rows->m < n)
		memset(v, 0, n * sizeof(*v));
	for (i = 0; i < rows->m; i++) {
		row = column_row(rows, i);
		v[row] = c == LEAF_SIZE ? entry[row].size :
			(uint64_t)time_of(&entry[row], c)->tv_sec;
	}
	return column_put(p, t, rows);
}

static uint8_t *put_columns(uint8_t *p, struct column_tab *t,
	const struct entry *entry, unsigned n, const struct node_columns *have)
{
	struct column_rows rows[LEAF_COLUMNS + 1];
	uint16_t at[LEAF_COLUMNS + 1][NODE_MAX_ENTRIES];
	unsigned c;

	for (c = 0; c <= LEAF_COLUMNS; c++)
		node_rows(&rows[c], at[c], entry, n, have, c);
	p = put_seconds(p, t, entry, n, &rows[LEAF_COLUMNS], LEAF_COLUMNS);
	p = put_nsec(p, entry, &rows[LEAF_COLUMNS], LEAF_COLUMNS);
	for (c = 0; c < LEAF_COLUMNS; c++)
		p = put_seconds(p, t, entry, n, &rows[c], c);
	p = put_nsec(p, entry, &rows[LEAF_ATIME], LEAF_ATIME);
	return put_nsec(p, entry, &rows[LEAF_CTIME], LEAF_CTIME);
}

static void put_body(struct wr *w, const struct entry *en)
{
	if (has_links(en)) {
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
		if (!S_ISREG(entry[i].mode) || has_links(&entry[i]) ||
		    entry[i].content.kind != CONTENT_ONE)
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
	struct node_columns columns;
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
		if (entry[i].xattrs_len > ENTRY_XATTR_INLINE_MAX)
			return err_set(e, ERR_CORRUPT, "an entry cannot be "
				"stored: too many extended attributes");
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
	if ((rc = names_put(&p, &t, name, n, e)) < 0)
		return rc;
	p = put_rows(p, &columns, entry, n, &bad, &at);
	if (!p)
		return err_set(e, ERR_CORRUPT, "'%.*s' cannot be stored: %s",
			(int)entry[at].name_len, (const char *)entry[at].name,
			bad);
	p = put_columns(p, &t, entry, n, &columns);
	out->len = (size_t)(p - out->p);
	if ((rc = put_bodies(out, entry, n, e)) < 0)
		out->len = was;
	return rc;
}
