/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/create_loose.h"

#include <stdlib.h>
#include <string.h>

#include "archive/create_loose_priv.h"
#include "archive/create_priv.h"
#include "base/mem.h"

/* --- entries as bytes --- */

static void put_time(struct wr *w, const struct timespec *ts)
{
	wr_zigzag(w, ts->tv_sec);
	wr_varint(w, (uint64_t)ts->tv_nsec);
}

static void get_time(struct rd *r, struct timespec *ts)
{
	ts->tv_sec = rd_zigzag(r);
	ts->tv_nsec = (long)rd_varint_max(r, 999999999);
}

int create_loose_put_meta(struct create_loose *l, const struct entry *en,
			  struct err *e)
{
	bool object = !oid_is_zero(&en->xattrs_id);
	struct wr w;

	wr_init(&w, &l->text);
	wr_varint(&w, en->mode);
	wr_u8(&w, (uint8_t)en->flags);
	wr_varint(&w, en->uid);
	wr_varint(&w, en->gid);
	wr_varint(&w, en->fsflags);
	put_time(&w, &en->mtime);
	if (en->flags & ENTRY_ATIME)
		put_time(&w, &en->atime);
	if (en->flags & ENTRY_CTIME)
		put_time(&w, &en->ctime);
	wr_varint(&w, en->size);
	wr_varint(&w, en->rdev_major);
	wr_varint(&w, en->rdev_minor);
	wr_varint(&w, en->target_len);
	wr_bytes(&w, en->target, en->target_len);
	wr_u8(&w, object);
	if (object) {
		wr_bytes(&w, en->xattrs_id.b, sizeof(en->xattrs_id.b));
	} else {
		wr_varint(&w, en->xattrs_len);
		wr_bytes(&w, en->xattrs, en->xattrs_len);
	}
	return wr_done(&w, e);
}

int create_loose_get_meta(const struct create_loose *l,
			  const struct loose_row *row, struct entry *en,
			  struct err *e)
{
	struct rd r;

	memset(en, 0, sizeof(*en));
	rd_init(&r, l->text.p + row->name + row->name_len,
		l->text.len - row->name - row->name_len);
	en->mode = (uint32_t)rd_varint(&r);
	en->flags = rd_u8(&r);
	en->uid = (uint32_t)rd_varint(&r);
	en->gid = (uint32_t)rd_varint(&r);
	en->fsflags = (uint32_t)rd_varint(&r);
	get_time(&r, &en->mtime);
	if (en->flags & ENTRY_ATIME)
		get_time(&r, &en->atime);
	if (en->flags & ENTRY_CTIME)
		get_time(&r, &en->ctime);
	en->size = rd_varint(&r);
	en->rdev_major = (uint32_t)rd_varint(&r);
	en->rdev_minor = (uint32_t)rd_varint(&r);
	en->target_len = (uint16_t)rd_varint_max(&r, ENTRY_TARGET_MAX);
	en->target = rd_bytes(&r, en->target_len);
	if (rd_u8(&r)) {
		rd_copy(&r, en->xattrs_id.b, sizeof(en->xattrs_id.b));
	} else {
		en->xattrs_len = (uint32_t)rd_varint_max(&r,
			ENTRY_XATTR_INLINE_MAX);
		en->xattrs = rd_bytes(&r, en->xattrs_len);
	}
	if (row->content) {
		struct rd k;

		rd_init(&k, l->text.p + row->content - 1,
			l->text.len - row->content + 1);
		content_get(&k, &en->content);
		if (k.bad)
			rd_fail(&r);
	}
	return r.bad ? err_set(e, ERR_IO, "the table of a tar file's members "
		"is damaged: faulty memory") : 0;
}

const char *create_loose_path(struct create_loose *l,
			      const struct loose_row *row)
{
	size_t i;
	int rc = 0;

	buf_clear(&l->scratch);
	if (row->dir_len) {
		rc = buf_append(&l->scratch, l->text.p + row->dir,
			row->dir_len, NULL);
		if (rc == 0)
			rc = buf_append(&l->scratch, "", 1, NULL);
	}
	if (rc == 0)
		rc = buf_append(&l->scratch, l->text.p + row->name,
			row->name_len, NULL);
	for (i = 0; i < l->scratch.len; i++)
		if (l->scratch.p[i] == '\0')
			l->scratch.p[i] = '/';
	if (rc < 0 || buf_cstr(&l->scratch, NULL) < 0)
		return "(a path too long for the memory)";
	return (const char *)l->scratch.p;
}

/* --- adding --- */

/* Append a path with NULs for slashes. */
static int loose_text(struct create_loose *l, const char *p, size_t len)
{
	size_t at = l->text.len;
	int rc = buf_append(&l->text, p, len, l->c->e);

	for (; rc == 0 && at < l->text.len; at++)
		if (l->text.p[at] == '/')
			l->text.p[at] = '\0';
	return rc;
}

static bool loose_same_dir(const struct create_loose *l,
			   const struct loose_row *row, const char *p,
			   size_t len)
{
	const uint8_t *q = l->text.p + row->dir;
	size_t i;

	if (row->dir_len != len)
		return false;
	for (i = 0; i < len; i++)
		if (q[i] != (p[i] == '/' ? 0 : (uint8_t)p[i]))
			return false;
	return true;
}

static struct loose_row *loose_row_new(struct create_loose *l,
				       const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	size_t dir_len = slash ? (size_t)(slash - path) : 0;
	size_t name = slash ? dir_len + 1 : 0;
	struct loose_row *row;

	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 256;

		if (l->cap > LOOSE_NONE / 4 || !(row = mem_resize(l->row, cap,
							sizeof(*row)))) {
			err_nomem(l->c->e);
			return NULL;
		}
		l->row = row;
		l->cap = cap;
	}
	row = &l->row[l->n];
	*row = (struct loose_row) { .target = LOOSE_NONE,
		.dir_len = (uint32_t)dir_len,
		.name_len = (uint8_t)(len - name) };
	row->dir = l->text.len;
	if (l->n > 0 && loose_same_dir(l, row - 1, path, dir_len))
		row->dir = row[-1].dir;
	else if (loose_text(l, path, dir_len) < 0)
		return NULL;
	row->name = l->text.len;
	if (buf_append(&l->text, path + name, len - name, l->c->e) < 0)
		return NULL;
	l->n++;
	return row;
}

/* The first name of a number counts. */
static int loose_owner(struct create_loose *l, unsigned which, uint32_t id,
		       const char *name)
{
	uint8_t key[16] = { 1 };
	uint64_t *place;
	bool was;
	int rc;

	if ((rc = create_owner(l->c, which, id)) < 0 || !*name)
		return rc;
	memcpy(key + 8, &id, sizeof(id));
	if (map_get(&l->names[which], key))
		return 0;
	if ((rc = map_put(&l->names[which], key, &place, &was, l->c->e)) < 0)
		return rc;
	*place = l->text.len + 1;
	return buf_append(&l->text, name, strlen(name) + 1, l->c->e);
}

static const char *loose_owner_name(unsigned which, uint32_t id, void *ctx)
{
	const struct create_loose *l = ctx;
	uint8_t key[16] = { 1 };
	uint64_t *place;

	memcpy(key + 8, &id, sizeof(id));
	place = map_get(&l->names[which], key);
	return place ? (const char *)l->text.p + *place - 1 : NULL;
}

static int loose_meta(struct create_loose *l, struct loose_row *row,
		      const struct create_loose_item *it)
{
	struct entry en = it->en;
	struct create *c = l->c;
	int rc;

	if (S_ISLNK(en.mode)) {
		en.target = (const uint8_t *)it->target;
		en.target_len = (uint16_t)it->target_len;
		en.size = it->target_len;
	}
	if (c->o->flags & CREATE_NO_FLAGS)
		en.fsflags = 0;
	if (en.xattrs_len > XATTR_SET_MAX) {
		create_loose_warn_part(l, create_loose_path(l, row),
			"extended attributes", "they are too large");
		en.xattrs_len = 0;
	}
	if (en.xattrs_len > ENTRY_XATTR_INLINE_MAX) {
		rc = session_put(c->session, OBJ_DATA, en.xattrs,
			en.xattrs_len, &en.xattrs_id, c->e);
		if (rc < 0)
			return rc;
		en.xattrs_len = 0;
	}
	return create_loose_put_meta(l, &en, c->e);
}

static char loose_letter(const struct create_loose_item *it)
{
	if (it->link)
		return 'h';
	switch (it->en.mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 's';
	case S_IFBLK:
		return 'b';
	case S_IFCHR:
		return 'c';
	case S_IFIFO:
		return 'f';
	default:
		return 'A';
	}
}

static void loose_status(struct create_loose *l, char letter, const char *path,
			 size_t len)
{
	buf_clear(&l->scratch);
	if (buf_append(&l->scratch, path, len, NULL) == 0 &&
	    buf_cstr(&l->scratch, NULL) == 0) {
		create_status(l->c, letter, (const char *)l->scratch.p);
		create_progress(l->c, (const char *)l->scratch.p);
	}
}

int create_loose_add(struct create_loose *l,
		     const struct create_loose_item *it)
{
	struct create_source src = { .fd = -1, .cookie = l->n };
	struct create *c = l->c;
	struct loose_row *row;
	int rc;

	if ((rc = cancel_check(c->o->cancel, c->e)) < 0)
		return rc;
	c->files += !S_ISDIR(it->en.mode);
	loose_status(l, c->session ? loose_letter(it) : '-', it->path,
		it->path_len);
	if (!c->session)
		return 0;
	if (!(row = loose_row_new(l, it->path, it->path_len)))
		return c->e->code;
	if (it->link) {
		row->state = LOOSE_LINK;
		row->content = it->link_len;
		return loose_text(l, it->link, it->link_len);
	}
	if (S_ISDIR(it->en.mode))
		row->state = LOOSE_DIR;
	if ((rc = loose_meta(l, row, it)) < 0 ||
	    (rc = loose_owner(l, 0, it->en.uid, it->uname)) < 0 ||
	    (rc = loose_owner(l, 1, it->en.gid, it->gname)) < 0)
		return rc;
	if (S_ISREG(it->en.mode)) {
		src.en.mode = it->en.mode;
		src.en.size = it->en.size;
		if ((rc = create_read_feed(c, &src, it->feed)) < 0)
			return rc;
	}
	return create_flush(c);
}

void create_loose_warn(struct create_loose *l, const char *path,
		       const char *why)
{
	create_warn_text(l->c, path, why);
}

void create_loose_warn_part(struct create_loose *l, const char *path,
			    const char *part, const char *why)
{
	create_warn_part(l->c, path, part, why);
}

/* --- being create_other --- */

/* The content of a row is stored. */
static int loose_placed(struct create *c, const struct event *ev, void *ctx)
{
	struct create_loose *l = ctx;
	struct wr w;

	if (ev->en.content.kind == CONTENT_NONE)
		return 0;
	l->row[ev->cookie].content = l->text.len + 1;
	wr_init(&w, &l->text);
	content_put(&w, &ev->en.content);
	return wr_done(&w, c->e);
}

static int loose_fill(struct create *c, void *ctx)
{
	struct create_loose *l = ctx;
	int rc;

	l->c = c;
	c->any_source = true;
	if ((rc = l->fn(l, l->ctx, c->e)) < 0 || !c->session)
		return rc;
	if ((rc = create_drain(c)) < 0)
		return rc;
	return create_loose_tree(l);
}

int create_loose_run(struct repo *r, const struct create_opts *o,
		     create_loose_fn *fn, void *ctx,
		     struct create_result *res, struct err *e)
{
	struct create_loose l = { .fn = fn, .ctx = ctx };
	const struct create_other other = {
		.fill = loose_fill, .placed = loose_placed,
		.owner = loose_owner_name, .ctx = &l
	};
	struct create_opts own = *o;
	int rc;

	own.stream = NULL;
	own.n_streams = 0;
	rc = create_other(r, &own, &other, res, e);
	buf_release(&l.text);
	buf_release(&l.scratch);
	map_release(&l.names[0]);
	map_release(&l.names[1]);
	free(l.row);
	free(l.order);
	return rc;
}
