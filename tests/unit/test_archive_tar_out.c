/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing tar streams, and the text of ACLs. */
#include "archive/tar_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/check.h"

static struct tar_read *t;
static const struct tar_member *m;
static struct err e;

static int teardown(void **state)
{
	(void)state;
	tar_read_free(t);
	t = NULL;
	return 0;
}

static ssize_t from_file(void *ctx, void *p, size_t len)
{
	return read(*(int *)ctx, p, len);
}

/* What we write we read. */
static void written(const struct tar_head *h)
{
	int fd = memfd_create("tar", 0);
	struct tar_out o = { .fd = fd };
	off_t len;
	int rc;

	tar_out_record(&o, "SCHILY.xattr.user.x", "a\0\n=b", 5, &e);
	check_ok(tar_out_member(&o, h, &e), &e);
	check_ok(tar_out_end(&o, &e), &e);
	len = lseek(fd, 0, SEEK_END);
	assert_int_equal(len % TAR_RECORD, 0);
	lseek(fd, 0, SEEK_SET);
	tar_out_release(&o);
	tar_read_free(t);
	t = tar_read_new(from_file, &fd, false);
	assert_non_null(t);
	rc = tar_read_next(t, &m, &e);
	assert_int_equal(rc, 1);
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
	close(fd);
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
		cmocka_unit_test_teardown(test_written, teardown),
		cmocka_unit_test_teardown(test_acl, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
