/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/walk_priv.h"
#include "base/mem.h"

/*
 * The stack of directories.  Their fds are open in the first FDS_LOW frames
 * and the last FDS_HIGH; one between them is opened again through ".." of the
 * one below it, and must turn out to be what it was.
 */
#define FDS_LOW 64
#define FDS_HIGH 32

struct walk_frame *walk_top(struct walk *w)
{
	return &w->frame[w->depth - 1];
}

void walk_error(struct walk *w, const char *path, const char *op, int errnum)
{
	struct walk_error we = { .path = path, .op = op, .errnum = errnum };

	if (w->ops->error)
		w->ops->error(&we, w->ctx);
}

void walk_error_below(struct walk *w, const struct walk_source *s,
		      const char *op, int errnum)
{
	size_t i;

	for (i = 0; s && i < s->n; i++)
		walk_error_all(w, s->child[i], op, errnum);
}

void walk_error_all(struct walk *w, const struct walk_source *s,
		    const char *op, int errnum)
{
	if (s && s->given)
		walk_error(w, s->path, op, errnum);
	walk_error_below(w, s, op, errnum);
}

void walk_excluded(struct walk *w, const char *path)
{
	if (w->ops->excluded)
		w->ops->excluded(path, w->ctx);
}

/* Call enter or leave for frame i, with the paths cut to what was there. */
static int frame_call(struct walk *w, size_t i, bool enter)
{
	struct walk_frame *f = &w->frame[i];
	struct walk_item it = { .st = f->st, .implicit = f->implicit };
	char *path = (char *)w->path.p, *stored = (char *)w->stored.p;
	char path_end, stored_end;
	size_t j;
	int rc;

	for (j = i + 1; j < w->depth; j++)
		if (w->frame[j].saved_path) {
			path = w->frame[j].saved_path;
			break;
		}
	path_end = path[f->path_len];
	stored_end = stored[f->stored_len];
	path[f->path_len] = stored[f->stored_len] = '\0';
	it.dirfd = f->basefd >= 0 ? f->basefd : w->frame[i - 1].fd;
	it.path = path;
	it.stored = stored;
	it.name = stored + f->name_off;
	if (enter)
		rc = w->ops->enter ? w->ops->enter(&it, f->fd, w->ctx) : 0;
	else
		rc = w->ops->leave ? w->ops->leave(&it, w->ctx) : 0;
	path[f->path_len] = path_end;
	stored[f->stored_len] = stored_end;
	return rc;
}

int walk_enter(struct walk *w)
{
	int rc = 0;

	for (; rc == 0 && w->n_entered < w->depth; w->n_entered++)
		rc = frame_call(w, w->n_entered, true);
	return rc;
}

/* A cleared frame at the top, with the room for names it had before. */
static struct walk_frame *frame_new(struct walk *w)
{
	size_t cap = w->cap ? w->cap * 2 : 32;
	struct walk_names names;
	struct walk_frame *f;

	if (w->depth == w->cap) {
		f = mem_resize(w->frame, cap, sizeof(*f));
		if (!f)
			return NULL;
		memset(f + w->cap, 0, (cap - w->cap) * sizeof(*f));
		w->frame = f;
		w->cap = cap;
	}
	f = &w->frame[w->depth];
	names = f->names;
	*f = (struct walk_frame){ .fd = -1, .basefd = -1, .names = names,
				  .box = WALK_NO_BOX };
	return f;
}

int walk_push(struct walk *w, struct walk_spot *at, int fd,
	      const struct stat *st, bool implicit)
{
	struct walk_frame *f = frame_new(w), *old;
	struct walk_names room;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return err_nomem(w->e);
	}
	f->fd = fd;
	f->basefd = at->basefd;
	f->saved_path = at->saved_path;
	at->basefd = -1;
	at->saved_path = NULL;
	f->st = *st;
	f->implicit = implicit;
	f->node = at->node;
	f->path_len = w->path.len;
	f->stored_len = w->stored.len;
	f->name_off = at->stored_len + (at->stored_len > 0);
	f->root_dev = w->depth ? w->frame[w->depth - 1].root_dev : 0;
	if (at->node && at->node->given)
		f->root_dev = st->st_dev;
	room = f->names;
	f->names = w->names;
	w->names = room;
	w->depth++;
	if (w->depth > FDS_LOW + FDS_HIGH) {
		old = &w->frame[w->depth - 1 - FDS_HIGH];
		if (old->fd >= 0)
			close(old->fd);
		old->fd = -1;
	}
	return 0;
}

static bool frame_is(const struct walk_frame *f, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == f->st.st_ino &&
	       st.st_dev == f->st.st_dev;
}

/* Open frame i from the one before it, by name. */
static int frame_open_down(struct walk *w, size_t i, int fd)
{
	const struct walk_frame *f = &w->frame[i];
	char name[NAME_MAX + 1];
	size_t len = f->stored_len - f->name_off;

	if (len > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, w->stored.p + f->name_off, len);
	name[len] = '\0';
	fd = walk_open(f->basefd >= 0 ? f->basefd : fd, name, WALK_DIR);
	if (fd >= 0 && !frame_is(f, fd)) {
		close(fd);
		errno = ESTALE;
		fd = -1;
	}
	return fd;
}

/* Frame i, which was closed, is needed again; 'below' is one that it holds. */
static int frame_reopen(struct walk *w, size_t i, int below)
{
	size_t from = i, k;
	int fd, next;

	fd = below < 0 ? -1 : walk_open(below, "..", O_RDONLY | O_DIRECTORY);
	if (fd >= 0 && frame_is(&w->frame[i], fd))
		return fd;
	if (fd >= 0)
		close(fd);
	while (from > 0 && w->frame[from].fd < 0)
		from--;
	fd = w->frame[from].fd;
	for (k = from + 1; k <= i; k++) {
		next = frame_open_down(w, k, fd);
		if (k > from + 1)
			close(fd);
		fd = next;
		if (fd < 0)
			break;
	}
	return fd;
}

void walk_cut(struct walk *w, const char *saved_path, size_t path_len,
	      size_t stored_len)
{
	BUG_ON(path_len >= w->path.cap || stored_len >= w->stored.cap);
	if (saved_path)
		memcpy(w->path.p, saved_path, path_len);
	w->path.len = path_len;
	w->path.p[path_len] = '\0';
	w->stored.len = stored_len;
	w->stored.p[stored_len] = '\0';
}

/* The top directory is done. */
static int walk_pop(struct walk *w)
{
	struct walk_frame *f = walk_top(w), *up = f > w->frame ? f - 1 : NULL;
	char *saved = f->saved_path;
	int rc = 0, lost = 0;

	if (up && up->fd < 0 && w->depth > 2 && !up->lost) {
		up->fd = frame_reopen(w, w->depth - 2, f->fd);
		up->lost = up->fd < 0;
		if (up->lost && up->next < up->names.n)
			lost = errno;
	}
	if (w->n_entered == w->depth) {
		if (w->depth > 1)
			rc = frame_call(w, w->depth - 1, false);
		w->n_entered--;
	}
	if (f->fd >= 0)
		close(f->fd);
	if (f->basefd >= 0)
		close(f->basefd);
	walk_mail_free(f->mail);
	walk_names_clear(&f->names);
	w->depth--;
	if (!up)
		return rc;
	walk_cut(w, saved, up->path_len, up->stored_len);
	free(saved);
	if (lost)
		walk_error(w, (const char *)w->path.p, "open", lost);
	return rc;
}

/* The next entry of the top directory: of its names and the sources below it,
 * whichever comes first; both, if they are the same. */
static int walk_step(struct walk *w)
{
	struct walk_frame *f = walk_top(w);
	struct walk_source *s = NULL;
	const char *name = NULL;
	uint64_t ino = 0;
	int d;

	if (!f->lost && f->next < f->names.n) {
		name = walk_names_at(&f->names, f->next);
		ino = f->names.v[f->next].ino;
	}
	if (f->node && f->next_child < f->node->n)
		s = f->node->child[f->next_child];
	if (!name && !s)
		return walk_pop(w);
	d = !name ? 1 : !s ? -1 : strcmp(name, s->name);
	if (d >= 0)
		f->next_child++;
	if (d <= 0)
		f->next++;
	return walk_visit(w, d <= 0 ? name : s->name, d >= 0 ? s : NULL,
			  d <= 0, ino);
}

static void walk_release(struct walk *w)
{
	size_t i;

	for (i = 0; i < w->cap; i++) {
		struct walk_frame *f = &w->frame[i];

		walk_names_release(&f->names);
		if (i >= w->depth)
			continue;
		if (f->fd >= 0)
			close(f->fd);
		if (f->basefd >= 0)
			close(f->basefd);
		walk_mail_free(f->mail);
		free(f->saved_path);
	}
	free(w->frame);
	walk_names_release(&w->names);
	walk_source_free(w->root);
	buf_release(&w->path);
	buf_release(&w->stored);
	buf_release(&w->dents);
}

int walk_run(const struct walk_opts *o, const struct walk_ops *ops, void *ctx,
	     struct err *e)
{
	struct walk w = { .o = o, .ops = ops, .ctx = ctx, .e = e };
	bool cancelled = false;
	int rc;

	rc = walk_source_new(&w.root, o->paths, ops, ctx, e);
	if (rc == 0)
		rc = walk_visit_root(&w);
	while (rc == 0 && w.depth > 0) {
		cancelled = cancelled || cancel_wanted(o->cancel);
		rc = cancelled ? walk_pop(&w) : walk_step(&w);
	}
	if (rc == 0 && cancelled)
		rc = cancel_check(o->cancel, e);
	walk_release(&w);
	return rc;
}
