/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/tinytree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "tests/lib/mailstore.h"
#include "tests/lib/prng.h"
#include "tests/lib/words.h"

#define TINY_PER_DIR 100
#define TINY_PATH_BYTES 2048

enum { SPACE_DIR = 0x700, SPACE_FILE, SPACE_STEP };

struct tinytree {
	uint64_t seed, files;
	int rootfd;
	size_t ndir;
	char **dir;		/* paths; dir[0] is "." */
	uint64_t *first;	/* first file of each folder; ndir + 1 */
	struct words words;
	struct buf scratch;
};

static void tinytree_release(struct tinytree *t)
{
	for (size_t d = 0; t->dir && d < t->ndir; d++)
		free(t->dir[d]);
	free(t->dir);
	free(t->first);
	buf_release(&t->scratch);
	if (t->rootfd >= 0)
		close(t->rootfd);
}

static char *tinytree_dir_name(const struct tinytree *t, size_t d)
{
	uint64_t key = prng_key(prng_key(t->seed, SPACE_DIR), d);
	double u = prng_unit(key, 0);
	/* Early folders have more below them: a flat tree with some depth. */
	size_t above = (size_t)(u * u * (double)d);
	size_t w = prng_below(key, 1, WORDS_COUNT);

	if (strlen(t->dir[above]) > TINY_PATH_BYTES / 2)
		above = 0;
	return mem_printf("%s/%s%zu", t->dir[above],
		t->words.word[w].text, d);
}

static int tinytree_init(struct tinytree *t, const char *root, uint64_t seed,
	uint64_t files, struct err *e)
{
	double sum = 0, at = 0;

	memset(t, 0, sizeof(*t));
	t->seed = seed;
	t->files = files;
	t->ndir = 1 + (size_t)(files / TINY_PER_DIR);
	words_init(&t->words, seed);
	t->rootfd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->rootfd < 0)
		return err_errno(e, errno, "cannot open '%s'", root);
	t->dir = mem_zero(t->ndir, sizeof(char *));
	t->first = mem_zero(t->ndir + 1, sizeof(*t->first));
	if (!t->dir || !t->first)
		return err_nomem(e);
	for (size_t d = 0; d < t->ndir; d++) {
		t->dir[d] = d == 0 ? mem_str(".") : tinytree_dir_name(t, d);
		if (!t->dir[d])
			return err_nomem(e);
		sum += prng_lognormal(seed, (unsigned)d, 70, 0.8);
	}
	for (size_t d = 0; d < t->ndir; d++) {
		t->first[d] = (uint64_t)(at / sum * (double)files);
		at += prng_lognormal(seed, (unsigned)d, 70, 0.8);
	}
	t->first[t->ndir] = files;
	return 0;
}

static int tinytree_file(struct tinytree *t, size_t d, uint64_t i,
	uint32_t hour, struct err *e)
{
	static const char *const suffix[] = { "c", "h", "py", "js", "md" };
	uint64_t key = prng_key(prng_key(t->seed, SPACE_FILE), i);
	size_t len = 20 + prng_below(key, 0, 181);
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT } };
	char path[TINY_PATH_BYTES];
	struct wr w;
	int fd, rc;

	snprintf(path, sizeof(path), "%s/%s_%llu.%s", t->dir[d],
		t->words.word[prng_below(key, 1, WORDS_COUNT)].text,
		(unsigned long long)i, suffix[prng_below(key, 2, 5)]);
	buf_clear(&t->scratch);
	wr_init(&w, &t->scratch);
	words_prose(&t->words, prng_key(key, hour), len, 72, &w);
	if ((rc = wr_done(&w, e)) < 0)
		return rc;
	ts[1].tv_sec = MAILSTORE_START_SECS + 3600 * (time_t)hour -
		(time_t)prng_below(key, 3, hour ? 3600 : 86400 * 900);
	ts[1].tv_nsec = (long)prng_below(key, 4, 1000000000);
	fd = openat(t->rootfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		prng_chance(key, 5, 0.05) ? 0755 : 0644);
	if (fd < 0 || write(fd, t->scratch.p, t->scratch.len) !=
		(ssize_t)t->scratch.len || futimens(fd, ts) < 0)
		rc = err_errno(e, errno, "cannot write '%s'", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

int tinytree_make(const char *root, uint64_t seed, uint64_t files,
	struct err *e)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT } };
	struct tinytree t;
	int rc;

	if (rmdir(root) < 0 && errno != ENOENT)
		return err_errno(e, errno, "cannot use '%s'", root);
	if ((rc = io_make_dirs(root, e)) < 0)
		return rc;
	rc = tinytree_init(&t, root, seed, files, e);
	for (size_t d = 1; rc == 0 && d < t.ndir; d++)
		if (mkdirat(t.rootfd, t.dir[d], 0755) < 0)
			rc = err_errno(e, errno, "cannot create '%s'",
				t.dir[d]);
	for (size_t d = 0; rc == 0 && d < t.ndir; d++)
		for (uint64_t i = t.first[d]; rc == 0 && i < t.first[d + 1];
		     i++)
			rc = tinytree_file(&t, d, i, 0, e);
	for (size_t d = t.ndir; rc == 0 && d-- > 0; ) {
		ts[1].tv_sec = MAILSTORE_START_SECS - 1 - (time_t)d;
		if (utimensat(t.rootfd, t.dir[d], ts, 0) < 0)
			rc = err_errno(e, errno, "cannot set the time of '%s'",
				t.dir[d]);
	}
	tinytree_release(&t);
	return rc;
}

int tinytree_step(const char *root, uint64_t seed, uint64_t files,
	uint32_t hour, struct err *e)
{
	struct tinytree t;
	int rc = tinytree_init(&t, root, seed, files, e);

	for (size_t d = 0; rc == 0 && d < t.ndir; d++) {
		for (uint64_t i = t.first[d]; rc == 0 && i < t.first[d + 1];
		     i++) {
			uint64_t key = prng_key(prng_key(seed, SPACE_STEP), i);

			if (prng_chance(key, hour, 1.0 / 2000))
				rc = tinytree_file(&t, d, i, hour, e);
		}
	}
	tinytree_release(&t);
	return rc;
}
