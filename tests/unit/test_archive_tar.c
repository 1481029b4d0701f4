/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading tar streams, byte by byte. */
#include "archive/tar_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/lib/check.h"
#include "tests/lib/tarkit.h"

static struct buf s;		/* the stream */
static struct tar_read *t;
static const struct tar_member *m;
static struct err e;
static size_t read_at, read_step;

static ssize_t from_buf(void *ctx, void *p, size_t len)
{
	size_t n = s.len - read_at;

	(void)ctx;
	if (n > len)
		n = len;
	if (n > read_step)
		n = read_step;
	if (n)
		memcpy(p, s.p + read_at, n);
	read_at += n;
	return (ssize_t)n;
}

static void start(void)
{
	tar_read_free(t);
	read_at = 0;
	read_step = 1000;
	t = tar_read_new(from_buf, NULL, false);
	assert_non_null(t);
	err_clear(&e);
}

static void next(void)
{
	int rc = tar_read_next(t, &m, &e);

	if (rc < 0)
		check_ok(rc, &e);
	assert_int_equal(rc, 1);
}

static void over(void)
{
	check_ok(tar_read_next(t, &m, &e), &e);
	tar_read_free(t);
	t = NULL;
	buf_clear(&s);
}

/* The next member cannot be read. */
static void bad(const char *words)
{
	start();
	check_err(tar_read_next(t, &m, &e), ERR_CORRUPT, &e);
	if (!strstr(e.msg, words))
		fail_msg("'%s' is not in '%s'", words, e.msg);
	tar_read_free(t);
	t = NULL;
	buf_clear(&s);
}

static uint64_t content(struct buf *out, uint64_t *holes)
{
	uint64_t len, all = 0;
	const uint8_t *p;
	bool hole;
	int rc;

	buf_clear(out);
	*holes = 0;
	while ((rc = tar_read_data(t, &p, &len, &hole, &e)) == 1) {
		all += len;
		if (hole)
			*holes += len;
		else
			buf_append(out, p, (size_t)len, NULL);
	}
	check_ok(rc, &e);
	return all;
}

static int teardown(void **state)
{
	(void)state;
	mem_fail(0, 0);
	tar_read_free(t);
	t = NULL;
	buf_release(&s);
	return 0;
}

static void test_fields(void **state)
{
	uint8_t *b;

	(void)state;
	tarkit_head(&s, '0', "a", 0);
	b = tarkit_head(&s, '0', "name", 0);
	memcpy(b + TAR_PREFIX, "dir/sub", 7);
	/* base-256: -2 s, a large owner */
	memset(b + TAR_MTIME, 0xff, 12);
	b[TAR_MTIME + 11] = 0xfe;
	memset(b + TAR_UID, 0, 8);
	b[TAR_UID] = 0x80;
	b[TAR_UID + 4] = 0xf0;
	tarkit_seal(b);
	b = tarkit_head(&s, '3', "dev", 0);
	tarkit_number(b + TAR_MAJOR, 8, 5);
	tarkit_number(b + TAR_MINOR, 8, 300);
	tarkit_seal(b);
	/* v7: nothing behind the link */
	b = tarkit_head(&s, '\0', "old/", 0);
	memset(b + TAR_MAGIC, 0, 255);
	tarkit_seal(b);
	b = tarkit_head(&s, '2', "l", 0);
	memset(b + TAR_LINK, 'x', 100);	/* all of the field */
	memset(b + TAR_NAME, 'y', 100);
	memset(b + TAR_MODE, ' ', 8);
	tarkit_seal(b);
	tarkit_end(&s);
	start();
	next();
	assert_string_equal(m->path, "a");
	assert_int_equal(m->en.mode, S_IFREG | 0640);
	assert_int_equal(m->en.uid, 10);
	assert_int_equal(m->en.gid, 20);
	assert_int_equal(m->en.mtime.tv_sec, 1000);
	assert_string_equal(m->uname, "joe");
	assert_string_equal(m->gname, "");
	next();
	assert_string_equal(m->path, "dir/sub/name");
	assert_int_equal(m->en.mtime.tv_sec, -2);
	assert_int_equal(m->en.uid, 0xf0000000u);
	next();
	assert_true(S_ISCHR(m->en.mode));
	assert_int_equal(m->en.rdev_major, 5);
	assert_int_equal(m->en.rdev_minor, 300);
	next();
	assert_true(S_ISDIR(m->en.mode));
	assert_string_equal(m->uname, "");
	next();
	assert_int_equal(m->path_len, 100);
	assert_int_equal(m->link_len, 100);
	assert_int_equal(m->en.mode, S_IFLNK);
	over();
}

/* Is it in the set, with this value? */
static bool has_attr(const char *name, const char *value)
{
	struct xattr_iter it;
	struct xattr_item a;
	bool found = false;

	xattr_iter_init(&it, m->en.xattrs, m->en.xattrs_len);
	while (xattr_iter_next(&it, &a))
		if (a.name_len == strlen(name) &&
		    memcmp(a.name, name, a.name_len) == 0)
			found = a.value_len == strlen(value) &&
				memcmp(a.value, value, a.value_len) == 0;
	assert_true(rd_done(&it.r));
	return found;
}

/* A default ACL of three entries. */
static bool has_acl(void)
{
	return memmem(m->en.xattrs, m->en.xattrs_len,
		"\x18system.posix_acl_default\x1c\2\0\0\0\1\0\7\0",
		25 + 9) != NULL;
}

static void test_pax(void **state)
{
	(void)state;
	tarkit_pax(&s, 'g', "uname=bob", "mtime=1.25", "gname=grp", NULL);
	tarkit_head(&s, '0', "a", 0);
	tarkit_pax(&s, 'x', "uname=", "gname=other", "path=long/name",
		"mtime=-3.999999999", "atime=-0.5", "ctime=1.9999999999",
		"uid=-2", "gid=4294967295", "SCHILY.xattr.user.b=v\nal=",
		"SCHILY.xattr.us%3D=1", "SCHILY.xattr.us%3D=2",
		"SCHILY.xattr.a%zz=3", "SCHILY.fflags=nodump,unknown,sappnd",
		"SOMEBODY.else=x", "SCHILY.acl.default=user::rwx,group::r-x,"
		"other::---", NULL);
	tarkit_head(&s, '0', "b", 0);
	tarkit_head(&s, '0', "c", 0);
	tarkit_pax(&s, 'x', "mtime=", NULL);
	tarkit_head(&s, '0', "d", 0);
	tarkit_end(&s);
	start();
	next();
	assert_string_equal(m->uname, "bob");
	assert_int_equal(m->en.mtime.tv_sec, 1);
	assert_int_equal(m->en.mtime.tv_nsec, 250000000);
	next();
	assert_string_equal(m->uname, "joe");
	assert_string_equal(m->gname, "other");
	assert_string_equal(m->path, "long/name");
	assert_int_equal(m->en.mtime.tv_sec, -4);
	assert_int_equal(m->en.mtime.tv_nsec, 1);
	assert_int_equal(m->en.flags, ENTRY_ATIME | ENTRY_CTIME);
	assert_int_equal(m->en.atime.tv_sec, -1);
	assert_int_equal(m->en.atime.tv_nsec, 500000000);
	assert_int_equal(m->en.ctime.tv_nsec, 999999999);
	assert_int_equal(m->en.uid, 0xfffffffeu);
	assert_int_equal(m->en.gid, 0xffffffffu);
	assert_int_equal(m->en.fsflags, 0x60);
	assert_true(has_attr("user.b", "v\nal="));
	assert_true(has_attr("us=", "2"));
	assert_true(has_attr("a%zz", "3"));
	assert_true(has_acl());
	assert_false(m->lost);
	next();
	assert_string_equal(m->path, "c");
	assert_string_equal(m->gname, "grp");
	assert_int_equal(m->en.xattrs_len, 0);
	next();
	assert_int_equal(m->en.mtime.tv_sec, 1000);
	assert_int_equal(m->en.mtime.tv_nsec, 0);
	over();
}

static void test_pax_bad(void **state)
{
	static const char *const text[] = {
		"x", "5 a=b", "6 a=b\n7 ", "7 a=b\n", "5 ab\n", "2 \n", "3 =\n",
		"99999999999999999999999 a=b\n", "0 a=b\n", "-6 a=b\n",
		"12 mtime=1x\n", "10 mtime=\xff\n", "10 uid=1e9\n",
		"20 uid=99999999999\n", "9 size=a\n"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text) / sizeof(*text); i++) {
		if (strcmp(text[i], "3 =\n") == 0)
			continue;
		tarkit_pax_raw(&s, text[i], strlen(text[i]));
		bad("");
	}
	tarkit_pax_raw(&s, "11 path=a\0\n", 11);
	bad("'path'");
	tarkit_head(&s, 'x', "p", TAR_READ_PAX_MAX + 1);
	bad("1048577 bytes");
	tarkit_head(&s, 'L', "p", (uint64_t)1 << 32);
	bad("4294967296 bytes");
	tarkit_pax(&s, 'x', "GNU.sparse.offset=1", NULL);
	tarkit_head(&s, '0', "a", 0);
	bad("half");
}

static void test_long_names(void **state)
{
	char name[5000];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[4999] = '\0';
	tarkit_head(&s, 'L', "././@LongLink", 5000);
	tarkit_body(&s, name, 5000);
	tarkit_head(&s, 'K', "././@LongLink", 4000);
	tarkit_body(&s, name + 1000, 4000);
	tarkit_head(&s, '2', "short", 0);
	tarkit_head(&s, '0', "after", 0);
	tarkit_end(&s);
	start();
	next();
	assert_int_equal(m->path_len, 4999);
	assert_int_equal(m->link_len, 3999);
	next();
	assert_string_equal(m->path, "after");
	over();
}

/* Content of what has none: there, or not. */
static void test_links(void **state)
{
	struct buf got = BUF_INIT;
	uint64_t holes;

	(void)state;
	tarkit_head(&s, '0', "a", 5);
	tarkit_body(&s, "hello", 5);
	memcpy(tarkit_head(&s, '1', "b", 5) + TAR_LINK, "a", 1);
	tarkit_seal(s.p + s.len - TAR_BLOCK);
	/* a header follows: it had none */
	tarkit_head(&s, '0', "c", 3);
	tarkit_body(&s, "abc", 3);
	memcpy(tarkit_head(&s, '1', "d", 5) + TAR_LINK, "a", 1);
	tarkit_seal(s.p + s.len - TAR_BLOCK);
	tarkit_body(&s, "hello", 5);		/* this has it */
	tarkit_head(&s, '5', "dir", 700);
	tarkit_head(&s, '0', "last", 0);
	tarkit_end(&s);
	start();
	next();
	assert_false(m->hard_link);
	next();
	assert_true(m->hard_link);
	assert_string_equal(m->link, "a");
	next();
	assert_string_equal(m->path, "c");
	assert_int_equal(content(&got, &holes), 3);
	assert_memory_equal(got.p, "abc", 3);
	next();
	assert_string_equal(m->path, "d");
	next();
	assert_string_equal(m->path, "dir");
	next();
	assert_string_equal(m->path, "last");
	over();
	buf_release(&got);
}

static void test_sparse(void **state)
{
	struct buf got = BUF_INIT;
	uint64_t holes;
	uint8_t *b;

	(void)state;
	b = tarkit_head(&s, 'S', "old", 5);
	memcpy(b + TAR_MAGIC, "ustar  ", 8);
	tarkit_number(b + TAR_GNU_SPARSE, 12, 01000);
	tarkit_number(b + TAR_GNU_SPARSE + 12, 12, 2);
	tarkit_number(b + TAR_GNU_SPARSE + 24, 12, 02000);
	tarkit_number(b + TAR_GNU_SPARSE + 36, 12, 3);
	tarkit_number(b + TAR_GNU_REAL, 12, 03000);
	tarkit_seal(b);
	tarkit_body(&s, "abcde", 5);
	tarkit_pax(&s, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0",
		"GNU.sparse.name=real", "GNU.sparse.realsize=100", NULL);
	tarkit_head(&s, '0', "GNUSparseFile.1/x", 512 + 2);
	tarkit_body(&s, "2\n10\n2\n100\n0\n", 13);
	tarkit_body(&s, "yz", 2);
	tarkit_pax(&s, 'x', "GNU.sparse.map=0,1,5,1", "GNU.sparse.size=6",
		"GNU.sparse.numblocks=2", NULL);
	tarkit_head(&s, '0', "c", 2);
	tarkit_body(&s, "12", 2);
	tarkit_end(&s);
	start();
	next();
	assert_int_equal(m->en.size, 03000);
	assert_true(m->sparse);
	assert_int_equal(content(&got, &holes), 03000);
	assert_int_equal(holes, 03000 - 5);
	assert_memory_equal(got.p, "abcde", 5);
	next();
	assert_string_equal(m->path, "real");
	assert_int_equal(content(&got, &holes), 100);
	assert_int_equal(holes, 98);
	assert_memory_equal(got.p, "yz", 2);
	next();
	assert_string_equal(m->path, "c");
	assert_int_equal(content(&got, &holes), 6);
	assert_memory_equal(got.p, "12", 2);
	over();
	buf_release(&got);
}

static void test_sparse_bad(void **state)
{
	static const char *const map[] = {
		"0,1,5,2",	/* more than is stored */
		"0,1", "5,1,0,1", "0,1,0,1", "6,2", "0,2,1", "0,x",
		"18446744073709551615,2", "1,18446744073709551615"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(map) / sizeof(*map); i++) {
		char record[100];

		snprintf(record, sizeof(record), "GNU.sparse.map=%s", map[i]);
		tarkit_pax(&s, 'x', record, "GNU.sparse.size=6", NULL);
		tarkit_head(&s, '0', "c", 2);
		tarkit_body(&s, "12", 2);
		bad("");
	}
	tarkit_pax(&s, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0",
		"GNU.sparse.realsize=100", NULL);
	tarkit_head(&s, '0', "x", 512);
	tarkit_body(&s, "2000000\n", 8);
	bad("too many regions");
	tarkit_pax(&s, 'x', "GNU.sparse.major=1", "GNU.sparse.minor=0",
		"GNU.sparse.realsize=100", NULL);
	tarkit_head(&s, '0', "x", 2);
	tarkit_body(&s, "1\n", 2);
	bad("map of a sparse file");
}

static void test_foreign(void **state)
{
	static const uint8_t gz[TAR_BLOCK] = { 0x1f, 0x8b, 8 };
	uint8_t *b;
	int i, sum;

	(void)state;
	bad("ends early");		/* nothing at all */
	tarkit_body(&s, gz, TAR_BLOCK);
	bad("gzip");
	tarkit_body(&s, "just some text", 14);
	bad("no tar file");
	tarkit_head(&s, 'M', "x", 0);
	bad("volume");
	tarkit_head(&s, '0', "a", 0)[5] = 'x';
	bad("no tar file");
	tarkit_head(&s, '0', "a", 0)[TAR_SIZE] = 'x';
	tarkit_seal(s.p);
	bad("size");
	tarkit_head(&s, '0', "a", 0);
	memset(s.p + TAR_SIZE, 0xff, 12);
	tarkit_seal(s.p);
	bad("size");
	tarkit_head(&s, '0', "a", 0);
	tarkit_body(&s, gz, TAR_BLOCK);
	start();
	next();
	check_err(tar_read_next(t, &m, &e), ERR_CORRUPT, &e);
	assert_non_null(strstr(e.msg, "at byte 512"));
	/* the sum of signed characters */
	buf_clear(&s);
	b = tarkit_head(&s, '0', "\xc3\xbc", 0);
	for (i = 0, sum = 8 * ' '; i < (int)TAR_BLOCK; i++)
		if (i < TAR_SUM || i >= TAR_SUM + 8)
			sum += (int8_t)b[i];
	tarkit_number(b + TAR_SUM, 7, (uint64_t)sum);
	tarkit_end(&s);
	start();
	next();
	over();
}

/* A stream that ends anywhere but at its end is not taken for a whole one. */
static void test_truncated(void **state)
{
	char text[700];
	size_t whole, at;

	(void)state;
	memset(text, 'x', sizeof(text));
	tarkit_pax(&s, 'g', "gname=x", NULL);
	tarkit_pax(&s, 'x', "path=abc", NULL);
	tarkit_head(&s, '0', "a", 700);
	tarkit_body(&s, text, 700);
	tarkit_head(&s, 'L', "x", 10);
	tarkit_body(&s, "0123456789", 10);
	tarkit_head(&s, '5', "d", 0);
	tarkit_end(&s);
	whole = s.len - TAR_BLOCK;	/* one block of zeroes will do */
	for (at = 0; at < s.len; at++) {
		const uint8_t *p;
		uint64_t len;
		bool hole;
		int rc;

		start();
		s.len = at;
		while ((rc = tar_read_next(t, &m, &e)) == 1)
			while ((rc = tar_read_data(t, &p, &len, &hole,
						   &e)) == 1)
				;
		if (at < whole || at % TAR_BLOCK)
			check_err(rc, ERR_CORRUPT, &e);
		else
			check_ok(rc, &e);
		s.len = whole + TAR_BLOCK;
	}
}

static void test_zeros(void **state)
{
	(void)state;
	tarkit_head(&s, '0', "a", 0);
	tarkit_end(&s);
	tarkit_head(&s, '0', "b", 0);
	tarkit_end(&s);
	start();
	next();
	check_ok(tar_read_next(t, &m, &e), &e);
	assert_int_equal(read_at, s.len);	/* drained */
	tar_read_free(t);
	read_at = 0;
	t = tar_read_new(from_buf, NULL, true);
	next();
	next();
	assert_string_equal(m->path, "b");
	over();
}

static void test_no_memory(void **state)
{
	unsigned long at;
	int rc;

	(void)state;
	tarkit_pax(&s, 'x', "path=abc", "SCHILY.xattr.a=b",
		"GNU.sparse.map=0,2,5,0", "GNU.sparse.size=6",
		"SCHILY.acl.access=u::r,u:5:r,g::r,m::r,o::r", NULL);
	tarkit_head(&s, '0', "a", 2);
	tarkit_body(&s, "12", 2);
	tarkit_end(&s);
	for (at = 1;; at++) {
		tar_read_free(t);
		read_at = 0;
		mem_fail(at, 0);
		t = tar_read_new(from_buf, NULL, false);
		rc = t ? tar_read_next(t, &m, &e) : ERR_NOMEM;
		mem_fail(0, 0);
		if (rc == 1)
			break;
		assert_int_equal(rc, ERR_NOMEM);
	}
	assert_true(at > 5);
	assert_int_equal(m->en.size, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_fields, teardown),
		cmocka_unit_test_teardown(test_pax, teardown),
		cmocka_unit_test_teardown(test_pax_bad, teardown),
		cmocka_unit_test_teardown(test_long_names, teardown),
		cmocka_unit_test_teardown(test_links, teardown),
		cmocka_unit_test_teardown(test_sparse, teardown),
		cmocka_unit_test_teardown(test_sparse_bad, teardown),
		cmocka_unit_test_teardown(test_foreign, teardown),
		cmocka_unit_test_teardown(test_truncated, teardown),
		cmocka_unit_test_teardown(test_zeros, teardown),
		cmocka_unit_test_teardown(test_no_memory, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
