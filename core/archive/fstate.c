/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/fstate.h"

#include <stdlib.h>
#include <string.h>

#include "archive/fstate_priv.h"
#include "archive/walk.h"
#include "base/hex.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/key.h"

#define FSTATE_RACY_NSEC 2000000000ll

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

/* The hash of a message's base name: what stays when flags change. */
static uint64_t fstate_name(const char *name)
{
	struct key_sum sum;
	uint64_t v;

	key_sum(&sum, name, walk_base_len(name));
	memcpy(&v, sum.b, sizeof(v));
	return v;
}

/* Devices keep their numbers, unless there are too many from former times. */
static void fstate_take_devs(struct fstate *f)
{
	unsigned i;

	if (f->old.n_devs > FSTATE_DEVICES_MAX / 2)
		fstate_old_close(&f->old);
	for (i = 0; i < f->old.n_devs; i++)
		f->new.devs[f->new.n_devs++] = fstate_old_dev(&f->old, i);
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
	f->new.heap_fd = f->new.key_fd = -1;
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
	fstate_take_devs(f);
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

static bool fstate_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Nothing that the mode looks at has changed. */
static bool fstate_is_same(const struct fstate *f,
			   const struct fstate_record *r,
			   const struct stat *st, bool same_name)
{
	if (r->size != (uint64_t)st->st_size)
		return false;
	if ((f->mode & (FSTATE_CTIME | FSTATE_MTIME)) &&
	    !fstate_same(&r->mtime, &st->st_mtim))
		return false;
	return !(f->mode & FSTATE_CTIME) || r->hit.same_ctime || same_name;
}

bool fstate_find(struct fstate *f, const struct stat *st, bool message,
		 const char *name, struct fstate_hit *hit)
{
	struct fstate_record r;
	bool same, same_name;

	hit->known = hit->young = false;
	if (f->mode == FSTATE_DISABLED || (f->mode & FSTATE_RECHUNK) ||
	    !fstate_old_find(&f->old, st->st_dev, st->st_ino, &r))
		return false;
	r.hit.same_ctime = fstate_same(&r.ctime, &st->st_ctim);
	same_name = message && r.name && r.name == fstate_name(name);
	/* A message does not change: the inode came to another one. */
	if (message && !same_name && !r.hit.same_ctime)
		return false;
	fstate_old_see(&f->old, &r, st->st_nlink > 1);
	same = fstate_is_same(f, &r, st, same_name);
	hit->known = true;
	hit->young = same && r.young;
	if (!same || r.young)
		return false;
	*hit = r.hit;
	hit->known = true;
	hit->young = false;
	return true;
}

bool fstate_gone(const struct fstate *f, uint64_t *gone)
{
	*gone = 0;
	if (!f->old.map || (f->mode & FSTATE_RECHUNK) ||
	    f->old.n_seen > f->old.n)
		return false;
	*gone = f->old.n - f->old.n_seen;
	return true;
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

int fstate_add(struct fstate *f, const struct stat *st, bool message,
	       const char *name, const struct entry *en, int64_t read_nsec,
	       struct err *e)
{
	struct fstate_record r = {
		.ino = st->st_ino, .size = (uint64_t)st->st_size,
		.mtime = st->st_mtim, .ctime = st->st_ctim,
	};
	uint8_t room[FSTATE_RECORD_MAX];
	struct buf b = { room, 0, sizeof(room), sizeof(room) };
	struct err why = { .code = ERR_OK };
	int rc, dev;

	(void)e;
	if (!f->path || f->new.broken)
		return 0;
	r.young = (en->flags & ENTRY_CHANGED) || fstate_racy(st, read_nsec);
	dev = fstate_new_dev(&f->new, st->st_dev);
	if (dev < 0)
		return 0;
	r.dev = (unsigned)dev;
	if (message)
		r.name = fstate_name(name);
	rc = fstate_record_put(&b, &r, en, &why);
	if (rc == 0)
		rc = fstate_new_add(f, b.p, b.len, &why);
	if (rc < 0) {
		/* It costs the next run time, and this one nothing. */
		log_info("files", "the cache of file states is given up: %s",
			why.msg);
		f->new.broken = true;
	}
	return 0;
}
