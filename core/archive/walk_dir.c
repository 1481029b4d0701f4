/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "archive/walk_priv.h"
#include "base/mem.h"

/* Directories: opening, tags, listing. */

#define CACHE_TAG "CACHEDIR.TAG"
#define CACHE_SIGN "Signature: 8a477f597d28d172789f06886806bc55"

static bool dir_is_cache(int fd)
{
	char have[sizeof(CACHE_SIGN) - 1];
	int tag = walk_open(fd, CACHE_TAG, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	bool yes;

	if (tag < 0)
		return false;
	yes = read(tag, have, sizeof(have)) == (ssize_t)sizeof(have) &&
	      memcmp(have, CACHE_SIGN, sizeof(have)) == 0;
	close(tag);
	return yes;
}

/* Is it tagged as not to be stored?  The tags become its names. */
static int dir_tags(struct walk *w, int fd, bool *tagged)
{
	const struct strv *tags = w->o->exclude_if_present;
	struct walk_names *l = &w->names;
	struct stat st;
	size_t i;
	int rc = 0;

	walk_names_clear(l);
	*tagged = w->o->exclude_caches && dir_is_cache(fd);
	if (*tagged)
		rc = walk_names_add(l, CACHE_TAG, 0, 0, 0, w->e);
	for (i = 0; tags && rc == 0 && i < tags->n; i++) {
		if (!*tags->v[i] || fstatat(fd, tags->v[i], &st, 0) < 0)
			continue;
		*tagged = true;
		if (!strchr(tags->v[i], '/') && strcmp(tags->v[i], ".") != 0 &&
		    strcmp(tags->v[i], "..") != 0)
			rc = walk_names_add(l, tags->v[i], 0, 0, 0, w->e);
	}
	if (!w->o->keep_exclude_tags)
		walk_names_clear(l);
	walk_names_sort(l);
	return rc;
}

static int dir_list(struct walk *w, int fd, enum walk_box box)
{
	struct walk_frame *up = w->depth ? walk_top(w) : NULL;
	struct walk_names room;
	int errnum = 0, rc = 0;

	walk_names_clear(&w->names);
	if (box == WALK_NO_BOX) {
		rc = walk_names_read(&w->names, fd, &w->dents, 0, &errnum,
				     w->e);
		walk_names_sort(&w->names);
	} else {
		if (!up->mail->have_listed)
			rc = walk_mail_list(up->mail, up->fd, &w->dents,
					    &errnum, w->e);
		room = w->names;
		w->names = up->mail->listed[box];
		up->mail->listed[box] = room;
	}
	if (errnum)
		walk_error(w, (const char *)w->path.p, "list", errnum);
	return rc;
}

/* ESTALE: it is not what 'st' says. */
static int dir_open(const struct walk_spot *at, struct stat *st)
{
	int fd = walk_open(at->dirfd, at->name, WALK_DIR);
	struct stat now;

	if (fd < 0) {
		/* Where there was a directory. */
		if (errno == ELOOP || errno == ENOTDIR)
			errno = ESTALE;
		return -1;
	}
	if (fstat(fd, &now) == 0 && now.st_ino == st->st_ino &&
	    now.st_dev == st->st_dev) {
		*st = now;
		return fd;
	}
	close(fd);
	errno = ESTALE;
	return -1;
}

int walk_dir_through(struct walk *w, struct walk_spot *at)
{
	struct stat st;
	int fd, errnum;

	if (!at->node || at->node->n == 0)
		return 0;
	fd = walk_open(at->dirfd, at->name, O_RDONLY | O_DIRECTORY);
	if (fd < 0 && errno == EACCES)
		fd = walk_open(at->dirfd, at->name, O_PATH | O_DIRECTORY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		errnum = errno;
		if (fd >= 0)
			close(fd);
		walk_error_below(w, at->node, "open", errnum);
		return 0;
	}
	walk_names_clear(&w->names);
	return walk_push(w, at, fd, &st, true);
}

/* The frame is there: what it is in a maildir. */
static int dir_mail(struct walk *w, enum walk_box box)
{
	struct walk_frame *f = walk_top(w);

	f->box = box;
	if (!walk_mail_is(f->fd, &f->names))
		return 0;
	f->mail = mem_zero(1, sizeof(*f->mail));
	return f->mail ? 0 : err_nomem(w->e);
}

int walk_dir_visit(struct walk *w, struct walk_spot *at, struct stat *st,
		   bool take)
{
	const char *path = (const char *)w->path.p;
	const struct walk_frame *up = w->depth ? walk_top(w) : NULL;
	bool own_root = at->node && at->node->given, tagged = false;
	dev_t root_dev = own_root || !up ? st->st_dev : up->root_dev;
	bool recurse = !w->o->one_file_system || st->st_dev == root_dev;
	enum walk_box box = WALK_NO_BOX;
	int fd = dir_open(at, st), rc = 0;

	if (fd < 0 && errno == ESTALE)
		return 1;
	if (fd < 0) {
		if (errno != ENOENT || own_root)
			walk_error(w, path, "open", errno);
		return walk_dir_through(w, at);
	}
	if (recurse)
		rc = dir_tags(w, fd, &tagged);
	if (rc == 0 && tagged) {
		walk_excluded(w, path);
		if (!take || !w->o->keep_exclude_tags) {
			close(fd);
			return walk_dir_through(w, at);
		}
	} else if (rc == 0 && recurse) {
		if (up && up->mail && at->listed)
			box = walk_mail_box(at->name);
		rc = dir_list(w, fd, box);
	} else {
		walk_names_clear(&w->names);
	}
	if (rc < 0) {
		close(fd);
		return rc;
	}
	rc = walk_push(w, at, fd, st, !take);
	if (rc == 0 && !tagged)
		rc = dir_mail(w, box);
	return rc == 0 && take ? walk_enter(w) : rc;
}
