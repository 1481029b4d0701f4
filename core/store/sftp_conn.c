/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sftp_conn_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* What any server takes (the draft's 34000 bytes a packet). */
#define CONN_SMALL 32768u
#define CONN_HANDLES 64u

void sftp_req_release(struct sftp_req *r)
{
	buf_release(&r->head);
	buf_release(&r->body);
}

void sftp_conn_stop(struct sftp_conn *c)
{
	pthread_mutex_lock(&c->mtx);
	c->stop = true;
	pthread_mutex_unlock(&c->mtx);
	eventfd_write(c->wake, 1);
}

static void conn_free(struct sftp_conn *c)
{
	if (c->running) {
		sftp_conn_stop(c);
		pthread_join(c->tid, NULL);
	} else {
		wire_close(c->w);
	}
	if (c->wake >= 0)
		close(c->wake);
	pthread_cond_destroy(&c->done_cv);
	pthread_mutex_destroy(&c->mtx);
	pthread_mutex_destroy(&c->caps_mtx);
	sftp_req_release(&c->limits);
	free(c->in);
	free(c->out);
	free(c);
}

static struct sftp_conn *conn_new(struct wire *w,
				  const struct sftp_conn_opts *o)
{
	struct sftp_conn *c = mem_zero(1, sizeof(*c));
	unsigned i;

	if (!c) {
		wire_close(w);
		return NULL;
	}
	c->w = w;
	c->o = *o;
	c->refs = 1;
	c->tail = &c->head;
	c->caps.read_max = c->caps.write_max = CONN_SMALL;
	c->caps.handles = CONN_HANDLES;
	c->moved_nsec = clock_mono_nsec();
	rate_init(&c->rate, o->upload_rate, c->moved_nsec);
	for (i = 0; i < CONN_SLOTS; i++)
		c->free_id[c->n_free++] = (uint16_t)i;
	pthread_mutex_init(&c->mtx, NULL);
	pthread_mutex_init(&c->caps_mtx, NULL);
	pthread_cond_init(&c->done_cv, NULL);
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->out = mem_alloc(CONN_OUT_BYTES);
	c->in = mem_alloc(CONN_IN_BYTES);
	if (c->wake < 0 || !c->out || !c->in) {
		conn_free(c);
		return NULL;
	}
	return c;
}

/* Signals are for the threads that know them. */
static int conn_start(struct sftp_conn *c, struct err *e)
{
	sigset_t all, was;
	int errnum;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	errnum = pthread_create(&c->tid, NULL, sftp_conn_main, c);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (errnum != 0)
		return err_errno(e, errnum, "cannot start a thread");
	c->running = true;
	return 0;
}

static uint32_t conn_limit(uint64_t said, uint32_t least, uint32_t most)
{
	if (said == 0)			/* none, says OpenSSH's page */
		return most;
	return said < least ? least : said > most ? most : (uint32_t)said;
}

/* A server without it refuses, and the small sizes stay. */
static void conn_limits(struct sftp_conn *c)
{
	struct sftp_req *r = &c->limits;
	uint32_t most = SFTP_PACKET_MAX - 2048;
	struct sftp_limits l;

	if (r->state == SFTP_REQ_IDLE || sftp_conn_wait(c, r) < 0 ||
	    !r->good || !sftp_get_limits(r->body.p, r->body.len, &l))
		return;
	c->caps.read_max = conn_limit(l.read, 1024, most);
	c->caps.write_max = conn_limit(l.write, 1024, most);
	c->caps.handles = conn_limit(l.handles, 8, 512);
}

/* Its answer comes with that to the first request of use. */
static int conn_ask_limits(struct sftp_conn *c, struct err *e)
{
	int rc;

	c->limits.want = SFTP_EXTENDED_REPLY;
	rc = sftp_put_ext(&c->limits.head, "limits@openssh.com", e);
	if (rc == 0)
		sftp_conn_send(c, &c->limits);
	return rc;
}

int sftp_conn_open(struct sftp_conn **out, struct wire *w,
		   const struct sftp_conn_opts *o, struct err *e)
{
	struct sftp_conn *c = conn_new(w, o);
	bool limits;
	int rc;

	*out = NULL;
	if (!c)
		return err_nomem(e);
	rc = sftp_conn_hello(c, e);
	limits = c->caps.handles == 0;
	c->caps.handles = CONN_HANDLES;
	if (rc == 0)
		rc = conn_start(c, e);
	if (rc == 0 && limits)
		rc = conn_ask_limits(c, e);
	if (rc < 0)
		conn_free(c);
	else
		*out = c;
	return rc;
}

void sftp_conn_ref(struct sftp_conn *c)
{
	pthread_mutex_lock(&c->mtx);
	c->refs++;
	pthread_mutex_unlock(&c->mtx);
}

void sftp_conn_unref(struct sftp_conn *c)
{
	bool last;

	if (!c)
		return;
	pthread_mutex_lock(&c->mtx);
	BUG_ON(c->refs == 0);
	last = --c->refs == 0;
	pthread_mutex_unlock(&c->mtx);
	if (last)
		conn_free(c);
}

const struct sftp_caps *sftp_conn_caps(struct sftp_conn *c)
{
	pthread_mutex_lock(&c->caps_mtx);
	if (!c->caps_known)
		conn_limits(c);
	c->caps_known = true;
	pthread_mutex_unlock(&c->caps_mtx);
	return &c->caps;
}

void sftp_conn_traffic(struct sftp_conn *c, struct store_traffic *t)
{
	pthread_mutex_lock(&c->mtx);
	*t = c->traffic;
	pthread_mutex_unlock(&c->mtx);
}

bool sftp_conn_dead(struct sftp_conn *c)
{
	bool dead;

	pthread_mutex_lock(&c->mtx);
	dead = c->dead;
	pthread_mutex_unlock(&c->mtx);
	return dead;
}

bool sftp_conn_why(struct sftp_conn *c, struct err *e)
{
	bool again;

	pthread_mutex_lock(&c->mtx);
	again = !c->final;
	if (c->dead)
		err_set(e, c->why.code, "%s", c->why.msg);
	pthread_mutex_unlock(&c->mtx);
	return again;
}

/* false: the connection is lost, and 'r' with it.  A loose one may be freed
 * before this returns true. */
static bool conn_queue(struct sftp_conn *c, struct sftp_req *r)
{
	bool first;

	r->state = SFTP_REQ_OUT;
	r->next = NULL;
	pthread_mutex_lock(&c->mtx);
	if (c->dead) {
		r->state = SFTP_REQ_LOST;
		pthread_mutex_unlock(&c->mtx);
		return false;
	}
	first = c->head == NULL;
	*c->tail = r;
	c->tail = &r->next;
	c->n_queued++;
	c->traffic.requests++;
	r->seq = ++c->seq;
	pthread_mutex_unlock(&c->mtx);
	if (first)
		eventfd_write(c->wake, 1);
	return true;
}

void sftp_conn_send(struct sftp_conn *c, struct sftp_req *r)
{
	conn_queue(c, r);
}

int sftp_conn_wait(struct sftp_conn *c, struct sftp_req *r)
{
	BUG_ON(r->state == SFTP_REQ_IDLE || r->loose);
	pthread_mutex_lock(&c->mtx);
	if (r->state == SFTP_REQ_OUT && r->seq > c->trip_seq) {
		c->traffic.trips++;
		c->trip_seq = c->seq;
	}
	while (r->state == SFTP_REQ_OUT)
		pthread_cond_wait(&c->done_cv, &c->mtx);
	pthread_mutex_unlock(&c->mtx);
	return r->state == SFTP_REQ_DONE ? 0 : ERR_RETRY;
}

int sftp_conn_call(struct sftp_conn *c, struct sftp_req *r)
{
	sftp_conn_send(c, r);
	return sftp_conn_wait(c, r);
}

void sftp_conn_loose(struct sftp_conn *c, struct sftp_req *r)
{
	struct sftp_req *own = mem_zero(1, sizeof(*own));

	if (own) {
		buf_swap(&own->head, &r->head);
		own->want = r->want;
		own->loose = true;
		if (!conn_queue(c, own)) {
			sftp_req_release(own);
			free(own);
		}
	}
	sftp_req_release(r);
}
