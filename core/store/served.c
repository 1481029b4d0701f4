/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread reads what the client sends, some do it, and each sends its own
 * answers.  The reader waits where too much is under way, so memory has a
 * limit; a client that does not read its answers waits for itself.
 */
#include "store/served_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/ops.h"

#define SERVED_SEC ((int64_t)1000000000)
#define SERVED_HELLO_SECS 60
/* A client that lives says something every minute. */
#define SERVED_SILENT_SECS 900
/* A line that has stood still for so long may be lost. */
#define SERVED_SAVE_SECS 5

bool served_broken(struct served *s)
{
	bool broken;

	pthread_mutex_lock(&s->out_mtx);
	broken = s->broken;
	pthread_mutex_unlock(&s->out_mtx);
	return broken;
}

static void served_write(struct served *s, struct iovec *iov, int n)
{
	pthread_mutex_lock(&s->out_mtx);
	if (!s->broken && io_writev(s->o->out, iov, n, "the line", NULL) < 0)
		s->broken = true;
	pthread_mutex_unlock(&s->out_mtx);
}

void served_send(struct served *s, const struct serve_frame *f,
		 const void *body)
{
	uint8_t head[SERVE_FRAME_BYTES];
	struct iovec iov[2] = {
		{ head, sizeof(head) }, { (void *)(uintptr_t)body, f->len }
	};

	serve_put_frame(head, f);
	served_write(s, iov, f->len ? 2 : 1);
}

void served_send_buf(struct served *s, uint32_t id, struct buf *b)
{
	struct iovec iov = { b->p, b->len };
	unsigned i;

	BUG_ON(b->len < SERVE_FRAME_BYTES);
	for (i = 0; i < 4; i++)
		b->p[8 + i] = (uint8_t)(id >> 8 * i);
	served_write(s, &iov, 1);
	buf_clear(b);
}

void served_end(struct served *s, uint32_t id, int rc, const struct err *e)
{
	struct buf b = BUF_INIT;
	struct wr w;

	serve_begin(&w, &b, SERVE_STATUS);
	serve_put_code(&w, rc < 0 ? e->code : ERR_OK, rc < 0 ? e->msg : "");
	if (serve_end(&w, 0, NULL) == 0) {
		served_send_buf(s, id, &b);
	} else {
		/* Without memory for an answer there is no use in going on. */
		pthread_mutex_lock(&s->out_mtx);
		s->broken = true;
		pthread_mutex_unlock(&s->out_mtx);
	}
	buf_release(&b);
}

static void *served_work(void *arg)
{
	struct served *s = arg;
	struct served_req *r;
	uint64_t bytes;

	pthread_mutex_lock(&s->mtx);
	for (;;) {
		while (!s->head && !s->stop)
			pthread_cond_wait(&s->work_cv, &s->mtx);
		r = s->head;
		if (!r)
			break;
		s->head = r->next;
		if (!s->head)
			s->tail = &s->head;
		s->n_queued--;
		pthread_mutex_unlock(&s->mtx);
		bytes = r->body.len;
		if (r->type == SERVE_PUT)
			served_put_do(s, r);
		else if (!served_broken(s))
			served_get_do(s, r);
		buf_release(&r->body);
		free(r);
		pthread_mutex_lock(&s->mtx);
		s->waiting -= bytes;
		pthread_cond_broadcast(&s->done_cv);
	}
	pthread_mutex_unlock(&s->mtx);
	return NULL;
}

static int served_queue(struct served *s, const struct serve_frame *f,
			const uint8_t *p, struct err *e)
{
	struct served_req *r = mem_zero(1, sizeof(*r));

	if (!r)
		return err_nomem(e);
	r->type = f->type;
	r->id = f->id;
	if (buf_append(&r->body, p, f->len, e) < 0) {
		free(r);
		return ERR_NOMEM;
	}
	pthread_mutex_lock(&s->mtx);
	while ((s->n_queued >= SERVED_QUEUE ||
		s->waiting > SERVED_WAITING_MAX) && !s->stop)
		pthread_cond_wait(&s->done_cv, &s->mtx);
	s->waiting += r->body.len;
	*s->tail = r;
	s->tail = &r->next;
	s->n_queued++;
	pthread_cond_signal(&s->work_cv);
	pthread_mutex_unlock(&s->mtx);
	return 0;
}

/* What a line that stands still means, second by second. */
static int read_idle(struct served *s, int64_t since, int64_t limit_secs,
		     struct err *e)
{
	int64_t idle = (clock_mono_nsec() - since) / SERVED_SEC;

	if (served_broken(s))
		return 1;
	if (idle > limit_secs)
		return err_set(e, ERR_IO, "the client has been silent for %u "
			"seconds", (unsigned)limit_secs);
	if (idle >= SERVED_SAVE_SECS && s->spoke) {
		served_put_save(s);
		s->spoke = false;
	}
	return 0;
}

/* All of it: 0.  1: the client has hung up. */
static int read_full(struct served *s, void *p, size_t len,
		     int64_t limit_secs, struct err *e)
{
	struct pollfd pfd = { .fd = s->o->in, .events = POLLIN };
	int64_t since = clock_mono_nsec();
	size_t at = 0;
	ssize_t n;
	int rc;

	while (at < len) {
		if (cancel_wanted(s->o->cancel))
			return cancel_check(s->o->cancel, e);
		rc = poll(&pfd, 1, 1000);
		if (rc <= 0) {
			if ((rc = read_idle(s, since, limit_secs, e)) != 0)
				return rc;
			continue;
		}
		n = read(s->o->in, (uint8_t *)p + at, len - at);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 1;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return err_errno(e, errno, "cannot hear the client");
		if (n > 0) {
			at += (size_t)n;
			since = clock_mono_nsec();
			s->spoke = true;
		}
	}
	return 0;
}

static int served_frame(struct served *s, const struct serve_frame *f,
			const uint8_t *p, struct err *e)
{
	if (f->flags != 0 || f->item != 0)
		return err_set(e, ERR_CONFIG, "a frame that cannot be");
	switch (f->type) {
	case SERVE_PUT:
		return served_put_begin(s, f->id, p, f->len, e);
	case SERVE_DATA:
		return served_put_data(s, f->id, p, f->len, e);
	case SERVE_STOP:
		return served_put_stop(s, f->id, e);
	default:
		return served_queue(s, f, p, e);
	}
}

static int served_loop(struct served *s, struct err *e)
{
	uint8_t head[SERVE_FRAME_BYTES], *body = mem_alloc(SERVE_BODY_MAX);
	struct serve_frame f;
	int rc = body ? 0 : err_nomem(e);

	while (rc == 0) {
		rc = read_full(s, head, sizeof(head), SERVED_SILENT_SECS, e);
		if (rc == 0 && !serve_get_frame(&f, head))
			rc = err_set(e, ERR_CONFIG, "a frame that cannot be");
		if (rc == 0)
			rc = read_full(s, body, f.len, SERVED_SILENT_SECS, e);
		if (rc == 0)
			rc = served_frame(s, &f, body, e);
	}
	free(body);
	return rc > 0 ? 0 : rc;
}

/* HELLO, and before it perhaps what one says who wants sftp. */
static int served_hear(struct served *s, struct serve_hello *h, struct err *e)
{
	uint8_t head[SERVE_FRAME_BYTES], *body = NULL;
	struct iovec iov = { (void *)(uintptr_t)serve_version,
		serve_version_bytes };
	struct serve_frame f;
	size_t have = 4;
	int rc;

	if ((rc = read_full(s, head, 4, SERVED_HELLO_SECS, e)) != 0)
		return rc;
	if (memcmp(head, SERVE_INIT, 4) == 0) {
		rc = read_full(s, head + 4, SERVE_INIT_BYTES - 4,
			SERVED_HELLO_SECS, e);
		if (rc != 0)
			return rc;
		served_write(s, &iov, 1);
		have = 0;
	}
	/* The type is where sftp has its own, whose message may be shorter
	 * than a frame. */
	rc = read_full(s, head + have, 5 - have, SERVED_HELLO_SECS, e);
	if (rc == 0 && head[4] == SERVE_HELLO)
		rc = read_full(s, head + 5, sizeof(head) - 5,
			SERVED_HELLO_SECS, e);
	if (rc != 0)
		return rc;
	if (head[4] != SERVE_HELLO || !serve_get_frame(&f, head))
		return err_set(e, ERR_CONFIG, "this is 'muniment serve', and "
			"what called is no muniment: for sftp use a key of "
			"its own");
	body = mem_alloc(f.len);
	rc = body ? read_full(s, body, f.len, SERVED_HELLO_SECS, e) :
		err_nomem(e);
	if (rc == 0 && !serve_get_hello(h, body, f.len))
		rc = err_set(e, ERR_CONFIG, "the client's greeting is "
			"damaged");
	free(body);
	return rc;
}

static void served_welcome(struct served *s, int rc, const struct err *e)
{
	struct serve_welcome wl = { .version = SERVE_VERSION,
		.confined = s->confined };
	struct buf b = BUF_INIT;

	wl.code = rc < 0 ? e->code : ERR_OK;
	wl.rights = s->o->append_only ? 0 : SERVE_MAY_ALL;
	snprintf(wl.text, sizeof(wl.text), "%.*s", SERVE_TEXT_MAX,
		rc < 0 ? e->msg : "muniment " MUNIMENT_VERSION);
	if (serve_put_welcome(&b, &wl, NULL) == 0)
		served_send_buf(s, 0, &b);
	buf_release(&b);
}

static int served_start(struct served *s, struct err *e)
{
	int errnum = 0;

	while (errnum == 0 && s->n_threads < SERVED_WORKERS) {
		errnum = thread_start(&s->tid[s->n_threads], served_work, s);
		s->n_threads += errnum == 0;
	}
	if (errnum != 0)
		return err_errno(e, errnum, "cannot start a thread");
	if (s->o->free)
		return 0;
	s->confined |= served_confine_calls();
	if (s->confined & SERVE_SECCOMP)
		return 0;
	if (s->o->must_confine)
		return err_set(e, ERR_DENIED, "the server does not confine "
			"itself: this kernel has no seccomp");
	log_info("serve", "not confined to what serving needs: this kernel "
		"has no seccomp");
	return 0;
}

/* What was received whole is done; what was not is kept for later. */
static void served_finish(struct served *s)
{
	unsigned i;

	served_put_save(s);
	pthread_mutex_lock(&s->mtx);
	s->stop = true;
	pthread_cond_broadcast(&s->work_cv);
	pthread_mutex_unlock(&s->mtx);
	for (i = 0; i < s->n_threads; i++)
		pthread_join(s->tid[i], NULL);
	served_put_release(s);
	if (s->store && s->dir >= 0) {
		s->store->ops->sync(s->store, NULL);
		served_journal_close(s);
	}
}

static int served_serve(struct served *s, struct err *e)
{
	struct serve_hello *h = mem_zero(1, sizeof(*h));
	int rc = h ? served_hear(s, h, e) : err_nomem(e);

	if (rc == 0) {
		rc = served_open(s, h, e);
		if (rc == 0)
			rc = served_start(s, e);
		served_welcome(s, rc, e);
	}
	free(h);
	if (rc == 0)
		rc = served_loop(s, e);
	return rc > 0 ? 0 : rc;
}

static void served_init(struct served *s, const struct served_opts *o)
{
	s->o = o;
	s->root = s->dir = s->quota_fd = s->journal_fd = -1;
	s->tail = &s->head;
	pthread_mutex_init(&s->out_mtx, NULL);
	pthread_mutex_init(&s->quota_mtx, NULL);
	pthread_mutex_init(&s->journal_mtx, NULL);
	pthread_mutex_init(&s->mtx, NULL);
	pthread_cond_init(&s->work_cv, NULL);
	pthread_cond_init(&s->done_cv, NULL);
}

static void served_free(struct served *s)
{
	int fd[] = { s->root, s->dir, s->quota_fd };
	size_t i;

	for (i = 0; i < sizeof(fd) / sizeof(*fd); i++)
		if (fd[i] >= 0)
			close(fd[i]);
	store_close(s->store);
	pthread_mutex_destroy(&s->out_mtx);
	pthread_mutex_destroy(&s->quota_mtx);
	pthread_mutex_destroy(&s->journal_mtx);
	pthread_mutex_destroy(&s->mtx);
	pthread_cond_destroy(&s->work_cv);
	pthread_cond_destroy(&s->done_cv);
	free(s->path);
	free(s);
}

int served_run(const struct served_opts *o, struct err *e)
{
	struct served *s = mem_zero(1, sizeof(*s));
	int rc;

	if (!s)
		return err_nomem(e);
	served_init(s, o);
	rc = served_serve(s, e);
	served_finish(s);
	served_free(s);
	return rc;
}
