/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/walk.h"
#include "base/buf.h"
#include "base/mem.h"
#include "tests/lib/check.h"
#include "tests/lib/workdir.h"

/* What a walk said, a line each: "> dir", "< dir", "  entry", "x path",
 * "E op path"; an implicit one with "?", a message with "m". */
struct log {
	struct buf b;
	size_t items, errors;
	int stop_at;		/* return 7 from the n-th call */
	struct cancel *cancel;	/* and cancel at the n-th call */
	int calls;
};

static int said(struct log *l, const char *mark, const char *what)
{
	assert_int_equal(buf_printf(&l->b, NULL, "%s %s\n", mark, what), 0);
	l->calls++;
	if (l->cancel && l->calls == l->stop_at)
		cancel_set(l->cancel);
	return !l->cancel && l->calls == l->stop_at ? 7 : 0;
}

static void check_item(const struct walk_item *it)
{
	struct stat st;
	const char *last = strrchr(it->path, '/');

	last = last ? last + 1 : it->path;
	assert_string_equal(last, it->name);
	if (it->implicit)
		return;
	assert_int_equal(fstatat(it->dirfd, it->name, &st,
				 AT_SYMLINK_NOFOLLOW), 0);
	assert_true(st.st_ino == it->st.st_ino);
}

static int on_enter(const struct walk_item *it, int fd, void *ctx)
{
	struct stat st;

	check_item(it);
	assert_true(S_ISDIR(it->st.st_mode));
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_ino == it->st.st_ino);
	return said(ctx, it->implicit ? ">?" : ">", it->stored);
}

static int on_leave(const struct walk_item *it, void *ctx)
{
	check_item(it);
	return said(ctx, "<", it->stored);
}

static int on_item(const struct walk_item *it, void *ctx)
{
	struct log *l = ctx;

	check_item(it);
	assert_false(S_ISDIR(it->st.st_mode));
	l->items++;
	return said(l, it->message ? " m" : " ", it->stored);
}

static void on_excluded(const char *path, void *ctx)
{
	said(ctx, "x", path);
}

static void on_error(const struct walk_error *we, void *ctx)
{
	struct log *l = ctx;
	char mark[64];

	l->errors++;
	snprintf(mark, sizeof(mark), "E %s %s", we->op,
		 strerrorname_np(we->errnum));
	said(l, mark, we->path);
}

static const struct walk_ops log_ops = {
	.enter = on_enter, .leave = on_leave, .item = on_item,
	.excluded = on_excluded, .error = on_error,
};

static int walk_log(struct walk_opts *o, struct log *l, const char *paths)
{
	struct strv v = STRV_INIT;
	char *copy = mem_str(paths), *p, *save = NULL;
	struct err e = { 0 };
	int rc;

	assert_non_null(copy);
	for (p = strtok_r(copy, "|", &save); p; p = strtok_r(NULL, "|", &save))
		assert_int_equal(strv_add(&v, p, NULL), 0);
	o->paths = &v;
	rc = walk_run(o, &log_ops, l, &e);
	assert_int_equal(buf_cstr(&l->b, NULL), 0);
	strv_release(&v);
	free(copy);
	return rc;
}

static void expect_opts(struct walk_opts o, const char *paths,
			const char *want)
{
	struct log l = { .b = BUF_INIT };

	assert_int_equal(walk_log(&o, &l, paths), 0);
	if (strcmp((char *)l.b.p, want) != 0)
		fail_msg("paths '%s' gave\n%sexpected\n%s", paths,
			 (char *)l.b.p, want);
	buf_release(&l.b);
}

static void expect(const char *paths, const char *want)
{
	expect_opts((struct walk_opts){ 0 }, paths, want);
}

static void file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* "d/" directories, others files, blank between. */
static void tree(const char *what)
{
	char *copy = mem_str(what), *p, *save = NULL;

	assert_non_null(copy);
	for (p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save))
		if (p[strlen(p) - 1] == '/')
			assert_int_equal(mkdir(p, 0755), 0);
		else
			file(p, "");
	free(copy);
}

static void test_order(void **state)
{
	static const char all[] = "> a\n  a/B\n  a/b\n  a/b.c\n"
		"  a/new\nline\n> a/z\n  a/z/1\n< a/z\n  a/z-\n> a/zz\n"
		"  a/zz/x\n< a/zz\n  a/\xC3\xA4\n  a/\xFF\n< a\n";

	(void)state;
	tree("a/ a/b a/b.c a/B a/z/ a/z/1 a/z- a/zz/ a/zz/x a/\xC3\xA4 a/\xFF");
	file("a/new\nline", "");
	expect("a", all);
	expect("a/z|a/zz/x", ">? a\n> a/z\n  a/z/1\n< a/z\n>? a/zz\n"
	       "  a/zz/x\n< a/zz\n< a\n");
	expect(".", all);
}

static void test_merge(void **state)
{
	(void)state;
	tree("a/ a/b/ a/b/1 a/c/ a/c/2 d/ d/e/ d/e/3 f");
	expect("d/e|a/b|a|f|a/c/2|a", "> a\n> a/b\n  a/b/1\n< a/b\n> a/c\n"
	       "  a/c/2\n< a/c\n< a\n>? d\n> d/e\n  d/e/3\n< d/e\n< d\n  f\n");
	expect("nope|f|a/nope/x|a/nope2", "E open ENOENT a/nope/x\n"
	       "E stat ENOENT a/nope2\n  f\nE stat ENOENT nope\n");
	expect("a|a/nope", "> a\n> a/b\n  a/b/1\n< a/b\n> a/c\n  a/c/2\n"
	       "< a/c\nE stat ENOENT a/nope\n< a\n");
	expect("f/x|a/b/1/y", "E open ENOTDIR a/b/1/y\nE open ENOTDIR f/x\n");
	expect("a/../f|./f|.//d/../f", "  f\n");
	assert_int_equal(chdir("d"), 0);
	expect("../f", "  f\n");
	expect("..|../d/e", "> a\n> a/b\n  a/b/1\n< a/b\n> a/c\n"
	       "  a/c/2\n< a/c\n< a\n> d\n> d/e\n  d/e/3\n< d/e\n< d\n  f\n");
}

static void test_slashdot(void **state)
{
	struct pattern_set *p = pattern_new();
	char cwd[200], paths[600];

	(void)state;
	tree("a/ a/b/ a/b/1 a/b/x a/c/ a/c/2 b/ b/9");
	expect("a/./b", "> b\n  b/1\n  b/x\n< b\n");
	expect("a/./b/1", ">? b\n  b/1\n< b\n");
	expect("a/./", "> b\n  b/1\n  b/x\n< b\n> c\n  c/2\n< c\n");
	expect("a/./b|b", "E merge EEXIST b\n> b\n  b/1\n  b/x\n< b\n");
	expect("a/./b/1|b/9", ">? b\n  b/1\n  b/9\n< b\n");
	expect("b|a/./b/1", "> b\n  b/1\n  b/9\n< b\n");
	tree("a/b/9");
	expect("b|a/./b/9", "> b\nE merge EEXIST a/b/9\n  b/9\n< b\n");
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(paths, sizeof(paths), "%s/a/./c", cwd);
	expect(paths, "> c\n  c/2\n< c\n");
	/* Patterns see the path on disk. */
	assert_int_equal(unlink("a/b/9"), 0);
	assert_non_null(p);
	assert_int_equal(pattern_add_line(p, "- a/b/x", NULL), 0);
	expect_opts((struct walk_opts){ .patterns = p }, "a/./b",
		    "> b\n  b/1\nx a/b/x\n< b\n");
	pattern_free(p);
}

static void test_patterns(void **state)
{
	static const char all[] = "a/ a/keep/ a/keep/1 a/keep/2 a/not/ a/not/3 "
		"a/not/in/ a/not/in/4 b/ b/5";
	struct pattern_set *p = pattern_new();
	struct walk_opts o = { .patterns = p };

	(void)state;
	tree(all);
	assert_int_equal(pattern_add_line(p, "+ a/not/in/4", NULL), 0);
	assert_int_equal(pattern_add_line(p, "- a/not", NULL), 0);
	assert_int_equal(pattern_add_line(p, "! b", NULL), 0);
	assert_int_equal(pattern_add_exclude(p, "a/keep/1", NULL), 0);
	expect_opts(o, ".", "> a\n> a/keep\nx a/keep/1\n  a/keep/2\n< a/keep\n"
		    "x a/not\nx a/not/3\nx a/not/in\n>? a/not\n>? a/not/in\n"
		    "  a/not/in/4\n< a/not/in\n< a/not\n< a\nx b\n");
	/* A source below what is excluded is another matter. */
	expect_opts(o, "a/not/in/4|b/5", ">? a\n>? a/not\n>? a/not/in\n"
		    "  a/not/in/4\n< a/not/in\n< a/not\n< a\nx b/5\n");
	pattern_free(p);

	p = pattern_new();
	o.patterns = p;
	assert_int_equal(pattern_add_line(p, "! re:^a$", NULL), 0);
	expect_opts(o, "a|a/keep", "x a\n>? a\n> a/keep\n  a/keep/1\n"
		    "  a/keep/2\n< a/keep\n< a\n");
	pattern_free(p);

	/* Nothing below is wanted: it is not even looked into. */
	p = pattern_new();
	o.patterns = p;
	assert_int_equal(pattern_add_line(p, "- a", NULL), 0);
	assert_int_equal(pattern_add_exclude(p, "b/", NULL), 0);
	expect_opts(o, ".", "x a\n> b\nx b/5\n< b\n");
	pattern_free(p);
}

static void test_tags(void **state)
{
	struct strv tags = STRV_INIT;
	struct walk_opts o = { .exclude_caches = true };

	(void)state;
	tree("a/ a/1 a/.nobackup b/ b/2 c/ c/3 c/t/ c/t/4");
	file("b/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
	file("a/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc56\n");
	expect_opts(o, ".", "> a\n  a/.nobackup\n  a/1\n  a/CACHEDIR.TAG\n< a\n"
		    "x b\n> c\n  c/3\n> c/t\n  c/t/4\n< c/t\n< c\n");
	strv_add(&tags, ".nobackup", NULL);
	strv_add(&tags, "t", NULL);
	strv_add(&tags, "../c/3", NULL);
	o.exclude_if_present = &tags;
	expect_opts(o, "a|b|c/t", "x a\nx b\n>? c\n> c/t\n  c/t/4\n"
		    "< c/t\n< c\n");
	o.keep_exclude_tags = true;
	tags.n = 2;
	expect_opts(o, "a|b|c", "x a\n> a\n  a/.nobackup\n< a\nx b\n> b\n"
		    "  b/CACHEDIR.TAG\n< b\nx c\n> c\n> c/t\n  c/t/4\n< c/t\n"
		    "< c\n");
	tags.n = 3;
	strv_release(&tags);
}

static void set_nodump(const char *path)
{
	long flags = FS_NODUMP_FL;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
		skip();
	close(fd);
}

static void test_nodump(void **state)
{
	struct walk_opts o = { .exclude_nodump = true };

	(void)state;
	tree("a/ a/1 a/2 b/ b/3");
	assert_int_equal(symlink("a", "c"), 0);
	set_nodump("a/1");
	set_nodump("b");
	expect("a|b|c", "> a\n  a/1\n  a/2\n< a\n> b\n  b/3\n< b\n  c\n");
	expect_opts(o, "a|b|c", "> a\nx a/1\n  a/2\n< a\nx b\n  c\n");
}

static void test_kinds(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX,
				    .sun_path = "d/sock" };
	struct stat st;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	tree("d/ d/f repo/ repo/x");
	assert_int_equal(symlink("d", "link"), 0);
	assert_int_equal(symlink("nowhere", "d/dangling"), 0);
	assert_int_equal(mkfifo("d/fifo", 0600), 0);
	assert_int_equal(bind(s, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(s);
	/* A link that is named is stored as one; on the way it is followed,
	 * as nothing says what else it should be. */
	expect("link", "  link\n");
	expect("link/", "  link\n");
	expect("link/f", ">? link\n  link/f\n< link\n");
	expect("link|link/f", "E open ENOTDIR link/f\n  link\n");
	expect("d", "> d\n  d/dangling\n  d/f\n  d/fifo\n  d/sock\n< d\n");
	assert_int_equal(stat("repo", &st), 0);
	expect_opts((struct walk_opts){ .skip_dev = st.st_dev,
		    .skip_ino = st.st_ino }, ".|repo/x",
		    "> d\n  d/dangling\n  d/f\n  d/fifo\n  d/sock\n< d\n"
		    "  link\nx repo\n");
}

static void test_denied(void **state)
{
	(void)state;
	if (geteuid() == 0 && fork() > 0) {
		int status;

		wait(&status);
		assert_int_equal(status, 0);
		return;
	}
	tree("a/ a/in/ a/in/1 a/z");
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(chmod("a/in", 0), 0);
	if (geteuid() == 0 && setuid(65534) < 0)
		_exit(9);
	expect("a", "> a\nE open EACCES a/in\n  a/z\n< a\n");
	expect("a/in/1", "E stat EACCES a/in/1\n");
	if (geteuid() == 65534)
		_exit(0);
}

static void one_fs_child(void)
{
	struct walk_opts o = { .one_file_system = true };

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "a/m", "tmpfs", 0, NULL) < 0)
		_exit(77);
	tree("a/m/in/ a/m/in/1");
	expect("a", "> a\n> a/m\n> a/m/in\n  a/m/in/1\n< a/m/in\n< a/m\n< a\n");
	expect_opts(o, "a", "> a\n> a/m\n< a/m\n< a\n");
	expect_opts(o, "a|a/m/in", "> a\n> a/m\n> a/m/in\n  a/m/in/1\n"
		    "< a/m/in\n< a/m\n< a\n");
	expect_opts(o, "a/m", ">? a\n> a/m\n> a/m/in\n  a/m/in/1\n< a/m/in\n"
		    "< a/m\n< a\n");
	_exit(0);
}

static void test_one_fs(void **state)
{
	int status;

	(void)state;
	tree("a/ a/m/");
	if (fork() == 0)
		one_fs_child();
	wait(&status);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void test_stop(void **state)
{
	struct cancel c = { 0 };
	struct walk_opts o = { .cancel = &c };
	struct log l = { .b = BUF_INIT, .stop_at = 4 };

	(void)state;
	tree("a/ a/b/ a/b/1 a/b/2 c");
	assert_int_equal(walk_log(&o, &l, "."), 7);
	assert_string_equal((char *)l.b.p, "> a\n> a/b\n  a/b/1\n  a/b/2\n");
	buf_release(&l.b);
	l = (struct log){ .b = BUF_INIT, .stop_at = 3, .cancel = &c };
	assert_int_equal(walk_log(&o, &l, "."), ERR_CANCEL);
	assert_string_equal((char *)l.b.p,
			    "> a\n> a/b\n  a/b/1\n< a/b\n< a\n");
	buf_release(&l.b);
}

static void test_memory(void **state)
{
	struct walk_opts o = { 0 };
	struct strv paths = STRV_INIT;
	struct log l;
	unsigned long n;
	int rc = ERR_NOMEM;

	(void)state;
	tree("a/ a/cur/ a/new/ a/tmp/ a/cur/1:2, a/new/3 b/ b/c");
	strv_add(&paths, "a", NULL);
	strv_add(&paths, "b/./c", NULL);
	o.paths = &paths;
	for (n = 1; rc == ERR_NOMEM; n++) {
		l = (struct log){ .b = BUF_INIT };
		assert_int_equal(buf_reserve(&l.b, 4096, NULL), 0);
		mem_fail(n, 0);
		rc = walk_run(&o, &log_ops, &l, NULL);
		mem_fail(0, 0);
		buf_release(&l.b);
		assert_true(n < 200);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 10);
	strv_release(&paths);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, workdir_setup, \
						workdir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_merge),
		TEST(test_slashdot),
		TEST(test_patterns),
		TEST(test_tags),
		TEST(test_nodump),
		TEST(test_kinds),
		TEST(test_denied),
		TEST(test_one_fs),
		TEST(test_stop),
		TEST(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
