/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/walk_priv.h"

/*
 * Messages are renamed while they are listed.  One getdents call holds the
 * directory's lock for as long as it runs, so the first defence is a buffer
 * that takes a whole box; the second is to list a box again that changed
 * meanwhile; the third is to know a message by base name and inode.
 * Messages move from new/ to cur/, so new/ is listed first.
 */
#define ROUNDS 3
#define DROPPED UINT8_MAX	/* a round that never is */
#define DENTS_MAX_BYTES (64u << 20)
#define TRIES 50		/* for one that is renamed all the time */

static const char *const box_name[] = {
	[WALK_CUR] = "cur", [WALK_NEW] = "new",
};

size_t walk_base_len(const char *name)
{
	const char *info = strstr(name, ":2,");

	return info ? (size_t)(info - name) : strlen(name);
}

enum walk_box walk_mail_box(const char *name)
{
	if (strcmp(name, "cur") == 0)
		return WALK_CUR;
	return strcmp(name, "new") == 0 ? WALK_NEW : WALK_NO_BOX;
}

bool walk_mail_is(int fd, const struct walk_names *names)
{
	static const char *const need[] = { "cur", "new", "tmp" };
	struct stat st;
	ssize_t at;
	size_t i;

	if (names->n < 3)
		return false;
	for (i = 0; i < 3; i++) {
		at = walk_names_find(names, need[i]);
		if (at < 0)
			return false;
		if (names->v[at].type == DT_DIR)
			continue;
		if (names->v[at].type != DT_UNKNOWN ||
		    fstatat(fd, need[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode))
			return false;
	}
	return true;
}

static bool mail_same_time(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* One listing of an open box; clears *still if it changed since 'before'. */
static int mail_read(struct walk_names *l, int fd, const struct stat *before,
		     struct buf *dents, unsigned round, bool *still,
		     int *errnum, struct err *e)
{
	uint64_t want = (uint64_t)before->st_size * 4;
	struct stat after;
	int rc;

	if (want > DENTS_MAX_BYTES)
		want = DENTS_MAX_BYTES;
	if (want > dents->cap && (rc = buf_resize(dents, want, e)) < 0)
		return rc;
	if (lseek(fd, 0, SEEK_SET) < 0) {
		*errnum = errno;
		return 0;
	}
	rc = walk_names_read(l, fd, dents, round, errnum, e);
	if (fstat(fd, &after) < 0 || !mail_same_time(before, &after))
		*still = false;
	return rc;
}

/* Which names of a message are looked for. */
struct mail_want {
	uint64_t ino;
	size_t not_at;		/* SIZE_MAX: anywhere */
	unsigned since;		/* round */
};

static bool mail_is(const struct walk_names *l, size_t i,
		    const struct mail_want *want)
{
	return i != want->not_at && l->v[i].ino == want->ino &&
	       l->v[i].round >= want->since && l->v[i].round != DROPPED;
}

/* Where the message called 'name' is in the list, or -1. */
static ssize_t mail_has(const struct walk_names *l, const char *name,
			const struct mail_want *want)
{
	size_t base = walk_base_len(name), i;
	const char *have;

	i = walk_names_place(l, name, base, "");
	if (i < l->n && mail_is(l, i, want)) {
		have = walk_names_at(l, i);
		if (strncmp(have, name, base) == 0 && !have[base])
			return (ssize_t)i;
	}
	for (i = walk_names_place(l, name, base, ":2,"); i < l->n; i++) {
		have = walk_names_at(l, i);
		if (strncmp(have, name, base) != 0 ||
		    strncmp(have + base, ":2,", 3) != 0)
			break;
		if (mail_is(l, i, want))
			return (ssize_t)i;
	}
	return -1;
}

/* Of several names of one message the one seen last stays, and none of those
 * that 'other' has.  Some file systems (FUSE) list no inode numbers. */
static void mail_once(struct walk_names *l, const struct walk_names *other)
{
	struct mail_want twin, any = { .not_at = SIZE_MAX };
	const char *name;
	size_t i, n = 0;

	for (i = 0; i < l->n; i++) {
		name = walk_names_at(l, i);
		any.ino = l->v[i].ino;
		if (any.ino == 0 || any.ino == UINT32_MAX ||
		    any.ino == UINT64_MAX || name[0] == '.')
			continue;
		twin = (struct mail_want){ any.ino, i, l->v[i].round };
		if (mail_has(l, name, &twin) >= 0 ||
		    (other && mail_has(other, name, &any) >= 0))
			l->v[i].round = DROPPED;
	}
	for (i = 0; i < l->n; i++)
		if (l->v[i].round != DROPPED)
			l->v[n++] = l->v[i];
	l->n = n;
}

/* List both boxes of the maildir 'fd'.  *still: nothing changed meanwhile. */
static int mail_pair(struct walk_names list[2], int fd, struct buf *dents,
		     bool *still, int *errnum, struct err *e)
{
	struct stat before[2], after;
	int box[2], rc = 0, b;
	unsigned round;

	*errnum = 0;
	for (b = 0; b < 2; b++) {
		walk_names_clear(&list[b]);
		box[b] = walk_open(fd, box_name[b], WALK_DIR);
	}
	for (round = 0, *still = false; !*still && round < ROUNDS; round++) {
		*still = true;
		for (b = WALK_NEW; rc == 0 && b >= WALK_CUR; b--)
			if (box[b] >= 0 && fstat(box[b], &before[b]) == 0)
				rc = mail_read(&list[b], box[b], &before[b],
					       dents, round, still, errnum, e);
		if (rc < 0 || *errnum)
			break;
		if (box[WALK_NEW] >= 0 && (fstat(box[WALK_NEW], &after) < 0 ||
		    !mail_same_time(&before[WALK_NEW], &after)))
			*still = false;
	}
	for (b = 0; b < 2; b++)
		if (box[b] >= 0)
			close(box[b]);
	walk_names_sort(&list[WALK_CUR]);
	walk_names_sort(&list[WALK_NEW]);
	mail_once(&list[WALK_CUR], NULL);
	mail_once(&list[WALK_NEW], &list[WALK_CUR]);
	return rc;
}

int walk_mail_list(struct walk_mail *m, int fd, struct buf *dents,
		   int *errnum, struct err *e)
{
	bool still;

	m->have_listed = true;
	return mail_pair(m->listed, fd, dents, &still, errnum, e);
}

/* Is it where the fresh listing says?  *listed: it says something. */
static void mail_look(struct walk_mail *m, int fd, const char *name,
		      uint64_t ino, struct walk_moved *out, bool *listed)
{
	const struct mail_want want = { ino, SIZE_MAX, 0 };
	const char *now;
	ssize_t at;
	int b;

	*listed = false;
	for (b = WALK_CUR; b <= WALK_NEW; b++) {
		at = mail_has(&m->fresh[b], name, &want);
		if (at < 0)
			continue;
		*listed = true;
		now = walk_names_at(&m->fresh[b], (size_t)at);
		out->dirfd = walk_open(fd, box_name[b], WALK_DIR);
		if (out->dirfd < 0)
			continue;
		if (fstatat(out->dirfd, now, &out->st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(out->st.st_mode)) {
			out->box = (enum walk_box)b;
			memcpy(out->name, now, strlen(now) + 1);
			return;
		}
		close(out->dirfd);
		out->dirfd = -1;
	}
}

int walk_mail_find(struct walk_mail *m, int fd, const char *name,
		   uint64_t ino, struct buf *dents, struct walk_moved *out,
		   struct err *e)
{
	int try, missed = 0, errnum, rc;
	bool listed;

	out->dirfd = -1;
	for (try = 0; try < TRIES; try++) {
		if (try || !m->have_fresh) {
			rc = mail_pair(m->fresh, fd, dents, &m->fresh_sure,
				       &errnum, e);
			if (rc < 0)
				return rc;
			m->have_fresh = true;
			m->fresh_sure = m->fresh_sure && !errnum;
		}
		mail_look(m, fd, name, ino, out, &listed);
		if (out->dirfd >= 0)
			return 0;
		/* It is gone if a good listing made since does not have it. */
		if (!listed && (m->fresh_sure || ++missed > ROUNDS))
			return 0;
	}
	return 0;
}

void walk_mail_free(struct walk_mail *m)
{
	int b;

	if (!m)
		return;
	for (b = 0; b < 2; b++) {
		walk_names_release(&m->listed[b]);
		walk_names_release(&m->fresh[b]);
	}
	free(m);
}

/* Open 'name' if it is this very file. */
static int mail_open_same(int dirfd, const char *name, const struct stat *want,
			  struct stat *st)
{
	int fd = walk_open(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
			   O_NOCTTY);

	if (fd < 0)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) &&
	    st->st_ino == want->st_ino && st->st_dev == want->st_dev)
		return fd;
	close(fd);
	errno = ENOENT;
	return -1;
}

/* Look through one box; *seen: a file of this base name was listed. */
static int mail_reopen_in(int boxfd, const struct walk_item *it,
			  struct walk_names *l, struct buf *dents,
			  struct stat *st, bool *seen)
{
	size_t base = walk_base_len(it->name), i;
	const char *name;
	int fd = -1, errnum;

	walk_names_clear(l);
	if (walk_names_read(l, boxfd, dents, 0, &errnum, NULL) < 0) {
		errno = ENOMEM;
		return -1;
	}
	errno = errnum ? errnum : ENOENT;
	for (i = 0; fd < 0 && i < l->n; i++) {
		name = walk_names_at(l, i);
		if (strncmp(name, it->name, base) != 0 ||
		    (name[base] && strncmp(name + base, ":2,", 3) != 0))
			continue;
		*seen = true;
		fd = mail_open_same(boxfd, name, &it->st, st);
	}
	return fd;
}

int walk_reopen_message(const struct walk_item *it, struct stat *st)
{
	int home = walk_open(it->dirfd, "..", O_RDONLY | O_DIRECTORY);
	struct walk_names l = { 0 };
	struct buf dents = BUF_INIT;
	int fd = -1, boxfd, b, try, missed = 0, saved = ENOENT;
	bool seen;

	for (try = 0; fd < 0 && missed < 2 && try < TRIES; try++) {
		seen = false;
		for (b = WALK_NEW; fd < 0 && b >= WALK_CUR; b--) {
			boxfd = walk_open(home, box_name[b], WALK_DIR);
			if (boxfd < 0)
				continue;
			fd = mail_reopen_in(boxfd, it, &l, &dents, st, &seen);
			saved = errno;
			close(boxfd);
		}
		missed += !seen;
		if (saved != ENOENT)
			break;
	}
	if (home >= 0)
		close(home);
	walk_names_release(&l);
	buf_release(&dents);
	errno = saved;
	return fd;
}
