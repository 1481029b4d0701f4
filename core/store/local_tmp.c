/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"

/*
 * tmp/HOST.BOOT.PIDNS.PID.START.RANDOM, all in hex: enough to tell that the
 * writer is dead.  Nothing that was acknowledged is ever called so, and a
 * living writer whose file is gone puts once more; so a wrong guess here
 * costs time, never data.
 */
#define LOCAL_TMP_FORMAT "tmp/%016" PRIx64 ".%016" PRIx64 ".%" PRIx64 \
	".%" PRIx32 ".%" PRIx64 ".%016" PRIx64

/* A writer that cannot be seen from here is taken for dead after a week. */
#define LOCAL_TMP_AGE_SECS (7 * 86400)

int local_tmp_name(const struct local *l, char out[LOCAL_PATH_BYTES],
		   struct err *e)
{
	const struct proc_id *p = &l->self;
	uint64_t unique;
	ssize_t got;

	do
		got = getrandom(&unique, sizeof(unique), 0);
	while (got < 0 && errno == EINTR);
	if (got != sizeof(unique))
		return err_errno(e, errno, "cannot get random bytes");
	snprintf(out, LOCAL_PATH_BYTES, LOCAL_TMP_FORMAT, p->host, p->boot,
		p->pidns, p->pid, p->start, unique);
	return 0;
}

/* The name is ours if writing it again gives the same. */
static bool local_tmp_parse(const char *name, struct proc_id *p)
{
	char again[LOCAL_PATH_BYTES];
	uint64_t unique;

	if (sscanf(name, "%16" SCNx64 ".%16" SCNx64 ".%16" SCNx64 ".%8" SCNx32
	    ".%16" SCNx64 ".%16" SCNx64, &p->host, &p->boot, &p->pidns,
	    &p->pid, &p->start, &unique) != 6)
		return false;
	snprintf(again, sizeof(again), LOCAL_TMP_FORMAT, p->host, p->boot,
		p->pidns, p->pid, p->start, unique);
	return strcmp(again + strlen("tmp/"), name) == 0;
}

void local_tmp_remove(const struct local *l, const char *path)
{
	char inner[LOCAL_PATH_BYTES + sizeof(LOCAL_INNER)];

	if (local_unlink(l->root, path, 0) == 0 || errno == ENOENT)
		return;
	snprintf(inner, sizeof(inner), "%s" LOCAL_INNER, path);
	local_unlink(l->root, inner, 0);
	if (local_unlink(l->root, path, AT_REMOVEDIR) < 0)
		log_debug("store", "'%s/%s' stays: %s", l->store.url, path,
			strerror(errno));
}

static bool local_tmp_dead(const struct local *l, int dirfd, const char *name)
{
	struct proc_id writer;
	enum proc_state state;
	struct stat st;
	int64_t age;

	if (!local_tmp_parse(name, &writer)) {
		log_debug("store", "'%s/tmp/%s' is not ours", l->store.url,
			name);
		return false;
	}
	state = proc_look(&l->self, &writer);
	if (state != PROC_UNKNOWN)
		return state == PROC_DEAD;
	if (local_lstat(dirfd, name, &st) < 0)
		return false;
	age = clock_wall_nsec() / 1000000000 - st.st_mtim.tv_sec;
	return age > LOCAL_TMP_AGE_SECS;
}

static int local_tmp_judge(int dirfd, const char *name, void *ctx)
{
	const struct local *l = ctx;
	char path[4 + 256];

	if (!local_tmp_dead(l, dirfd, name))
		return 0;
	snprintf(path, sizeof(path), "tmp/%s", name);
	log_debug("store", "removing '%s/%s', whose writer is dead",
		l->store.url, path);
	local_tmp_remove(l, path);
	return 0;
}

void local_tmp_tidy(struct local *l)
{
	int errnum = 0;

	pthread_mutex_lock(&l->tidy_mtx);
	if (!l->tidied)
		errnum = local_each(l->root, "tmp", local_tmp_judge, l);
	l->tidied = true;
	pthread_mutex_unlock(&l->tidy_mtx);
	if (errnum != 0)
		log_debug("store", "'%s/tmp': %s", l->store.url,
			strerror(errnum));
}
