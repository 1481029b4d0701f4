/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 300 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "archive/walk.h"
#include "tests/lib/check.h"
#include "tests/lib/workdir.h"

/* Very deep, very many, and what changes while it is walked. */

struct deep {
	size_t depth, deepest, items, errors;
	size_t move_at;		/* rename the top away at this depth */
	int fds;
};

static int deep_enter(const struct walk_item *it, int fd, void *ctx)
{
	struct deep *d = ctx;

	assert_true(fd >= 0 && it->dirfd != -1);
	assert_true(fd < 160);
	if (++d->depth > d->deepest)
		d->deepest = d->depth;
	if (d->depth == d->move_at)
		assert_int_equal(rename("deep/n/n/n", "deep/elsewhere"), 0);
	return 0;
}

static int deep_leave(const struct walk_item *it, void *ctx)
{
	struct deep *d = ctx;

	d->depth--;
	assert_true(it->dirfd >= 0 || d->errors || d->move_at);
	return 0;
}

static int deep_item(const struct walk_item *it, void *ctx)
{
	struct deep *d = ctx;
	struct stat st;

	assert_int_equal(fstatat(it->dirfd, it->name, &st,
				 AT_SYMLINK_NOFOLLOW), 0);
	d->items++;
	return 0;
}

static void deep_error(const struct walk_error *we, void *ctx)
{
	struct deep *d = ctx;

	assert_non_null(we->path);
	d->errors++;
}

/* 3,000 levels, a file before and behind each directory. */
static void test_deep(void **state)
{
	const struct walk_ops ops = { .enter = deep_enter, .leave = deep_leave,
				      .item = deep_item, .error = deep_error };
	struct rlimit old, few = { 160, 160 };
	struct strv paths = STRV_INIT;
	struct walk_opts o = { .paths = &paths };
	struct deep d = { 0 };
	int i, fd, next;

	(void)state;
	assert_int_equal(mkdir("deep", 0755), 0);
	fd = open("deep", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < 3000; i++) {
		close(openat(fd, "a", O_CREAT | O_WRONLY, 0644));
		close(openat(fd, "z", O_CREAT | O_WRONLY, 0644));
		assert_int_equal(mkdirat(fd, "n", 0755), 0);
		next = openat(fd, "n", O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	strv_add(&paths, "deep", NULL);
	assert_int_equal(walk_run(&o, &ops, &d, NULL), 0);
	assert_int_equal(d.deepest, 3001);
	assert_int_equal(d.items, 6000);
	assert_int_equal(d.errors, 0);

	/* Moved while it is walked: what is below goes on, ".." is checked. */
	memset(&d, 0, sizeof(d));
	d.move_at = 2000;
	assert_int_equal(walk_run(&o, &ops, &d, NULL), 0);
	assert_int_equal(d.depth, 0);
	assert_int_equal(d.items, 6000);
	assert_int_equal(d.errors, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	strv_release(&paths);
}

/* At level 150 this directory is taken away, and so is the one at level 100:
 * neither ".." nor names lead back to the levels from 100 to 149. */
static int lost_enter(const struct walk_item *it, int fd, void *ctx)
{
	struct deep *d = ctx;
	char path[1000];

	(void)fd;
	if (++d->depth != 150)
		return 0;
	assert_int_equal(rename(it->path, "moved"), 0);
	snprintf(path, sizeof(path), "%.*s", 1 + 99 * 2, it->path);
	assert_int_equal(rename(path, "moved2"), 0);
	return 0;
}

static void test_lost(void **state)
{
	const struct walk_ops ops = { .enter = lost_enter, .leave = deep_leave,
				      .item = deep_item, .error = deep_error };
	struct strv paths = STRV_INIT;
	struct walk_opts o = { .paths = &paths };
	struct deep d = { .move_at = 1 };
	char path[1000] = "l";
	int i;

	(void)state;
	assert_int_equal(mkdir(path, 0755), 0);
	for (i = 1; i < 200; i++) {
		size_t len = strlen(path);

		snprintf(path + len, sizeof(path) - len, "/z");
		close(open(path, O_CREAT | O_WRONLY, 0644));
		snprintf(path + len, sizeof(path) - len, "/n");
		assert_int_equal(mkdir(path, 0755), 0);
	}
	strv_add(&paths, "l", NULL);
	assert_int_equal(walk_run(&o, &ops, &d, NULL), 0);
	assert_int_equal(d.deepest, 0);
	assert_int_equal(d.depth, 0);
	assert_int_equal(d.errors, 50);
	assert_int_equal(d.items, 199 - 50);
	strv_release(&paths);
}

static void test_many(void **state)
{
	const struct walk_ops ops = { .item = deep_item, .error = deep_error };
	struct strv paths = STRV_INIT;
	struct walk_opts o = { .paths = &paths };
	struct deep d = { 0 };
	char name[32];
	int i;

	(void)state;
	assert_int_equal(mkdir("many", 0755), 0);
	for (i = 0; i < 200000; i++) {
		snprintf(name, sizeof(name), "many/%d", (i * 7919) % 200000);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	strv_add(&paths, "many", NULL);
	assert_int_equal(walk_run(&o, &ops, &d, NULL), 0);
	assert_int_equal(d.items, 200000);
	assert_int_equal(d.errors, 0);
	strv_release(&paths);
}

struct swapper {
	atomic_bool stop;
	unsigned long swaps;
};

/* "d" is a folder, then a link to the folder "other", then again. */
static void *swap_main(void *arg)
{
	struct swapper *s = arg;

	while (!atomic_load(&s->stop)) {
		if (rename("t/d", "saved") < 0 ||
		    rename("link", "t/d") < 0 ||
		    rename("t/d", "link") < 0 || rename("saved", "t/d") < 0)
			return NULL;
		s->swaps++;
	}
	return s;
}

static int swap_item(const struct walk_item *it, void *ctx)
{
	unsigned long *items = ctx;

	if (strstr(it->stored, "secret"))
		fail_msg("the walk went through a link");
	(*items)++;
	return 0;
}

static void test_swap(void **state)
{
	const struct walk_ops ops = { .item = swap_item };
	struct strv paths = STRV_INIT;
	struct walk_opts o = { .paths = &paths };
	struct swapper s = { 0 };
	unsigned long items = 0;
	pthread_t t;
	void *ok;
	int i;

	(void)state;
	assert_int_equal(mkdir("t", 0755), 0);
	assert_int_equal(mkdir("t/d", 0755), 0);
	assert_int_equal(mkdir("other", 0755), 0);
	close(open("t/d/plain", O_CREAT | O_WRONLY, 0644));
	close(open("other/secret", O_CREAT | O_WRONLY, 0644));
	assert_int_equal(symlink("../other", "link"), 0);
	strv_add(&paths, "t", NULL);
	assert_int_equal(pthread_create(&t, NULL, swap_main, &s), 0);
	for (i = 0; i < 20000; i++)
		assert_int_equal(walk_run(&o, &ops, &items, NULL), 0);
	atomic_store(&s.stop, true);
	pthread_join(t, &ok);
	assert_non_null(ok);
	assert_true(s.swaps > 100 && items > 100);
	strv_release(&paths);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, workdir_setup, \
						workdir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_deep),
		TEST(test_lost),
		TEST(test_swap),
		cmocka_unit_test_setup_teardown(test_many,
						workdir_setup_memory,
						workdir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
