/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * COMMIT POINT: the link or rename in put_name().  The bytes are on the
 * server's disk before it; the name is after the next barrier.
 */
#include "store/sftp_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/ops.h"

#define PUT_COMPARE (1u << 20)

/* A line that drops before a pack is through has the pack in parts, which
 * become smaller as long as none gets through. */
#define PUT_PART_MOST (2u << 20)
#define PUT_PART_LEAST (128u << 10)

/* From here on another connection is worth a login. */
#define PUT_LARGE (2u << 20)
#define PUT_VERY_LARGE (8u << 20)
#define PUT_LONG_TRIP ((int64_t)8 * 1000000)

struct put {
	enum store_kind k;
	const char *name;
	struct sftp_load load;
	unsigned flags;
	uint64_t total;
	char rel[LAYOUT_PATH_BYTES];
	char tmp[LAYOUT_PATH_BYTES];
	char dir[LAYOUT_PATH_BYTES];	/* SFTP_WAY_RENAME of a race; or "" */
	uint64_t from;		/* bytes that are surely on the disk */
	bool second;		/* its bytes go over the second line */
	bool begun;		/* tmp may be there */
	bool whole;		/* and has all its bytes */
	bool named;		/* a name was asked for: it may be there */
	bool again;		/* it failed, surely without making the name */
};

static int put_fresh(struct sftp *s, struct put *p, struct err *e)
{
	p->begun = p->whole = p->named = false;
	p->from = 0;
	p->dir[0] = '\0';
	return layout_tmp(&s->self, p->tmp, e);
}

/* tmp, open for writing.  One that was begun on an earlier connection goes on
 * where it was durable, if it still has that. */
static int put_open(struct sftp *s, struct sftp_conn *c, struct put *p,
		    struct sftp_handle *h, struct err *e)
{
	unsigned flags = SFTP_O_WRITE | SFTP_O_CREAT;
	char path[SFTP_PATH_BYTES];
	struct sftp_attrs at;
	uint32_t code;
	int64_t trip;
	int rc;

	if (!p->begun && !p->second && sftp_ready_take_tmp(s, c, p->tmp, h)) {
		p->begun = true;
		return 0;
	}
	sftp_path(s, p->tmp, path);
	if (p->from > 0) {
		if ((rc = sftp_lstat(c, path, &at, &code)) < 0)
			return rc;
		if (code != SFTP_OK || !at.has_size || at.size < p->from)
			p->from = 0;
	}
	if (!p->begun)
		flags |= SFTP_O_EXCL;
	p->begun = true;
	trip = clock_mono_nsec();
	if ((rc = sftp_open(c, path, flags, h, &code)) < 0)
		return rc;
	trip = clock_mono_nsec() - trip;
	if (trip < atomic_load(&s->trip_nsec))
		atomic_store(&s->trip_nsec, trip);
	if (code == SFTP_OK)
		return 0;
	return sftp_say(code, e, "cannot create '%s'", p->tmp);
}

/* Not a byte got through with parts of this size. */
static void put_part(struct sftp *s, uint64_t tried)
{
	uint64_t part = tried > PUT_PART_MOST ? PUT_PART_MOST : tried / 4;

	if (part < PUT_PART_LEAST)
		part = PUT_PART_LEAST;
	/* Two packs on their way are one loss. */
	atomic_compare_exchange_strong(&s->sync_bytes, &tried, part);
}

/* After one of these another put follows. */
static bool put_goes_on(enum store_kind k)
{
	return k == STORE_SESSIONS || k == STORE_DATA || k == STORE_META ||
		k == STORE_INDEX;
}

static int put_bytes(struct sftp *s, struct sftp_conn *c, struct put *p,
		     struct err *e)
{
	struct sftp_handle h;
	uint64_t from;
	int rc;

	if ((rc = put_open(s, c, p, &h, e)) < 0)
		return rc;
	if (!p->second && put_goes_on(p->k))
		sftp_ready_tmp(s, c);
	from = p->from;
	p->load.sync_bytes = atomic_load(&s->sync_bytes);
	rc = sftp_write_file(c, &h, &p->load, &p->from, e);
	if (rc < 0 && rc != ERR_RETRY)
		err_ctx(e, "'%s'", p->tmp);
	if (rc == ERR_RETRY && p->from == from)
		put_part(s, p->load.sync_bytes);
	p->whole = rc == 0;
	return rc;
}

/*
 * Where answers take long, what a connection may have under way fills a fast
 * line in part (sshd's window has 2 MiB): of two large files one goes over a
 * connection of its own.  Its name is made over the first, after its bytes
 * are durable.
 */
static int put_upload(struct sftp *s, struct sftp_conn *c, struct put *p,
		      struct err *e)
{
	bool large = p->total >= PUT_LARGE;
	bool other = large && atomic_load(&s->uploads[0]) >
		atomic_load(&s->uploads[1]);
	struct line *second = NULL;
	int rc;

	/* After one of that size others follow: it is there when they come. */
	if ((other || p->total >= PUT_VERY_LARGE) &&
	    atomic_load(&s->trip_nsec) >= PUT_LONG_TRIP)
		second = reach_second(&s->reach);
	if (!other) {
		line_unref(second);
		second = NULL;
	}
	p->second = second != NULL;
	atomic_fetch_add(&s->uploads[p->second], large);
	rc = put_bytes(s, second ? sftp_conn_of(second) : c, p, e);
	atomic_fetch_sub(&s->uploads[p->second], large);
	line_unref(second);
	return rc;
}

/* Are the bytes under the name ours? */
static int put_compare(struct sftp_conn *c, const struct sftp_handle *h,
		       const struct put *p, bool *same, struct err *e)
{
	const struct iovec *v = p->load.iov, *end = v + p->load.n;
	struct sftp_want want;
	struct buf b = BUF_INIT;
	uint64_t at = 0;
	size_t n, done;
	int rc = 0;

	*same = true;
	for (; rc == 0 && *same && v < end; v++)
		for (done = 0; rc == 0 && *same && done < v->iov_len;
		     done += n, at += n) {
			n = v->iov_len - done;
			n = n < PUT_COMPARE ? n : PUT_COMPARE;
			buf_clear(&b);
			rc = buf_reserve(&b, n, e);
			want = (struct sftp_want){ b.p, n, 0 };
			if (rc == 0)
				rc = sftp_read_bytes(c, h, at, &want, e);
			*same = rc == 0 && memcmp(b.p, (uint8_t *)
				v->iov_base + done, n) == 0;
		}
	buf_release(&b);
	return rc;
}

/* The name is taken.  By us, if the answer to an earlier try was lost? */
static int put_judge(struct sftp_conn *c, struct put *p, const char *path,
		     uint64_t size, bool inner, struct err *e)
{
	char file[SFTP_PATH_BYTES + sizeof(LAYOUT_INNER)];
	struct sftp_handle h;
	uint32_t code;
	bool same;
	int rc;

	if (!p->named || size != p->total)
		return sftp_say_exist(p->k, p->name, e);
	snprintf(file, sizeof(file), "%s%s", path, inner ? LAYOUT_INNER : "");
	if ((rc = sftp_open(c, file, SFTP_O_READ, &h, &code)) < 0)
		return rc;
	if (code != SFTP_OK)
		return sftp_say(code, e, "cannot open '%s'", p->rel);
	rc = put_compare(c, &h, p, &same, e);
	sftp_close_later(c, &h);
	if (rc == 0 && !same)
		rc = sftp_say_exist(p->k, p->name, e);
	return rc;
}

/* tmp goes into a folder of its own, and that gets the name. */
static int put_name_dir(struct sftp *s, struct sftp_conn *c, struct put *p,
			const char *tmp, const char *path, uint32_t *code)
{
	char dir[SFTP_PATH_BYTES], file[SFTP_PATH_BYTES +
		sizeof(LAYOUT_INNER)];
	struct strv sync = STRV_INIT;
	uint64_t size;
	bool can;
	int rc;

	*code = SFTP_FAILURE;
	if (p->dir[0] == '\0' && layout_tmp(&s->self, p->dir, NULL) < 0)
		return 0;
	sftp_path(s, p->dir, dir);
	snprintf(file, sizeof(file), "%s" LAYOUT_INNER, dir);
	/* Either may have been done on a connection that was lost. */
	if ((rc = sftp_mkdir(c, dir, code)) < 0 ||
	    (rc = sftp_rename(c, tmp, file, code)) < 0)
		return rc;
	if (*code != SFTP_OK) {
		rc = sftp_size(c, file, &size, &can, code);
		if (rc < 0 || *code != SFTP_OK)
			return rc;
	}
	rc = strv_add(&sync, p->dir, NULL);
	if (rc == 0)
		rc = sftp_sync_paths(s, c, &sync, &can, NULL);
	strv_release(&sync);
	if (rc == ERR_RETRY)
		return rc;
	if (rc < 0) {
		*code = SFTP_FAILURE;
		return 0;
	}
	return sftp_rename(c, dir, path, code);
}

static int put_try(struct sftp *s, struct sftp_conn *c, struct put *p,
		   const char *tmp, const char *path, uint32_t *code)
{
	bool named = p->named;
	int rc;

	/* True from now on, if the answer does not come. */
	p->named = true;
	if (atomic_load(&s->way) == SFTP_WAY_LINK)
		rc = sftp_link(c, tmp, path, code);
	else if (p->flags & STORE_PUT_RACE)
		rc = put_name_dir(s, c, p, tmp, path, code);
	else
		rc = sftp_rename(c, tmp, path, code);
	if (rc == 0)
		p->named = named;
	return rc;
}

/* No name, and nobody has it.  A folder or tmp is missing? */
static int put_unnamed(struct sftp *s, struct sftp_conn *c, struct put *p,
		       uint32_t code, struct err *e)
{
	char folder[LAYOUT_FOLDER_BYTES], path[SFTP_PATH_BYTES];
	uint32_t ignored;
	int rc;

	p->again = true;
	if (layout_folder(p->k, p->name) >= LAYOUT_FAN_DATA) {
		layout_folder_path(layout_folder(p->k, p->name), folder);
		rc = sftp_mkdir(c, sftp_path(s, folder, path), &ignored);
		if (rc < 0)
			return rc;
	}
	return sftp_say(code, e, "cannot create '%s'", p->rel);
}

static int put_name(struct sftp *s, struct sftp_conn *c, struct put *p,
		    struct err *e)
{
	char tmp[SFTP_PATH_BYTES], path[SFTP_PATH_BYTES];
	char folder[LAYOUT_FOLDER_BYTES];
	uint32_t code, seen;
	uint64_t size;
	bool inner;
	int rc;

	sftp_path(s, p->tmp, tmp);
	sftp_path(s, p->rel, path);
	layout_folder_path(layout_folder(p->k, p->name), folder);
	sftp_ready_folder(s, c, folder,
		layout_folder(p->k, p->name) >= LAYOUT_FAN_DATA);
	if (!sftp_conn_caps(c)->hardlink)
		atomic_store(&s->way, SFTP_WAY_RENAME);
	for (;;) {
		if ((rc = put_try(s, c, p, tmp, path, &code)) < 0)
			return rc;
		if (code == SFTP_OK)
			return 0;
		if ((rc = sftp_size(c, path, &size, &inner, &seen)) < 0)
			return rc;
		if (seen == SFTP_OK)
			return put_judge(c, p, path, size, inner, e);
		if (atomic_load(&s->way) == SFTP_WAY_RENAME ||
		    code == SFTP_NO_SUCH_FILE)
			return put_unnamed(s, c, p, code, e);
		log_debug("ssh", "%s: no links there", s->store.url);
		atomic_store(&s->way, SFTP_WAY_RENAME);
	}
}

static void put_tidy(struct sftp *s, struct sftp_conn *c, struct put *p,
		     int rc)
{
	char path[SFTP_PATH_BYTES];

	/* A link leaves tmp, a rename does not. */
	if (rc < 0 || atomic_load(&s->way) == SFTP_WAY_LINK)
		sftp_remove_later(c, sftp_path(s, p->tmp, path));
	if ((rc < 0 || p->named) && p->dir[0] != '\0')
		sftp_tmp_remove(c, sftp_path(s, p->dir, path));
}

static int put_op(struct sftp *s, struct sftp_conn *c, void *arg,
		  struct err *e)
{
	struct put *p = arg;
	uint64_t no = reach_no(&s->reach);
	int rc = 0, touched;

	p->again = !p->named;
	if (!p->whole)
		rc = put_upload(s, c, p, e);
	if (rc == 0) {
		p->again = false;
		rc = put_name(s, c, p, e);
		if (rc == ERR_RETRY)
			return rc;
		touched = barrier_touch(&s->barrier, layout_folder(p->k,
			p->name), no, p->rel, rc < 0 ? NULL : e);
		rc = rc == 0 ? touched : rc;
	}
	if (rc != ERR_RETRY)
		put_tidy(s, c, p, rc);
	return rc;
}

/* SFTP has no words for a full disk. */
static int put_full(struct sftp *s, const struct put *p, int rc,
		    struct err *e)
{
	uint64_t free_bytes = 0, total_bytes = 0;
	bool known = s->store.ops->space(&s->store, &free_bytes,
		&total_bytes, NULL) == 0;

	if (rc != ERR_FULL && (rc != ERR_IO || !known ||
	    free_bytes > p->total + (1u << 20)))
		return rc;
	if (!known)
		return err_set(e, ERR_FULL, "no space left for '%s'", p->rel);
	return err_set(e, ERR_FULL, "no space left for '%s' (%.1f of %.1f "
		"GiB are free)", p->rel, (double)free_bytes / (1 << 30),
		(double)total_bytes / (1 << 30));
}

int sftp_put(struct store *store, enum store_kind k, const char *name,
	     const struct iovec *iov, int n, unsigned flags, struct err *e)
{
	struct sftp *s = (struct sftp *)(void *)store;
	struct put p = { .k = k, .name = name, .flags = flags,
		.load = { iov, n, 0 } };
	int i, rc;

	for (i = 0; i < n; i++)
		p.total += iov[i].iov_len;
	layout_path(k, name, p.rel);
	sftp_early_forget(s->early, k);
	sftp_tmp_tidy(s);
	if ((rc = put_fresh(s, &p, e)) < 0)
		return rc;
	rc = sftp_do(s, put_op, &p, e);
	if (p.again && (rc == ERR_IO || rc == ERR_NOENT)) {
		log_debug("ssh", "putting '%s' once more", p.rel);
		if ((rc = put_fresh(s, &p, e)) < 0)
			return rc;
		rc = sftp_do(s, put_op, &p, e);
	}
	if (rc == ERR_IO || rc == ERR_FULL)
		rc = put_full(s, &p, rc, e);
	/* A folder of the repository is missing; no caller knows that one. */
	if (rc == ERR_NOENT)
		rc = err_set(e, ERR_CORRUPT, "%s", e ? e->msg : "");
	return rc;
}
