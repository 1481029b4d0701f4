/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much a repository may hold.  All servers of one count in serve/quota,
 * one after another, so that together they do not store more than that; each
 * counts the files themselves when it begins, and again before it says no.
 */
#include "store/served_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/local_trash.h"

#define QUOTA_FILE "quota"
/* Counting again, before it says no, happens so often at most. */
#define QUOTA_AGAIN_NSEC ((int64_t)2 * 1000000000)

static int quota_add(const char *name, uint64_t size, void *ctx)
{
	(void)name;
	*(uint64_t *)ctx += size;
	return 0;
}

static int quota_count(struct served *s, uint64_t *bytes, struct err *e)
{
	uint64_t trash = 0;
	unsigned k;
	int rc = 0;

	*bytes = 0;
	for (k = 0; rc == 0 && k < STORE_KINDS; k++)
		rc = store_list(s->store, (enum store_kind)k, quota_add,
			bytes, e);
	if (rc == 0)
		rc = local_trash_bytes(s->store, &trash, e);
	*bytes += trash;
	s->counted = rc == 0;
	s->counted_nsec = clock_mono_nsec();
	return rc;
}

static uint64_t quota_read(const struct served *s)
{
	uint8_t b[8];
	struct rd r;

	if (pread(s->quota_fd, b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return 0;
	rd_init(&r, b, sizeof(b));
	return rd_le64(&r);
}

static void quota_write(const struct served *s, uint64_t v)
{
	uint8_t b[8];
	ssize_t ignored;
	unsigned i;

	for (i = 0; i < 8; i++)
		b[i] = (uint8_t)(v >> 8 * i);
	/* On a full disk the number stays too small, until it is counted. */
	ignored = pwrite(s->quota_fd, b, sizeof(b), 0);
	(void)ignored;
}

static int quota_lock(struct served *s, struct err *e)
{
	int rc;

	if (s->quota_fd < 0)
		s->quota_fd = openat(s->dir, QUOTA_FILE, O_RDWR | O_CREAT |
			O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->quota_fd < 0)
		return err_errno(e, errno, "cannot open 'serve/quota'");
	do
		rc = flock(s->quota_fd, LOCK_EX);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? err_errno(e, errno, "cannot lock 'serve/quota'") : 0;
}

static int quota_judge(struct served *s, uint64_t bytes, struct err *e)
{
	uint64_t quota = s->o->quota_bytes, used = quota_read(s);
	bool over;
	int rc;

	over = used > quota || bytes > quota - used;
	if (!s->counted || (over && clock_mono_nsec() - s->counted_nsec >
	    QUOTA_AGAIN_NSEC)) {
		if ((rc = quota_count(s, &used, e)) < 0)
			return rc;
		quota_write(s, used);
		over = used > quota || bytes > quota - used;
	}
	if (!over)
		return 0;
	return err_set(e, ERR_FULL, "the quota of this repository is used up "
		"(%.2f of %.2f GiB)", (double)used / (1 << 30),
		(double)quota / (1 << 30));
}

int served_quota_begin(struct served *s, uint64_t bytes, struct err *e)
{
	int rc;

	if (s->o->quota_bytes == 0)
		return 0;
	pthread_mutex_lock(&s->quota_mtx);
	rc = quota_lock(s, e);
	if (rc == 0 && (rc = quota_judge(s, bytes, e)) < 0)
		flock(s->quota_fd, LOCK_UN);
	if (rc < 0)
		pthread_mutex_unlock(&s->quota_mtx);
	return rc;
}

void served_quota_end(struct served *s, uint64_t bytes)
{
	if (s->o->quota_bytes == 0)
		return;
	if (bytes > 0)
		quota_write(s, quota_read(s) + bytes);
	flock(s->quota_fd, LOCK_UN);
	pthread_mutex_unlock(&s->quota_mtx);
}
