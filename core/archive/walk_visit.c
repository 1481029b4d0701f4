/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "archive/walk_priv.h"
#include "base/log.h"
#include "base/mem.h"

/* One entry: is it wanted, what is it, and where did it go. */

#define CHANGED_TRIES 3

static int path_join(struct buf *b, const char *name, struct err *e)
{
	int rc = 0;

	if (b->len && b->p[b->len - 1] != '/')
		rc = buf_append(b, "/", 1, e);
	if (rc == 0)
		rc = buf_append(b, name, strlen(name), e);
	return rc < 0 ? rc : buf_cstr(b, e);
}

/* Is 'path' that of 'name' in the top directory? */
static bool path_is_below(const struct walk *w, const char *path,
			  const char *name)
{
	size_t len = w->path.len;

	if (len && strncmp(path, (const char *)w->path.p, len) != 0)
		return false;
	if (len && w->path.p[len - 1] != '/' && path[len++] != '/')
		return false;
	return strcmp(path + len, name) == 0;
}

/* The entry is somewhere else on disk than what holds it in the archive. */
static int spot_elsewhere(struct walk *w, struct walk_spot *at)
{
	const char *path = at->node->path, *slash = strrchr(path, '/');
	char *base;
	int rc;

	at->saved_path = mem_dup(w->path.p, w->path.len + 1);
	base = slash ? mem_printf("%.*s", (int)(slash - path + (slash == path)),
				  path) : mem_str(".");
	if (!at->saved_path || !base) {
		free(base);
		return err_nomem(w->e);
	}
	buf_clear(&w->path);
	rc = path_join(&w->path, path, w->e);
	at->basefd = walk_open(AT_FDCWD, base, O_RDONLY | O_DIRECTORY);
	if (at->basefd < 0 && errno == EACCES)
		at->basefd = walk_open(AT_FDCWD, base, O_PATH | O_DIRECTORY);
	at->dirfd = at->basefd;
	free(base);
	if (rc == 0 && at->basefd < 0) {
		walk_error_all(w, at->node, "open", errno);
		return 1;
	}
	return rc;
}

/* Find the entry's place; the paths get its name.  1: it has none. */
static int spot_open(struct walk *w, struct walk_spot *at)
{
	const struct walk_frame *f = walk_top(w);
	bool below = at->node && path_is_below(w, at->node->path, at->name);
	int rc;

	if (at->listed && at->node && !below) {
		walk_error_all(w, at->node, "merge", EEXIST);
		at->node = NULL;
	}
	rc = path_join(&w->stored, at->name, w->e);
	if (rc < 0)
		return rc;
	if (at->listed || (below && f->fd >= 0)) {
		at->dirfd = f->fd;
		return path_join(&w->path, at->name, w->e);
	}
	return spot_elsewhere(w, at);
}

static void spot_close(struct walk *w, struct walk_spot *at)
{
	if (at->basefd >= 0)
		close(at->basefd);
	walk_cut(w, at->saved_path, at->path_len, at->stored_len);
	free(at->saved_path);
}

struct wish {
	bool take;	/* store it */
	bool into;	/* look inside */
};

static struct wish visit_wish(struct walk *w, const char *path)
{
	struct pattern_set *p = w->o->patterns;
	enum pattern_verdict v = p ? pattern_match(p, path) : PATTERN_NONE;
	struct wish wish = { .into = true };

	wish.take = v == PATTERN_INCLUDE ||
		(v == PATTERN_NONE && (!p || pattern_default(p)));
	if (!wish.take) {
		wish.into = v != PATTERN_EXCLUDE_TREE &&
			pattern_may_descend(p, path);
		walk_excluded(w, path);
	}
	return wish;
}

static bool visit_nodump(int dirfd, const char *name, mode_t mode)
{
	struct statx sx;
	long flags = 0;
	int fd;

	if (!S_ISREG(mode) && !S_ISDIR(mode))
		return false;
	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW, 0, &sx) == 0 &&
	    (sx.stx_attributes_mask & STATX_ATTR_NODUMP))
		return sx.stx_attributes & STATX_ATTR_NODUMP;
	fd = walk_open(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		       O_NOCTTY);
	if (fd < 0)
		return false;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		flags = 0;
	close(fd);
	return flags & FS_NODUMP_FL;
}

static int visit_item(struct walk *w, const struct walk_item *it)
{
	int rc = walk_enter(w);

	if (rc == 0 && w->ops->item)
		rc = w->ops->item(it, w->ctx);
	return rc;
}

/* A message may come under another name only where that keeps the order. */
static bool visit_in_order(const struct walk_frame *f,
			   const struct walk_mail *m, const char *name)
{
	const char *before = NULL;

	if (f->next < f->names.n &&
	    strcmp(name, walk_names_at(&f->names, f->next)) >= 0)
		return false;
	if (f->next > 1)
		before = f->renamed == f->next - 1 ? m->last :
			walk_names_at(&f->names, f->next - 2);
	return !before || strcmp(before, name) < 0;
}

/* A message is not where it was listed. */
static int visit_moved(struct walk *w, struct walk_spot *at)
{
	struct walk_frame *f = walk_top(w), *home = f - 1;
	struct walk_item it = { .message = true };
	struct walk_moved to;
	size_t len = home->path_len;
	char *path;
	int rc;

	rc = walk_mail_find(home->mail, home->fd, at->name, at->ino, &w->dents,
			    &to, w->e);
	if (rc < 0 || to.dirfd < 0)
		return rc;
	path = mem_printf("%.*s%s%s/%s", (int)len, (const char *)w->path.p,
			  len && w->path.p[len - 1] != '/' ? "/" : "",
			  to.box == WALK_CUR ? "cur" : "new", to.name);
	if (!path) {
		rc = err_nomem(w->e);
		goto out;
	}
	if (!visit_wish(w, path).take)
		goto out;
	if (to.box == f->box && visit_in_order(f, home->mail, to.name)) {
		walk_cut(w, NULL, w->path.len, at->stored_len);
		rc = path_join(&w->stored, to.name, w->e);
		f->renamed = f->next;
		memcpy(home->mail->last, to.name, sizeof(to.name));
	}
	it.dirfd = to.dirfd;
	it.name = to.name;
	it.path = path;
	it.stored = (const char *)w->stored.p;
	it.st = to.st;
	if (rc == 0)
		rc = visit_item(w, &it);
out:
	close(to.dirfd);
	free(path);
	return rc;
}

static void visit_source(struct walk *w, const struct walk_spot *at)
{
	if (at->node && at->node->given && w->ops->source)
		w->ops->source(at->node->path, w->ctx);
}

/* 1: the entry changed while it was looked at. */
static int visit_found(struct walk *w, struct walk_spot *at, struct wish wish)
{
	struct walk_item it = { .dirfd = at->dirfd, .name = at->name };
	const struct walk_opts *o = w->o;
	bool box = w->depth && walk_top(w)->box != WALK_NO_BOX &&
		at->name[0] != '.';

	it.path = (const char *)w->path.p;
	it.stored = (const char *)w->stored.p;
	if (fstatat(at->dirfd, at->name, &it.st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT && box && at->listed && wish.take)
			return visit_moved(w, at);
		if (at->node)
			walk_error_all(w, at->node, "stat", errno);
		else if (errno != ENOENT)
			walk_error(w, it.path, "stat", errno);
		return 0;
	}
	visit_source(w, at);
	if (o->skip_ino && it.st.st_ino == o->skip_ino &&
	    it.st.st_dev == o->skip_dev) {
		log_info("walk", "'%s' is the repository and is left out",
			 it.path);
		walk_excluded(w, it.path);
		return 0;
	}
	if (o->exclude_nodump &&
	    visit_nodump(at->dirfd, at->name, it.st.st_mode)) {
		walk_excluded(w, it.path);
		return walk_dir_through(w, at);
	}
	if (S_ISDIR(it.st.st_mode))
		return walk_dir_visit(w, at, &it.st, wish.take);
	walk_error_below(w, at->node, "open", ENOTDIR);
	it.message = box && S_ISREG(it.st.st_mode);
	return wish.take ? visit_item(w, &it) : 0;
}

static int visit_entry(struct walk *w, struct walk_spot *at)
{
	struct wish wish = { .take = false, .into = false };
	int rc, try;

	if (at->listed || at->node->given)
		wish = visit_wish(w, (const char *)w->path.p);
	if (!wish.take && !wish.into) {
		visit_source(w, at);
		return walk_dir_through(w, at);
	}
	for (try = 0; try < CHANGED_TRIES; try++) {
		rc = visit_found(w, at, wish);
		if (rc != 1)
			return rc;
	}
	walk_error(w, (const char *)w->path.p, "open", ESTALE);
	walk_error_below(w, at->node, "open", ESTALE);
	return 0;
}

int walk_visit(struct walk *w, const char *name, struct walk_source *node,
	       bool listed, uint64_t ino)
{
	struct walk_spot at = { .dirfd = -1, .basefd = -1, .name = name,
				.path_len = w->path.len,
				.stored_len = w->stored.len, .node = node,
				.listed = listed, .ino = ino };
	size_t depth = w->depth;
	int rc;

	rc = spot_open(w, &at);
	if (rc == 0)
		rc = visit_entry(w, &at);
	if (w->depth == depth)
		spot_close(w, &at);
	return rc == 1 ? 0 : rc;
}

/* Frame 0: the root of the archive, which has no item of its own. */
int walk_visit_root(struct walk *w)
{
	struct walk_spot at = { .dirfd = AT_FDCWD, .basefd = -1,
				.node = w->root };
	struct stat st = { 0 };
	int rc = buf_cstr(&w->stored, w->e);

	w->n_entered = 1;
	if (rc == 0 && w->root->given) {
		at.name = w->root->path;
		rc = path_join(&w->path, at.name, w->e);
		if (rc == 0)
			rc = visit_entry(w, &at);
	}
	if (rc != 0)
		return rc;
	buf_clear(&w->path);
	if (w->depth == 0) {
		rc = walk_push(w, &at, -1, &st, true);
	} else if (strcmp(w->root->path, ".") != 0) {
		rc = path_join(&w->path, w->root->path, w->e);
	}
	if (rc == 0)
		rc = buf_cstr(&w->path, w->e);
	if (rc == 0)
		w->frame->path_len = w->path.len;
	return rc;
}
