/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/ofile.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OFILE_IDLE 64		/* kept */

struct ofile_tab {
	pthread_mutex_t mtx;	/* a leaf */
	struct ofile *idle[OFILE_IDLE];		/* mtx; newest first */
	unsigned n;				/* mtx */
};

struct ofile_tab *ofile_tab_new(void)
{
	struct ofile_tab *t = mem_zero(1, sizeof(*t));

	if (t)
		pthread_mutex_init(&t->mtx, NULL);
	return t;
}

void ofile_tab_free(struct ofile_tab *t)
{
	unsigned i;

	if (!t)
		return;
	for (i = 0; i < t->n; i++)
		ofile_close(t->idle[i]);
	pthread_mutex_destroy(&t->mtx);
	free(t);
}

struct ofile *ofile_take(struct ofile_tab *t, uint64_t owner)
{
	struct ofile *o = NULL;
	unsigned i;

	pthread_mutex_lock(&t->mtx);
	for (i = 0; i < t->n && t->idle[i]->owner != owner; i++)
		;
	if (i < t->n) {
		o = t->idle[i];
		t->n--;
		memmove(&t->idle[i], &t->idle[i + 1],
			(t->n - i) * sizeof(struct ofile *));
	}
	pthread_mutex_unlock(&t->mtx);
	return o;
}

static bool ofile_in_pieces(const struct entry *en)
{
	return en->content.kind == CONTENT_PIECES ||
	       en->content.kind == CONTENT_LIST;
}

int ofile_open(struct ofile **out, struct reader *rd, uint64_t owner,
	       const struct entry *en, struct err *e)
{
	struct ofile *o = mem_zero(1, sizeof(*o));
	int rc;

	*out = NULL;
	if (!o)
		return err_nomem(e);
	rc = file_open(&o->f, rd, &en->content, en->size, e);
	if (rc < 0) {
		free(o);
		return rc;
	}
	o->owner = owner;
	o->size = en->size;
	o->pieces = ofile_in_pieces(en);
	*out = o;
	return 0;
}

void ofile_put(struct ofile_tab *t, struct ofile *o)
{
	struct ofile *victim;

	file_rest(o->f);
	pthread_mutex_lock(&t->mtx);
	victim = t->n == OFILE_IDLE ? t->idle[--t->n] : NULL;
	memmove(&t->idle[1], &t->idle[0], t->n * sizeof(struct ofile *));
	t->idle[0] = o;
	t->n++;
	pthread_mutex_unlock(&t->mtx);
	ofile_close(victim);
}

void ofile_close(struct ofile *o)
{
	if (!o)
		return;
	file_close(o->f);
	free(o);
}

static int ofile_count(const struct piece *p, uint64_t off, void *ctx)
{
	uint64_t *holes = ctx;

	(void)off;
	if (p->transform == PIECE_HOLE)
		*holes += p->len;
	return 0;
}

uint64_t ofile_blocks(struct reader *rd, const struct entry *en)
{
	uint64_t holes = 0;

	if (en->content.kind == CONTENT_NONE)
		return 0;
	if (ofile_in_pieces(en) &&
	    file_each(rd, &en->content, en->size, ofile_count, &holes,
		      NULL) < 0)
		holes = 0;
	if (holes > en->size)
		holes = en->size;
	return (en->size - holes) / 512 + ((en->size - holes) % 512 != 0);
}

struct ofile_seeking {
	uint64_t off;
	uint64_t found;		/* UINT64_MAX: not yet */
	bool hole;		/* is looked for */
};

static int ofile_seek_piece(const struct piece *p, uint64_t off, void *ctx)
{
	struct ofile_seeking *s = ctx;

	if (off + p->len <= s->off)
		return 0;
	if ((p->transform == PIECE_HOLE) != s->hole)
		return 0;
	s->found = off > s->off ? off : s->off;
	return 1;
}

int ofile_seek(struct reader *rd, const struct entry *en, uint64_t off,
	       int whence, uint64_t *out, bool *past, struct err *e)
{
	struct ofile_seeking s = { off, UINT64_MAX, whence == SEEK_HOLE };
	int rc;

	*past = off >= en->size;
	if (*past)
		return 0;
	if (ofile_in_pieces(en)) {
		rc = file_each(rd, &en->content, en->size, ofile_seek_piece,
			       &s, e);
		if (rc < 0)
			return rc;
	} else if (!s.hole) {
		s.found = off;
	}
	if (s.found == UINT64_MAX && s.hole)
		s.found = en->size;
	*past = s.found == UINT64_MAX;
	*out = s.found;
	return 0;
}
