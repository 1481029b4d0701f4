/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 300 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/walk.h"
#include "base/clock.h"
#include "tests/lib/check.h"
#include "tests/lib/workdir.h"

/* A live maildir: every message exactly once, whatever its name is now. */

#define WALK_SECS 3
#define MANY 10000

static int setup_boxes(void)
{
	assert_int_equal(mkdir("M", 0700), 0);
	assert_int_equal(mkdir("M/cur", 0700), 0);
	assert_int_equal(mkdir("M/new", 0700), 0);
	assert_int_equal(mkdir("M/tmp", 0700), 0);
	return 0;
}

static int setup(void **state)
{
	return workdir_setup(state) || setup_boxes();
}

static int setup_memory(void **state)
{
	return workdir_setup_memory(state) || setup_boxes();
}

static void base_name(char *out, size_t len, unsigned n)
{
	snprintf(out, len, "%u.M%uP%u.host,S=316", 1795380469 + n / 3, n, n);
}

static void make(const char *dir, unsigned n, const char *info)
{
	char base[100], path[200];

	base_name(base, sizeof(base), n);
	snprintf(path, sizeof(path), "M/%s/%s%s", dir, base, info);
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

/* What a walk saw of each message. */
struct seen {
	unsigned n;
	unsigned char *count;
	unsigned errors, others, reopened, gone;
	bool open;
	char last[600];		/* stored: the order must hold */
	int (*hook)(const struct walk_item *it, struct seen *s);
};

static int on_item(const struct walk_item *it, void *ctx)
{
	struct seen *s = ctx;
	unsigned when, id;
	struct stat st;
	int fd;

	assert_true(strcmp(s->last, it->stored) < 0);
	snprintf(s->last, sizeof(s->last), "%s", it->stored);
	if (!it->message) {
		s->others++;
		return 0;
	}
	assert_int_equal(sscanf(it->name, "%u.M%uP", &when, &id), 2);
	assert_true(id < s->n);
	s->count[id]++;
	if (s->hook)
		return s->hook(it, s);
	if (!s->open)
		return 0;
	fd = openat(it->dirfd, it->name, O_RDONLY | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		fd = walk_reopen_message(it, &st);
		s->reopened++;
		if (fd >= 0)
			assert_true(st.st_ino == it->st.st_ino);
	}
	s->gone += fd < 0;
	if (fd >= 0)
		close(fd);
	return 0;
}

static void on_error(const struct walk_error *we, void *ctx)
{
	struct seen *s = ctx;

	print_error("%s: %s: %d\n", we->op, we->path, we->errnum);
	s->errors++;
}

static void walk_once(struct seen *s)
{
	const struct walk_ops ops = { .item = on_item, .error = on_error };
	struct strv paths = STRV_INIT;
	struct walk_opts o = { .paths = &paths };

	memset(s->count, 0, s->n);
	s->last[0] = '\0';
	strv_add(&paths, "M", NULL);
	assert_int_equal(walk_run(&o, &ops, s, NULL), 0);
	strv_release(&paths);
}

static void each_once(const struct seen *s)
{
	unsigned i;

	assert_int_equal(s->errors, 0);
	for (i = 0; i < s->n; i++)
		if (s->count[i] != 1)
			fail_msg("message %u came %u times", i, s->count[i]);
}

struct mailer {
	unsigned n, seed;
	unsigned pause_usec;
	bool back;		/* also from cur/ to new/ */
	atomic_bool stop;
	unsigned long renames;
};

/* Renames one message after the other, by the rules of maildir. */
static void *mailer_main(void *arg)
{
	static const char *const info[] = { ":2,", ":2,S", ":2,FS", ":2,RS",
					    ":2,Sa" };
	struct mailer *m = arg;
	char (*now)[150] = calloc(m->n, sizeof(*now));
	char base[100], to[150];
	unsigned id, way;

	if (!now)
		return NULL;
	for (id = 0; id < m->n; id++) {
		base_name(base, sizeof(base), id);
		snprintf(now[id], sizeof(now[id]), "M/new/%s", base);
	}
	while (!atomic_load(&m->stop)) {
		m->seed = m->seed * 1103515245 + 12345;
		id = (m->seed >> 8) % m->n;
		way = (m->seed >> 4) % (m->back ? 6 : 5);
		base_name(base, sizeof(base), id);
		snprintf(to, sizeof(to), "M/%s/%s%s", way == 5 ? "new" : "cur",
			 base, way == 5 ? "" : info[way]);
		if (strcmp(to, now[id]) == 0)
			continue;
		if (rename(now[id], to) < 0)
			break;
		memcpy(now[id], to, sizeof(to));
		m->renames++;
		if (m->pause_usec)
			usleep(m->pause_usec);
	}
	free(now);
	return NULL;
}

static void live(unsigned n, unsigned pause_usec, bool back, bool open)
{
	struct mailer m = { .n = n, .seed = n, .pause_usec = pause_usec,
			    .back = back };
	struct seen s = { .n = n, .open = open };
	int64_t end = clock_mono_nsec() + WALK_SECS * INT64_C(1000000000);
	unsigned walks = 0, i;
	pthread_t t;

	for (i = 0; i < n; i++)
		make("new", i, "");
	make("tmp", 0, "");
	s.count = calloc(n, 1);
	assert_non_null(s.count);
	assert_int_equal(pthread_create(&t, NULL, mailer_main, &m), 0);
	do {
		walk_once(&s);
		if (s.errors)
			break;
		for (i = 0; i < n && s.count[i] == 1; i++)
			;
		walks++;
	} while (i == n && clock_mono_nsec() < end);
	atomic_store(&m.stop, true);
	pthread_join(t, NULL);
	print_message("%u walks, %lu renames, %u reopened\n", walks,
		      m.renames, s.reopened);
	each_once(&s);
	assert_int_equal(s.gone, 0);
	assert_true(m.renames > 20);
	free(s.count);
}

static void test_live(void **state)
{
	(void)state;
	live(300, 20, false, false);
}

static void test_live_back(void **state)
{
	(void)state;
	live(300, 50, true, false);
}

static void test_live_large(void **state)
{
	(void)state;
	live(MANY, 200, false, true);
}

static void test_live_open(void **state)
{
	(void)state;
	live(100, 30, false, true);
}

static void test_live_hammer(void **state)
{
	(void)state;
	live(20, 0, false, false);
}

/* During the first message all others get other names, in both boxes. */
static int rename_all(const struct walk_item *it, struct seen *s)
{
	char base[100], from[200], to[200];
	unsigned i;

	(void)it;
	s->hook = NULL;
	for (i = 1; i < s->n; i++) {
		base_name(base, sizeof(base), i);
		snprintf(from, sizeof(from), "M/cur/%s:2,", base);
		snprintf(to, sizeof(to), i % 3 ? "M/cur/%s:2,RS" : "M/new/%s",
			 base);
		assert_int_equal(rename(from, to), 0);
	}
	return 0;
}

static void test_renamed(void **state)
{
	struct seen s = { .n = 30, .hook = rename_all };
	unsigned i;

	(void)state;
	s.count = calloc(s.n, 1);
	for (i = 0; i < s.n; i++)
		make("cur", i, ":2,");
	walk_once(&s);
	each_once(&s);
	free(s.count);
}

/* From new/, which comes last, back into cur/, which is done; and deleted. */
static int move_all(const struct walk_item *it, struct seen *s)
{
	char base[100], from[200], to[200];
	unsigned i;

	(void)it;
	s->hook = NULL;
	for (i = 1; i < s->n; i++) {
		base_name(base, sizeof(base), i);
		snprintf(from, sizeof(from), "M/new/%s", base);
		snprintf(to, sizeof(to), "M/cur/%s:2,S", base);
		if (i % 5 == 0)
			assert_int_equal(unlink(from), 0);
		else
			assert_int_equal(rename(from, to), 0);
	}
	return 0;
}

static void test_moved(void **state)
{
	struct seen s = { .n = 30, .hook = move_all };
	unsigned i;

	(void)state;
	s.count = calloc(s.n, 1);
	make("cur", 0, ":2,");
	for (i = 1; i < s.n; i++)
		make("new", i, "");
	walk_once(&s);
	for (i = 1; i < s.n; i++)
		if (i % 5 == 0)
			s.count[i]++;
	each_once(&s);
	free(s.count);
}

/* A base name twice, on two files: both are kept.  Not a message: what begins
 * with a dot, and what is no regular file. */
static void test_twins(void **state)
{
	struct seen s = { .n = 2 };

	(void)state;
	s.count = calloc(s.n, 1);
	make("cur", 0, ":2,");
	make("cur", 0, ":2,S");
	make("new", 0, "");
	make("new", 1, "");
	close(open("M/cur/.hidden", O_CREAT | O_WRONLY, 0600));
	close(open("M/tmp/inflight", O_CREAT | O_WRONLY, 0600));
	assert_int_equal(symlink("x", "M/cur/link"), 0);
	walk_once(&s);
	assert_int_equal(s.count[0], 3);
	assert_int_equal(s.count[1], 1);
	assert_int_equal(s.others, 3);
	/* Two names of one file are one message. */
	assert_int_equal(unlink("M/cur/1795380469.M0P0.host,S=316:2,S"), 0);
	assert_int_equal(unlink("M/new/1795380469.M0P0.host,S=316"), 0);
	assert_int_equal(link("M/cur/1795380469.M0P0.host,S=316:2,",
			      "M/cur/1795380469.M0P0.host,S=316:2,S"), 0);
	walk_once(&s);
	each_once(&s);
	free(s.count);
}

static void test_base(void **state)
{
	(void)state;
	assert_int_equal(walk_base_len("a.b:2,S"), 3);
	assert_int_equal(walk_base_len("a.b:2,"), 3);
	assert_int_equal(walk_base_len("a.b"), 3);
	assert_int_equal(walk_base_len("a:1,b:2,S"), 5);
	assert_int_equal(walk_base_len(""), 0);
}

static void test_reopen(void **state)
{
	struct walk_item it = { .message = true };
	struct stat st;
	int fd;

	(void)state;
	make("cur", 0, ":2,");
	it.dirfd = open("M/cur", O_RDONLY | O_DIRECTORY);
	it.name = "1795380469.M0P0.host,S=316:2,";
	assert_int_equal(fstatat(it.dirfd, it.name, &it.st, 0), 0);
	assert_int_equal(rename("M/cur/1795380469.M0P0.host,S=316:2,",
				"M/new/1795380469.M0P0.host,S=316"), 0);
	fd = walk_reopen_message(&it, &st);
	assert_true(fd >= 0);
	assert_true(st.st_ino == it.st.st_ino);
	close(fd);
	/* Another file of the same base name is not this message; the file is
	 * held, so that its inode is not used again. */
	fd = open("M/new/1795380469.M0P0.host,S=316", O_RDONLY);
	assert_int_equal(unlink("M/new/1795380469.M0P0.host,S=316"), 0);
	make("cur", 0, ":2,S");
	errno = 0;
	assert_int_equal(walk_reopen_message(&it, &st), -1);
	assert_int_equal(errno, ENOENT);
	close(fd);
	close(it.dirfd);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, workdir_teardown)
#define TEST_MEMORY(fn) cmocka_unit_test_setup_teardown(fn, setup_memory, \
						       workdir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_live),
		TEST(test_live_back),
		TEST_MEMORY(test_live_large),
		TEST(test_live_open),
		TEST(test_live_hammer),
		TEST(test_renamed),
		TEST(test_moved),
		TEST(test_twins),
		TEST(test_base),
		TEST(test_reopen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
