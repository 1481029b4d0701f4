/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/run_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "tools/talk.h"
#include "tools/times.h"

#define LOOK_NSEC 100000000
#define HOLDER_BYTES 256

/* "PID NSEC", for those who have to wait. */
static void sign(int fd)
{
	char text[HOLDER_BYTES];
	int n = snprintf(text, sizeof(text), "%ld %lld\n", (long)getpid(),
			 (long long)clock_wall_nsec());

	/* Nobody reads it but people; without it they know less. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) < n)
		talk_info("cannot write who holds the lock: %s",
			  strerror(errno));
}

static int busy(int fd, const struct run_repo *q, const struct app *a,
		struct err *e)
{
	char text[HOLDER_BYTES], since[TIMES_BYTES];
	const char *name = q->repo->label ? q->repo->label : q->repo->path;
	long long nsec;
	long pid;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	if (sscanf(text, "%ld %lld", &pid, &nsec) != 2)
		return err_set(e, ERR_BUSY, "another run of muniment is at "
			       "work on %s, still after %u seconds (lock_wait "
			       "or --lock-wait says how long to wait)", name,
			       a->o.lock_wait);
	return err_set(e, ERR_BUSY, "another run of muniment is at work on %s "
		       "since %s (process %ld), still after %u second%s "
		       "(lock_wait or --lock-wait says how long to wait)",
		       name, times_human(since, nsec), pid, a->o.lock_wait,
		       a->o.lock_wait == 1 ? "" : "s");
}

static int wait_for(int fd, const struct run_repo *q, const struct app *a,
		    struct err *e)
{
	const struct timespec look = { 0, LOOK_NSEC };
	int64_t begun = clock_mono_nsec();
	bool told = false;
	int rc;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return 0;	/* no locks here */
		if ((clock_mono_nsec() - begun) / 1000000000 >=
		    a->o.lock_wait)
			return busy(fd, q, a, e);
		if (!told)
			talk_info("another run is at work on %s: waiting",
				  q->repo->label ? q->repo->label :
				  q->repo->path);
		told = true;
		if ((rc = cancel_check(a->cancel, e)) < 0)
			return rc;
		nanosleep(&look, NULL);
	}
	sign(fd);
	return 0;
}

/* The file to be locked, or NULL: there is no repository (the action will say
 * so, in its own words) or no place for one.  That a far one has two names is
 * rare; asking it for its id would cost a connection. */
static char *lock_path(const char *url)
{
	struct slot_repo info;
	struct key_sum sum;
	char hex[2 * sizeof(sum) + 1];
	char *dir, *path = NULL;

	if (strstr(url, "://")) {
		key_sum(&sum, url, strlen(url));
		hex_put(hex, sum.b, sizeof(sum.b));
	} else if (repo_probe(url, NULL, &info, NULL) == 0) {
		sid_hex(&info.id, hex);
	} else {
		return NULL;
	}
	dir = home_cache();
	if (dir && io_make_dirs(dir, NULL) == 0)
		path = mem_printf("%s/run-%s.lock", dir, hex);
	free(dir);
	return path;
}

int run_lock_take(struct run_lock *l, const struct run_repo *q,
		  const struct app *a, struct err *e)
{
	char *path;
	int rc;

	if (l->fd >= 0 || !(path = lock_path(q->repo->path)))
		return 0;
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (l->fd < 0)
		return 0;
	rc = wait_for(l->fd, q, a, e);
	if (rc < 0)
		run_lock_drop(l);
	return rc;
}

void run_lock_drop(struct run_lock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
