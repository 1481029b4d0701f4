/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/fstate.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "tests/lib/check.h"
#include "tests/lib/workdir.h"

#define SEC INT64_C(1000000000)
#define NOW (INT64_C(1800000000) * SEC)

static struct stat stat_of(ino_t ino)
{
	return (struct stat){ .st_dev = 7, .st_ino = ino, .st_nlink = 1,
		.st_mode = S_IFREG | 0600, .st_size = (off_t)ino * 10 + 1,
		.st_mtim = { 1700000000 + (time_t)ino, 123456789 },
		.st_ctim = { 1700000100 + (time_t)ino, 987654321 } };
}

static struct entry entry_of(ino_t ino)
{
	struct entry en = { .content.kind = CONTENT_ONE };

	memset(en.content.id.b, (int)(ino & 0xff), sizeof(en.content.id.b));
	memcpy(en.content.id.b, &ino, sizeof(ino));
	en.content.id.b[31] = 1;
	return en;
}

static struct fstate *begin_as(unsigned mode)
{
	struct fstate *f;
	struct err e = { 0 };

	check_ok(fstate_open(&f, "cache", "host", mode, &e), &e);
	return f;
}

static struct fstate *begin(void)
{
	return begin_as(FSTATE_DEFAULT);
}

static void end(struct fstate *f, bool keep_old)
{
	struct err e = { 0 };

	check_ok(fstate_save(f, keep_old, &e), &e);
	fstate_close(f);
}

static void add(struct fstate *f, const struct stat *st)
{
	struct entry en = entry_of(st->st_ino);

	assert_int_equal(fstate_add(f, st, false, "name", &en, NOW, NULL), 0);
}

static bool has(struct fstate *f, const struct stat *st)
{
	struct entry en = entry_of(st->st_ino);
	struct fstate_hit hit;

	if (!fstate_find(f, st, false, "name", &hit))
		return false;
	assert_int_equal(hit.content.kind, CONTENT_ONE);
	assert_true(oid_eq(&hit.content.id, &en.content.id));
	return true;
}

/* The one file of the cache. */
static void cache_file(char *path, size_t bytes)
{
	DIR *d = opendir("cache");
	struct dirent *de;
	int n = 0;

	assert_non_null(d);
	while ((de = readdir(d)))
		if (de->d_name[0] != '.') {
			snprintf(path, bytes, "cache/%s", de->d_name);
			n++;
		}
	closedir(d);
	assert_int_equal(n, 1);
}

static void test_round(void **state)
{
	struct fstate *f = begin();
	struct stat st;
	ino_t i;

	(void)state;
	for (i = 1; i <= 3000; i++) {
		st = stat_of(i * 7919 % 3001);
		assert_false(has(f, &st));
		add(f, &st);
	}
	end(f, false);
	f = begin();
	for (i = 3000; i >= 1; i--) {
		st = stat_of(i);
		assert_true(has(f, &st));
		st.st_dev = 8;
		assert_false(has(f, &st));
	}
	for (i = 1; i <= 3000; i++) {
		st = stat_of(i * 7919 % 3001);
		assert_true(has(f, &st));
	}
	st = stat_of(3001);
	assert_false(has(f, &st));
	/* What is not added again is forgotten ... */
	st = stat_of(5);
	add(f, &st);
	end(f, false);
	f = begin();
	assert_true(has(f, &st));
	st = stat_of(6);
	assert_false(has(f, &st));
	fstate_close(f);
}

/* ... unless the run was interrupted. */
static void test_keep_old(void **state)
{
	struct fstate *f = begin();
	struct entry en;
	struct stat st;
	ino_t i;

	(void)state;
	for (i = 1; i <= 2000; i++) {
		st = stat_of(i);
		st.st_dev = i % 3;
		add(f, &st);
	}
	end(f, false);
	f = begin();
	for (i = 2; i <= 3000; i += 2) {
		st = stat_of(i);
		st.st_dev = i % 3;
		st.st_size++;
		en = entry_of(i);
		assert_int_equal(fstate_add(f, &st, false, "", &en, NOW, NULL),
				 0);
	}
	end(f, true);
	f = begin();
	for (i = 1; i <= 3000; i++) {
		st = stat_of(i);
		st.st_dev = i % 3;
		assert_int_equal(has(f, &st), i % 2 && i <= 2000);
		st.st_size++;
		assert_int_equal(has(f, &st), i % 2 == 0);
	}
	/* Closed without being saved: nothing happened. */
	fstate_close(f);
	f = begin();
	st = stat_of(1);
	st.st_dev = 1;
	assert_true(has(f, &st));
	fstate_close(f);
	/* Nothing was reached at all. */
	end(begin(), true);
	f = begin();
	assert_true(has(f, &st));
	end(f, false);
	f = begin();
	assert_false(has(f, &st));
	fstate_close(f);
}

/* Which of size, mtime, ctime may differ? */
static void test_modes(void **state)
{
	static const struct {
		const char *mode;
		bool same, mtime, ctime;
	} t[] = {
		{ "ctime,size,inode", true, false, false },
		{ "mtime,size,inode", true, false, true },
		{ "ctime,size", true, false, false },
		{ "mtime,size", true, false, true },
		{ "size", true, true, true },
		{ "rechunk,ctime", false, false, false },
		{ "rechunk,mtime", false, false, false },
		{ "disabled", false, false, false },
	};
	struct stat st = stat_of(1), other;
	struct fstate *f = begin();
	struct err e = { 0 };
	unsigned mode;
	size_t i;

	(void)state;
	add(f, &st);
	end(f, false);
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		check_ok(fstate_parse_mode(&mode, t[i].mode, &e), &e);
		f = begin_as(mode);
		assert_int_equal(has(f, &st), t[i].same);
		other = st;
		other.st_size++;
		assert_false(has(f, &other));
		other = st;
		other.st_mtim.tv_nsec++;
		assert_int_equal(has(f, &other), t[i].mtime);
		other = st;
		other.st_ctim.tv_sec++;
		assert_int_equal(has(f, &other), t[i].ctime);
		fstate_close(f);
	}
	check_err(fstate_parse_mode(&mode, "ctime", &e), ERR_CONFIG, &e);
	assert_non_null(strstr(e.msg, "mtime,size,inode"));
}

static void test_message(void **state)
{
	struct stat st = stat_of(1), renamed = st;
	struct entry en = entry_of(1);
	struct fstate *f = begin();
	struct fstate_hit hit;

	(void)state;
	renamed.st_ctim.tv_sec++;
	assert_int_equal(fstate_add(f, &st, true, "17.M1P2.h,S=3:2,", &en, NOW,
				    NULL), 0);
	end(f, false);
	f = begin();
	assert_true(fstate_find(f, &st, true, "17.M1P2.h,S=3:2,", &hit));
	assert_true(hit.same_ctime);
	assert_true(fstate_find(f, &renamed, true, "17.M1P2.h,S=3:2,S",
				&hit));
	assert_false(hit.same_ctime);
	assert_true(oid_eq(&hit.content.id, &en.content.id));
	assert_true(fstate_find(f, &renamed, true, "17.M1P2.h,S=3", &hit));
	assert_false(fstate_find(f, &renamed, true, "18.M1P2.h,S=3:2,S",
				 &hit));
	assert_false(fstate_find(f, &renamed, false, "17.M1P2.h,S=3:2,",
				 &hit));
	/* The same ctime: nobody has touched it, whatever its name. */
	assert_true(fstate_find(f, &st, true, "18.other:2,", &hit));
	renamed.st_size++;
	assert_false(fstate_find(f, &renamed, true, "17.M1P2.h,S=3:2,S",
				 &hit));
	fstate_close(f);
	/* One that was no message then is none now. */
	f = begin();
	add(f, &st);
	end(f, false);
	f = begin();
	renamed = st;
	renamed.st_ctim.tv_sec++;
	assert_false(fstate_find(f, &renamed, true, "name", &hit));
	fstate_close(f);
}

static void test_racy(void **state)
{
	struct stat old = stat_of(1), st;
	struct entry en = entry_of(2);
	struct fstate *f = begin();
	time_t now = NOW / SEC;

	(void)state;
	add(f, &old);
	st = stat_of(2);
	st.st_mtim.tv_sec = now - 1;
	add(f, &st);
	st = stat_of(3);
	st.st_ctim.tv_sec = now - 1;
	add(f, &st);
	st = stat_of(4);
	st.st_ctim.tv_sec = now + 1000;
	add(f, &st);
	st = stat_of(5);
	st.st_ctim.tv_sec = now - 3;
	st.st_mtim.tv_sec = now - 3;
	add(f, &st);
	/* Changed while it was read. */
	st = stat_of(6);
	en.flags = ENTRY_CHANGED;
	assert_int_equal(fstate_add(f, &st, false, "", &en, NOW, NULL), 0);
	/* Times out of all range. */
	st = stat_of(7);
	st.st_mtim.tv_sec = INT64_MIN;
	add(f, &st);
	end(f, false);
	f = begin();
	assert_true(has(f, &old));
	st.st_mtim.tv_sec = INT64_MAX;
	assert_false(has(f, &st));
	st = stat_of(2);
	st.st_mtim.tv_sec = now - 1;
	assert_false(has(f, &st));
	st = stat_of(3);
	st.st_ctim.tv_sec = now - 1;
	assert_false(has(f, &st));
	st = stat_of(4);
	st.st_ctim.tv_sec = now + 1000;
	assert_false(has(f, &st));
	st = stat_of(5);
	st.st_ctim.tv_sec = now - 3;
	st.st_mtim.tv_sec = now - 3;
	assert_true(has(f, &st));
	st = stat_of(6);
	assert_false(has(f, &st));
	fstate_close(f);
}

static void put_content(struct content *c, unsigned i)
{
	static const uint8_t text[ENTRY_INLINE_MAX] = "inline content";
	unsigned k;

	*c = (struct content){ .kind = (enum content_kind)(i % 5) };
	memset(c->id.b, (int)i + 1, sizeof(c->id.b));
	if (c->kind == CONTENT_INLINE) {
		c->data = text;
		c->data_len = 1 + i % ENTRY_INLINE_MAX;
	}
	if (c->kind == CONTENT_PIECES)
		for (k = 0; k <= i % ENTRY_PIECES_MAX; k++)
			c->piece[c->n_pieces++] = (struct piece){
				.transform = PIECE_RAW, .len = i + k + 1,
				.id = c->id };
	if (c->kind == CONTENT_LIST)
		c->level = (uint8_t)(i % 2);
}

static void same_content(const struct content *a, const struct content *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	struct wr w;

	wr_init(&w, &x);
	content_put(&w, a);
	wr_init(&w, &y);
	content_put(&w, b);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.p, y.p, x.len);
	buf_release(&x);
	buf_release(&y);
}

/* Every kind of content, extended attributes, flags. */
static void test_whole(void **state)
{
	uint8_t xattrs[ENTRY_XATTR_INLINE_MAX];
	struct fstate *f = begin();
	struct fstate_hit hit;
	struct entry en;
	struct stat st;
	unsigned i, n = 3000;

	(void)state;
	for (i = 0; i < sizeof(xattrs); i++)
		xattrs[i] = (uint8_t)(i * 7);
	for (i = 0; i < n; i++) {
		st = stat_of(1 + i);
		memset(&en, 0, sizeof(en));
		put_content(&en.content, i);
		en.fsflags = i * 1000003;
		en.xattrs = xattrs;
		en.xattrs_len = i % 7 ? 0 : i % (sizeof(xattrs) + 1);
		if (i % 3 == 1) {
			en.xattrs_len = 0;
			memset(en.xattrs_id.b, (int)i, 32);
		}
		assert_int_equal(fstate_add(f, &st, false, "", &en, NOW, NULL),
				 0);
	}
	end(f, false);
	f = begin();
	for (i = 0; i < n; i++) {
		st = stat_of(1 + i);
		assert_true(fstate_find(f, &st, false, "", &hit));
		put_content(&en.content, i);
		same_content(&hit.content, &en.content);
		assert_int_equal(hit.fsflags, (uint32_t)(i * 1000003));
		if (i % 3 == 1) {
			memset(en.xattrs_id.b, (int)i, 32);
			assert_true(oid_eq(&hit.xattrs_id, &en.xattrs_id));
			continue;
		}
		assert_true(oid_is_zero(&hit.xattrs_id));
		assert_int_equal(hit.xattrs_len, i % 7 ? 0 :
				 i % (sizeof(xattrs) + 1));
		if (hit.xattrs_len)
			assert_memory_equal(hit.xattrs, xattrs,
					    hit.xattrs_len);
	}
	fstate_close(f);
}

/* A file that is added twice, as links are: known under both names. */
static void test_links(void **state)
{
	struct stat st = stat_of(1), other = stat_of(2), renamed = st, far;
	struct entry en = entry_of(1);
	struct fstate *f = begin();
	struct fstate_hit hit;
	ino_t i;

	(void)state;
	fstate_add(f, &st, true, "1.M1:2,", &en, NOW, NULL);
	add(f, &other);
	fstate_add(f, &st, true, "2.M2:2,", &en, NOW, NULL);
	for (i = 3; i < 50; i++) {
		far = stat_of(i);
		add(f, &far);
	}
	end(f, false);
	renamed.st_ctim.tv_sec++;
	f = begin();
	assert_true(fstate_find(f, &renamed, true, "1.M1:2,S", &hit));
	assert_true(has(f, &other));
	assert_true(fstate_find(f, &renamed, true, "2.M2:2,S", &hit));
	/* Out of turn, the last one counts. */
	assert_true(has(f, &far));
	assert_true(fstate_find(f, &renamed, true, "2.M2:2,S", &hit));
	fstate_close(f);
	end(begin(), true);
	f = begin();
	assert_true(has(f, &st));
	assert_true(has(f, &other));
	fstate_close(f);
}

/* Any bit that changes costs hits, and never gives a wrong one. */
static void test_damage(void **state)
{
	struct buf good = { .max = 1 << 24 };
	unsigned bit, hits = 0, tries = 0;
	struct fstate *f = begin();
	char path[300];
	struct stat st;
	size_t at, step;
	ino_t i;
	int fd;

	(void)state;
	for (i = 1; i <= 300; i++) {
		st = stat_of(i);
		add(f, &st);
	}
	end(f, false);
	cache_file(path, sizeof(path));
	assert_int_equal(io_read_file(AT_FDCWD, path, &good, NULL), 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	for (at = 0; at < good.len; at += step) {
		step = good.p[at] ? 1 + at % 13 : 997;
		bit = at % 8;
		good.p[at] ^= (uint8_t)(1u << bit);
		assert_int_equal(pwrite(fd, good.p + at, 1, (off_t)at), 1);
		f = begin();
		for (i = 1; i <= 300; i += 23, tries++) {
			st = stat_of(i);
			hits += has(f, &st);
		}
		fstate_close(f);
		good.p[at] ^= (uint8_t)(1u << bit);
		assert_int_equal(pwrite(fd, good.p + at, 1, (off_t)at), 1);
	}
	assert_true(hits < tries / 2);
	/* Any length. */
	for (at = 0; at < good.len; at += at < 5000 ? 61 : 4093) {
		assert_int_equal(ftruncate(fd, (off_t)at), 0);
		f = begin();
		st = stat_of(3);
		assert_false(has(f, &st));
		fstate_close(f);
		assert_int_equal(pwrite(fd, good.p, good.len, 0),
				 (ssize_t)good.len);
	}
	f = begin();
	assert_true(has(f, &st));
	fstate_close(f);
	close(fd);
	buf_release(&good);
}

/* Series do not mix; two runs of one do not spoil each other. */
static void test_series(void **state)
{
	struct stat one = stat_of(1), two = stat_of(2);
	struct fstate *a, *b;
	struct err e = { 0 };
	bool have_one, have_two;

	(void)state;
	check_ok(fstate_open(&a, "cache", "../odd/name", FSTATE_DEFAULT, &e),
		 &e);
	b = begin();
	add(a, &one);
	add(b, &two);
	end(a, false);
	end(b, false);
	check_ok(fstate_open(&a, "cache", "../odd/name", FSTATE_DEFAULT, &e),
		 &e);
	assert_true(has(a, &one));
	assert_false(has(a, &two));
	fstate_close(a);

	a = begin();
	b = begin();
	add(a, &one);
	add(b, &two);
	(void)fstate_save(a, false, &e);
	(void)fstate_save(b, false, &e);
	fstate_close(a);
	fstate_close(b);
	a = begin();
	have_one = has(a, &one);
	have_two = has(a, &two);
	assert_true(have_one != have_two);
	fstate_close(a);
}

/* No folder for it, or none that can be written: as if it were empty. */
static void test_no_cache(void **state)
{
	struct stat st = stat_of(1);
	struct err e = { 0 };
	struct fstate *f;

	(void)state;
	check_ok(fstate_open(&f, NULL, "host", FSTATE_DEFAULT, &e), &e);
	add(f, &st);
	assert_false(has(f, &st));
	end(f, true);
	close(open("file", O_CREAT | O_WRONLY, 0600));
	check_ok(fstate_open(&f, "file/cache", "host", FSTATE_DEFAULT, &e),
		 &e);
	add(f, &st);
	assert_false(has(f, &st));
	(void)fstate_save(f, false, &e);
	fstate_close(f);
	fstate_close(NULL);
}

static void test_memory(void **state)
{
	struct stat st = stat_of(1);
	struct entry en = entry_of(1);
	struct fstate *f;
	unsigned long n;
	int rc = -1;

	(void)state;
	for (n = 1; rc != 0; n++) {
		mem_fail(n, 0);
		rc = fstate_open(&f, "cache", "host", FSTATE_DEFAULT, NULL);
		if (rc == 0)
			rc = fstate_add(f, &st, false, "", &en, NOW, NULL);
		if (rc == 0)
			rc = fstate_save(f, true, NULL);
		if (rc == 0 && n < 12)
			rc = -1;
		mem_fail(0, 0);
		fstate_close(f);
		assert_true(n < 100);
	}
	f = begin();
	assert_true(has(f, &st));
	fstate_close(f);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, workdir_setup, \
						workdir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round),
		TEST(test_keep_old),
		TEST(test_modes),
		TEST(test_message),
		TEST(test_racy),
		TEST(test_whole),
		TEST(test_links),
		TEST(test_damage),
		TEST(test_series),
		TEST(test_no_cache),
		TEST(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
