/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles that are asked for before they are needed: the temporary file of the
 * next put, and the folders that the next barrier makes durable.  Each spares
 * a round trip.
 */
#include "store/sftp_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define READY_MOST 16		/* one temporary file, and folders */
#define READY_PACKS 10		/* folders of packs, of which there are many */
#define READY_HANDLES 64	/* a server with fewer keeps them */

struct ready {
	struct sftp_req req;
	struct line *line;		/* has the request */
	char rel[LAYOUT_PATH_BYTES];
};

struct sftp_ready {
	pthread_mutex_t mtx;		/* order: before the line's */
	struct ready *slot[READY_MOST];	/* mtx; the first: a temporary file */
};

struct sftp_ready *sftp_ready_new(void)
{
	struct sftp_ready *g = mem_zero(1, sizeof(*g));

	if (g)
		pthread_mutex_init(&g->mtx, NULL);
	return g;
}

/* taken: the handle is somebody's; else it is closed. */
static void ready_drop(struct ready *r, bool taken)
{
	struct sftp_handle h;

	if (!r)
		return;
	if (sftp_conn_wait(sftp_conn_of(r->line), &r->req) == 0 && !taken &&
	    r->req.good &&
	    sftp_get_handle(r->req.body.p, r->req.body.len, &h))
		sftp_close_later(sftp_conn_of(r->line), &h);
	sftp_req_release(&r->req);
	line_unref(r->line);
	free(r);
}

void sftp_ready_free(struct sftp_ready *g)
{
	unsigned i;

	if (!g)
		return;
	for (i = 0; i < READY_MOST; i++)
		ready_drop(g->slot[i], false);
	pthread_mutex_destroy(&g->mtx);
	free(g);
}

/* NULL: without memory nothing is ready. */
static struct ready *ready_send(struct sftp *s, struct sftp_conn *c,
				const char *rel, unsigned flags)
{
	struct ready *r = mem_zero(1, sizeof(*r));
	char path[SFTP_PATH_BYTES];

	if (!r)
		return NULL;
	memcpy(r->rel, rel, strlen(rel) + 1);
	r->req.want = SFTP_HANDLE;
	if (sftp_put_open(&r->req.head, sftp_path(s, rel, path), flags, 0600,
			  NULL) < 0) {
		sftp_req_release(&r->req);
		free(r);
		return NULL;
	}
	r->line = sftp_conn_line(c);
	line_ref(r->line);
	sftp_conn_send(c, &r->req);
	return r;
}

void sftp_ready_tmp(struct sftp *s, struct sftp_conn *c)
{
	struct sftp_ready *g = s->ready;
	char rel[LAYOUT_PATH_BYTES];

	if (sftp_conn_caps(c)->handles < READY_HANDLES ||
	    layout_tmp(&s->self, rel, NULL) < 0)
		return;
	pthread_mutex_lock(&g->mtx);
	if (!g->slot[0])
		g->slot[0] = ready_send(s, c, rel, SFTP_O_WRITE |
			SFTP_O_CREAT | SFTP_O_EXCL);
	pthread_mutex_unlock(&g->mtx);
}

void sftp_ready_folder(struct sftp *s, struct sftp_conn *c, const char *rel,
		       bool packs)
{
	unsigned i, empty = 0, most = packs ? READY_PACKS : READY_MOST;
	struct sftp_ready *g = s->ready;

	if (sftp_conn_caps(c)->handles < READY_HANDLES ||
	    !sftp_conn_caps(c)->fsync)
		return;
	pthread_mutex_lock(&g->mtx);
	for (i = 1; i < READY_MOST; i++)
		if (!g->slot[i])
			empty = i < most ? i : empty;
		else if (strcmp(g->slot[i]->rel, rel) == 0)
			break;
	if (i == READY_MOST && empty)
		g->slot[empty] = ready_send(s, c, rel, SFTP_O_READ);
	pthread_mutex_unlock(&g->mtx);
}

/* Out of its slot. */
static struct ready *ready_take(struct sftp_ready *g, const char *rel)
{
	struct ready *r = NULL;
	unsigned i;

	pthread_mutex_lock(&g->mtx);
	for (i = 0; i < READY_MOST && !r; i++)
		if (g->slot[i] && (rel ? i > 0 : i == 0) &&
		    (!rel || strcmp(g->slot[i]->rel, rel) == 0)) {
			r = g->slot[i];
			g->slot[i] = NULL;
		}
	pthread_mutex_unlock(&g->mtx);
	return r;
}

/* true: it is the handle's, on this line. */
static bool ready_open(struct sftp_conn *c, struct ready *r,
		       struct sftp_handle *h)
{
	return r->line == sftp_conn_line(c) &&
		sftp_conn_wait(c, &r->req) == 0 && r->req.good &&
		sftp_get_handle(r->req.body.p, r->req.body.len, h);
}

bool sftp_ready_take_tmp(struct sftp *s, struct sftp_conn *c,
			 char rel[LAYOUT_PATH_BYTES], struct sftp_handle *h)
{
	struct ready *r = ready_take(s->ready, NULL);
	bool good = r && ready_open(c, r, h);
	char path[SFTP_PATH_BYTES];

	if (good)
		memcpy(rel, r->rel, sizeof(r->rel));
	else if (r)		/* of a line that was lost */
		sftp_remove_later(c, sftp_path(s, r->rel, path));
	ready_drop(r, good);
	return good;
}

bool sftp_ready_take_folder(struct sftp *s, struct sftp_conn *c,
			    const char *rel, struct sftp_handle *h)
{
	struct ready *r = ready_take(s->ready, rel);
	bool good = r && ready_open(c, r, h);

	ready_drop(r, good);
	return good;
}

void sftp_ready_tmp_drop(struct sftp *s, struct sftp_conn *c)
{
	struct ready *r = ready_take(s->ready, NULL);
	char path[SFTP_PATH_BYTES];

	if (!r)
		return;
	sftp_remove_later(c, sftp_path(s, r->rel, path));
	ready_drop(r, false);
}

void sftp_ready_end(struct sftp *s)
{
	struct ready *r = s->ready ? ready_take(s->ready, NULL) : NULL;
	struct line *l = r ? reach_current(&s->reach) : NULL;
	char path[SFTP_PATH_BYTES];
	uint32_t code;

	/* The answer is waited for: what is under way when a connection is
	 * closed may not be done. */
	if (l)
		sftp_remove(sftp_conn_of(l), SFTP_REMOVE,
			sftp_path(s, r->rel, path), &code);
	line_unref(l);
	ready_drop(r, false);
}
