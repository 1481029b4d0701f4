/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An archive as a tar stream.  A file of up to EXPORT_WHOLE bytes is read
 * before its header is written: if it is damaged it is left out, and the
 * stream ends such that nobody takes it for a whole one.  When a larger one
 * turns out to be damaged in the middle the stream just ends there.
 */
#include "archive/tar_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/file.h"
#include "archive/scan.h"
#include "archive/tree.h"
#include "base/map.h"
#include "base/mem.h"

#define EXPORT_WHOLE (16u << 20)

struct export {
	struct reader *rd;
	const struct record *rec;
	const struct tar_export_opts *o;
	struct err *e;
	struct tar_out out;
	struct map links;	/* hard links: group to 1 + place in paths */
	struct buf paths;
	struct buf path, target;	/* scratch */
	struct buf content;	/* of a file that is read in full */
	struct buf map;		/* of a sparse file */
	uint32_t id[2];		/* owners that were looked up last */
	const char *name[2];
	uint64_t damaged;
	bool inside;		/* of a member: more of it has to come */
};

static void export_damage(struct export *x, const char *path,
			  const struct err *why)
{
	x->damaged++;
	if (x->o->warning)
		x->o->warning(path, why->msg, x->o->ctx);
}

static const char *export_stripped(const struct export *x, const char *path)
{
	unsigned i;

	for (i = 0; path && i < x->o->strip_components; i++) {
		path = strchr(path, '/');
		if (path)
			path++;
	}
	return path;
}

/* Names come in runs. */
static const char *export_owner(struct export *x, unsigned which, uint32_t id)
{
	const struct record_name *n = which ? x->rec->groups : x->rec->users;
	uint32_t i, count = which ? x->rec->n_groups : x->rec->n_users;

	if (x->name[which] && x->id[which] == id)
		return x->name[which];
	x->id[which] = id;
	x->name[which] = "";
	for (i = 0; i < count; i++)
		if (n[i].id == id)
			x->name[which] = n[i].name;
	return x->name[which];
}

/* --- pax records of metadata --- */

static int export_attr(struct export *x, const struct xattr_item *a)
{
	struct buf key = BUF_INIT;
	size_t i;
	int rc;

	rc = buf_append(&key, "SCHILY.xattr.", 13, x->e);
	for (i = 0; rc == 0 && i < a->name_len; i++)
		rc = a->name[i] == '=' ? buf_append(&key, "%3D", 3, x->e) :
			a->name[i] == '%' ? buf_append(&key, "%25", 3, x->e) :
			buf_append(&key, a->name + i, 1, x->e);
	if (rc == 0)
		rc = buf_cstr(&key, x->e);
	if (rc == 0)
		rc = tar_out_record(&x->out, (const char *)key.p, a->value,
			a->value_len, x->e);
	buf_release(&key);
	return rc;
}

/* As text, too, for those who do not take them from attributes. */
static int export_acl(struct export *x, const struct xattr_item *a)
{
	const size_t prefix = strlen("system.posix_acl_");
	struct buf text = BUF_INIT;
	char key[32];
	int rc;

	if (a->name_len <= prefix || a->name_len > prefix + 7 ||
	    memcmp(a->name, "system.posix_acl_", prefix) != 0)
		return 0;
	snprintf(key, sizeof(key), "SCHILY.acl.%.*s",
		(int)(a->name_len - prefix), a->name + prefix);
	rc = tar_meta_acl_text(&text, a->value, a->value_len, x->e);
	if (rc == 0)
		rc = tar_out_record(&x->out, key, text.p, text.len, x->e);
	else if (rc == ERR_CORRUPT)
		rc = 0;		/* nothing that we understand */
	buf_release(&text);
	return rc;
}

static int export_attrs(struct export *x, const struct entry *en,
			const char *path)
{
	struct err why = { ERR_OK, "" };
	struct xattr_iter it;
	struct xattr_item a;
	const uint8_t *set;
	struct obj *hold = NULL;
	size_t len;
	int rc;

	if (!en->xattrs_len && oid_is_zero(&en->xattrs_id))
		return 0;
	rc = tree_xattrs(x->rd, en, &set, &len, &hold, &why);
	if (rc == ERR_CORRUPT || rc == ERR_NOENT) {
		err_ctx(&why, "its extended attributes");
		export_damage(x, path, &why);
		return 0;
	}
	if (rc < 0)
		return err_set(x->e, why.code, "'%s': %s", path, why.msg);
	xattr_iter_init(&it, set, len);
	while (rc == 0 && xattr_iter_next(&it, &a)) {
		rc = export_attr(x, &a);
		if (rc == 0)
			rc = export_acl(x, &a);
	}
	if (rc == 0 && !rd_done(&it.r)) {
		err_set(&why, ERR_CORRUPT,
			"its extended attributes are damaged");
		export_damage(x, path, &why);
	}
	reader_release(x->rd, hold);
	return rc;
}

static int export_records(struct export *x, const struct entry *en,
			  const char *path)
{
	char flags[64];
	int rc = 0;

	buf_clear(&x->out.pax);
	if (en->flags & ENTRY_ATIME)
		rc = tar_out_record_time(&x->out, "atime", &en->atime, x->e);
	if (rc == 0 && en->flags & ENTRY_CTIME)
		rc = tar_out_record_time(&x->out, "ctime", &en->ctime, x->e);
	if (rc == 0 && en->flags & ENTRY_CHANGED)
		rc = tar_out_record(&x->out, "MUNIMENT.changed", "1", 1, x->e);
	if (rc == 0 && tar_meta_flags_text(flags, en->fsflags))
		rc = tar_out_record(&x->out, "SCHILY.fflags", flags,
			strlen(flags), x->e);
	return rc < 0 ? rc : export_attrs(x, en, path);
}

/* --- contents --- */

/* Regions with data, as GNU's map: text of offsets and lengths. */
struct export_map {
	struct export *x;
	uint64_t off, len;	/* the open region */
	uint64_t n, stored;
	bool holes;
};

static int map_close(struct export_map *m)
{
	int rc = buf_printf(&m->x->map, m->x->e, "%" PRIu64 "\n%" PRIu64 "\n",
		m->off, m->len);

	m->n++;
	m->stored += m->len;
	return rc;
}

static int map_piece(const struct piece *p, uint64_t off, void *ctx)
{
	struct export_map *m = ctx;
	int rc = 0;

	if (p->transform == PIECE_HOLE) {
		m->holes = true;
		return 0;
	}
	if (!oid_is_zero(&p->id) && !reader_has(m->x->rd, &p->id))
		return err_set(m->x->e, ERR_CORRUPT,
			"a part of it is not in the repository");
	if (m->len && m->off + m->len != off) {
		rc = map_close(m);
		m->len = 0;
	}
	if (!m->len)
		m->off = off;
	m->len += p->len;
	return rc;
}

/* Where its data is; the map into x->map, whole blocks, if it has holes. */
static int export_map(struct export *x, const struct entry *en,
		      struct export_map *m)
{
	struct buf regions;
	int rc;

	*m = (struct export_map) { .x = x };
	buf_clear(&x->map);
	rc = file_each(x->rd, &en->content, en->size, map_piece, m, x->e);
	if (rc == 0 && m->len)
		rc = map_close(m);
	if (rc < 0 || !m->holes)
		return rc;
	/* The size is where the last region ends, be it an empty one. */
	if (!m->len || m->off + m->len != en->size) {
		m->off = en->size;
		m->len = 0;
		if ((rc = map_close(m)) < 0)
			return rc;
	}
	regions = x->map;
	x->map = (struct buf)BUF_INIT;
	rc = buf_printf(&x->map, x->e, "%" PRIu64 "\n", m->n);
	if (rc == 0)
		rc = buf_append(&x->map, regions.p, regions.len, x->e);
	buf_release(&regions);
	while (rc == 0 && x->map.len % TAR_BLOCK)
		rc = buf_append(&x->map, "", 1, x->e);
	return rc;
}

/* What is not a hole: into 'to', or into the stream. */
static int export_data(struct export *x, const struct entry *en,
		       struct buf *to)
{
	const uint8_t *p;
	uint64_t off = 0, len;
	struct file *f;
	bool hole;
	int rc;

	rc = file_open(&f, x->rd, &en->content, en->size, x->e);
	while (rc == 0 && off < en->size) {
		if ((rc = cancel_check(x->o->cancel, x->e)) < 0 ||
		    (rc = file_at(f, off, &p, &len, &hole, x->e)) < 0)
			break;
		if (len == 0 || len > en->size - off)
			rc = err_set(x->e, ERR_CORRUPT,
				"its content is not of its size");
		else if (!hole)
			rc = to ? buf_append(to, p, (size_t)len, x->e) :
				tar_out_put(&x->out, p, (size_t)len, x->e);
		off += len;
	}
	file_close(f);
	return rc;
}

/* The header of a sparse file: GNU's form 1.0. */
static int export_sparse(struct export *x, struct tar_head *h,
			 const struct entry *en, struct buf *name)
{
	const char *slash = strrchr(h->path, '/');
	int rc;

	rc = tar_out_record(&x->out, "GNU.sparse.major", "1", 1, x->e);
	if (rc == 0)
		rc = tar_out_record(&x->out, "GNU.sparse.minor", "0", 1, x->e);
	if (rc == 0)
		rc = tar_out_record(&x->out, "GNU.sparse.name", h->path,
			strlen(h->path), x->e);
	if (rc == 0)
		rc = tar_out_record_number(&x->out, "GNU.sparse.realsize",
			en->size, x->e);
	/* For those who do not know it, as GNU tar does it. */
	if (rc == 0)
		rc = buf_printf(name, x->e, "%.*sGNUSparseFile.0/%s",
			slash ? (int)(slash + 1 - h->path) : 0, h->path,
			slash ? slash + 1 : h->path);
	h->path = (const char *)name->p;
	h->size += x->map.len;
	return rc;
}

static int export_content(struct export *x, struct tar_head *h,
			  const struct entry *en, const char *path)
{
	struct buf name = BUF_INIT;
	struct export_map m;
	bool whole;
	int rc;

	buf_clear(&x->content);
	if ((rc = export_map(x, en, &m)) < 0)
		return rc;
	whole = m.stored <= EXPORT_WHOLE;
	if (whole && (rc = export_data(x, en, &x->content)) < 0)
		return rc;
	h->size = m.stored;
	if ((rc = export_records(x, en, path)) < 0 ||
	    (m.holes && (rc = export_sparse(x, h, en, &name)) < 0) ||
	    (rc = tar_out_member(&x->out, h, x->e)) < 0)
		goto out;
	x->inside = true;
	if (m.holes)
		rc = tar_out_put(&x->out, x->map.p, x->map.len, x->e);
	if (rc == 0)
		rc = whole ? tar_out_put(&x->out, x->content.p, x->content.len,
			x->e) : export_data(x, en, NULL);
	if (rc == 0)
		rc = tar_out_pad(&x->out, TAR_BLOCK, x->e);
	/* What was announced cannot be taken back. */
	if (rc < 0)
		rc = err_set(x->e, rc == ERR_NOENT ? ERR_CORRUPT : rc, "'%s', "
			"the tar file ends in the middle of it: %s", path,
			x->e->msg);
	x->inside = rc < 0;
out:
	buf_release(&name);
	return rc;
}

/* --- members --- */

/* A further link: to what; NULL: it is the first. */
static int export_link(struct export *x, const struct entry *en,
		       const char **target, uint64_t **place)
{
	uint8_t key[16] = { 1 };
	bool was;
	int rc;

	*target = NULL;
	*place = NULL;
	if (!en->link_group)
		return 0;
	memcpy(key + 8, &en->link_group, 8);
	if ((rc = map_put(&x->links, key, place, &was, x->e)) < 0)
		return rc;
	if (**place)
		*target = (const char *)x->paths.p + **place - 1;
	return 0;
}

static char export_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return '5';
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFIFO:
		return '6';
	default:
		return '0';	/* a socket, too: an empty file with a note */
	}
}

static int export_plain(struct export *x, const struct tar_head *h,
			const struct entry *en, const char *path)
{
	int rc;

	if ((rc = export_records(x, en, path)) < 0)
		return rc;
	if (S_ISSOCK(en->mode) && !h->link &&
	    (rc = tar_out_record(&x->out, "MUNIMENT.type", "socket", 6,
				 x->e)) < 0)
		return rc;
	return tar_out_member(&x->out, h, x->e);
}

/* The texts of the header, which all end with a NUL. */
static int export_texts(struct export *x, const struct entry *en,
			const char *path, struct tar_head *h)
{
	int rc;

	buf_clear(&x->path);
	buf_clear(&x->target);
	rc = buf_append(&x->path, path, strlen(path), x->e);
	if (rc == 0 && S_ISDIR(en->mode))
		rc = buf_append(&x->path, "/", 1, x->e);
	if (rc == 0)
		rc = buf_cstr(&x->path, x->e);
	if (rc == 0 && S_ISLNK(en->mode) && !h->link) {
		rc = buf_append(&x->target, en->target, en->target_len, x->e);
		if (rc == 0)
			rc = buf_cstr(&x->target, x->e);
		h->link = (const char *)x->target.p;
	}
	h->path = (const char *)x->path.p;
	return rc;
}

static int export_member(struct export *x, const struct entry *en,
			 const char *path)
{
	struct tar_head h = {
		.type = export_type(en->mode), .mode = en->mode,
		.uid = en->uid, .gid = en->gid, .mtime = en->mtime,
		.uname = export_owner(x, 0, en->uid),
		.gname = export_owner(x, 1, en->gid),
		.rdev_major = en->rdev_major, .rdev_minor = en->rdev_minor
	};
	uint64_t *first;
	int rc;

	if ((rc = export_link(x, en, &h.link, &first)) < 0)
		return rc;
	if (h.link) {
		h.type = '1';
		first = NULL;
	}
	if ((rc = export_texts(x, en, path, &h)) < 0)
		return rc;
	rc = S_ISREG(en->mode) && h.type != '1' ?
		export_content(x, &h, en, path) : export_plain(x, &h, en, path);
	/* Only what is in the stream can be linked to. */
	if (rc == 0 && first) {
		*first = x->paths.len + 1;
		rc = buf_append(&x->paths, path, strlen(path) + 1, x->e);
	}
	return rc;
}

static int export_item(const struct scan_item *it, void *ctx)
{
	struct export *x = ctx;
	const char *path = export_stripped(x, it->path);
	int rc;

	if (!path || !*path)
		return 0;
	if (x->o->item)
		x->o->item(it->path, it->entry, x->o->ctx);
	rc = export_member(x, it->entry, path);
	if (!x->inside && (rc == ERR_CORRUPT || rc == ERR_NOENT)) {
		export_damage(x, it->path, x->e);
		err_clear(x->e);
		rc = 0;
	}
	return rc;
}

static void export_dir_damage(const char *path, const struct err *why,
			      void *ctx)
{
	export_damage(ctx, *path ? path : "(root)", why);
}

int tar_export(struct reader *rd, const struct record *rec,
	       const struct tar_export_opts *o, struct err *e)
{
	struct err own = { ERR_OK, "" };
	struct export x = { .rd = rd, .rec = rec, .o = o, .e = e ? e : &own,
			    .out = { .fd = o->fd } };
	const struct scan_opts so = {
		.patterns = o->patterns, .cancel = o->cancel,
		.item = export_item, .damaged = export_dir_damage, .ctx = &x
	};
	int rc;

	rc = scan_run(rd, &rec->root, &so, x.e);
	if (rc == 0 && x.damaged)
		rc = err_set(x.e, ERR_CORRUPT, "%" PRIu64 " damaged files are "
			"not in the tar file, or not all of them", x.damaged);
	if (rc == 0)
		rc = tar_out_end(&x.out, x.e);
	else if (x.inside)
		tar_out_flush(&x.out, NULL);
	else
		tar_out_spoil(&x.out, NULL);
	map_release(&x.links);
	buf_release(&x.paths);
	buf_release(&x.path);
	buf_release(&x.target);
	buf_release(&x.content);
	buf_release(&x.map);
	tar_out_release(&x.out);
	return rc;
}
