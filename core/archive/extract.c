/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extract.  There is no commit point: each file is whole under its name or not
 * there (an existing one stays until the new one is whole).
 */
#include "archive/extract_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/scan.h"
#include "base/mem.h"

static void extract_event_release(struct extract_event *ev)
{
	tree_entry_free(ev->entry);
	extract_dir_unref(ev->dir);
	free(ev->path);
	free(ev->name);
	memset(ev, 0, sizeof(*ev));
}

static void extract_batch_free(struct extract_batch *b)
{
	unsigned i;

	if (!b)
		return;
	for (i = 0; i < b->n; i++)
		extract_event_release(&b->event[i]);
	free(b);
}

static void extract_work(struct job *j, unsigned worker, void *ctx)
{
	struct extract_batch *b = (struct extract_batch *)j;
	unsigned i;

	(void)worker;
	for (i = 0; i < b->n; i++)
		if (b->event[i].type == EXTRACT_FILE)
			extract_file_make(ctx, &b->event[i]);
}

/* --- what the owner does when a batch comes back --- */

static void extract_warning(struct extract *x, const char *path,
			    const char *text)
{
	if (x->o->warning)
		x->o->warning(path, text, x->o->ctx);
}

static int extract_note_link(struct extract *x, const struct extract_event *ev)
{
	uint8_t key[16] = { 1 };
	struct extract_link *l;
	uint64_t *value;
	bool was;
	int rc;

	if (!ev->entry->e.link_group || ev->err.code || !ev->ino)
		return 0;
	memcpy(key + 8, &ev->entry->e.link_group, 8);
	if ((rc = map_put(&x->links, key, &value, &was, x->e)) < 0 || was)
		return rc;
	if (x->n_links == x->cap_links) {
		size_t cap = x->cap_links ? x->cap_links * 2 : 64;

		l = mem_resize(x->link, cap, sizeof(*l));
		if (!l)
			return err_nomem(x->e);
		x->link = l;
		x->cap_links = cap;
	}
	l = &x->link[x->n_links++];
	l->path = mem_str(extract_stripped(x, ev->path));
	l->fsflags = x->o->flags & EXTRACT_NO_FLAGS ? 0 :
		ev->entry->e.fsflags & EXTRACT_LATE_FLAGS;
	l->dev = ev->dev;
	l->ino = ev->ino;
	*value = x->n_links;
	return l->path ? 0 : err_nomem(x->e);
}

/* Link to the very inode that we made: by an fd of it, not by its path. */
static int extract_link_to(const struct extract_link *l, int from_dir,
			   const char *from, struct extract_event *ev)
{
	char proc[64];
	struct stat st;
	int fd = openat(from_dir, from, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int rc = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		rc = linkat(AT_FDCWD, proc, ev->dir->fd, ev->name,
			AT_SYMLINK_FOLLOW);
		/* What has the name gives way, an empty folder too. */
		if (rc < 0 && errno == EEXIST &&
		    (unlinkat(ev->dir->fd, ev->name, 0) == 0 ||
		     unlinkat(ev->dir->fd, ev->name, AT_REMOVEDIR) == 0))
			rc = linkat(AT_FDCWD, proc, ev->dir->fd, ev->name,
				AT_SYMLINK_FOLLOW);
	}
	close(fd);
	return rc;
}

/* A further link of a group; if the first is not there it becomes a file. */
static void extract_make_link(struct extract *x, struct extract_event *ev)
{
	uint8_t key[16] = { 1 };
	const struct extract_link *l;
	const char *slash;
	uint64_t *value;
	int dir, rc = -1;

	memcpy(key + 8, &ev->entry->e.link_group, 8);
	value = map_get(&x->links, key);
	if (value && !(x->o->flags & EXTRACT_DRY_RUN)) {
		l = &x->link[*value - 1];
		slash = strrchr(l->path, '/');
		dir = extract_dir_walk(x, l->path,
			slash ? (size_t)(slash - l->path) : 0);
		if (dir >= 0) {
			rc = extract_link_to(l, dir,
				slash ? slash + 1 : l->path, ev);
			close(dir);
		}
	}
	if (rc < 0)
		extract_file_make(x, ev);
}

static int extract_done(struct extract *x, struct extract_event *ev)
{
	const struct entry *en = &ev->entry->e;
	int code;

	if (ev->type == EXTRACT_LINK)
		extract_make_link(x, ev);
	if (ev->type == EXTRACT_LEAVE) {
		if (!(x->o->flags & EXTRACT_DRY_RUN))
			extract_meta_set(x, ev, ev->dir->fd);
		x->res->dirs++;
	}
	if (ev->warn[0]) {
		x->res->warnings++;
		extract_warning(x, ev->path, ev->warn);
	}
	if (ev->type == EXTRACT_LEAVE)
		return 0;
	code = ev->err.code;
	if (code == ERR_CANCEL || code == ERR_FULL || code == ERR_NOMEM) {
		if (x->e)
			*x->e = ev->err;
		return err_ctx(x->e, "'%s'", ev->path);
	}
	if (code) {
		if (code == ERR_CORRUPT || code == ERR_NOENT)
			x->res->damaged++;
		else
			x->res->warnings++;
		extract_warning(x, ev->path, ev->err.msg);
		return 0;
	}
	if (en->flags & ENTRY_LOST) {
		x->res->warnings++;
		extract_warning(x, ev->path, "parts of its content were lost "
			"before it was repaired: they are zeroes now");
	}
	x->res->files++;
	x->res->bytes += S_ISREG(en->mode) ? en->size : 0;
	return extract_note_link(x, ev);
}

static int extract_take(struct extract *x)
{
	struct extract_batch *b = (struct extract_batch *)pool_take(x->pool);
	int rc = 0;
	unsigned i;

	for (i = 0; rc == 0 && i < b->n; i++)
		rc = extract_done(x, &b->event[i]);
	extract_batch_free(b);
	return rc;
}

static int extract_put(struct extract *x)
{
	int rc;

	if (!x->batch)
		return 0;
	while (pool_full(x->pool))
		if ((rc = extract_take(x)) < 0)
			return rc;
	pool_put(x->pool, &x->batch->job);
	x->batch = NULL;
	return 0;
}

static int extract_drain(struct extract *x)
{
	int rc;

	if ((rc = extract_put(x)) < 0)
		return rc;
	while (!pool_empty(x->pool))
		if ((rc = extract_take(x)) < 0)
			return rc;
	return 0;
}

/* --- the scan --- */

static int extract_event_add(struct extract *x, enum extract_type type,
			     const struct scan_item *it)
{
	const char *slash = strrchr(it->path, '/');
	struct extract_event *ev;

	if (!x->batch && !(x->batch = mem_zero(1, sizeof(*x->batch))))
		return err_nomem(x->e);
	ev = &x->batch->event[x->batch->n++];
	ev->type = type;
	ev->entry = tree_entry_copy(it->entry);
	ev->path = mem_str(it->path);
	ev->name = mem_str(slash ? slash + 1 : it->path);
	ev->dir = extract_dir_ref(x->dir);
	if (!ev->entry || !ev->path || !ev->name)
		return err_nomem(x->e);
	x->batch->bytes += it->entry->size;
	if (x->batch->n == EXTRACT_BATCH ||
	    x->batch->bytes >= EXTRACT_BATCH_BYTES)
		return extract_put(x);
	return 0;
}

static void extract_progress(struct extract *x, const char *path)
{
	struct extract_progress p = { .files = x->res->files,
		.bytes = x->res->bytes, .bytes_total = x->rec->root.bytes,
		.path = path };

	if (x->o->progress)
		x->o->progress(&p, x->o->ctx);
}

/* A link whose first has gone to the workers, or is there already. */
static int extract_is_further(struct extract *x, const struct entry *en,
			      bool *further)
{
	uint8_t key[16] = { 2 };	/* apart from those of made links */
	uint64_t *value;

	*further = false;
	if (!en->link_group)
		return 0;
	memcpy(key + 8, &en->link_group, 8);
	return map_put(&x->links, key, &value, further, x->e);
}

static int extract_place(struct extract *x, const struct scan_item *it,
			 bool whole)
{
	struct err why = { ERR_OK, "" };
	int rc;

	if (x->o->flags & EXTRACT_DRY_RUN)
		return 0;
	rc = extract_dir_enter(x, it->path, whole, &why);
	if (rc < 0 && rc != ERR_NOMEM && rc != ERR_FULL) {
		x->res->warnings++;
		extract_warning(x, it->path, why.msg);
		return 1;
	}
	if (rc < 0 && x->e)
		*x->e = why;
	return rc;
}

static int extract_item(const struct scan_item *it, void *ctx)
{
	struct extract *x = ctx;
	bool dir = S_ISDIR(it->entry->mode), further;
	int rc;

	if (x->o->flags & EXTRACT_STDOUT) {
		if (S_ISREG(it->entry->mode)) {
			extract_file_stdout(x, it->entry, it->path);
			x->res->files++;
		}
		return x->e->code;
	}
	if (!extract_stripped(x, it->path))
		return 0;
	if (!it->leave) {
		if (x->o->item)
			x->o->item(it->path, it->entry, x->o->ctx);
		extract_progress(x, it->path);
	}
	if ((rc = extract_place(x, it, dir)) != 0)
		return rc < 0 ? rc : dir ? 1 : 0;
	if (dir)
		return it->leave ? extract_event_add(x, EXTRACT_LEAVE, it) : 0;
	if ((rc = extract_is_further(x, it->entry, &further)) < 0)
		return rc;
	return extract_event_add(x, further ? EXTRACT_LINK : EXTRACT_FILE, it);
}

static void extract_scan_damage(const char *path, const struct err *why,
				void *ctx)
{
	struct extract *x = ctx;

	x->res->damaged++;
	extract_warning(x, *path ? path : "(root)", why->msg);
}

static void extract_release(struct extract *x)
{
	struct extract_batch *b;
	size_t i;

	if (x->pool)
		while ((b = (struct extract_batch *)pool_take(x->pool)))
			extract_batch_free(b);
	pool_free(x->pool);
	extract_batch_free(x->batch);
	extract_dir_unref(x->dir);
	extract_dir_unref(x->root);
	for (i = 0; i < x->n_links; i++)
		free(x->link[i].path);
	free(x->link);
	free(x->users);
	free(x->groups);
	map_release(&x->links);
	strv_release(&x->at);
}

int extract_run(struct reader *rd, const struct record *rec,
		const struct extract_opts *o, struct extract_result *res,
		struct err *e)
{
	struct err own = { ERR_OK, "" };
	struct extract x = { .rd = rd, .rec = rec, .o = o, .res = res,
			     .e = e ? e : &own };
	struct scan_opts so = {
		.patterns = o->patterns, .flags = SCAN_LEAVE,
		.cancel = o->cancel, .item = extract_item,
		.damaged = extract_scan_damage, .ctx = &x,
	};
	int rc;

	memset(res, 0, sizeof(*res));
	err_clear(x.e);
	x.root_user = geteuid() == 0;
	if ((rc = extract_dir_open(&x, o->destination)) < 0 ||
	    (rc = extract_meta_ids(&x)) < 0)
		goto out;
	x.pool = pool_new(o->threads, 2 * o->threads + 2, extract_work, &x);
	if (!x.pool) {
		rc = err_nomem(x.e);
		goto out;
	}
	rc = scan_run(rd, &rec->root, &so, x.e);
	if (rc == 0)
		rc = extract_drain(&x);
	if (rc == 0)
		extract_meta_links(&x);
	if (rc == 0 && res->damaged)
		rc = err_set(x.e, ERR_CORRUPT, "%llu damaged files or folders "
			"were not extracted",
			(unsigned long long)res->damaged);
out:
	extract_release(&x);
	return rc;
}
