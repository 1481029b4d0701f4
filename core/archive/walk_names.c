/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "archive/walk_priv.h"
#include "base/mem.h"

#define DENTS_BYTES (256u << 10)
#define KEEP_BYTES (1u << 20)

const char *walk_names_at(const struct walk_names *l, size_t i)
{
	return (const char *)l->text.p + l->v[i].off;
}

int walk_names_add(struct walk_names *l, const char *name, uint64_t ino,
		   unsigned type, unsigned round, struct err *e)
{
	size_t cap = l->cap ? l->cap * 2 : 64;
	struct walk_name *v;
	int rc;

	if (l->n == l->cap) {
		v = mem_resize(l->v, cap, sizeof(*v));
		if (!v)
			return err_nomem(e);
		l->v = v;
		l->cap = cap;
	}
	if (l->text.len > UINT32_MAX - NAME_MAX - 1)
		return err_set(e, ERR_NOMEM,
			       "a directory has too many names");
	l->v[l->n] = (struct walk_name){ .ino = ino,
		.off = (uint32_t)l->text.len, .type = (uint8_t)type,
		.round = (uint8_t)round };
	rc = buf_append(&l->text, name, strlen(name) + 1, e);
	if (rc == 0)
		l->n++;
	return rc;
}

static bool names_is_dots(const char *name)
{
	return name[0] == '.' &&
	       (!name[1] || (name[1] == '.' && !name[2]));
}

int walk_names_read(struct walk_names *l, int fd, struct buf *dents,
		    unsigned round, int *errnum, struct err *e)
{
	const struct dirent64 *d;
	ssize_t got, at;
	int rc = 0;

	*errnum = 0;
	if (dents->cap < DENTS_BYTES)
		rc = buf_resize(dents, DENTS_BYTES, e);
	while (rc == 0) {
		got = getdents64(fd, dents->p, dents->cap);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			*errnum = got < 0 ? errno : 0;
			break;
		}
		for (at = 0; rc == 0 && at < got; at += d->d_reclen) {
			d = (const void *)(dents->p + at);
			if (!names_is_dots(d->d_name))
				rc = walk_names_add(l, d->d_name, d->d_ino,
						    d->d_type, round, e);
		}
	}
	return rc;
}

static size_t names_common(const struct walk_names *l)
{
	const char *first = walk_names_at(l, 0), *s;
	size_t len = strlen(first), i, k;

	for (i = 1; i < l->n && len; i++) {
		s = walk_names_at(l, i);
		for (k = 0; k < len && s[k] == first[k]; k++)
			;
		len = k;
	}
	return len;
}

/* Eight bytes as a number that sorts as they do; zeroes behind the end. */
static uint64_t names_key(const char *s)
{
	uint64_t key = 0;
	int i;

	for (i = 0; i < 8; i++)
		key = key << 8 | (*s ? (uint8_t)*s++ : 0);
	return key;
}

static int names_cmp(const void *a, const void *b, void *text)
{
	const struct walk_name *x = a, *y = b;
	int d;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	d = strcmp((const char *)text + x->off, (const char *)text + y->off);
	return d ? d : (x->round > y->round) - (x->round < y->round);
}

void walk_names_sort(struct walk_names *l)
{
	size_t skip, i, n = 0;

	if (l->n == 0)
		return;
	skip = names_common(l);
	for (i = 0; i < l->n; i++)
		l->v[i].key = names_key(walk_names_at(l, i) + skip);
	qsort_r(l->v, l->n, sizeof(*l->v), names_cmp, l->text.p);
	for (i = 0; i < l->n; i++) {
		if (i + 1 < l->n && l->v[i].key == l->v[i + 1].key &&
		    strcmp(walk_names_at(l, i), walk_names_at(l, i + 1)) == 0)
			continue;
		l->v[n++] = l->v[i];
	}
	l->n = n;
}

/* strcmp(have, name[0..len) + tail) */
static int names_cmp_tail(const char *have, const char *name, size_t len,
			  const char *tail)
{
	int d = strncmp(have, name, len);

	return d ? d : strcmp(have + len, tail);
}

size_t walk_names_place(const struct walk_names *l, const char *name,
			size_t len, const char *tail)
{
	size_t lo = 0, hi = l->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (names_cmp_tail(walk_names_at(l, mid), name, len, tail) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

ssize_t walk_names_find(const struct walk_names *l, const char *name)
{
	size_t i = walk_names_place(l, name, strlen(name), "");

	if (i < l->n && strcmp(walk_names_at(l, i), name) == 0)
		return (ssize_t)i;
	return -1;
}

void walk_names_clear(struct walk_names *l)
{
	if (l->text.cap > KEEP_BYTES || l->cap * sizeof(*l->v) > KEEP_BYTES) {
		walk_names_release(l);
		return;
	}
	l->n = 0;
	buf_clear(&l->text);
}

void walk_names_release(struct walk_names *l)
{
	free(l->v);
	buf_release(&l->text);
	*l = (struct walk_names){ 0 };
}

int walk_open(int dirfd, const char *name, int flags)
{
	int fd = openat(dirfd, name, flags | O_CLOEXEC | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = openat(dirfd, name, flags | O_CLOEXEC);
	return fd;
}
