/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each system call of a session goes wrong once, in every way, and the process
 * is killed before, in and after each.  Then: what was acknowledged is there,
 * a name never has but whole bytes, a failure never looks like absence, and
 * what is left in tmp/ is gone after the next put.
 *
 * timeout: 400
 */
#include "tests/lib/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"
#include "tests/lib/faultos.h"
#include "tests/lib/tmpdir.h"

#define BIT(call) (1u << FAULTOS_##call)
#define HEX56 "00000000000000000000000000000000000000000000000000000000"

/* One file, and what its writer has been told; in memory that outlives it. */
struct fact {
	enum store_kind kind;
	const char *name;
	size_t len;
	bool tried, put, synced, del_tried, deleted;
};
enum { FACTS = 5 };
struct facts {
	struct fact f[FACTS];
	unsigned failed;		/* calls that did */
	unsigned lies;			/* failures that looked like absence */
};

static const struct facts fresh = { .f = {
	{ .kind = STORE_DATA, .name = "3f000000" HEX56, .len = 70000 },
	{ .kind = STORE_META, .name = "3f000001" HEX56, .len = 1 },
	{ .kind = STORE_ARCHIVES, .name = "a", .len = 500 },
	{ .kind = STORE_DATA, .name = "3f000003" HEX56, .len = 0 },
	{ .kind = STORE_KEYS, .name = "b", .len = 6000 },
} };

static struct err e;
static char dir[256], tmp[300];
static struct facts *facts;		/* shared with children */
static uint8_t bytes[70000];

static const struct {
	const char *name;
	uint32_t lacks;
} ways[] = {
	{ "renameat2", 0 },
	{ "link", BIT(RENAME_NEW) },
	{ "folder", BIT(RENAME_NEW) | BIT(LINKAT) },
};

static void did(struct facts *f, int rc)
{
	f->failed += rc < 0;
	f->lies += rc == ERR_NOENT || rc == ERR_EXIST;
}

static void do_put(struct store *s, struct facts *f, unsigned i)
{
	struct fact *it = &f->f[i];
	struct iovec iov[2] = {
		{ bytes, it->len / 3 },
		{ bytes + it->len / 3, it->len - it->len / 3 },
	};
	int rc;

	it->tried = true;
	rc = store_put(s, it->kind, it->name, iov, 2,
		it->kind == STORE_ARCHIVES ? STORE_PUT_RACE : 0, &e);
	it->put = rc == 0;
	did(f, rc);
}

static void do_sync(struct store *s, struct facts *f)
{
	bool put[FACTS];
	unsigned i;
	int rc;

	for (i = 0; i < FACTS; i++)
		put[i] = f->f[i].put;
	rc = store_sync(s, &e);
	did(f, rc);
	for (i = 0; rc == 0 && i < FACTS; i++)
		f->f[i].synced |= put[i];
}

static void do_get(struct store *s, struct facts *f, unsigned i)
{
	struct buf b = BUF_INIT;
	int rc;

	if (!f->f[i].put)
		return;
	rc = store_get_all(s, f->f[i].kind, f->f[i].name, sizeof(bytes), &b,
		&e);
	did(f, rc);
	if (rc == 0 && (b.len != f->f[i].len ||
	    (b.len > 0 && memcmp(b.p, bytes, b.len) != 0)))
		f->lies++;
	buf_release(&b);
}

static int one_more(const char *name, uint64_t size, void *ctx)
{
	(void)name;
	(void)size;
	(*(unsigned *)ctx)++;
	return 0;
}

static void session(struct facts *f)
{
	struct store *s;
	unsigned n = 0;
	int rc = store_open(&s, dir, 0, &e);

	did(f, rc);
	if (rc < 0)
		return;
	do_put(s, f, 0);
	do_put(s, f, 1);
	do_put(s, f, 2);
	do_sync(s, f);
	do_put(s, f, 3);
	do_get(s, f, 0);
	do_get(s, f, 3);
	rc = store_list(s, STORE_ARCHIVES, one_more, &n, &e);
	did(f, rc);
	f->lies += rc == 0 && n != f->f[2].put;
	if (f->f[1].put) {
		f->f[1].del_tried = true;
		rc = store_del(s, STORE_META, f->f[1].name, &e);
		f->f[1].deleted = rc == 0;
		did(f, rc);
	}
	do_put(s, f, 4);
	do_sync(s, f);
	store_close(s);
}

static void judge_one(struct store *s, const struct fact *it)
{
	struct buf b = BUF_INIT;
	int rc = store_get_all(s, it->kind, it->name, sizeof(bytes), &b, &e);

	if (rc == 0) {
		assert_true(it->tried);
		assert_false(it->deleted);
		assert_int_equal(b.len, it->len);
		assert_true(it->len == 0 || !memcmp(b.p, bytes, it->len));
	} else {
		check_err(rc, ERR_NOENT, &e);
		assert_true(it->del_tried || !(it->put || it->synced));
	}
	buf_release(&b);
}

static int wipe_one(const char *name, uint64_t size, void *ctx)
{
	struct store *s = ctx;
	unsigned i;

	for (i = 0; i < FACTS; i++) {
		const struct fact *it = &fresh.f[i];

		if (strcmp(it->name, name) != 0)
			continue;
		assert_int_equal(size, it->len);
		check_ok(store_del(s, it->kind, name, &e), &e);
		return 0;
	}
	fail_msg("'%s' is listed", name);
	return 1;
}

/* What must hold afterwards; and clean up.  'left' entries may be in tmp/ when
 * their writer lives. */
static void judge(const struct facts *f, size_t left)
{
	static const enum store_kind kinds[] = { STORE_DATA, STORE_META,
		STORE_ARCHIVES, STORE_KEYS };
	char x[] = "x", path[1024];
	struct iovec iov = { x, 1 };
	struct store *s;
	size_t i;

	assert_int_equal(f->lies, 0);
	check_ok(store_open(&s, dir, 0, &e), &e);
	for (i = 0; i < FACTS; i++)
		judge_one(s, &f->f[i]);
	check_ok(store_put(s, STORE_PINS, "x", &iov, 1, 0, &e), &e);
	check_ok(store_del(s, STORE_PINS, "x", &e), &e);
	if (tmpdir_count(tmp) > left)
		fail_msg("%zu things in tmp/", tmpdir_count(tmp));
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		check_ok(store_list(s, kinds[i], wipe_one, s, &e), &e);
	store_close(s);
	if (left == 0)
		return;
	tmpdir_remove(tmp);
	snprintf(path, sizeof(path), "mkdir %s", tmp);
	assert_int_equal(system(path), 0);
}

static uint64_t count_calls(uint32_t lacks)
{
	struct faultos_plan plan = { .lacks = lacks, .no_disk = true };
	uint64_t n;

	*facts = fresh;
	faultos_start(&plan);
	session(facts);
	n = faultos_stop();
	assert_int_equal(facts->failed, 0);
	judge(facts, 0);
	assert_true(n > 60);
	return n;
}

/* Is a session that meets this bound to go on as if nothing had been? */
static bool must_succeed(const struct faultos_plan *p)
{
	if (p->how == FAULTOS_SHORT || p->errnum == EINTR)
		return true;
	return p->errnum == EIO && (faultos_hit() == FAULTOS_WRITEV ||
		faultos_hit() == FAULTOS_FDATASYNC ||
		faultos_hit() == FAULTOS_CLOSE);
}

static size_t may_leave(const struct faultos_plan *p)
{
	if (faultos_hit() == FAULTOS_UNLINKAT)
		return 2;
	return p->how == FAULTOS_AFTER && (faultos_hit() == FAULTOS_OPENAT ||
		faultos_hit() == FAULTOS_MKDIRAT) ? 2 : 0;
}

static void each_call(struct faultos_plan plan)
{
	size_t w;

	for (w = 0; w < sizeof(ways) / sizeof(*ways); w++) {
		uint64_t n;

		plan.lacks = ways[w].lacks;
		n = count_calls(plan.lacks);
		for (plan.at = 1; plan.at <= n; plan.at++) {
			*facts = fresh;
			faultos_start(&plan);
			session(facts);
			faultos_stop();
			if (must_succeed(&plan) && facts->failed > 0)
				fail_msg("%s, call %d, a %s: %s",
					ways[w].name, (int)plan.at,
					faultos_name(faultos_hit()), e.msg);
			judge(facts, may_leave(&plan));
		}
	}
}

static void test_errors(void **state)
{
	static const int errnums[] = { EIO, ENOSPC, EINTR, EACCES, EMFILE };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(errnums) / sizeof(*errnums); i++)
		each_call((struct faultos_plan){ .how = FAULTOS_BEFORE,
			.errnum = errnums[i], .no_disk = true });
}

static void test_lost_answers(void **state)
{
	(void)state;
	each_call((struct faultos_plan){ .how = FAULTOS_AFTER,
		.errnum = EIO, .no_disk = true });
}

static void test_short(void **state)
{
	(void)state;
	each_call((struct faultos_plan){ .how = FAULTOS_SHORT,
		.errnum = EIO, .no_disk = true });
}

/* From some call on nothing works any more: a disk that went away. */
static void test_gone(void **state)
{
	uint64_t n = count_calls(0), k;
	struct faultos_plan plan = { .errnum = EIO, .on = true,
		.no_disk = true };

	(void)state;
	for (k = 1; k <= n; k++) {
		plan.at = k;
		*facts = fresh;
		faultos_start(&plan);
		session(facts);
		faultos_stop();
		assert_true(facts->failed > 0 ||
			faultos_hit() == FAULTOS_CLOSE);
		judge(facts, 10);
	}
}

static void killed(const struct faultos_plan *plan, void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		faultos_start(plan);
		fn();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 137)
		fail_msg("call %d was not the last: status %#x",
			(int)plan->at, (unsigned)status);
}

static void child_session(void)
{
	session(facts);
}

static void test_kill(void **state)
{
	struct faultos_plan plan = { .no_disk = true };
	static const enum faultos_how hows[] = { FAULTOS_KILL_BEFORE,
		FAULTOS_KILL_TORN, FAULTOS_KILL_AFTER };
	uint64_t n;
	size_t w, i;

	(void)state;
	for (w = 0; w < sizeof(ways) / sizeof(*ways); w++) {
		plan.lacks = ways[w].lacks;
		n = count_calls(plan.lacks);
		for (i = 0; i < sizeof(hows) / sizeof(*hows); i++) {
			plan.how = hows[i];
			for (plan.at = 1; plan.at <= n; plan.at++) {
				*facts = fresh;
				killed(&plan, child_session);
				judge(facts, 0);
			}
		}
	}
}

static char init_dir[300];

static int init(void)
{
	struct store *s = NULL;
	int rc = store_open(&s, init_dir, STORE_CREATE, &e);

	store_close(s);
	return rc;
}

static void child_init(void)
{
	init();
}

/* However an init ended, it can be begun again. */
static void test_init(void **state)
{
	static const int errnums[] = { EIO, EINTR, ENOSPC };
	struct faultos_plan plan = { .no_disk = true };
	uint64_t n, k;
	size_t i;

	(void)state;
	snprintf(init_dir, sizeof(init_dir), "%s/new", dir);
	faultos_start(&plan);
	check_ok(init(), &e);
	n = faultos_stop();
	/* Most of it is one folder like another. */
	for (k = 1; k <= n; k += k > 20 && k + 40 < n ? 37 : 1) {
		plan.at = k;
		for (i = 0; i < sizeof(errnums) / sizeof(*errnums); i++) {
			tmpdir_remove(init_dir);
			plan.how = FAULTOS_BEFORE;
			plan.errnum = errnums[i];
			faultos_start(&plan);
			if (init() < 0 && plan.errnum == EINTR)
				fail_msg("%s: %s", faultos_name(faultos_hit()),
					e.msg);
			faultos_stop();
			check_ok(init(), &e);
		}
		tmpdir_remove(init_dir);
		plan.how = FAULTOS_KILL_AFTER;
		killed(&plan, child_init);
		check_ok(init(), &e);
	}
}

/* A listing of many folders: whole, or an error. */
static void test_list(void **state)
{
	struct faultos_plan plan = { .no_disk = true };
	uint64_t n = 1, k;
	struct store *s;
	unsigned found;
	int rc;

	(void)state;
	*facts = fresh;
	session(facts);
	for (k = 0; k <= n; k += k > 40 && k + 40 < n ? 7 : 1) {
		check_ok(store_open(&s, dir, 0, &e), &e);
		plan.at = k;
		plan.errnum = k % 2 ? EIO : EMFILE;
		faultos_start(&plan);
		found = 0;
		rc = store_list(s, STORE_DATA, one_more, &found, &e);
		/* One that fails also looks whether the folder is there. */
		n = k == 0 ? faultos_stop() : (faultos_stop(), n);
		if (rc == 0)
			assert_int_equal(found, 2);
		if (k > 0 && faultos_hit() != FAULTOS_CLOSEDIR &&
		    faultos_hit() != FAULTOS_CLOSE)
			check_err(rc, ERR_IO, &e);
		store_close(s);
	}
	assert_true(n > 256 * 4);
	judge(facts, 0);
}

static void test_no_memory(void **state)
{
	unsigned long k;

	(void)state;
	for (k = 1; ; k++) {
		*facts = fresh;
		mem_fail(k, 0);
		session(facts);
		mem_fail(0, 0);
		judge(facts, 0);
		if (facts->failed == 0)
			break;
	}
	assert_true(k > 6);
}

static int setup(void **state)
{
	char x[] = "x";
	struct iovec iov = { x, 1 };
	struct store *s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	facts = mmap(NULL, sizeof(*facts), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(facts != MAP_FAILED);
	tmpdir_make(dir, sizeof(dir));
	snprintf(tmp, sizeof(tmp), "%s/tmp", dir);
	check_ok(store_open(&s, dir, STORE_CREATE, &e), &e);
	check_ok(store_put(s, STORE_ROOT, "REPOSITORY", &iov, 1, 0, &e), &e);
	store_close(s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	faultos_stop();
	tmpdir_remove(dir);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
