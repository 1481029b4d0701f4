/* SPDX-License-Identifier: BSD-2-Clause */
/* From the walk to events: what has to be read, and what is known. */
#include "archive/create_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/node.h"

int create_emit(struct create *c, enum event_type type,
		const struct entry *en, struct event **out)
{
	struct event *ev = create_event(c, type);

	if (!ev)
		return ERR_NOMEM;
	ev->en = *en;
	ev->en.name = create_keep(c, en->name, en->name_len);
	ev->en.xattrs = create_keep(c, en->xattrs, en->xattrs_len);
	ev->en.target = create_keep(c, en->target, en->target_len);
	if (en->content.kind == CONTENT_INLINE)
		ev->en.content.data = create_keep(c, en->content.data,
			en->content.data_len);
	if (out)
		*out = ev;
	return 0;
}

/* --- directories --- */

static int walk_enter(const struct walk_item *it, int fd, void *ctx)
{
	struct create *c = ctx;
	struct entry en;
	int rc;

	if ((rc = create_stream_turn(c, it->stored)) < 0)
		return rc;
	if (!it->implicit) {
		create_status(c, c->o->flags & CREATE_DRY_RUN ? '-' : 'd',
			it->path);
		create_progress(c, it->path);
	}
	if (c->o->flags & CREATE_DRY_RUN)
		return 0;
	if ((rc = create_meta(c, it, fd, &en)) < 0 ||
	    (rc = create_emit(c, EVENT_ENTER, &en, NULL)) < 0 ||
	    (rc = create_event_done(c)) < 0)
		return rc;
	return create_flush(c);
}

static int walk_leave(const struct walk_item *it, void *ctx)
{
	struct create *c = ctx;

	(void)it;
	if (c->o->flags & CREATE_DRY_RUN)
		return 0;
	return create_event(c, EVENT_LEAVE) ? create_event_done(c) : ERR_NOMEM;
}

/* --- regular files --- */

/* Is all the content of a hit still listed?  A list node in the index means
 * that its pieces are, too. */
static bool walk_listed(struct create *c, const struct content *k)
{
	uint32_t i;

	switch (k->kind) {
	case CONTENT_NONE:
	case CONTENT_INLINE:
		return true;
	case CONTENT_ONE:
	case CONTENT_LIST:
		return session_has(c->session, &k->id);
	case CONTENT_PIECES:
		break;
	}
	for (i = 0; i < k->n_pieces; i++)
		if (k->piece[i].transform != PIECE_HOLE &&
		    !session_has(c->session, &k->piece[i].id))
			return false;
	return true;
}

static int walk_open(const struct walk_item *it)
{
	/* A file that became a FIFO must not hang us; one that was asked for
	 * as a stream has to. */
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
		(S_ISREG(it->st.st_mode) ? O_NONBLOCK : 0);
	int fd = openat(it->dirfd, it->name, flags | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = openat(it->dirfd, it->name, flags);
	return fd;
}

/* The same file as in the last run: nothing is read.  1: it is not known. */
static int walk_known(struct create *c, const struct walk_item *it,
		      struct entry *en, int64_t now, char *status)
{
	struct fstate_hit hit;
	struct event *ev;
	bool found;
	int fd, rc;

	if (!c->fstate)
		return 1;
	found = fstate_find(c->fstate, &it->st, it->message, it->name, &hit);
	if (hit.known)
		*status = found || hit.young ? 'U' : 'M';
	if (!found || !walk_listed(c, &hit.content))
		return 1;
	if (hit.same_ctime && !oid_is_zero(&hit.xattrs_id) &&
	    !session_has(c->session, &hit.xattrs_id))
		return 1;
	if (!hit.same_ctime) {
		/* A message whose flags changed: its attributes, anew. */
		if ((fd = walk_open(it)) < 0)
			return 1;
		rc = create_meta(c, it, fd, en);
		close(fd);
		if (rc < 0)
			return rc;
	}
	en->content = hit.content;
	if (hit.same_ctime) {
		en->xattrs = hit.xattrs;
		en->xattrs_len = hit.xattrs_len;
		en->xattrs_id = hit.xattrs_id;
		en->fsflags = hit.fsflags;
		if (c->o->flags & CREATE_NO_FLAGS)
			en->fsflags = 0;
	}
	if ((rc = create_emit(c, EVENT_ITEM, en, &ev)) < 0)
		return rc;
	ev->st = it->st;
	ev->message = it->message;
	ev->remember = true;
	ev->read_nsec = now;
	c->rec->stats.unchanged++;
	c->bytes += en->size;
	create_status(c, en->link_group ? 'h' : 'U', it->path);
	return create_event_done(c);
}

/* The content that another link to the inode had in this run, if the inode is
 * what it was then.  1: it is not known. */
static int walk_link_content(struct create *c, const struct stat *st,
			     struct entry *en)
{
	uint8_t key[16] = { 1 }, room[CREATE_LINK_STATE];
	struct buf now = { room, 0, sizeof(room), sizeof(room) };
	const uint8_t *then;
	uint64_t *place;
	uint32_t fsflags;
	struct rd r;
	struct wr w;

	memcpy(key + 8, &en->link_group, 8);
	place = map_get(&c->links, key);
	if (!place)
		return 1;
	wr_init(&w, &now);
	create_link_state(&w, st);
	rd_init(&r, c->link_contents.p + *place - 1,
		c->link_contents.len - (size_t)*place + 1);
	then = rd_bytes(&r, CREATE_LINK_STATE);
	fsflags = rd_le32(&r);
	if (r.bad || memcmp(then, now.p, CREATE_LINK_STATE) != 0)
		return 1;
	content_get(&r, &en->content);
	if (r.bad)
		return 1;
	en->fsflags = fsflags;
	return 0;
}

/* Another link to a file of this run.  1: it has to be read. */
static int walk_link(struct create *c, const struct walk_item *it,
		     struct entry *en)
{
	struct event *ev;
	int rc;

	if (!en->link_group || walk_link_content(c, &it->st, en) != 0)
		return 1;
	if ((rc = create_xattrs(c, it, -1, en)) < 0 ||
	    (rc = create_emit(c, EVENT_ITEM, en, &ev)) < 0)
		return rc;
	create_status(c, 'h', it->path);
	return create_event_done(c);
}

/* Opened, and still the file that the walk saw, or its successor. */
static int walk_source(struct create *c, const struct walk_item *it,
		       struct create_source *src)
{
	src->fd = walk_open(it);
	if (src->fd < 0 && errno == ENOENT && it->message)
		src->fd = walk_reopen_message(it, &src->st);
	if (src->fd < 0) {
		/* It went between listing and reading: as if it had gone
		 * before. */
		if (errno == ENOENT)
			log_info("create", "'%s' vanished", it->path);
		else
			create_warn(c, it->path, "open", errno);
		return 1;
	}
	if (fstat(src->fd, &src->st) < 0) {
		create_warn(c, it->path, "read", errno);
		return 1;
	}
	if (!S_ISREG(src->st.st_mode) &&
	    !(c->o->flags & CREATE_READ_SPECIAL)) {
		log_info("create", "'%s' is no longer a file", it->path);
		return 1;
	}
	return 0;
}

static int walk_read(struct create *c, const struct walk_item *it, int64_t now,
		     char status)
{
	struct create_source src = { .fd = -1, .path = it->path,
				     .message = it->message, .remember = true,
				     .status = status };
	struct walk_item open_it = *it;
	int rc;

	if ((rc = walk_source(c, it, &src)) == 0) {
		open_it.st = src.st;
		rc = create_meta(c, &open_it, src.fd, &src.en);
	}
	if (rc == 0) {
		src.read_nsec = now;
		rc = create_read(c, &src);
	}
	if (src.fd >= 0)
		close(src.fd);
	if (rc == 0) {
		if (src.status == 'U')
			c->rec->stats.unchanged++;
		else if (src.status != 'A')
			c->rec->stats.changed++;
		else
			c->rec->stats.added++;
		c->res->new_mails += src.status == 'A' && it->message;
		create_status(c, src.status, it->path);
	}
	return rc < 0 ? rc : 0;
}

static int walk_file(struct create *c, const struct walk_item *it)
{
	int64_t now = clock_wall_nsec();
	struct entry en;
	char status = 'A';
	int rc;

	if ((rc = create_meta(c, it, -1, &en)) < 0)
		return rc;
	if ((rc = walk_known(c, it, &en, now, &status)) <= 0)
		return rc;
	if ((rc = walk_link(c, it, &en)) <= 0)
		return rc;
	return walk_read(c, it, now, status);
}

/* --- everything else --- */

static char walk_letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFLNK:
		return 's';
	case S_IFBLK:
		return 'b';
	case S_IFCHR:
		return 'c';
	case S_IFIFO:
		return 'f';
	default:
		return 'A';	/* a socket */
	}
}

static int walk_other(struct create *c, const struct walk_item *it)
{
	char target[ENTRY_TARGET_MAX + 2];
	struct entry en;
	ssize_t n;
	int rc;

	if ((rc = create_meta(c, it, -1, &en)) < 0)
		return rc;
	if (S_ISLNK(it->st.st_mode)) {
		n = readlinkat(it->dirfd, it->name, target, sizeof(target));
		if (n < 0 && errno == ENOENT) {
			log_info("create", "'%s' vanished", it->path);
			return 0;
		}
		if (n <= 0 || n > ENTRY_TARGET_MAX) {
			create_warn(c, it->path, "read",
				n < 0 ? errno : ENAMETOOLONG);
			return 0;
		}
		en.target = (const uint8_t *)target;
		en.target_len = (uint16_t)n;
		en.size = (uint64_t)n;
	}
	create_status(c, walk_letter(it->st.st_mode), it->path);
	if ((rc = create_emit(c, EVENT_ITEM, &en, NULL)) < 0)
		return rc;
	return create_event_done(c);
}

static int walk_entry(const struct walk_item *it, void *ctx)
{
	struct create *c = ctx;
	mode_t type = it->st.st_mode & S_IFMT;
	int rc;

	if ((rc = create_stream_turn(c, it->stored)) < 0)
		return rc;
	c->files++;
	create_progress(c, it->path);
	if (c->o->flags & CREATE_DRY_RUN) {
		create_status(c, '-', it->path);
		c->bytes += type == S_IFREG ? (uint64_t)it->st.st_size : 0;
		return 0;
	}
	if (type == S_IFREG)
		rc = walk_file(c, it);
	else if ((c->o->flags & CREATE_READ_SPECIAL) && type != S_IFLNK &&
		 type != S_IFSOCK)
		rc = walk_read(c, it, clock_wall_nsec(), 'A');
	else
		rc = walk_other(c, it);
	return rc < 0 ? rc : create_flush(c);
}

static void walk_there(const char *path, void *ctx)
{
	struct create *c = ctx;

	(void)path;
	c->any_source = true;
}

static void walk_excluded(const char *path, void *ctx)
{
	create_status(ctx, 'x', path);
}

static void walk_trouble(const struct walk_error *we, void *ctx)
{
	create_warn(ctx, we->path, we->op, we->errnum);
}

int create_walk(struct create *c)
{
	static const struct walk_ops ops = {
		.enter = walk_enter, .leave = walk_leave, .item = walk_entry,
		.source = walk_there, .excluded = walk_excluded,
		.error = walk_trouble,
	};
	struct walk_opts o = c->o->walk;
	int rc, end;

	if ((rc = create_stream_all(c)) < 0)
		return rc;
	o.cancel = c->o->cancel;
	if (o.paths && o.paths->n > 0)
		rc = walk_run(&o, &ops, c, c->e);
	if (rc == 0 || rc == ERR_CANCEL) {
		end = create_stream_rest(c);
		rc = end < 0 ? end : rc;
	}
	return rc;
}
