/* SPDX-License-Identifier: BSD-2-Clause */
/* What differs between two entries of one path. */
#include "archive/diff_priv.h"

#include <stdlib.h>
#include <string.h>

#include "archive/file.h"
#include "base/mem.h"

/* --- owners --- */

static const char *names_find(const struct record_name *n, uint32_t count,
			      uint32_t id)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (n[i].id == id)
			return n[i].name;
	return NULL;
}

static bool names_disagree(const struct record_name *a, uint32_t na,
			   const struct record_name *b, uint32_t nb)
{
	uint32_t i;

	for (i = 0; i < na; i++) {
		const char *other = names_find(b, nb, a[i].id);

		if (other && strcmp(other, a[i].name) != 0)
			return true;
	}
	return false;
}

bool diff_entry_names(const struct diff *d)
{
	const struct record *a = d->rec[0], *b = d->rec[1];

	return names_disagree(a->users, a->n_users, b->users, b->n_users) ||
		names_disagree(a->groups, a->n_groups, b->groups,
			b->n_groups);
}

/* By name where both have one, else by number. */
static bool owner_same(const struct diff *d, bool group, uint32_t a,
		       uint32_t b)
{
	const struct record *ra = d->rec[0], *rb = d->rec[1];
	const char *x, *y;

	if (d->o->numeric_ids || (a == b && !d->names_differ))
		return a == b;
	x = group ? names_find(ra->groups, ra->n_groups, a) :
		names_find(ra->users, ra->n_users, a);
	y = group ? names_find(rb->groups, rb->n_groups, b) :
		names_find(rb->users, rb->n_users, b);
	return x && y ? strcmp(x, y) == 0 : a == b;
}

/* --- contents --- */

struct diff_piece {
	struct oid id;
	uint64_t len;
};

static int pieces_add(const struct piece *p, uint64_t off, void *ctx)
{
	struct diff_pieces *l = ctx;

	(void)off;
	if (p->transform == PIECE_HOLE) {
		l->holes += p->len;
		return 0;
	}
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct diff_piece *q = mem_resize(l->p, cap, sizeof(*q));

		if (!q)
			return err_nomem(l->e);
		l->p = q;
		l->cap = cap;
	}
	l->p[l->n++] = (struct diff_piece) { p->id, p->len };
	return 0;
}

static int piece_cmp(const void *x, const void *y)
{
	const struct diff_piece *a = x, *b = y;
	int c = oid_cmp(&a->id, &b->id);

	return c ? c : a->len < b->len ? -1 : a->len > b->len;
}

static int pieces_read(struct diff *d, struct diff_pieces *l,
		       const struct entry *en)
{
	int rc;

	l->n = 0;
	l->holes = 0;
	l->e = d->e;
	rc = file_each(d->rd, &en->content, en->size, pieces_add, l, d->e);
	if (rc == 0 && l->n > 1)
		qsort(l->p, l->n, sizeof(*l->p), piece_cmp);
	return rc;
}

/* What is in one and not in the other, counted as often as it is there. */
static void pieces_compare(const struct diff_pieces *a,
			   const struct diff_pieces *b, struct diff_item *it)
{
	size_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		int c = i == a->n ? 1 : j == b->n ? -1 :
			piece_cmp(&a->p[i], &b->p[j]);

		if (c < 0)
			it->removed_bytes += a->p[i].len;
		if (c > 0)
			it->added_bytes += b->p[j].len;
		i += c <= 0;
		j += c >= 0;
	}
	if (a->holes > b->holes)
		it->removed_bytes += a->holes - b->holes;
	else
		it->added_bytes += b->holes - a->holes;
}

static bool piece_same(const struct piece *a, const struct piece *b)
{
	return a->transform == b->transform && a->len == b->len &&
		(a->transform == PIECE_HOLE || oid_eq(&a->id, &b->id)) &&
		(a->transform != PIECE_BASE64 ||
		 (a->line_len == b->line_len && a->crlf == b->crlf &&
		  a->last_eol == b->last_eol));
}

static bool content_same(const struct content *a, const struct content *b)
{
	uint8_t i;

	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case CONTENT_NONE:
		return true;
	case CONTENT_INLINE:
		return a->data_len == b->data_len &&
			memcmp(a->data, b->data, a->data_len) == 0;
	case CONTENT_ONE:
		return oid_eq(&a->id, &b->id);
	case CONTENT_LIST:
		return a->level == b->level && oid_eq(&a->id, &b->id);
	case CONTENT_PIECES:
		break;
	}
	for (i = 0; i < a->n_pieces && i < b->n_pieces; i++)
		if (!piece_same(&a->piece[i], &b->piece[i]))
			return false;
	return a->n_pieces == b->n_pieces;
}

static int content_compare(struct diff *d, struct diff_item *it)
{
	const struct entry *a = it->a, *b = it->b;
	int rc;

	if (a->size == b->size && content_same(&a->content, &b->content))
		return 0;
	it->changes |= DIFF_CONTENT;
	/* Bytes kept in entries have no ids to compare. */
	if (a->content.kind == CONTENT_INLINE ||
	    b->content.kind == CONTENT_INLINE) {
		it->removed_bytes = a->size;
		it->added_bytes = b->size;
		return 0;
	}
	if ((rc = pieces_read(d, &d->pieces[0], a)) < 0 ||
	    (rc = pieces_read(d, &d->pieces[1], b)) < 0)
		return rc;
	pieces_compare(&d->pieces[0], &d->pieces[1], it);
	return 0;
}

void diff_entry_release(struct diff *d)
{
	free(d->pieces[0].p);
	free(d->pieces[1].p);
}

/* --- metadata --- */

static bool time_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool xattrs_same(const struct entry *a, const struct entry *b)
{
	return oid_eq(&a->xattrs_id, &b->xattrs_id) &&
		a->xattrs_len == b->xattrs_len &&
		(a->xattrs_len == 0 ||
		 memcmp(a->xattrs, b->xattrs, a->xattrs_len) == 0);
}

static void meta_compare(const struct diff *d, struct diff_item *it)
{
	const struct entry *a = it->a, *b = it->b;

	/* Of a directory that was not itself asked for nothing is known. */
	if ((a->flags | b->flags) & ENTRY_IMPLICIT)
		return;
	if ((a->mode & 07777) != (b->mode & 07777))
		it->changes |= DIFF_MODE;
	if (!owner_same(d, false, a->uid, b->uid) ||
	    !owner_same(d, true, a->gid, b->gid))
		it->changes |= DIFF_OWNER;
	if (!time_same(&a->mtime, &b->mtime))
		it->changes |= DIFF_MTIME;
	if ((a->flags & b->flags & ENTRY_CTIME) &&
	    !time_same(&a->ctime, &b->ctime))
		it->changes |= DIFF_CTIME;
	if (!xattrs_same(a, b))
		it->changes |= DIFF_XATTR;
}

static int entry_compare(struct diff *d, struct diff_item *it)
{
	const struct entry *a = it->a, *b = it->b;
	int rc = 0;

	if ((a->mode & S_IFMT) != (b->mode & S_IFMT) ||
	    a->rdev_major != b->rdev_major || a->rdev_minor != b->rdev_minor) {
		it->changes |= DIFF_TYPE;
		it->removed_bytes = S_ISREG(a->mode) ? a->size : 0;
		it->added_bytes = S_ISREG(b->mode) ? b->size : 0;
	} else if (S_ISREG(a->mode)) {
		rc = content_compare(d, it);
	} else if (S_ISLNK(a->mode) && (a->target_len != b->target_len ||
		   memcmp(a->target, b->target, a->target_len) != 0)) {
		it->changes |= DIFF_LINK;
	}
	if (rc == 0 && !d->o->content_only)
		meta_compare(d, it);
	return rc;
}

int diff_entry_compare(struct diff *d, struct diff_item *it)
{
	const struct entry *one = it->a ? it->a : it->b;

	if (it->a && it->b)
		return entry_compare(d, it);
	if (one->flags & ENTRY_IMPLICIT)
		return 0;
	it->changes = it->a ? DIFF_REMOVED : DIFF_ADDED;
	if (S_ISREG(one->mode))
		*(it->a ? &it->removed_bytes : &it->added_bytes) = one->size;
	return 0;
}
