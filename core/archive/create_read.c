/* SPDX-License-Identifier: BSD-2-Clause */
/* The content of a regular file, or of a stream, as events. */
#include "archive/create_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define READ_BYTES (1u << 20)
#define WINDOW_BYTES (CHUNKER_MAX_BYTES + READ_BYTES)

/* What came of trying to read a file in one go. */
enum read_outcome { READ_DONE = 0, READ_LARGE = 1, READ_FAILED = 2 };

/* Where reading is: a range of the file, or a stream. */
struct read_at {
	struct create *c;
	int fd;
	bool stream;		/* read(2), not pread(2) */
	uint64_t off, end;	/* next byte; end of the range */
	size_t head, len;	/* unread part of the window */
	bool eof;
	int errnum;
	const struct create_stream *from;	/* instead of fd, or NULL */
	/* instead of fd: a feed, and what is left of its last part */
	const struct create_feed *feed;
	const uint8_t *part;
	uint64_t part_len;
	bool part_hole;
	int feed_rc;
};

/* A part in hand; part_len 0: there is no more. */
static int read_part(struct read_at *r)
{
	const struct create_feed *f = r->feed;
	int rc;

	if (r->part_len > 0)
		return 0;
	rc = f->next(&r->part, &r->part_len, &r->part_hole, f->ctx, r->c->e);
	if (rc <= 0)
		r->part_len = 0;
	r->feed_rc = rc < 0 ? rc : 0;
	return r->feed_rc;
}

/* Up to the next hole. */
static ssize_t read_feed(struct read_at *r, void *to, size_t len)
{
	if (read_part(r) < 0) {
		errno = EIO;
		return -1;
	}
	if (r->part_hole || len > r->part_len)
		len = r->part_hole ? 0 : (size_t)r->part_len;
	if (len)
		memcpy(to, r->part, len);
	r->part += len;
	r->part_len -= len;
	return (ssize_t)len;
}

static ssize_t read_from(struct read_at *r, void *to, size_t len)
{
	const struct create_stream *s = r->from;
	size_t got = 0;

	r->feed_rc = s->read(s->ctx, to, len, &got, r->c->e);
	if (r->feed_rc < 0) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)got;
}

static ssize_t read_some(struct read_at *r, void *to, size_t len)
{
	ssize_t n;

	do {
		if (r->feed)
			n = read_feed(r, to, len);
		else if (r->from)
			n = read_from(r, to, len);
		else
			n = r->stream ? read(r->fd, to, len) :
				pread(r->fd, to, len, (off_t)r->off);
	} while (n < 0 && errno == EINTR &&
		 !(r->stream && cancel_wanted(r->c->o->cancel)));
	if (n < 0)
		r->errnum = errno;
	if (n <= 0)
		r->eof = true;
	else
		r->off += (uint64_t)n;
	if (r->off >= r->end)
		r->eof = true;
	return n;
}

/* At least CHUNKER_MAX_BYTES in the window, or all there is. */
static int read_fill(struct read_at *r)
{
	struct buf *w = &r->c->window;
	ssize_t n;
	int rc;

	if ((rc = buf_resize(w, WINDOW_BYTES, r->c->e)) < 0)
		return rc;
	while (!r->eof && r->len < CHUNKER_MAX_BYTES) {
		size_t want = READ_BYTES;

		if (r->head + r->len + want > WINDOW_BYTES) {
			memmove(w->p, w->p + r->head, r->len);
			r->head = 0;
		}
		if (r->end - r->off < want)
			want = (size_t)(r->end - r->off);
		n = read_some(r, w->p + r->head + r->len, want);
		if (n > 0)
			r->len += (size_t)n;
	}
	return 0;
}

/* Add 'len' bytes as the data of an event of the open batch. */
static int read_event(struct create *c, struct event *ev, const void *p,
		      size_t len)
{
	struct buf *d = &c->batch->data;
	int rc;

	ev->data = d->len;
	ev->data_len = len;
	if ((rc = buf_append(d, p, len, c->e)) < 0)
		return rc;
	return create_event_done(c);
}

/* The rest of the range as chunks. */
static int read_chunks(struct read_at *r)
{
	struct create *c = r->c;
	int rc;

	for (;;) {
		struct event *ev;
		const uint8_t *p;
		size_t cut;

		if ((rc = read_fill(r)) < 0)
			return rc;
		if (r->len == 0 || r->errnum)
			return 0;
		p = c->window.p + r->head;
		cut = chunker_cut(&c->chunker, p, r->len);
		if (!(ev = create_event(c, EVENT_PIECE)))
			return ERR_NOMEM;
		if ((rc = read_event(c, ev, p, cut)) < 0)
			return rc;
		r->head += cut;
		r->len -= cut;
		c->bytes += cut;
		create_progress(c, NULL);
		if ((rc = create_flush(c)) < 0)
			return rc;
		if (cancel_wanted(c->o->cancel))
			r->errnum = ECANCELED;
	}
}

static int read_hole(struct create *c, uint64_t len)
{
	struct event *ev;

	if (len == 0)
		return 0;
	if (!(ev = create_event(c, EVENT_HOLE)))
		return ERR_NOMEM;
	ev->hole = len;
	return create_event_done(c);
}

static int read_begin(struct create *c)
{
	return create_event(c, EVENT_BEGIN) ? create_event_done(c) :
		ERR_NOMEM;
}

/* An event with the file's entry. */
static int read_entry(struct create *c, struct create_source *src,
		      enum event_type type, struct event **out)
{
	struct event *ev = create_event(c, type);

	if (!ev)
		return ERR_NOMEM;
	ev->en = src->en;
	ev->en.name = create_keep(c, src->en.name, src->en.name_len);
	ev->en.xattrs = create_keep(c, src->en.xattrs, src->en.xattrs_len);
	ev->st = src->st;
	ev->message = src->message;
	ev->remember = src->remember;
	ev->read_nsec = src->read_nsec;
	ev->cookie = src->cookie;
	*out = ev;
	return 0;
}

/* Did it change while it was read?  Growing does not count. */
static bool read_changed(const struct create_source *src, uint64_t got)
{
	struct stat now;

	if (!S_ISREG(src->st.st_mode) || fstat(src->fd, &now) < 0)
		return false;
	if (now.st_mtim.tv_sec == src->st.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == src->st.st_mtim.tv_nsec &&
	    now.st_size == src->st.st_size)
		return got != (uint64_t)src->st.st_size;
	return now.st_size <= src->st.st_size;
}

/* Size and marks of what was read in full. */
static void read_judge(struct create_source *src, uint64_t got)
{
	if (read_changed(src, got)) {
		src->en.flags |= ENTRY_CHANGED;
		src->status = 'C';
	}
	if (got != (uint64_t)src->st.st_size || src->status == 'C')
		src->remember = false;
	src->en.size = got;
}

/* A range with data, up to the next hole, and the hole behind it. */
static int read_sparse(struct read_at *r, uint64_t size)
{
	uint64_t at = 0;
	int rc = 0;

	while (rc == 0 && at < size && !r->errnum) {
		off_t data = lseek(r->fd, (off_t)at, SEEK_DATA);
		off_t hole = data < 0 ? data : lseek(r->fd, data, SEEK_HOLE);

		if (data < 0 && errno != ENXIO) {
			r->errnum = errno;
			return 0;
		}
		if (data < 0 || (uint64_t)data >= size) {
			r->off = size;
			return read_hole(r->c, size - at);
		}
		if ((rc = read_hole(r->c, (uint64_t)data - at)) < 0)
			break;
		if (hole < 0 || (uint64_t)hole > size)
			hole = (off_t)size;
		r->off = (uint64_t)data;
		r->end = (uint64_t)hole;
		r->eof = false;
		rc = read_chunks(r);
		at = r->off;
		if (r->off < r->end)
			break;		/* it became shorter */
	}
	return rc;
}

static bool read_has_holes(const struct create_source *src)
{
	off_t hole;

	if ((uint64_t)src->st.st_blocks * 512 >= (uint64_t)src->st.st_size)
		return false;
	hole = lseek(src->fd, 0, SEEK_HOLE);
	return hole >= 0 && hole < src->st.st_size;
}

/* In pieces.  'r' may hold a first part that was read already. */
static int read_large(struct create *c, struct create_source *src,
		      struct read_at *r, bool sparse)
{
	struct event *ev;
	int rc;

	if ((rc = read_begin(c)) < 0)
		return rc;
	rc = sparse ? read_sparse(r, (uint64_t)src->st.st_size) :
		read_chunks(r);
	if (rc < 0)
		return rc;
	if (r->errnum) {
		if (r->errnum != ECANCELED)
			create_warn(c, src->path, "read", r->errnum);
		rc = create_event(c, EVENT_DROP) ? create_event_done(c) :
			ERR_NOMEM;
		return rc < 0 ? rc : 1;
	}
	read_judge(src, r->off);
	if ((rc = read_entry(c, src, EVENT_END, &ev)) < 0)
		return rc;
	return create_event_done(c);
}

static int read_inline(struct create *c, struct create_source *src,
		       const uint8_t *p, size_t len)
{
	struct event *ev;
	int rc;

	if ((rc = read_entry(c, src, EVENT_ITEM, &ev)) < 0)
		return rc;
	if (len > 0) {
		ev->en.content.kind = CONTENT_INLINE;
		ev->en.content.data = create_keep(c, p, len);
		ev->en.content.data_len = (uint32_t)len;
	}
	return create_event_done(c);
}

/* All of a small file, straight into the batch: an enum read_outcome, or the
 * store's error. */
static int read_small(struct create *c, struct create_source *src,
		      struct read_at *r)
{
	size_t want = (size_t)src->st.st_size + 1, at, strings;
	struct event *ev;
	struct buf *d;
	int rc;

	if (want > CREATE_SMALL)
		return READ_LARGE;
	strings = c->batch ? c->batch->strings_len : 0;
	if ((rc = read_entry(c, src, EVENT_FILE, &ev)) < 0)
		return rc;
	d = &c->batch->data;
	at = d->len;
	while (!r->eof) {
		size_t have = (size_t)r->off;
		ssize_t n;

		if (have >= want && (want = have * 2 + 4096) > CREATE_SMALL)
			break;
		if ((rc = buf_reserve(d, want, c->e)) < 0)
			return rc;
		n = read_some(r, d->p + at + have, want - have);
		/* A whole file in one read: no second one to see its end. */
		if (n > 0 && r->off == (uint64_t)src->st.st_size &&
		    (size_t)n < want - have)
			break;
	}
	if (!r->eof && r->off > CREATE_SMALL - 1) {
		r->off = 0;
		c->batch->strings_len = strings;
		return READ_LARGE;
	}
	if (r->errnum) {
		create_warn(c, src->path, "read", r->errnum);
		c->batch->strings_len = strings;	/* no event */
		return READ_FAILED;
	}
	read_judge(src, r->off);
	ev->en.flags = src->en.flags;
	ev->en.size = src->en.size;
	ev->remember = src->remember;
	c->bytes += r->off;
	if (r->off <= ENTRY_INLINE_MAX) {
		ev->type = EVENT_ITEM;
		if (r->off > 0) {
			ev->en.content.kind = CONTENT_INLINE;
			ev->en.content.data = create_keep(c, d->p + at,
				(size_t)r->off);
			ev->en.content.data_len = (uint32_t)r->off;
		}
		return create_event_done(c);
	}
	ev->data = at;
	ev->data_len = (size_t)r->off;
	d->len += (size_t)r->off;
	return create_event_done(c);
}

int create_read(struct create *c, struct create_source *src)
{
	struct read_at r = { .c = c, .fd = src->fd, .end = UINT64_MAX };
	bool sparse;
	int rc;

	if (!S_ISREG(src->st.st_mode)) {	/* --read-special */
		r.stream = true;
		src->en.mode = S_IFREG | (src->en.mode & 07777);
		src->en.rdev_major = src->en.rdev_minor = 0;
		src->remember = false;
		return read_large(c, src, &r, false);
	}
	if (src->st.st_size == 0 && src->st.st_blocks == 0) {
		char byte;

		/* Files of /proc and such say 0 and have something. */
		if (read_some(&r, &byte, 1) <= 0) {
			if (r.errnum) {
				create_warn(c, src->path, "read", r.errnum);
				return 1;
			}
			return read_inline(c, src, NULL, 0);
		}
		r.off = 0;
		r.eof = false;
	}
	sparse = !(c->o->flags & CREATE_NO_SPARSE) && read_has_holes(src);
	if (!sparse) {
		rc = read_small(c, src, &r);
		if (rc != READ_LARGE)
			return rc == READ_FAILED ? 1 : rc;
	}
	r.eof = false;
	return read_large(c, src, &r, sparse);
}

int create_read_stream(struct create *c, const struct create_stream *s,
		       uint64_t cookie)
{
	const char *slash = strrchr(s->name, '/');
	const char *name = slash ? slash + 1 : s->name;
	struct read_at r = { .c = c, .fd = s->fd, .stream = true,
			     .end = UINT64_MAX };
	struct create_source src = {
		.fd = -1, .path = s->name, .cookie = cookie,
		.en = { .name = (const uint8_t *)name,
			.name_len = (uint16_t)strlen(name),
			.mode = S_IFREG | s->mode, .links = 1 },
	};
	struct event *ev;
	int64_t now;
	int rc;

	if (s->open && (rc = s->open(s->ctx, &r.fd, c->e)) < 0)
		return rc;
	r.from = s->read ? s : NULL;
	now = s->mtime_nsec ? *s->mtime_nsec : clock_wall_nsec();
	src.en.mtime.tv_sec = now / 1000000000;
	src.en.mtime.tv_nsec = now % 1000000000;
	src.en.uid = s->uid;
	src.en.gid = s->gid;
	if ((rc = create_owner(c, 0, s->uid)) < 0 ||
	    (rc = create_owner(c, 1, s->gid)) < 0 ||
	    (rc = read_begin(c)) < 0 || (rc = read_chunks(&r)) < 0)
		return rc;
	if (cancel_wanted(c->o->cancel))
		return err_set(c->e, ERR_CANCEL, "interrupted: no archive was "
			"made of '%s'", s->name);
	if (r.feed_rc < 0)
		return r.feed_rc;
	if (r.errnum)
		return err_errno(c->e, r.errnum, "cannot read '%s'", s->name);
	if (s->finish && (rc = s->finish(s->ctx, c->e)) < 0)
		return rc;
	src.en.size = r.off;
	if ((rc = read_entry(c, &src, EVENT_END, &ev)) < 0)
		return rc;
	c->files++;
	create_status(c, 'i', s->name);
	return create_event_done(c);
}

/* --- content that is fed --- */

static int feed_ended(struct create *c, const struct read_at *r)
{
	if (r->errnum == ECANCELED)
		return err_set(c->e, ERR_CANCEL, "interrupted");
	return r->feed_rc < 0 ? r->feed_rc :
		err_set(c->e, ERR_IO, "cannot read the content");
}

/* In one object, or in the entry itself. */
static int feed_small(struct create *c, struct create_source *src,
		      struct read_at *r)
{
	size_t size = (size_t)src->en.size;
	struct event *ev;
	struct buf *d;
	int rc;

	if ((rc = read_entry(c, src, EVENT_FILE, &ev)) < 0)
		return rc;
	d = &c->batch->data;
	if ((rc = buf_reserve(d, size, c->e)) < 0)
		return rc;
	while (r->off < size && !r->eof)
		read_some(r, d->p + d->len + r->off, size - (size_t)r->off);
	if (r->off < size)
		return feed_ended(c, r);
	if (size <= ENTRY_INLINE_MAX) {
		ev->type = EVENT_ITEM;
		ev->en.content.kind = CONTENT_INLINE;
		ev->en.content.data = create_keep(c, d->p + d->len, size);
		ev->en.content.data_len = (uint32_t)size;
	} else {
		ev->data = d->len;
		ev->data_len = size;
		d->len += size;
	}
	c->bytes += size;
	return create_event_done(c);
}

static int feed_large(struct create *c, struct create_source *src,
		      struct read_at *r)
{
	struct event *ev;
	int rc;

	if ((rc = read_begin(c)) < 0)
		return rc;
	while ((rc = read_part(r)) == 0 && r->part_len > 0) {
		uint64_t hole = r->part_hole ? r->part_len : 0;

		r->part_len -= hole;
		r->eof = false;
		rc = hole ? read_hole(c, hole) : read_chunks(r);
		if (rc < 0)
			return rc;
		if (r->errnum)
			return feed_ended(c, r);
	}
	if (rc < 0)
		return rc;
	if ((rc = read_entry(c, src, EVENT_END, &ev)) < 0)
		return rc;
	return create_event_done(c);
}

int create_read_feed(struct create *c, struct create_source *src,
		     const struct create_feed *f)
{
	struct read_at r = { .c = c, .fd = -1, .stream = true, .feed = f,
			     .end = UINT64_MAX };

	if (src->en.size == 0)
		return read_inline(c, src, NULL, 0);
	return !f->holes && src->en.size < CREATE_SMALL ?
		feed_small(c, src, &r) : feed_large(c, src, &r);
}
