/* SPDX-License-Identifier: BSD-2-Clause */
/* Listings: many folders at once, and of each the next answers are asked for
 * before the first has come. */
#include "store/sftp_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"

#define LIST_AHEAD 2		/* READDIRs under way in each folder */
#define LIST_FOLDERS 128

struct list_dir {
	struct sftp_req open, read[LIST_AHEAD];
	struct sftp_handle h;
	bool opened, ended;
	uint32_t code;		/* why it is not open */
};

static int list_open(struct sftp_conn *c, struct list_dir *d, char **path,
		     unsigned n, struct err *e)
{
	unsigned i, sent;
	int rc = 0;

	for (sent = 0; rc == 0 && sent < n; sent++) {
		d[sent].open.want = SFTP_HANDLE;
		rc = sftp_put_path(&d[sent].open.head, SFTP_OPENDIR,
			path[sent], e);
		if (rc == 0)
			sftp_conn_send(c, &d[sent].open);
	}
	for (i = 0; i < sent; i++) {
		struct sftp_req *r = &d[i].open;

		if (r->line.state == LINE_IDLE)
			continue;
		if (sftp_conn_wait(c, r) < 0)
			rc = ERR_RETRY;
		d[i].code = r->good ? (uint32_t)SFTP_OK : r->code;
		d[i].opened = r->good &&
			sftp_get_handle(r->body.p, r->body.len, &d[i].h);
		if (r->good && !d[i].opened)
			d[i].code = SFTP_BAD_MESSAGE;
		d[i].ended = !d[i].opened;
	}
	return rc;
}

static int list_names(const struct buf *b, unsigned which,
		      int (*fn)(unsigned, const struct sftp_name *, void *),
		      void *ctx)
{
	struct sftp_name name;
	struct rd r;
	uint32_t n;
	int rc = 0;

	if (!sftp_get_names(&r, b->p, b->len, &n))
		return SFTP_BAD_MESSAGE;
	for (; rc == 0 && n > 0; n--) {
		if (!sftp_get_name(&r, &name))
			return SFTP_BAD_MESSAGE;
		if ((name.len == 1 && name.name[0] == '.') ||
		    (name.len == 2 && memcmp(name.name, "..", 2) == 0))
			continue;
		rc = fn(which, &name, ctx);
	}
	return rc;
}

/* One round in all folders that are not at their end.  Returns what fn does,
 * or ERR_RETRY. */
static int list_round(struct sftp_conn *c, struct list_dir *d, unsigned n,
		      int (*fn)(unsigned, const struct sftp_name *, void *),
		      void *ctx, struct err *e)
{
	unsigned i, j;
	int rc = 0, got;

	for (i = 0; i < n; i++)
		for (j = 0; !d[i].ended && j < LIST_AHEAD; j++) {
			struct sftp_req *r = &d[i].read[j];

			sftp_req_release(r);
			*r = (struct sftp_req){ .want = SFTP_NAME };
			if (sftp_put_handle(&r->head, SFTP_READDIR, &d[i].h,
			    e) < 0)
				rc = ERR_NOMEM;
			else
				sftp_conn_send(c, r);
		}
	for (i = 0; i < n; i++) {
		bool was = d[i].ended;

		for (j = 0; !was && j < LIST_AHEAD; j++) {
			struct sftp_req *r = &d[i].read[j];

			if (r->line.state == LINE_IDLE)
				continue;
			if (sftp_conn_wait(c, r) < 0) {
				rc = ERR_RETRY;
			} else if (!r->good) {
				d[i].ended = true;
				if (r->code != SFTP_EOF)
					d[i].code = r->code;
			} else if (rc == 0) {
				got = list_names(&r->body, i, fn, ctx);
				if (got == SFTP_BAD_MESSAGE)
					d[i].code = SFTP_BAD_MESSAGE;
				else
					rc = got;
				d[i].ended |= got != 0;
			}
		}
	}
	return rc;
}

static int list_dirs(struct sftp_conn *c, struct list_dir *d, char **path,
		     unsigned n, int (*fn)(unsigned, const struct sftp_name *,
		     void *), void *ctx, struct err *e)
{
	bool more = true;
	unsigned i, j;
	int rc = list_open(c, d, path, n, e);

	while (rc == 0 && more) {
		rc = list_round(c, d, n, fn, ctx, e);
		for (more = false, i = 0; i < n; i++)
			more |= !d[i].ended;
	}
	for (i = 0; i < n; i++) {
		if (d[i].opened && rc != ERR_RETRY)
			sftp_close_later(c, &d[i].h);
		sftp_req_release(&d[i].open);
		for (j = 0; j < LIST_AHEAD; j++)
			sftp_req_release(&d[i].read[j]);
	}
	return rc;
}

struct each {
	sftp_entry_fn *fn;
	void *ctx;
};

static int each_entry(unsigned which, const struct sftp_name *name, void *ctx)
{
	struct each *g = ctx;

	(void)which;
	return g->fn(name, g->ctx);
}

int sftp_each(struct sftp_conn *c, const char *path, sftp_entry_fn *fn,
	      void *ctx, uint32_t *code)
{
	struct each g = { fn, ctx };
	char *one = mem_str(path);
	struct list_dir *d = mem_zero(1, sizeof(*d));
	int rc = 0;

	*code = SFTP_FAILURE;
	if (one && d) {
		rc = list_dirs(c, d, &one, 1, each_entry, &g, NULL);
		*code = d->code;
	}
	free(one);
	free(d);
	return rc;
}

struct list_entry {
	enum store_kind k;
	char name[STORE_NAME_MAX + 1];
	uint64_t size;
	bool unsure;			/* to be looked at */
};

/* The folders of one batch: plain ones, or some of those of one kind. */
struct listing {
	unsigned folder[LIST_FOLDERS], n;
	struct list_entry *entry;
	size_t n_entries, cap;
	struct sftp *s;
	struct err *e;
};

static enum store_kind listing_kind(unsigned folder)
{
	if (folder < LAYOUT_FAN_DATA)
		return (enum store_kind)folder;
	return folder < LAYOUT_FAN_META ? STORE_DATA : STORE_META;
}

static int listing_add(unsigned which, const struct sftp_name *name,
		       void *ctx)
{
	struct listing *g = ctx;
	struct list_entry *p, one;
	unsigned folder = g->folder[which];

	one.k = listing_kind(folder);
	if (name->len > STORE_NAME_MAX || memchr(name->name, '\0', name->len))
		return 0;
	memcpy(one.name, name->name, name->len);
	one.name[name->len] = '\0';
	if (!store_name_ok(one.k, one.name) ||
	    layout_folder(one.k, one.name) != folder) {
		if (one.k != STORE_ROOT)
			log_debug("ssh", "'%s' is not ours", one.name);
		return 0;
	}
	one.unsure = !name->at.has_mode || !name->at.has_size ||
		S_ISDIR(name->at.mode);
	one.size = name->at.size;
	if (!one.unsure && !S_ISREG(name->at.mode))
		return 0;
	if (g->n_entries == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 256;

		p = mem_resize(g->entry, cap, sizeof(*p));
		if (!p)
			return err_nomem(g->e);
		g->entry = p;
		g->cap = cap;
	}
	g->entry[g->n_entries++] = one;
	return 0;
}

/* Folders, and what a server has told no sizes of; those that are nothing of
 * ours, or gone, go. */
static int listing_look(struct listing *g, struct sftp_conn *c)
{
	char rel[LAYOUT_PATH_BYTES], path[SFTP_PATH_BYTES];
	struct sftp_look *look;
	size_t i, n = 0, keep = 0;
	int rc = 0;

	for (i = 0; i < g->n_entries; i++)
		n += g->entry[i].unsure;
	if (n == 0)
		return 0;
	look = mem_zero(n, sizeof(*look));
	if (!look)
		return err_nomem(g->e);
	for (n = i = 0; rc == 0 && i < g->n_entries; i++) {
		if (!g->entry[i].unsure)
			continue;
		layout_path(g->entry[i].k, g->entry[i].name, rel);
		look[n].path = mem_str(sftp_path(g->s, rel, path));
		rc = look[n++].path ? 0 : err_nomem(g->e);
	}
	if (rc == 0)
		rc = sftp_sizes(c, look, n, g->e);
	for (n = i = 0; rc == 0 && i < g->n_entries; i++) {
		struct list_entry *p = &g->entry[i];
		const struct sftp_look *l = p->unsure ? &look[n++] : NULL;

		if (l && l->code != SFTP_OK && l->code != SFTP_NO_SUCH_FILE)
			rc = sftp_say(l->code, g->e, "repository '%s': cannot "
				"look at '%s'", g->s->store.url, p->name);
		if (l && l->code != SFTP_OK)
			continue;
		if (l)
			p->size = l->size;
		g->entry[keep++] = *p;
	}
	if (rc == 0)
		g->n_entries = keep;
	for (i = 0; look && i < n; i++)
		free(look[i].path);
	free(look);
	return rc;
}

static int listing_failed(struct listing *g, unsigned folder, uint32_t code)
{
	char name[LAYOUT_FOLDER_BYTES];

	/* Copying programs drop empty folders.  The others hold too much to
	 * be taken for empty when they are missing. */
	if (code == SFTP_NO_SUCH_FILE && folder >= LAYOUT_FAN_DATA)
		return 0;
	layout_folder_path(folder, name);
	if (code == SFTP_NO_SUCH_FILE)
		return err_set(g->e, ERR_CORRUPT, "repository '%s' has lost "
			"its folder '%s'", g->s->store.url, name);
	return sftp_say(code, g->e, "cannot list '%s/%s'", g->s->store.url,
		name);
}

static int listing_op(struct sftp *s, struct sftp_conn *c, void *arg,
		      struct err *e)
{
	char name[LAYOUT_FOLDER_BYTES], path[SFTP_PATH_BYTES];
	struct listing *g = arg;
	struct list_dir *d = mem_zero(g->n, sizeof(*d));
	struct strv paths = STRV_INIT;
	unsigned i;
	int rc = d ? 0 : err_nomem(e);

	g->n_entries = 0;
	sftp_files_expire(s->files, reach_no(&s->reach), c);
	for (i = 0; rc == 0 && i < g->n; i++)
		rc = strv_add(&paths, sftp_path(s, layout_folder_path(
			g->folder[i], name), path), e);
	if (rc == 0)
		rc = list_dirs(c, d, paths.v, g->n, listing_add, g, e);
	for (i = 0; rc == 0 && i < g->n; i++)
		if (d[i].code != SFTP_OK)
			rc = listing_failed(g, g->folder[i], d[i].code);
	if (rc == 0)
		rc = listing_look(g, c);
	strv_release(&paths);
	free(d);
	return rc;
}

/* data/ itself must be there; its folders need not. */
static int listing_top(struct sftp *s, struct sftp_conn *c, void *arg,
		       struct err *e)
{
	char path[SFTP_PATH_BYTES];
	struct listing *g = arg;
	enum store_kind k = listing_kind(g->folder[0]);
	struct sftp_attrs at;
	uint32_t code;
	int rc;

	(void)e;
	sftp_path(s, store_kind_name(k), path);
	rc = sftp_lstat(c, path, &at, &code);
	if (rc < 0 || code == SFTP_OK)
		return rc;
	return listing_failed(g, k, code);
}

/* Handles are limited, and other threads need some. */
static int listing_limit(struct sftp *s, struct sftp_conn *c, void *arg,
			 struct err *e)
{
	uint32_t half = sftp_conn_caps(c)->handles / 2;

	(void)s;
	(void)e;
	*(unsigned *)arg = half < LIST_FOLDERS ? half : LIST_FOLDERS;
	return 0;
}

static int listing_run(struct listing *g, store_list_many_fn *fn, void *ctx)
{
	size_t i;
	int rc = sftp_do(g->s, listing_op, g, g->e);

	for (i = 0; rc == 0 && i < g->n_entries; i++)
		rc = fn(g->entry[i].k, g->entry[i].name, g->entry[i].size,
			ctx);
	return rc;
}

static int list_packs(struct listing *g, enum store_kind k,
		      store_list_many_fn *fn, void *ctx)
{
	unsigned first = k == STORE_DATA ? LAYOUT_FAN_DATA : LAYOUT_FAN_META;
	unsigned at, some = 1;
	int rc;

	g->folder[0] = first;
	rc = sftp_do(g->s, listing_top, g, g->e);
	if (rc == 0)
		rc = sftp_do(g->s, listing_limit, &some, g->e);
	for (at = 0; rc == 0 && at < 256; at += g->n) {
		for (g->n = 0; g->n < some && at + g->n < 256; g->n++)
			g->folder[g->n] = first + at + g->n;
		rc = listing_run(g, fn, ctx);
	}
	return rc;
}

int sftp_list_many(struct store *store, const enum store_kind *k, size_t n,
		   store_list_many_fn *fn, void *ctx, struct err *e)
{
	struct listing *g = mem_zero(1, sizeof(*g));
	size_t i;
	int rc = 0;

	if (!g)
		return err_nomem(e);
	g->s = (struct sftp *)(void *)store;
	g->e = e;
	for (i = 0; i < n; i++)
		if (k[i] != STORE_DATA && k[i] != STORE_META)
			g->folder[g->n++] = k[i];
	if (g->n > 0)
		rc = listing_run(g, fn, ctx);
	for (i = 0; rc == 0 && i < n; i++)
		if (k[i] == STORE_DATA || k[i] == STORE_META)
			rc = list_packs(g, k[i], fn, ctx);
	free(g->entry);
	free(g);
	return rc;
}
