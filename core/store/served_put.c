/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files on their way in.  COMMIT POINT: the local store's, once all of a file
 * is here and is what its name says.  What was received of a pack when the
 * line was lost is kept in serve/part/, so that the client need not send it
 * again; it is worth nothing until the whole is verified.
 */
#include "store/served_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "store/ops.h"

#define PARTS "part"
enum {
	PARTS_MAX = 4,
	PART_MAX = 64 << 20,		/* bytes: a pack's */
	PART_STALE_SECS = 86400,
	PART_PATH_BYTES = sizeof(PARTS) + STORE_NAME_MAX + 64,
	PUT_COMPARE = 1 << 20
};

static struct served_put *put_find(struct served *s, uint32_t id)
{
	unsigned i;

	for (i = 0; i < SERVED_PUTS; i++)
		if (s->put[i].used && s->put[i].id == id)
			return &s->put[i];
	return NULL;
}

static void put_forget(struct served *s, struct served_put *p)
{
	s->put_bytes -= p->b.len;
	buf_release(&p->b);
	memset(p, 0, sizeof(*p));
}

/* What still comes of it is thrown away. */
static void put_refuse(struct served *s, struct served_put *p, int rc,
		       const struct err *e)
{
	served_end(s, p->id, rc, e);
	s->put_bytes -= p->b.len;
	buf_release(&p->b);
	p->refused = true;
	if (p->got == p->msg.size)
		put_forget(s, p);
}

static const char *part_path(const struct serve_name *n, const char *end,
			     char out[PART_PATH_BYTES])
{
	snprintf(out, PART_PATH_BYTES, PARTS "/%s.%s%s",
		store_kind_name(n->kind), n->name, end);
	return out;
}

static bool part_is_kept(const struct serve_name *n)
{
	return n->kind == STORE_DATA || n->kind == STORE_META;
}

/* Another process may take it at the same time: that is no harm. */
static void part_load(struct served *s, struct served_put *p)
{
	struct buf b = { .max = PART_MAX };
	char path[PART_PATH_BYTES];

	if (!part_is_kept(&p->msg.n))
		return;
	part_path(&p->msg.n, "", path);
	if (io_read_file(s->dir, path, &b, NULL) == 0 &&
	    b.len < p->msg.size) {
		buf_release(&p->b);
		p->b = b;
		p->b.max = 0;
		p->got = b.len;
		s->put_bytes += b.len;
		b = (struct buf)BUF_INIT;
	}
	unlinkat(s->dir, path, 0);
	buf_release(&b);
}

static unsigned part_each(struct served *s, bool tidy)
{
	int fd = openat(s->dir, PARTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	struct stat st;
	unsigned n = 0;

	if (fd >= 0 && !d)
		close(fd);
	while (d && (de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.' || fstatat(fd, de->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		n++;
		if (tidy && st.st_mtim.tv_sec + PART_STALE_SECS <
		    clock_wall_nsec() / 1000000000)
			unlinkat(fd, de->d_name, 0);
	}
	if (d)
		closedir(d);
	return n;
}

void served_put_tidy(struct served *s)
{
	part_each(s, true);
}

/* Not synced: bytes that get lost are sent again. */
static void part_save(struct served *s, struct served_put *p)
{
	char path[PART_PATH_BYTES], tmp[PART_PATH_BYTES], end[32];
	struct iovec iov = { p->b.p, p->b.len };
	int fd, rc;

	if (!part_is_kept(&p->msg.n) || p->b.len < SERVE_PART_MIN ||
	    p->b.len > PART_MAX || p->b.len == p->saved ||
	    (p->saved == 0 && part_each(s, false) >= PARTS_MAX))
		return;
	if (mkdirat(s->dir, PARTS, 0700) < 0 && errno != EEXIST)
		return;
	snprintf(end, sizeof(end), ".%u", (unsigned)getpid());
	fd = openat(s->dir, part_path(&p->msg.n, end, tmp), O_WRONLY |
		O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	rc = io_writev(fd, &iov, 1, tmp, NULL);
	if (close(fd) < 0)
		rc = ERR_IO;
	if (rc < 0 || renameat(s->dir, tmp, s->dir, part_path(&p->msg.n, "",
	    path)) < 0)
		unlinkat(s->dir, tmp, 0);
	else
		p->saved = p->b.len;
}

void served_put_save(struct served *s)
{
	unsigned i;

	for (i = 0; i < SERVED_PUTS; i++)
		if (s->put[i].used && !s->put[i].refused)
			part_save(s, &s->put[i]);
}

void served_put_release(struct served *s)
{
	unsigned i;

	for (i = 0; i < SERVED_PUTS; i++)
		buf_release(&s->put[i].b);
}

/* It is all here: to the workers, who get the bytes. */
static int put_whole(struct served *s, struct served_put *p, struct err *e)
{
	struct served_req *r = mem_zero(1, sizeof(*r));
	char path[PART_PATH_BYTES];

	if (!r)
		return err_nomem(e);
	if (p->saved > 0)
		unlinkat(s->dir, part_path(&p->msg.n, "", path), 0);
	r->type = SERVE_PUT;
	r->id = p->id;
	r->put = p->msg;
	buf_swap(&r->body, &p->b);
	s->put_bytes -= r->body.len;
	put_forget(s, p);
	pthread_mutex_lock(&s->mtx);
	while (s->waiting > SERVED_WAITING_MAX && !s->stop)
		pthread_cond_wait(&s->done_cv, &s->mtx);
	s->waiting += r->body.len;
	*s->tail = r;
	s->tail = &r->next;
	s->n_queued++;
	pthread_cond_signal(&s->work_cv);
	pthread_mutex_unlock(&s->mtx);
	return 0;
}

static int put_judge(struct served *s, const struct serve_put *m,
		     struct err *e)
{
	uint64_t size;
	int rc;

	if ((rc = served_rights_put(s, &m->n, e)) < 0)
		return rc;
	if (!(m->flags & SERVE_PUT_AGAIN) && s->store->ops->stat(s->store,
	    m->n.kind, m->n.name, &size, NULL) == 0)
		return err_set(e, ERR_EXIST, "'%s/%s' is there already",
			store_kind_name(m->n.kind), m->n.name);
	return 0;
}

static void put_have(struct served *s, const struct served_put *p)
{
	struct buf b = BUF_INIT;
	struct wr w;

	serve_begin(&w, &b, SERVE_HAVE);
	wr_le64(&w, p->got);
	if (serve_end(&w, 0, NULL) == 0)
		served_send_buf(s, p->id, &b);
	buf_release(&b);
}

int served_put_begin(struct served *s, uint32_t id, const uint8_t *p,
		     size_t len, struct err *e)
{
	struct served_put *put = NULL;
	struct serve_put m;
	struct err why;
	unsigned i;
	int rc;

	for (i = 0; i < SERVED_PUTS && !put; i++)
		if (!s->put[i].used)
			put = &s->put[i];
	if (!put || put_find(s, id) || !serve_get_put(&m, p, len))
		return err_set(e, ERR_CONFIG, "a file cannot begin like that");
	*put = (struct served_put){ .used = true, .id = id, .msg = m };
	err_clear(&why);
	rc = put_judge(s, &m, &why);
	if (rc == 0)
		rc = buf_reserve(&put->b, m.size < PART_MAX ? (size_t)m.size :
			PART_MAX, &why);
	if (rc < 0) {
		if (rc == ERR_DENIED)
			served_journal_refused(s, why.msg);
		put_refuse(s, put, rc, &why);
		return 0;
	}
	if (m.flags & SERVE_PUT_RESUME) {
		part_load(s, put);
		put_have(s, put);
	}
	return put->got == m.size ? put_whole(s, put, e) : 0;
}

int served_put_data(struct served *s, uint32_t id, const uint8_t *p,
		    size_t len, struct err *e)
{
	struct served_put *put = put_find(s, id);
	struct err why;
	int rc;

	if (!put || len == 0 || len > put->msg.size - put->got)
		return err_set(e, ERR_CONFIG, "bytes of no file");
	put->got += len;
	if (put->refused) {
		if (put->got == put->msg.size)
			put_forget(s, put);
		return 0;
	}
	if (s->put_bytes > SERVE_PUTS_BYTES && s->put_bytes > put->b.len)
		return err_set(e, ERR_CONFIG, "too many files at once");
	err_clear(&why);
	if ((rc = buf_append(&put->b, p, len, &why)) < 0) {
		put_refuse(s, put, rc, &why);
		return 0;
	}
	s->put_bytes += len;
	return put->got == put->msg.size ? put_whole(s, put, e) : 0;
}

int served_put_stop(struct served *s, uint32_t id, struct err *e)
{
	struct served_put *put = put_find(s, id);

	/* One that was refused with its last byte is forgotten already. */
	(void)e;
	if (put)
		put_forget(s, put);
	return 0;
}

/* The name is taken: by the same bytes? */
static int put_same(struct served *s, const struct served_req *r,
		    struct err *e)
{
	const struct serve_name *n = &r->put.n;
	struct store *st = s->store;
	struct buf b = BUF_INIT;
	uint64_t size, at;
	bool same = true;
	size_t some;
	int rc;

	if ((rc = st->ops->stat(st, n->kind, n->name, &size, e)) < 0)
		return rc;
	same = size == r->body.len;
	for (at = 0; rc == 0 && same && at < size; at += some) {
		some = size - at < PUT_COMPARE ? (size_t)(size - at) :
			PUT_COMPARE;
		buf_clear(&b);
		rc = st->ops->get(st, n->kind, n->name, at, some, &b, e);
		same = rc == 0 && memcmp(b.p, r->body.p + at, some) == 0;
	}
	buf_release(&b);
	if (rc == 0 && !same)
		rc = err_set(e, ERR_EXIST, "'%s/%s' is there already",
			store_kind_name(n->kind), n->name);
	return rc;
}

static int put_store(struct served *s, struct served_req *r, struct err *e)
{
	const struct serve_name *n = &r->put.n;
	struct iovec iov = { r->body.p, r->body.len };
	int rc;

	rc = s->o->verify(n->kind, n->name, r->body.p, r->body.len, e);
	if (rc < 0)
		return err_ctx(e, "'%s/%s' as it was received",
			store_kind_name(n->kind), n->name);
	if ((rc = served_quota_begin(s, r->body.len, e)) < 0)
		return rc;
	rc = s->store->ops->put(s->store, n->kind, n->name, &iov, 1,
		STORE_PUT_RACE, e);
	served_quota_end(s, rc == 0 ? r->body.len : 0);
	if (rc == 0)
		served_journal_put(s, n, r->body.len);
	else if (rc == ERR_EXIST && r->put.flags & SERVE_PUT_AGAIN)
		rc = put_same(s, r, e);
	return rc;
}

void served_put_do(struct served *s, struct served_req *r)
{
	struct err e;
	int rc;

	err_clear(&e);
	rc = put_store(s, r, &e);
	served_end(s, r->id, rc, &e);
}
