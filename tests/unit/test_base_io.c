/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/os.h"
#include "tests/lib/check.h"

/*
 * A system that interrupts, does part of the work, or fails the n-th call.
 */
static struct {
	struct os os;
	unsigned calls, fail_at;	/* fail_at: 0: never */
	int errnum;
	size_t part;			/* at most so many bytes; 0: all */
	bool interrupts;		/* every other transfer */
	unsigned tick, stuck;		/* stuck: writes that do nothing */
	bool synced_file, synced_dir;
} sys;

static bool sys_fails(void)
{
	if (++sys.calls != sys.fail_at)
		return false;
	errno = sys.errnum;
	return true;
}

static bool sys_interrupts(void)
{
	if (!sys.interrupts || ++sys.tick % 2)
		return false;
	errno = EINTR;
	return true;
}

static int sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	return sys_fails() ? -1 : os_real->openat(dirfd, path, flags, mode);
}

static ssize_t sys_pread(int fd, void *p, size_t len, off_t off)
{
	if (sys_interrupts() || sys_fails())
		return -1;
	if (sys.part && len > sys.part)
		len = sys.part;
	return os_real->pread(fd, p, len, off);
}

static ssize_t sys_writev(int fd, const struct iovec *iov, int n)
{
	size_t left = sys.part;
	struct iovec cut;

	assert_true(n > 0 && n <= IOV_MAX);
	if (sys_interrupts() || sys_fails())
		return -1;
	if (sys.stuck > 0) {
		sys.stuck--;
		return 0;
	}
	if (!sys.part)
		return os_real->writev(fd, iov, n);
	cut = iov[0];
	if (cut.iov_len > left)
		cut.iov_len = left;
	return os_real->writev(fd, &cut, 1);
}

static int sys_fdatasync(int fd)
{
	sys.synced_file = true;
	return sys_fails() ? -1 : os_real->fdatasync(fd);
}

static int sys_fsync(int fd)
{
	sys.synced_dir = true;
	return sys_fails() ? -1 : os_real->fsync(fd);
}

static int sys_close(int fd)
{
	int rc = os_real->close(fd);

	return sys_fails() ? -1 : rc;
}

static int sys_mkdirat(int dirfd, const char *path, mode_t mode)
{
	return sys_fails() ? -1 : os_real->mkdirat(dirfd, path, mode);
}

static int sys_renameat(int fromfd, const char *from, int tofd,
			const char *to)
{
	assert_true(sys.synced_file);
	return sys_fails() ? -1 : os_real->renameat(fromfd, from, tofd, to);
}

static int sys_unlinkat(int dirfd, const char *path, int flags)
{
	return sys_fails() ? -1 : os_real->unlinkat(dirfd, path, flags);
}

static int sys_fstatat(int dirfd, const char *path, struct stat *st,
		       int flags)
{
	return sys_fails() ? -1 : os_real->fstatat(dirfd, path, st, flags);
}

static char scratch[] = "io.XXXXXX";

static int setup(void **state)
{
	(void)state;
	memset(&sys, 0, sizeof(sys));
	sys.os = *os_real;
	sys.os.openat = sys_openat;
	sys.os.pread = sys_pread;
	sys.os.writev = sys_writev;
	sys.os.fdatasync = sys_fdatasync;
	sys.os.fsync = sys_fsync;
	sys.os.close = sys_close;
	sys.os.mkdirat = sys_mkdirat;
	sys.os.renameat = sys_renameat;
	sys.os.unlinkat = sys_unlinkat;
	sys.os.fstatat = sys_fstatat;
	os_now = &sys.os;
	memcpy(scratch, "io.XXXXXX", sizeof(scratch));
	return mkdtemp(scratch) && chdir(scratch) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	os_now = os_real;
	mem_fail(0, 0);
	return chdir("..");
}

static void arm(unsigned fail_at, int errnum)
{
	sys.calls = 0;
	sys.fail_at = fail_at;
	sys.errnum = errnum;
	sys.synced_file = sys.synced_dir = false;
}

static void put_file(const char *path, const void *p, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static bool file_is(const char *path, const void *p, size_t len)
{
	char *back = mem_alloc(len + 1);
	FILE *f = fopen(path, "r");
	bool same;

	assert_non_null(back);
	same = f && fread(back, 1, len + 1, f) == len &&
		memcmp(back, p, len) == 0;
	if (f)
		fclose(f);
	free(back);
	return same;
}

static unsigned count_files(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static unsigned count_fds(void)
{
	return count_files("/proc/self/fd");
}

static uint8_t pattern[100000];

/* Pieces of every size, the empty ones among them, in parts of any size. */
static void write_pieces(size_t part, bool interrupts)
{
	struct iovec iov[400];
	size_t at = 0, i;
	struct err e;
	int fd = open("w", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (i = 0; i < 400; i++) {
		iov[i].iov_base = pattern + at;
		iov[i].iov_len = i * 5 % 7 == 0 ? 0 : i * 37 % 300;
		at += iov[i].iov_len;
	}
	sys.part = part;
	sys.interrupts = interrupts;
	check_ok(io_writev(fd, iov, 400, "w", &e), &e);
	close(fd);
	assert_true(file_is("w", pattern, at));
}

static void test_writev(void **state)
{
	size_t part;

	(void)state;
	for (part = 0; part < 310; part += 1 + part / 20 * 13) {
		write_pieces(part, false);
		write_pieces(part, true);
	}
}

static void test_writev_many(void **state)
{
	static struct iovec iov[3 * IOV_MAX];
	struct err e;
	size_t i;
	int fd = open("w", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	for (i = 0; i < 3 * IOV_MAX; i++)
		iov[i] = (struct iovec){ pattern + i, 1 };
	check_ok(io_writev(fd, iov, 3 * IOV_MAX, "w", &e), &e);
	check_ok(io_writev(fd, iov, 0, "w", &e), &e);
	close(fd);
	assert_true(file_is("w", pattern, 3 * IOV_MAX));
}

static void test_writev_fails(void **state)
{
	struct iovec iov;
	struct err e;
	int fd = open("w", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	arm(2, ENOSPC);
	sys.part = 10;
	iov = (struct iovec){ pattern, 100 };
	check_err(io_writev(fd, &iov, 1, "w", &e), ERR_FULL, &e);
	assert_non_null(strstr(e.msg, "'w'"));
	arm(0, 0);
	sys.stuck = 1;
	iov = (struct iovec){ pattern, 100 };
	check_ok(io_writev(fd, &iov, 1, "w", &e), &e);
	sys.stuck = 1000000;
	iov = (struct iovec){ pattern, 100 };
	check_err(io_writev(fd, &iov, 1, "w", &e), ERR_IO, &e);
	close(fd);
}

static void test_pread(void **state)
{
	uint8_t back[1000];
	struct err e;
	int fd;

	(void)state;
	put_file("r", pattern, 5000);
	fd = open("r", O_RDONLY | O_CLOEXEC);
	sys.interrupts = true;
	for (sys.part = 0; sys.part < 1000; sys.part += 99) {
		memset(back, 0, sizeof(back));
		check_ok(io_pread(fd, back, 1000, 4000, "r", &e), &e);
		assert_memory_equal(back, pattern + 4000, 1000);
		check_err(io_pread(fd, back, 1000, 4001, "r", &e),
			ERR_CORRUPT, &e);
		check_ok(io_pread(fd, back, 0, 9000, "r", &e), &e);
	}
	sys.part = 10;
	arm(3, EIO);
	check_err(io_pread(fd, back, 1000, 0, "r", &e), ERR_IO, &e);
	arm(0, 0);
	check_err(io_pread(fd, back, 1, UINT64_MAX, "r", &e), ERR_IO, &e);
	close(fd);
}

static void test_read_file(void **state)
{
	static const size_t size[] = { 0, 1, 4095, 32768, 65536, 99999 };
	struct buf b = { .max = 100000 };
	struct err e;
	size_t i;

	(void)state;
	sys.interrupts = true;
	for (i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		put_file("r", pattern, size[i]);
		for (sys.part = 0; sys.part < 100000;
		     sys.part = sys.part * 5 + 997) {
			buf_clear(&b);
			check_ok(io_read_file(AT_FDCWD, "r", &b, &e), &e);
			assert_int_equal(b.len, size[i]);
			assert_true(size[i] == 0 ||
				memcmp(b.p, pattern, size[i]) == 0);
		}
	}
	/* appended, from the file's first byte on */
	put_file("r", "world", 5);
	buf_clear(&b);
	check_ok(buf_append(&b, "hello ", 6, &e), &e);
	check_ok(io_read_file(AT_FDCWD, "r", &b, &e), &e);
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.p, "hello world", 11);
	buf_release(&b);
}

static void test_read_file_limit(void **state)
{
	struct buf b = { .max = 5 };
	struct err e;

	(void)state;
	put_file("r", "world", 5);
	check_ok(io_read_file(AT_FDCWD, "r", &b, &e), &e);
	check_ok(buf_cstr(&b, &e), &e);
	check_err(io_read_file(AT_FDCWD, "r", &b, &e), ERR_CORRUPT, &e);
	assert_non_null(strstr(e.msg, "'r'"));
	assert_int_equal(b.len, 5);
	assert_int_equal(io_read_file(AT_FDCWD, "r", &b, NULL), ERR_CORRUPT);
	buf_release(&b);
	put_file("r", "worlds", 6);
	sys.part = 4;
	check_err(io_read_file(AT_FDCWD, "r", &b, &e), ERR_CORRUPT, &e);
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

static void test_read_file_fails(void **state)
{
	struct buf b = { .max = 1000 };
	unsigned fds = count_fds(), at;
	struct err e;

	(void)state;
	check_err(io_read_file(AT_FDCWD, "none", &b, &e), ERR_NOENT, &e);
	check_err(io_read_file(AT_FDCWD, ".", &b, &e), ERR_IO, &e);
	put_file("r", pattern, 1000);
	sys.part = 300;
	for (at = 1; at <= 6; at++) {	/* open, 4 reads, the end */
		arm(at, EIO);
		check_err(io_read_file(AT_FDCWD, "r", &b, &e), ERR_IO, &e);
		assert_int_equal(b.len, 0);
	}
	arm(7, EIO);			/* close: nothing was lost */
	check_ok(io_read_file(AT_FDCWD, "r", &b, &e), &e);
	assert_int_equal(count_fds(), fds);
	buf_release(&b);
	mem_fail(1, 0);
	arm(0, 0);
	check_err(io_read_file(AT_FDCWD, "r", &b, &e), ERR_NOMEM, &e);
	assert_int_equal(count_fds(), fds);
	buf_release(&b);
}

static void read_without_limit(void *arg)
{
	io_read_file(AT_FDCWD, "r", arg, NULL);
}

static void test_read_file_bug(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	check_bug(read_without_limit, &b);
}

static void test_publish(void **state)
{
	struct stat st;
	struct err e;

	(void)state;
	arm(0, 0);
	sys.part = 7;
	sys.interrupts = true;
	check_ok(io_publish(AT_FDCWD, "p", pattern, 1000, 0640, &e), &e);
	assert_true(sys.synced_dir);
	assert_true(file_is("p", pattern, 1000));
	assert_int_equal(stat("p", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	check_ok(io_publish(AT_FDCWD, "p", NULL, 0, 0600, &e), &e);
	assert_true(file_is("p", "", 0));
	assert_int_equal(count_files("."), 1);
	assert_int_equal(mkdir("d", 0700), 0);
	check_ok(io_publish(AT_FDCWD, "d/p", "x", 1, 0600, &e), &e);
	assert_true(file_is("d/p", "x", 1));
	assert_int_equal(count_files("d"), 1);
	check_err(io_publish(AT_FDCWD, "n/p", "x", 1, 0600, &e), ERR_NOENT,
		&e);
	check_err(io_publish(AT_FDCWD, "d", "x", 1, 0600, &e), ERR_IO, &e);
	assert_int_equal(count_files("."), 2);
}

/* Each call fails in turn: old or new, never in between, nothing left over. */
static void test_publish_each_fails(void **state)
{
	unsigned at, fds = count_fds();
	struct err e;
	int rc;

	(void)state;
	sys.part = 400;
	for (at = 1;; at++) {
		put_file("p", "old", 3);
		arm(at, ENOSPC);
		rc = io_publish(AT_FDCWD, "p", pattern, 1000, 0600, &e);
		if (rc == 0)
			break;
		check_err(rc, ERR_FULL, &e);
		assert_int_equal(count_files("."), 1);
		assert_int_equal(count_fds(), fds);
		if (sys.synced_dir || at == 8)
			assert_true(file_is("p", pattern, 1000));
		else
			assert_true(file_is("p", "old", 3));
	}
	/* open, 3 writes, fdatasync, close, rename, open and fsync of the
	 * folder; a folder that cannot be closed is not told */
	assert_int_equal(at, 10);
	for (at = 1; at <= 2; at++) {
		arm(0, 0);
		put_file("p", "old", 3);
		mem_fail(at, 0);
		check_err(io_publish(AT_FDCWD, "p", "new", 3, 0600, &e),
			ERR_NOMEM, &e);
		assert_int_equal(count_files("."), 1);
		assert_true(file_is("p", at == 1 ? "old" : "new", 3));
	}
	assert_int_equal(count_fds(), fds);
}

static void test_make_dirs(void **state)
{
	static const char *const good[] = {
		"a", "a", "a/b/c", "a//d///e/", "./f/../g", "link/h", "/", ".",
	};
	static const char *const there[] = { "a/b/c", "a/d/e", "g", "t/h" };
	struct stat st;
	struct err e;
	char *abs = realpath(".", NULL), *path;
	size_t i;

	(void)state;
	assert_int_equal(mkdir("t", 0755), 0);
	assert_int_equal(symlink("t", "link"), 0);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check_ok(io_make_dirs(good[i], &e), &e);
	for (i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		assert_int_equal(stat(there[i], &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
	}
	assert_non_null(path = mem_printf("%s/x/y", abs));
	arm(0, 0);
	check_ok(io_make_dirs(path, &e), &e);
	assert_true(sys.synced_dir);
	assert_int_equal(stat("x/y", &st), 0);
	free(path);
	free(abs);
}

static void test_make_dirs_fails(void **state)
{
	unsigned fds = count_fds();
	struct err e;

	(void)state;
	put_file("f", "", 0);
	check_err(io_make_dirs("", &e), ERR_NOENT, &e);
	check_err(io_make_dirs("f", &e), ERR_NOENT, &e);
	check_err(io_make_dirs("f/g", &e), ERR_NOENT, &e);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	check_err(io_make_dirs("dangling", &e), ERR_EXIST, &e);
	arm(1, ENOSPC);
	check_err(io_make_dirs("full", &e), ERR_FULL, &e);
	arm(1, EROFS);			/* said of a folder that is there */
	check_ok(io_make_dirs(".", &e), &e);
	arm(3, EIO);			/* fsync of the parent */
	check_err(io_make_dirs("new", &e), ERR_IO, &e);
	arm(0, 0);
	mem_fail(1, 0);
	check_err(io_make_dirs("x", &e), ERR_NOMEM, &e);
	assert_int_equal(count_fds(), fds);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_writev),
		T(test_writev_many),
		T(test_writev_fails),
		T(test_pread),
		T(test_read_file),
		T(test_read_file_limit),
		T(test_read_file_fails),
		T(test_read_file_bug),
		T(test_publish),
		T(test_publish_each_fails),
		T(test_make_dirs),
		T(test_make_dirs_fails),
	};
	size_t i;

	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + i / 251);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
