/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/tar_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/tar_priv.h"
#include "base/mem.h"

struct tar_read *tar_read_new(tar_read_fn *fn, void *ctx, bool ignore_zeros)
{
	struct tar_read *t = mem_zero(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fn = fn;
	t->ctx = ctx;
	t->ignore_zeros = ignore_zeros;
	t->pax.map = &t->map;
	t->window = mem_alloc(TAR_READ_WINDOW);
	if (!t->window) {
		free(t);
		return NULL;
	}
	t->global.max = t->local.max = TAR_READ_PAX_MAX;
	t->long_name.max = t->long_link.max = TAR_READ_PAX_MAX;
	return t;
}

void tar_read_free(struct tar_read *t)
{
	if (!t)
		return;
	free(t->window);
	free(t->map.x);
	tar_pax_release(&t->pax);
	buf_release(&t->global);
	buf_release(&t->local);
	buf_release(&t->long_name);
	buf_release(&t->long_link);
	buf_release(&t->path);
	buf_release(&t->link);
	buf_release(&t->xattrs);
	free(t);
}

/* --- bytes --- */

int tar_read_need(struct tar_read *t, size_t want, struct err *e)
{
	while (t->len < want && !t->eof) {
		ssize_t n;

		if (t->head + t->len == TAR_READ_WINDOW || t->len == 0) {
			memmove(t->window, t->window + t->head, t->len);
			t->head = 0;
		}
		n = t->fn(t->ctx, t->window + t->head + t->len,
			TAR_READ_WINDOW - t->head - t->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, errno, "cannot read the tar file");
		t->eof = n == 0;
		t->len += (size_t)n;
	}
	return 0;
}

void tar_read_used(struct tar_read *t, size_t n)
{
	t->head += n;
	t->len -= n;
	t->pos += n;
}

int tar_read_early(const struct tar_read *t, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the tar file ends early, after %" PRIu64
		" bytes", t->pos + t->len);
}

int tar_read_block(struct tar_read *t, const uint8_t **p, struct err *e)
{
	int rc = tar_read_need(t, TAR_BLOCK, e);

	*p = NULL;
	if (rc < 0 || t->len == 0)
		return rc;
	if (t->len < TAR_BLOCK)
		return tar_read_early(t, e);
	*p = t->window + t->head;
	tar_read_used(t, TAR_BLOCK);
	return 0;
}

int tar_read_skip(struct tar_read *t, uint64_t n, struct err *e)
{
	int rc;

	while (n > 0) {
		size_t some;

		if ((rc = tar_read_need(t, 1, e)) < 0)
			return rc;
		if (t->len == 0)
			return tar_read_early(t, e);
		some = t->len < n ? t->len : (size_t)n;
		tar_read_used(t, some);
		n -= some;
	}
	return 0;
}

/* All that a header announced, into 'out': a pax header or a long name. */
static int read_body(struct tar_read *t, struct buf *out, uint64_t size,
		     struct err *e)
{
	int rc;

	buf_clear(out);
	if (size > TAR_READ_PAX_MAX)
		return err_set(e, ERR_CORRUPT, "the tar file has a header of %"
			PRIu64 " bytes, at byte %" PRIu64, size, t->pos);
	while (size > out->len) {
		size_t some = (size_t)size - out->len;

		if ((rc = tar_read_need(t, 1, e)) < 0)
			return rc;
		if (t->len == 0)
			return tar_read_early(t, e);
		if (some > t->len)
			some = t->len;
		rc = buf_append(out, t->window + t->head, some, e);
		if (rc < 0)
			return rc;
		tar_read_used(t, some);
	}
	return tar_read_skip(t, (0 - size) % TAR_BLOCK, e);
}

/* --- the stream --- */

/* What it looks like, for those who forgot to decompress it. */
static int read_foreign(const struct tar_read *t, const uint8_t *b,
			struct err *e)
{
	static const struct {
		const char *magic, *name, *tool;
	} row[] = {
		{ "\x1f\x8b", "gzip", "gzip" }, { "\x28\xb5\x2f\xfd", "zstd",
		  "zstd" }, { "\xfd" "7zXZ", "xz", "xz" },
		{ "BZh", "bzip2", "bzip2" }, { "\x04\x22\x4d\x18", "lz4",
		  "lz4" }
	};
	size_t i;

	for (i = 0; !t->any && i < sizeof(row) / sizeof(*row); i++)
		if (memcmp(b, row[i].magic, strlen(row[i].magic)) == 0)
			return err_set(e, ERR_CORRUPT, "this is no tar file, "
				"but one compressed with %s: put it through "
				"'%s -dc'", row[i].name, row[i].tool);
	if (!t->any)
		return err_set(e, ERR_CORRUPT, "this is no tar file");
	return err_set(e, ERR_CORRUPT, "the tar file is damaged: no header at "
		"byte %" PRIu64, t->pos - TAR_BLOCK);
}

/* All that is left, so that who writes it is not cut off. */
static int read_drain(struct tar_read *t, struct err *e)
{
	int rc;

	t->ended = true;
	while (!t->eof) {
		tar_read_used(t, t->len);
		if ((rc = tar_read_need(t, 1, e)) < 0)
			return rc;
	}
	return 0;
}

/* A header that belongs to the next one: 1; 0: it is a member's own. */
static int read_extra(struct tar_read *t, const uint8_t *b, struct err *e)
{
	struct buf *to = NULL;
	int64_t size;
	uint64_t n;
	int rc;

	switch (b[TAR_TYPE]) {
	case 'x':
	case 'X':
		to = &t->local;
		t->has_local = true;
		break;
	case 'g':
		to = &t->global;
		break;
	case 'L':
		to = &t->long_name;
		t->has_name = true;
		break;
	case 'K':
		to = &t->long_link;
		t->has_link = true;
		break;
	case 'V':
	case 'N':
		break;
	case 'M':
		return err_set(e, ERR_CORRUPT, "the tar file begins inside a "
			"file: it is a later volume of several");
	default:
		return 0;
	}
	if (!tar_member_number(b + TAR_SIZE, 12, &size) || size < 0)
		return tar_member_bad(t, "size", e);
	n = (uint64_t)size;
	rc = to ? read_body(t, to, n, e) :
		tar_read_skip(t, n + (0 - n) % TAR_BLOCK, e);
	return rc < 0 ? rc : 1;
}

int tar_read_next(struct tar_read *t, const struct tar_member **m,
		  struct err *e)
{
	bool zero = false;
	const uint8_t *b;
	int rc;

	*m = &t->m;
	if (t->ended)
		return 0;
	rc = tar_read_skip(t, t->left + t->pad, e);
	t->left = t->pad = 0;
	while (rc == 0 && (rc = tar_read_block(t, &b, e)) == 0) {
		if (!b) {
			/* Only zeroes say that this is really the end. */
			t->ended = true;
			return zero ? 0 : tar_read_early(t, e);
		}
		if (tar_member_zero(b)) {
			if (zero && !t->ignore_zeros)
				return read_drain(t, e);
			zero = true;
			continue;
		}
		if (zero && !t->ignore_zeros)
			return read_drain(t, e);
		zero = false;
		if (!tar_member_sum_ok(b))
			return read_foreign(t, b, e);
		t->any = true;
		rc = read_extra(t, b, e);
		if (rc == 0)
			return (rc = tar_member_make(t, b, e)) < 0 ? rc : 1;
		rc = rc > 0 ? 0 : rc;
	}
	return rc;
}

int tar_read_data(struct tar_read *t, const uint8_t **p, uint64_t *len,
		  bool *hole, struct err *e)
{
	const struct tar_extent *x = t->at < t->map.n ? &t->map.x[t->at] :
		NULL;
	uint64_t end = x ? x->off : t->m.en.size;
	int rc;

	*p = NULL;
	*hole = false;
	*len = 0;
	if (t->m.en.size == t->off)
		return 0;
	if (t->off < end) {
		*hole = true;
		*len = end - t->off;
		t->off = end;
		return 1;
	}
	if ((rc = tar_read_need(t, 1, e)) < 0)
		return rc;
	if (t->len == 0)
		return tar_read_early(t, e);
	*len = x->off + x->len - t->off;
	if (*len > t->len)
		*len = t->len;
	*p = t->window + t->head;
	tar_read_used(t, (size_t)*len);
	t->left -= *len;
	t->off += *len;
	if (t->off == x->off + x->len)
		t->at++;
	return 1;
}
