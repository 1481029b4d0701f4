/* SPDX-License-Identifier: BSD-2-Clause */
/* What only a store in a folder has: opening, its files, what others leave. */
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/os.h"
#include "base/proc.h"
#include "store/store.h"
#include "tests/lib/faultos.h"
#include "tests/lib/tmpdir.h"

#define ID "3f00000000000000000000000000000000000000000000000000000000000000"
#define ID2 "3fffffff00000000000000000000000000000000000000000000000000000000"

static struct err e;
static char dir[256];
static struct store *s;

static void put(enum store_kind k, const char *name, const char *text,
		enum err_code want)
{
	struct buf b = BUF_INIT;

	check_ok(buf_append(&b, text, strlen(text), &e), &e);
	check_err(store_put_buf(s, k, name, &b, 0, &e), want, &e);
	buf_release(&b);
}

static void has(enum store_kind k, const char *name, const char *text)
{
	struct buf b = BUF_INIT;

	check_ok(store_get_all(s, k, name, 1000, &b, &e), &e);
	assert_int_equal(b.len, strlen(text));
	assert_memory_equal(b.p, text, b.len);
	buf_release(&b);
}

static int count_one(const char *name, uint64_t size, void *ctx)
{
	(void)name;
	(void)size;
	(*(unsigned *)ctx)++;
	return 0;
}

static unsigned count(enum store_kind k)
{
	unsigned n = 0;

	check_ok(store_list(s, k, count_one, &n, &e), &e);
	return n;
}

static const char *in(const char *path)
{
	static char full[4][1024];
	static unsigned turn;
	char *out = full[turn++ % 4];

	snprintf(out, sizeof(full[0]), "%s/%s", dir, path);
	return out;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(in(path), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void reopen(void)
{
	store_close(s);
	check_ok(store_open(&s, dir, 0, &e), &e);
}

static int setup(void **state)
{
	(void)state;
	tmpdir_make(dir, sizeof(dir));
	check_ok(store_open(&s, dir, STORE_CREATE, &e), &e);
	put(STORE_ROOT, "REPOSITORY", "x", ERR_OK);
	reopen();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	faultos_stop();
	store_close(s);
	s = NULL;
	tmpdir_remove(dir);
	return 0;
}

static int bare(void **state)
{
	(void)state;
	tmpdir_make(dir, sizeof(dir));
	return 0;
}

static void refused(const char *url, unsigned flags, enum err_code code,
		    const char *words)
{
	struct store *no = (struct store *)1;

	check_err(store_open(&no, url, flags, &e), code, &e);
	assert_null(no);
	if (!strstr(e.msg, words))
		fail_msg("'%s' does not say '%s'", e.msg, words);
}

static void test_urls(void **state)
{
	char url[300];

	(void)state;
	refused("s3://bucket", 0, ERR_CONFIG, "s3://");
	refused("", 0, ERR_CONFIG, "empty");
	refused("file://", 0, ERR_CONFIG, "empty");
	refused("./a:b", 0, ERR_NOREPO, "./a:b");
	refused("/x:y", 0, ERR_NOREPO, "/x:y");
	refused(":x", 0, ERR_NOREPO, ":x");
	refused("a::b", 0, ERR_NOREPO, "a::b");
	refused("file:///no/such", 0, ERR_NOREPO, "'/no/such'");
	snprintf(url, sizeof(url), "file://%s/a:b", dir);
	check_ok(store_open(&s, url, STORE_CREATE, &e), &e);
	put(STORE_ROOT, "REPOSITORY", "x", ERR_OK);
	store_close(s);
	check_ok(store_open(&s, in("a:b"), 0, &e), &e);
	has(STORE_ROOT, "REPOSITORY", "x");
}

static void test_not_a_repository(void **state)
{
	(void)state;
	refused(in("none"), 0, ERR_NOREPO, "no such folder");
	write_file("file", "");
	refused(in("file"), 0, ERR_NOREPO, "not a folder");
	refused(in("file/x"), 0, ERR_NOREPO, "not a folder");
	refused(dir, 0, ERR_NOREPO, "is not a muniment repository");
	write_file("README", "This is a Borg Backup repository.\n");
	write_file("config", "[repository]\nversion = 1\n");
	refused(dir, 0, ERR_NOREPO, "is a borg repository");
	refused(dir, STORE_CREATE, ERR_EXIST, "not empty");
	write_file("config", "\1\2\3");
	assert_int_equal(mkdir(in("keys"), 0700), 0);
	assert_int_equal(mkdir(in("snapshots"), 0700), 0);
	refused(dir, 0, ERR_NOREPO, "is a restic repository");
	refused(dir, STORE_CREATE, ERR_EXIST, "not empty");
}

static void test_create(void **state)
{
	struct stat st;

	(void)state;
	refused(in("a/b/c"), STORE_CREATE, ERR_NOREPO, "above it is missing");
	check_ok(store_open(&s, in("a/b/c"), STORE_CREATE | STORE_PARENTS,
		&e), &e);
	store_close(s);
	/* Unfinished: no repository yet, but a place for one. */
	refused(in("a/b/c"), 0, ERR_NOREPO, "init did not end");
	assert_int_equal(rmdir(in("a/b/c/pins")), 0);
	check_ok(store_open(&s, in("a/b/c"), STORE_CREATE, &e), &e);
	assert_int_equal(stat(in("a/b/c/pins"), &st), 0);
	put(STORE_KEYS, "slot", "x", ERR_OK);
	store_close(s);
	check_ok(store_open(&s, in("a/b/c"), STORE_CREATE, &e), &e);
	put(STORE_DATA, ID, "x", ERR_OK);
	store_close(s);
	refused(in("a/b/c"), STORE_CREATE, ERR_EXIST, "holds backups");
	check_ok(mkdir(in("fs"), 0700), &e);
	check_ok(mkdir(in("fs/lost+found"), 0700), &e);
	check_ok(store_open(&s, in("fs"), STORE_CREATE, &e), &e);
	put(STORE_ROOT, "REPOSITORY", "x", ERR_OK);
	store_close(s);
	s = NULL;
	refused(in("fs"), STORE_CREATE, ERR_EXIST, "already");
	check_ok(mkdir(in("own"), 0700), &e);
	check_ok(mkdir(in("own/data"), 0700), &e);
	refused(in("own"), STORE_CREATE, ERR_EXIST, "not empty");
	write_file("own/data/mine", "");
	assert_int_equal(rename(in("own/data"), in("own/tmp")), 0);
	write_file("own/x", "");
	refused(in("own"), STORE_CREATE, ERR_EXIST, "not empty");
}

static void mode_is(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(lstat(in(path), &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void test_modes(void **state)
{
	mode_t old = umask(0);

	(void)state;
	check_ok(store_open(&s, in("r"), STORE_CREATE, &e), &e);
	put(STORE_DATA, ID, "x", ERR_OK);
	umask(old);
	mode_is("r", 0700);
	mode_is("r/tmp", 0700);
	mode_is("r/keys", 0700);
	mode_is("r/data/3f", 0700);
	mode_is("r/meta/ff", 0700);
	mode_is("r/data/3f/" ID, 0600);
}

/* Files that are not ours are neither seen nor touched. */
static void test_foreign_files(void **state)
{
	struct buf b = BUF_INIT;
	uint64_t size;

	(void)state;
	put(STORE_DATA, ID, "x", ERR_OK);
	write_file("data/3f/.nfs0001", "x");
	write_file("data/3f/3f00", "x");
	write_file("data/40/" ID, "x");
	write_file("data/note", "x");
	write_file("archives/a~b", "x");
	write_file("note", "x");
	assert_int_equal(mkfifo(in("archives/pipe"), 0600), 0);
	assert_int_equal(symlink("pipe", in("archives/link")), 0);
	assert_int_equal(symlink("/etc/passwd", in("archives/other")), 0);
	assert_int_equal(mkdir(in("archives/empty"), 0700), 0);
	assert_int_equal(count(STORE_DATA), 1);
	assert_int_equal(count(STORE_ARCHIVES), 0);
	assert_int_equal(count(STORE_ROOT), 1);
	check_err(store_stat(s, STORE_ARCHIVES, "pipe", &size, &e), ERR_NOENT,
		&e);
	check_err(store_get(s, STORE_ARCHIVES, "pipe", 0, 1, &b, &e),
		ERR_NOENT, &e);
	check_err(store_get(s, STORE_ARCHIVES, "other", 0, 1, &b, &e),
		ERR_NOENT, &e);
	check_err(store_get(s, STORE_ARCHIVES, "empty", 0, 1, &b, &e),
		ERR_NOENT, &e);
	put(STORE_ARCHIVES, "pipe", "x", ERR_EXIST);
	put(STORE_ARCHIVES, "link", "x", ERR_EXIST);
	/* What a delete that was cut short has left. */
	check_err(store_del(s, STORE_ARCHIVES, "empty", &e), ERR_NOENT, &e);
	put(STORE_ARCHIVES, "empty", "x", ERR_OK);
	buf_release(&b);
}

/* The forms of a file meet in one repository. */
static void test_forms(void **state)
{
	const uint32_t both = 1u << FAULTOS_RENAME_NEW | 1u << FAULTOS_LINKAT;
	struct faultos_plan plan = { .lacks = both };
	struct stat st;

	(void)state;
	put(STORE_DATA, ID2, "as a file", ERR_OK);
	faultos_start(&plan);
	put(STORE_DATA, ID, "in a folder", ERR_OK);
	put(STORE_DATA, ID, "another", ERR_EXIST);
	put(STORE_DATA, ID2, "another", ERR_EXIST);
	faultos_stop();
	assert_int_equal(lstat(in("data/3f/" ID), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(tmpdir_count(in("tmp")), 0);
	reopen();
	put(STORE_DATA, ID, "another", ERR_EXIST);
	has(STORE_DATA, ID, "in a folder");
	has(STORE_DATA, ID2, "as a file");
	assert_int_equal(count(STORE_DATA), 2);
	plan.lacks = 1u << FAULTOS_RENAME_NEW;
	faultos_start(&plan);
	put(STORE_DATA, ID, "another", ERR_EXIST);
	faultos_stop();
	check_ok(store_del(s, STORE_DATA, ID, &e), &e);
	assert_int_equal(count(STORE_DATA), 1);
	assert_int_equal(lstat(in("data/3f/" ID), &st), -1);
	put(STORE_DATA, ID, "as a file", ERR_OK);
	has(STORE_DATA, ID, "as a file");
}

static void test_missing_folders(void **state)
{
	(void)state;
	assert_int_equal(rmdir(in("data/3f")), 0);
	assert_int_equal(rmdir(in("archives")), 0);
	assert_int_equal(count(STORE_DATA), 0);
	put(STORE_DATA, ID, "x", ERR_OK);
	check_ok(store_sync(s, &e), &e);
	has(STORE_DATA, ID, "x");
	check_err(store_list(s, STORE_ARCHIVES, count_one, NULL, &e),
		ERR_CORRUPT, &e);
	assert_non_null(strstr(e.msg, "'archives'"));
	put(STORE_ARCHIVES, "a", "x", ERR_CORRUPT);
	assert_int_equal(tmpdir_count(in("tmp")), 0);
}

/* Packs stay open for a while. */
static void test_open_files(void **state)
{
	struct faultos_plan plan = { .at = 1, .errnum = EMFILE,
		.only = 1u << FAULTOS_OPENAT };
	struct buf b = BUF_INIT;

	(void)state;
	put(STORE_DATA, ID, "one", ERR_OK);
	put(STORE_DATA, ID2, "two", ERR_OK);
	has(STORE_DATA, ID, "one");
	faultos_start(&plan);
	check_ok(store_get(s, STORE_DATA, ID, 0, 3, &b, &e), &e);
	assert_int_equal(faultos_stop(), 0);
	faultos_start(&plan);
	check_ok(store_get(s, STORE_DATA, ID2, 0, 3, &b, &e), &e);
	assert_int_equal(faultos_stop(), 2);
	faultos_start(&plan);
	check_err(store_get(s, STORE_DATA, ID, 0, 3, &b, &e), ERR_OK, &e);
	faultos_stop();
	plan.on = true;
	faultos_start(&plan);
	check_ok(store_del(s, STORE_DATA, ID, &e), &e);
	check_err(store_get(s, STORE_DATA, ID, 0, 3, &b, &e), ERR_IO, &e);
	faultos_stop();
	check_err(store_get(s, STORE_DATA, ID, 0, 3, &b, &e), ERR_NOENT, &e);
	put(STORE_DATA, ID, "new", ERR_OK);
	has(STORE_DATA, ID, "new");
	assert_int_equal(b.len, 9);
	assert_memory_equal(b.p, "onetwoone", 9);
	buf_release(&b);
}

static const char *tmp_of(const struct proc_id *p, unsigned n)
{
	char path[200];

	snprintf(path, sizeof(path), "tmp/%016" PRIx64 ".%016" PRIx64 ".%"
		PRIx64 ".%" PRIx32 ".%" PRIx64 ".%016x", p->host, p->boot,
		p->pidns, p->pid, p->start, n);
	return in(path);
}

static void leave(const char *path, long age_secs)
{
	struct timespec t[2];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	clock_gettime(CLOCK_REALTIME, &t[0]);
	t[0].tv_sec -= age_secs;
	t[1] = t[0];
	assert_int_equal(futimens(fd, t), 0);
	close(fd);
}

static bool there(const char *path)
{
	return access(path, F_OK) == 0;
}

static pid_t dead_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void test_leftovers(void **state)
{
	const long week = 7 * 86400;
	struct proc_id self, dead, again, boot, far, box;

	(void)state;
	proc_self(&self);
	assert_true(self.boot != 0 && self.start != 0);
	dead = again = boot = far = box = self;
	dead.pid = (uint32_t)dead_child();
	again.start--;
	boot.boot++;
	far.boot++;
	far.host++;
	box.pidns++;
	leave(tmp_of(&self, 1), 10 * week);
	leave(tmp_of(&dead, 2), 0);
	leave(tmp_of(&again, 3), 0);
	leave(tmp_of(&boot, 4), 0);
	leave(tmp_of(&far, 5), week - 60);
	leave(tmp_of(&far, 6), week + 60);
	leave(tmp_of(&box, 7), week - 60);
	leave(tmp_of(&far, 8), -week);
	leave(in("tmp/mine"), 10 * week);
	assert_int_equal(mkdir(tmp_of(&dead, 9), 0700), 0);
	assert_int_equal(count(STORE_DATA), 0);
	assert_true(there(tmp_of(&dead, 2)));
	put(STORE_DATA, ID, "x", ERR_OK);
	assert_true(there(tmp_of(&self, 1)));
	assert_false(there(tmp_of(&dead, 2)));
	assert_false(there(tmp_of(&again, 3)));
	assert_false(there(tmp_of(&boot, 4)));
	assert_true(there(tmp_of(&far, 5)));
	assert_false(there(tmp_of(&far, 6)));
	assert_true(there(tmp_of(&box, 7)));
	assert_true(there(tmp_of(&far, 8)));
	assert_true(there(in("tmp/mine")));
	assert_false(there(tmp_of(&dead, 9)));
}

/* Somebody takes a living writer for dead. */
static int robberies;

static int rob(int fromfd, const char *from, int tofd, const char *to)
{
	if (robberies > 0) {
		robberies--;
		unlinkat(fromfd, from, 0);
	}
	return os_real->rename_new(fromfd, from, tofd, to);
}

static void test_robbed(void **state)
{
	struct os robber = *os_real;

	(void)state;
	robber.rename_new = rob;
	os_now = &robber;
	robberies = 1;
	put(STORE_DATA, ID, "x", ERR_OK);
	has(STORE_DATA, ID, "x");
	robberies = 2;
	put(STORE_DATA, ID2, "x", ERR_CORRUPT);
	os_now = os_real;
	assert_int_equal(count(STORE_DATA), 1);
}

static uint64_t syncs(void)
{
	struct faultos_plan plan = { .only = 1u << FAULTOS_FSYNC };

	faultos_start(&plan);
	check_ok(store_sync(s, &e), &e);
	return faultos_stop();
}

static void test_barrier(void **state)
{
	struct faultos_plan plan = { .at = 1, .how = FAULTOS_AFTER,
		.errnum = EIO, .only = 1u << FAULTOS_FSYNC };

	(void)state;
	assert_int_equal(syncs(), 0);
	put(STORE_DATA, ID, "x", ERR_OK);
	put(STORE_DATA, ID2, "x", ERR_OK);
	put(STORE_KEYS, "a", "x", ERR_OK);
	assert_int_equal(syncs(), 3);		/* data/3f, keys, tmp */
	assert_int_equal(syncs(), 0);
	reopen();
	put(STORE_KEYS, "a", "x", ERR_EXIST);	/* perhaps never synced */
	assert_int_equal(syncs(), 1);
	check_ok(store_del(s, STORE_DATA, ID2, &e), &e);
	assert_int_equal(syncs(), 1);
	put(STORE_KEYS, "b", "x", ERR_OK);
	faultos_start(&plan);
	check_err(store_sync(s, &e), ERR_IO, &e);
	faultos_stop();
	/* The system would not say it a second time. */
	check_err(store_sync(s, &e), ERR_IO, &e);
	reopen();
	check_ok(store_sync(s, &e), &e);
	put(STORE_KEYS, "c", "x", ERR_OK);
	plan.only = 1u << FAULTOS_OPENAT;
	plan.errnum = EMFILE;
	faultos_start(&plan);
	check_err(store_sync(s, &e), ERR_IO, &e);
	faultos_stop();
	assert_int_equal(syncs(), 2);
}

/* The answer to the call that made the name was lost. */
static void test_lost_answer(void **state)
{
	struct faultos_plan plan = { .at = 1, .how = FAULTOS_AFTER,
		.errnum = EIO, .only = 1u << FAULTOS_RENAME_NEW };

	(void)state;
	faultos_start(&plan);
	put(STORE_ARCHIVES, "a", "x", ERR_OK);
	plan.lacks = 1u << FAULTOS_RENAME_NEW;
	plan.only = 1u << FAULTOS_LINKAT;
	plan.errnum = EEXIST;
	faultos_start(&plan);
	put(STORE_ARCHIVES, "b", "x", ERR_OK);
	put(STORE_ARCHIVES, "b", "x", ERR_EXIST);
	plan.how = FAULTOS_BEFORE;
	plan.errnum = EIO;
	faultos_start(&plan);
	put(STORE_ARCHIVES, "c", "x", ERR_IO);
	faultos_stop();
	assert_int_equal(count(STORE_ARCHIVES), 2);
	assert_int_equal(tmpdir_count(in("tmp")), 0);
}

/* One failure of these is made good, a second is told. */
static void test_poison(void **state)
{
	static const uint32_t calls[] = { 1u << FAULTOS_WRITEV,
		1u << FAULTOS_FDATASYNC, 1u << FAULTOS_CLOSE,
		1u << FAULTOS_FSTAT };
	struct faultos_plan plan = { .at = 1, .errnum = EIO };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		plan.only = calls[i];
		plan.on = true;
		faultos_start(&plan);
		put(STORE_DATA, ID, "x", ERR_IO);
		assert_int_equal(faultos_stop(), 2);
		assert_int_equal(count(STORE_DATA), 0);
		plan.on = false;
		faultos_start(&plan);
		put(STORE_DATA, ID, "x", ERR_OK);
		assert_int_equal(faultos_stop(), 2);
		has(STORE_DATA, ID, "x");
		check_ok(store_del(s, STORE_DATA, ID, &e), &e);
	}
	assert_int_equal(tmpdir_count(in("tmp")), 0);
}

static void test_words(void **state)
{
	struct faultos_plan plan = { .at = 1, .errnum = ENOSPC, .on = true,
		.only = 1u << FAULTOS_WRITEV };

	(void)state;
	faultos_start(&plan);
	put(STORE_DATA, ID, "x", ERR_FULL);
	assert_non_null(strstr(e.msg, dir));
	assert_non_null(strstr(e.msg, "no space left"));
	assert_non_null(strstr(e.msg, "free"));
	plan.errnum = EROFS;
	plan.only = 1u << FAULTOS_OPENAT;
	faultos_start(&plan);
	put(STORE_DATA, ID, "x", ERR_DENIED);
	assert_non_null(strstr(e.msg, dir));
	plan.errnum = EACCES;
	faultos_start(&plan);
	put(STORE_DATA, ID, "x", ERR_DENIED);
	faultos_stop();
	assert_int_equal(tmpdir_count(in("tmp")), 0);
}

#define BARE(fn) cmocka_unit_test_setup_teardown(fn, bare, teardown)
#define MADE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BARE(test_urls),
		BARE(test_not_a_repository),
		BARE(test_create),
		BARE(test_modes),
		MADE(test_foreign_files),
		MADE(test_forms),
		MADE(test_missing_folders),
		MADE(test_open_files),
		MADE(test_leftovers),
		MADE(test_robbed),
		MADE(test_barrier),
		MADE(test_lost_answer),
		MADE(test_poison),
		MADE(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
