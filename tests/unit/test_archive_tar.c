/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing tar streams, byte by byte. */
#include "archive/tar_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/lib/check.h"

/* --- a stream under construction --- */

static struct buf s;

static void number(uint8_t *at, unsigned len, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%0*llo", (int)len - 1,
		(unsigned long long)n);
	memcpy(at, text, len);
}

static void seal(uint8_t *b)
{
	number(b + TAR_SUM, 7, tar_sum(b));
	b[TAR_SUM + 7] = ' ';
}

/* A header at the end of the stream; seal it after changing it. */
static uint8_t *head(char type, const char *name, uint64_t size)
{
	size_t at = s.len;
	uint8_t *b;

	assert_int_equal(buf_resize(&s, at + TAR_BLOCK, NULL), 0);
	b = s.p + at;
	memset(b, 0, TAR_BLOCK);
	memcpy(b, name, strlen(name) < 100 ? strlen(name) : 100);
	number(b + TAR_MODE, 8, 0640);
	number(b + TAR_UID, 8, 10);
	number(b + TAR_GID, 8, 20);
	number(b + TAR_SIZE, 12, size);
	number(b + TAR_MTIME, 12, 1000);
	b[TAR_TYPE] = (uint8_t)type;
	memcpy(b + TAR_MAGIC, "ustar\0" "00", 8);
	memcpy(b + TAR_UNAME, "joe", 3);
	seal(b);
	return b;
}

static void body(const void *p, size_t len)
{
	static const uint8_t zero[TAR_BLOCK];

	buf_append(&s, p, len, NULL);
	if (len % TAR_BLOCK)
		buf_append(&s, zero, TAR_BLOCK - len % TAR_BLOCK, NULL);
}

/* A pax header of "key=value" records, up to a NULL. */
static void pax(char type, ...)
{
	struct tar_out o = { .fd = -1 };
	const char *r, *eq;
	va_list ap;

	va_start(ap, type);
	while ((r = va_arg(ap, const char *))) {
		char key[64];

		eq = strchr(r, '=');
		snprintf(key, sizeof(key), "%.*s", (int)(eq - r), r);
		tar_out_record(&o, key, eq + 1, strlen(eq + 1), NULL);
	}
	va_end(ap);
	head(type, "PaxHeaders/x", o.pax.len);
	body(o.pax.p, o.pax.len);
	tar_out_release(&o);
}

/* One whose text is wrong. */
static void pax_raw(const char *text, size_t len)
{
	head('x', "PaxHeaders/x", len);
	body(text, len);
	head('0', "a", 0);
}

static void end(void)
{
	assert_int_equal(buf_resize(&s, s.len + 2 * TAR_BLOCK, NULL), 0);
	memset(s.p + s.len - 2 * TAR_BLOCK, 0, 2 * TAR_BLOCK);
}

/* --- reading it --- */

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
	head('0', "a", 0);
	b = head('0', "name", 0);
	memcpy(b + TAR_PREFIX, "dir/sub", 7);
	/* base-256: -2 s, a large owner */
	memset(b + TAR_MTIME, 0xff, 12);
	b[TAR_MTIME + 11] = 0xfe;
	memset(b + TAR_UID, 0, 8);
	b[TAR_UID] = 0x80;
	b[TAR_UID + 4] = 0xf0;
	seal(b);
	b = head('3', "dev", 0);
	number(b + TAR_MAJOR, 8, 5);
	number(b + TAR_MINOR, 8, 300);
	seal(b);
	b = head('\0', "old/", 0);	/* v7: nothing behind the link */
	memset(b + TAR_MAGIC, 0, 255);
	seal(b);
	b = head('2', "l", 0);
	memset(b + TAR_LINK, 'x', 100);	/* all of the field */
	memset(b + TAR_NAME, 'y', 100);
	memset(b + TAR_MODE, ' ', 8);
	seal(b);
	end();
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
	pax('g', "uname=bob", "mtime=1.25", "gname=grp", NULL);
	head('0', "a", 0);
	pax('x', "uname=", "gname=other", "path=long/name",
		"mtime=-3.999999999", "atime=-0.5", "ctime=1.9999999999",
		"uid=-2", "gid=4294967295", "SCHILY.xattr.user.b=v\nal=",
		"SCHILY.xattr.us%3D=1", "SCHILY.xattr.us%3D=2",
		"SCHILY.xattr.a%zz=3", "SCHILY.fflags=nodump,unknown,sappnd",
		"SOMEBODY.else=x", "SCHILY.acl.default=user::rwx,group::r-x,"
		"other::---", NULL);
	head('0', "b", 0);
	head('0', "c", 0);
	end();
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
		pax_raw(text[i], strlen(text[i]));
		bad("");
	}
	pax_raw("11 path=a\0\n", 11);
	bad("'path'");
	head('x', "p", TAR_READ_PAX_MAX + 1);
	bad("1048577 bytes");
	head('L', "p", (uint64_t)1 << 32);
	bad("4294967296 bytes");
	pax('x', "GNU.sparse.offset=1", NULL);
	head('0', "a", 0);
	bad("half");
}

static void test_long_names(void **state)
{
	char name[5000];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[4999] = '\0';
	head('L', "././@LongLink", 5000);
	body(name, 5000);
	head('K', "././@LongLink", 4000);
	body(name + 1000, 4000);
	head('2', "short", 0);
	head('0', "after", 0);
	end();
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
	head('0', "a", 5);
	body("hello", 5);
	memcpy(head('1', "b", 5) + TAR_LINK, "a", 1);
	seal(s.p + s.len - TAR_BLOCK);
	head('0', "c", 3);		/* a header follows: it had none */
	body("abc", 3);
	memcpy(head('1', "d", 5) + TAR_LINK, "a", 1);
	seal(s.p + s.len - TAR_BLOCK);
	body("hello", 5);		/* this has it */
	head('5', "dir", 700);
	head('0', "last", 0);
	end();
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
	b = head('S', "old", 5);
	memcpy(b + TAR_MAGIC, "ustar  ", 8);
	number(b + TAR_GNU_SPARSE, 12, 01000);
	number(b + TAR_GNU_SPARSE + 12, 12, 2);
	number(b + TAR_GNU_SPARSE + 24, 12, 02000);
	number(b + TAR_GNU_SPARSE + 36, 12, 3);
	number(b + TAR_GNU_REAL, 12, 03000);
	seal(b);
	body("abcde", 5);
	pax('x', "GNU.sparse.major=1", "GNU.sparse.minor=0",
		"GNU.sparse.name=real", "GNU.sparse.realsize=100", NULL);
	head('0', "GNUSparseFile.1/x", 512 + 2);
	body("2\n10\n2\n100\n0\n", 13);
	body("yz", 2);
	pax('x', "GNU.sparse.map=0,1,5,1", "GNU.sparse.size=6",
		"GNU.sparse.numblocks=2", NULL);
	head('0', "c", 2);
	body("12", 2);
	end();
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
		pax('x', record, "GNU.sparse.size=6", NULL);
		head('0', "c", 2);
		body("12", 2);
		bad("");
	}
	pax('x', "GNU.sparse.major=1", "GNU.sparse.minor=0",
		"GNU.sparse.realsize=100", NULL);
	head('0', "x", 512);
	body("2000000\n", 8);
	bad("too many regions");
	pax('x', "GNU.sparse.major=1", "GNU.sparse.minor=0",
		"GNU.sparse.realsize=100", NULL);
	head('0', "x", 2);
	body("1\n", 2);
	bad("map of a sparse file");
}

static void test_foreign(void **state)
{
	static const uint8_t gz[TAR_BLOCK] = { 0x1f, 0x8b, 8 };
	uint8_t *b;
	int i, sum;

	(void)state;
	bad("ends early");		/* nothing at all */
	body(gz, TAR_BLOCK);
	bad("gzip");
	body("just some text", 14);
	bad("no tar file");
	head('M', "x", 0);
	bad("volume");
	head('0', "a", 0)[5] = 'x';
	bad("no tar file");
	head('0', "a", 0)[TAR_SIZE] = 'x';
	seal(s.p);
	bad("size");
	head('0', "a", 0);
	memset(s.p + TAR_SIZE, 0xff, 12);
	seal(s.p);
	bad("size");
	head('0', "a", 0);
	body(gz, TAR_BLOCK);
	start();
	next();
	check_err(tar_read_next(t, &m, &e), ERR_CORRUPT, &e);
	assert_non_null(strstr(e.msg, "at byte 512"));
	/* the sum of signed characters */
	buf_clear(&s);
	b = head('0', "\xc3\xbc", 0);
	for (i = 0, sum = 8 * ' '; i < (int)TAR_BLOCK; i++)
		if (i < TAR_SUM || i >= TAR_SUM + 8)
			sum += (int8_t)b[i];
	number(b + TAR_SUM, 7, (uint64_t)sum);
	end();
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
	pax('g', "gname=x", NULL);
	pax('x', "path=abc", NULL);
	head('0', "a", 700);
	body(text, 700);
	head('L', "x", 10);
	body("0123456789", 10);
	head('5', "d", 0);
	end();
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
	head('0', "a", 0);
	end();
	head('0', "b", 0);
	end();
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
	pax('x', "path=abc", "SCHILY.xattr.a=b", "GNU.sparse.map=0,2,5,0",
		"GNU.sparse.size=6", "SCHILY.acl.access=u::r,u:5:r,g::r,m::r,"
		"o::r", NULL);
	head('0', "a", 2);
	body("12", 2);
	end();
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

/* What we write we read. */
static void written(const struct tar_head *h)
{
	int fd = memfd_create("tar", 0);
	struct tar_out o = { .fd = fd };
	off_t len;

	tar_out_record(&o, "SCHILY.xattr.user.x", "a\0\n=b", 5, &e);
	check_ok(tar_out_member(&o, h, &e), &e);
	check_ok(tar_out_end(&o, &e), &e);
	len = lseek(fd, 0, SEEK_END);
	assert_int_equal(len % TAR_RECORD, 0);
	buf_clear(&s);
	assert_int_equal(buf_resize(&s, (size_t)len, NULL), 0);
	assert_int_equal(pread(fd, s.p, (size_t)len, 0), len);
	close(fd);
	tar_out_release(&o);
	start();
	next();
	assert_string_equal(m->path, h->path);
	assert_string_equal(m->link, h->link ? h->link : "");
	assert_string_equal(m->uname, h->uname);
	assert_string_equal(m->gname, h->gname);
	assert_int_equal(m->en.mode & 07777, h->mode & 07777);
	assert_int_equal(m->en.uid, h->uid);
	assert_int_equal(m->en.gid, h->gid);
	assert_int_equal(m->en.mtime.tv_sec, h->mtime.tv_sec);
	assert_int_equal(m->en.mtime.tv_nsec, h->mtime.tv_nsec);
	assert_int_equal(m->en.xattrs_len, 1 + 1 + 6 + 1 + 5);
	if (h->type == '0')
		assert_int_equal(m->en.size, h->size);
	if (h->type == '3') {
		assert_int_equal(m->en.rdev_major, h->rdev_major);
		assert_int_equal(m->en.rdev_minor, h->rdev_minor);
	}
}

static void test_written(void **state)
{
	char name[1100];
	struct tar_head h = { .type = '0', .path = "a", .uname = "",
			      .gname = "" };
	static const int64_t secs[] = { 0, 1, -1, -2, 8589934591, 8589934592,
		-5000000000, 1700000000 };
	static const long nsecs[] = { 0, 1, 100000000, 999999999 };
	size_t i, len;

	(void)state;
	for (i = 0; i < 8 * 4; i++) {
		h.mtime.tv_sec = secs[i / 4];
		h.mtime.tv_nsec = nsecs[i % 4];
		written(&h);
	}
	/* records whose length has one digit more with the length itself */
	memset(name, 'p', sizeof(name));
	for (len = 80; len < 1099; len += len == 110 ? 870 : 1) {
		name[len] = '\0';
		h.path = name;
		written(&h);
		h.type = '2';
		h.link = name;
		written(&h);
		h.type = '0';
		h.link = NULL;
		name[len] = 'p';
	}
	h.path = "b\xff";
	h.uname = "a name of more than thirty-one characters";
	h.gname = "gr\xc3\xbc" "ppe";
	h.mode = 07777;
	h.uid = 2097152;
	h.gid = UINT32_MAX;
	h.size = 8589934592;
	written(&h);
	h.type = '3';
	h.rdev_major = 4095;
	h.rdev_minor = UINT32_MAX;
	h.size = 0;
	written(&h);
}

static void test_acl(void **state)
{
	static const char want[] = "user::rw-,user:5:r--,user:1234:rwx,"
		"group::r--,group:7:---,mask::rwx,other::---";
	static const char loose[] = "# x\nother:---\nmask:rwx\n"
		"default:user::rw-\t#effective:r\n g::r--\n u:lisa:r:5,"
		"g:x:---:7\nuser:1234:rwx\n";
	static const char *const wrong[] = {
		"user", "user:x", "nobody::rwx", "user:5:q", "user::rw-:5,x",
		"user:4294967295:r", ":::"
	};
	struct buf acl = BUF_INIT, text = BUF_INIT;
	size_t i;

	(void)state;
	check_ok(tar_meta_acl_parse(&acl, want, strlen(want), true, &e), &e);
	assert_int_equal(acl.len, 4 + 7 * 8);
	check_ok(tar_meta_acl_text(&text, acl.p, acl.len, &e), &e);
	assert_memory_equal(text.p, want, strlen(want));
	/* any order, any style */
	buf_clear(&acl);
	buf_clear(&text);
	check_ok(tar_meta_acl_parse(&acl, loose, strlen(loose), true, &e), &e);
	check_ok(tar_meta_acl_text(&text, acl.p, acl.len, &e), &e);
	assert_memory_equal(text.p, want, strlen(want));
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		check_err(tar_meta_acl_parse(&text, wrong[i],
			strlen(wrong[i]), true, &e), ERR_CORRUPT, &e);
	check_err(tar_meta_acl_parse(&text, "user:no-such-user:r", 19, true,
				     &e), ERR_NOENT, &e);
	for (i = 0; i < acl.len; i++)
		if (i % 8 != 4)
			check_err(tar_meta_acl_text(&text, acl.p, i, &e),
				ERR_CORRUPT, &e);
	/* what the mode says already is no ACL, but as a default it is */
	buf_clear(&acl);
	check_ok(tar_meta_acl_parse(&acl, "u::r,g::r,o::r", 14, true, &e), &e);
	assert_int_equal(acl.len, 0);
	check_ok(tar_meta_acl_parse(&acl, "u::r,g::r,o::r", 14, false, &e),
		&e);
	assert_int_equal(acl.len, 28);
	buf_release(&acl);
	buf_release(&text);
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
		cmocka_unit_test_teardown(test_written, teardown),
		cmocka_unit_test_teardown(test_acl, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
