/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/fstate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/fstate_priv.h"
#include "archive/walk.h"
#include "base/hex.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rd.h"
#include "base/wr.h"

#define FSTATE_RACY_NSEC 2000000000ll
#define FSTATE_BLOB_MAX 0xffffffu
enum blob_flags { BLOB_XATTRS_ID = 1 << 0 };

int fstate_parse_mode(unsigned *mode, const char *text, struct err *e)
{
	static const struct {
		const char *text;
		unsigned mode;
	} modes[] = {
		{ "ctime,size,inode", FSTATE_DEFAULT },
		{ "mtime,size,inode", FSTATE_MTIME | FSTATE_SIZE |
			FSTATE_INODE },
		{ "ctime,size", FSTATE_CTIME | FSTATE_SIZE },
		{ "mtime,size", FSTATE_MTIME | FSTATE_SIZE },
		{ "rechunk,ctime", FSTATE_RECHUNK | FSTATE_CTIME },
		{ "rechunk,mtime", FSTATE_RECHUNK | FSTATE_MTIME },
		{ "size", FSTATE_SIZE },
		{ "disabled", FSTATE_DISABLED },
	};
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(text, modes[i].text) == 0) {
			*mode = modes[i].mode;
			return 0;
		}
	return err_set(e, ERR_CONFIG, "'%s' is no mode of the files cache: "
		"ctime,size,inode mtime,size,inode ctime,size mtime,size "
		"rechunk,ctime rechunk,mtime size disabled", text);
}

void fstate_sum(uint8_t out[FSTATE_SUM_BYTES], const void *p, size_t len)
{
	struct key_sum sum;

	key_sum(&sum, p, len);
	memcpy(out, sum.b, FSTATE_SUM_BYTES);
}

static uint8_t *put64(uint8_t *p, uint64_t v)
{
	int i;

	for (i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
	return p + 8;
}

void fstate_record_put(uint8_t out[FSTATE_RECORD],
		       const struct fstate_record *r)
{
	out = put64(out, r->dev);
	out = put64(out, r->ino);
	out = put64(out, r->size);
	out = put64(out, (uint64_t)r->mtime_sec);
	out = put64(out, (uint64_t)r->ctime_sec);
	out = put64(out, (uint64_t)r->ctime_nsec << 32 | r->mtime_nsec);
	out = put64(out, r->name);
	put64(out, r->blob);
}

void fstate_record_get(struct fstate_record *r,
		       const uint8_t in[FSTATE_RECORD])
{
	struct rd d;

	rd_init(&d, in, FSTATE_RECORD);
	r->dev = rd_le64(&d);
	r->ino = rd_le64(&d);
	r->size = rd_le64(&d);
	r->mtime_sec = (int64_t)rd_le64(&d);
	r->ctime_sec = (int64_t)rd_le64(&d);
	r->mtime_nsec = rd_le32(&d);
	r->ctime_nsec = rd_le32(&d);
	r->name = rd_le64(&d);
	r->blob = rd_le64(&d);
}

/* The hash of a message's base name: what stays when flags change. */
static uint64_t fstate_name(const char *name)
{
	struct key_sum sum;
	uint64_t v;

	key_sum(&sum, name, walk_base_len(name));
	memcpy(&v, sum.b, sizeof(v));
	return v;
}

int fstate_open(struct fstate **out, const char *dir, const char *series,
		unsigned mode, struct err *e)
{
	struct fstate *f = mem_zero(1, sizeof(*f));
	char hex[33];
	struct oid h;

	*out = NULL;
	if (!f)
		return err_nomem(e);
	f->mode = mode;
	f->new.heap_fd = f->new.record_fd = -1;
	if (dir && mode != FSTATE_DISABLED) {
		key_hash(&h, NULL, series, strlen(series), NULL, 0, NULL, 0);
		f->path = mem_printf("%s/%s", dir, hex_put(hex, h.b, 16));
		if (!f->path || io_make_dirs(dir, NULL) < 0) {
			free(f->path);
			f->path = NULL;
		}
	}
	if (f->path)
		fstate_old_open(&f->old, f->path);
	*out = f;
	return 0;
}

void fstate_close(struct fstate *f)
{
	if (!f)
		return;
	fstate_old_close(&f->old);
	fstate_new_discard(&f->new);
	free(f->path);
	free(f);
}

static bool fstate_get_blob(struct fstate *f, const struct fstate_record *r,
			    struct fstate_hit *hit)
{
	const uint8_t *blob;
	uint8_t flags;
	struct rd d;
	size_t len;

	blob = fstate_old_blob(&f->old, r, &len);
	if (!blob)
		return false;
	rd_init(&d, blob, len);
	flags = rd_u8(&d);
	hit->fsflags = (uint32_t)rd_varint_max(&d, UINT32_MAX);
	hit->xattrs_len = (uint32_t)rd_varint_max(&d, ENTRY_XATTR_INLINE_MAX);
	hit->xattrs = rd_bytes(&d, hit->xattrs_len);
	if (hit->xattrs_len == 0)
		hit->xattrs = NULL;
	if (flags & BLOB_XATTRS_ID)
		rd_copy(&d, hit->xattrs_id.b, sizeof(hit->xattrs_id.b));
	content_get(&d, &hit->content);
	return rd_done(&d);
}

bool fstate_find(struct fstate *f, const struct stat *st, bool message,
		 const char *name, struct fstate_hit *hit)
{
	struct fstate_record r;

	memset(hit, 0, sizeof(*hit));
	if (f->mode == FSTATE_DISABLED || (f->mode & FSTATE_RECHUNK) ||
	    !fstate_old_find(&f->old, st->st_dev, st->st_ino, &r))
		return false;
	hit->same_ctime = r.ctime_sec == st->st_ctim.tv_sec &&
		r.ctime_nsec == (uint32_t)st->st_ctim.tv_nsec;
	if (r.size != (uint64_t)st->st_size)
		return false;
	if ((f->mode & (FSTATE_CTIME | FSTATE_MTIME)) &&
	    (r.mtime_sec != st->st_mtim.tv_sec ||
	     r.mtime_nsec != (uint32_t)st->st_mtim.tv_nsec))
		return false;
	if ((f->mode & FSTATE_CTIME) && !hit->same_ctime &&
	    !(message && r.name == fstate_name(name)))
		return false;
	return fstate_get_blob(f, &r, hit);
}

static int64_t fstate_nsec(const struct timespec *ts)
{
	if (ts->tv_sec > INT64_MAX / 1000000000 - 1)
		return INT64_MAX;
	if (ts->tv_sec < INT64_MIN / 1000000000 + 1)
		return INT64_MIN;
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

static bool fstate_racy(const struct stat *st, int64_t read_nsec)
{
	int64_t limit = read_nsec - FSTATE_RACY_NSEC;
	int64_t mtime = fstate_nsec(&st->st_mtim);

	/* A time that somebody set in the future says nothing. */
	return fstate_nsec(&st->st_ctim) >= limit ||
		(mtime >= limit && mtime <= read_nsec + FSTATE_RACY_NSEC);
}

static int fstate_put_blob(struct buf *b, const struct entry *en,
			   struct err *e)
{
	bool id = !oid_is_zero(&en->xattrs_id);
	struct wr w;

	wr_init(&w, b);
	wr_u8(&w, id ? BLOB_XATTRS_ID : 0);
	wr_varint(&w, en->fsflags);
	wr_varint(&w, en->xattrs_len);
	wr_bytes(&w, en->xattrs, en->xattrs_len);
	if (id)
		wr_bytes(&w, en->xattrs_id.b, sizeof(en->xattrs_id.b));
	content_put(&w, &en->content);
	return wr_done(&w, e);
}

int fstate_add(struct fstate *f, const struct stat *st, bool message,
	       const char *name, const struct entry *en, int64_t read_nsec,
	       struct err *e)
{
	struct fstate_record r = {
		.dev = st->st_dev, .ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_sec = st->st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
		.ctime_sec = st->st_ctim.tv_sec,
		.ctime_nsec = (uint32_t)st->st_ctim.tv_nsec,
	};
	struct err why = { ERR_OK, "" };
	uint8_t room[2048];
	struct buf b = { room, 0, sizeof(room), sizeof(room) };
	int rc;

	(void)e;
	if (!f->path || f->new.broken || fstate_racy(st, read_nsec))
		return 0;
	if (message)
		r.name = fstate_name(name);
	rc = fstate_put_blob(&b, en, &why);
	if (rc == 0)
		rc = fstate_append(f, &r, b.p, b.len, &why);
	if (rc < 0) {
		/* It costs the next run time, and this one nothing. */
		log_info("files", "the cache of file states is given up: %s",
			why.msg);
		f->new.broken = true;
	}
	return 0;
}
