/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 300 */
/* Archives of entries in any order; tar files of what is damaged. */
#include "archive/create_loose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/tar.h"
#include "tests/lib/check.h"
#include "tests/lib/treekit.h"

static struct treekit k;
static struct err e;

static int setup(void **state)
{
	(void)state;
	treekit_make(&k);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mem_fail(0, 0);
	treekit_end(&k);
	return 0;
}

/* The lines give an archive with this listing, and so many errors. */
#define gives(want, errors, ...) do { \
	static const char *const lines[] = { __VA_ARGS__, NULL }; \
	expect_listing(lines, want, errors); \
} while (0)
static void expect_listing(const char *const *lines, const char *want,
			   unsigned errors)
{
	static unsigned serial;
	struct create_result res;
	char name[32], *got;

	snprintf(name, sizeof(name), "a%u", serial++);
	treekit_archive(&k, name, lines, &res);
	got = treekit_list(&k, &res.rec);
	assert_string_equal(got, want);
	assert_int_equal(res.walk_errors, errors);
	assert_int_equal(res.rec.stats.files, res.rec.root.files);
	assert_int_equal(res.rec.stats.bytes, res.rec.root.bytes);
	free(got);
	create_result_release(&res);
}

static void test_order(void **state)
{
	(void)state;
	gives("i a\nf a/b 644 x\n", 0, "f a/b 644 x");
	gives("d a 700\nf a/b 644 x\n", 0, "f a/b 644 x", "d a 700");
	gives("d a 700\ni a/b\ni a/b/c\nf a/b/c/d 600 1\nf a! 600 2\n"
		"f a0 600 3\n", 0, "f a0 600 3", "f a! 600 2",
		"f a/b/c/d 600 1", "d a 700");
	gives("d a 755\nd a/a 755\nd a/a/a 755\nf a/a/b 600 1\nf a/b 600 2\n"
		"f b 600 3\n", 0, "f b 600 3", "d a/a/a 755", "f a/b 600 2",
		"f a/a/b 600 1", "d a/a 755", "d a 755");
	gives("i a\np a/p 600\ns a/s 777 nowhere\nf e 600 \n", 0,
		"s a/s nowhere", "p a/p 600", "f e 600");
}

static void test_replace(void **state)
{
	(void)state;
	gives("f a 644 two\n", 0, "f a 600 one", "f a 644 two");
	gives("d a 755\nf a/b 600 1\n", 0, "d a 700", "f a/b 600 1",
		"d a 755");
	gives("s a 777 t\n", 0, "f a 600 1", "p a 600", "s a t");
	/* a file where a directory was: all below it is gone */
	gives("f a 600 1\nf a! 600 2\n", 0, "d a 700", "f a/b 600 0",
		"f a/c/d 600 0", "f a 600 1", "f a! 600 2");
	/* a directory where a file was */
	gives("i a\nf a/b 600 2\n", 1, "f a 600 1", "f a/b 600 2");
	gives("i a\nf a/c 600 3\n", 1, "f a/b 600 1", "f a 600 2",
		"f a/c 600 3");
	gives("d a 700\nf a/b 600 2\n", 0, "f a 600 1", "f a/b 600 2",
		"d a 700");
	/* through a link: never */
	gives("i a\nf a/passwd 600 x\n", 1, "s a /etc", "f a/passwd 600 x");
	gives("i a\ni a/b\nf a/b/c 600 3\n", 2, "f a 600 1", "f a/b 600 2",
		"f a/b/c 600 3");
}

static void test_links(void **state)
{
	(void)state;
	gives("f a 600 x x2\nf b 600 x =a\n", 0, "f a 600 x", "l b a");
	gives("f a 600 x x3\nf b 600 x =a\nf d 600 x =a\n", 0, "f b 600 x",
		"l a b", "l d a");
	/* what the target was then */
	gives("f a 600 new\nf b 600 old\n", 0, "f a 600 old", "l b a",
		"f a 600 new");
	gives("f a 600 old\n", 0, "f a 600 old", "l a a");
	gives("s a 777 t x2\ns b 777 t =a\n", 0, "s a t", "l b a");
	/* to nothing, to a directory, to what came later, to itself */
	gives("f c 600 x\n", 1, "l b a", "f c 600 x");
	gives("d a 700\n", 1, "d a 700", "l b a");
	gives("f a 600 x\n", 1, "l b a", "f a 600 x");
	gives("f z 600 x\n", 2, "l b b", "l c b", "f z 600 x");
	/* a bad link does not hide the good one of its name */
	gives("f a 600 2\n", 1, "f a 600 1", "l a zz", "f a 600 2");
	gives("f a 600 1\n", 1, "f a 600 1", "l a zz");
	/* a name inside a file that a bad link has, too */
	gives("i a\nf a/b 600 2\n", 2, "f a 600 1", "l a zz", "f a/b 600 2");
}

#define SHUFFLED 40
static void test_shuffled(void **state)
{
	const char *lines[SHUFFLED + 1] = { NULL };
	struct create_result res;
	char text[SHUFFLED][400], name[32];
	struct oid root = { { 0 } };
	unsigned i, round, j;
	uint64_t rng = 7;

	(void)state;
	for (i = 0; i < SHUFFLED; i++) {
		static const char *const dirs[] = { "", "a/", "a/b/", "a.b/",
			"a/b/c/", "z/", "a/b0/" };

		if (i < 4)
			snprintf(text[i], sizeof(text[i]), "d %.*s 750",
				(int)strlen(dirs[i + 1]) - 1, dirs[i + 1]);
		else
			snprintf(text[i], sizeof(text[i]), "f %sf%u 640 @%u:%u",
				dirs[i % 7], i, i * i * i * i, i);
		lines[i] = text[i];
	}
	for (round = 0; round < 6; round++) {
		k.threads = round % 3;
		snprintf(name, sizeof(name), "r%u", round);
		treekit_archive(&k, name, lines, &res);
		if (round == 0)
			root = res.rec.root.id;
		assert_true(oid_eq(&root, &res.rec.root.id));
		create_result_release(&res);
		for (i = SHUFFLED - 1; i > 0; i--) {
			const char *swap = lines[i];

			rng = rng * 6364136223846793005u + 1442695040888963407u;
			j = (unsigned)(rng >> 33) % (i + 1);
			lines[i] = lines[j];
			lines[j] = swap;
		}
	}
	k.threads = 0;
}

static void test_no_memory(void **state)
{
	static const char *const lines[] = { "d a 700", "f a/b 600 x",
		"f a/c 600 @1000:1", "l a/d a/b", "f a 600 2", "f a/x/y 600 3",
		"f big 600 @3000000:1:1000000+500000", NULL };
	struct create_result res;
	unsigned long at, failed = 0, good = 0;
	char name[32];
	int rc;

	(void)state;
	/* Some can be done without: a cache, a name for this machine. */
	for (at = 1; good < 20; at += 1 + at / 50) {
		snprintf(name, sizeof(name), "m%lu", at);
		mem_fail(at, 0);
		rc = treekit_create(&k, name, lines, &res, &e);
		mem_fail(0, 0);
		create_result_release(&res);
		if (rc < 0)
			assert_int_equal(rc, ERR_NOMEM);
		failed += rc < 0;
		good = rc < 0 ? 0 : good + 1;
	}
	assert_true(failed > 50);
}

/* --- tar files --- */

static int stream(const struct record *rec, struct err *err)
{
	struct tar_export_opts o = { .fd = memfd_create("tar", 0) };
	int rc = tar_export(k.rd, rec, &o, err);

	lseek(o.fd, 0, SEEK_SET);
	if (rc < 0) {
		close(o.fd);
		return rc;
	}
	return o.fd;
}

static int import(int fd, const char *name, struct create_result *res)
{
	const struct tar_import_opts o = { .fd = fd, .create = { .name = name,
		.series = "test", .comp = COMP_SPEC_DEFAULT } };

	return tar_import(k.repo, &o, res, &e);
}

static const char *const some[] = {
	"d a 700", "f a/b 600 x", "l a/c a/b", "s a/s b", "f i/j 600 1",
	"f mid 600 @400000:1", "f big 600 @3000000:2",
	"f hole 600 @3000000:3:1000000+500000",
	"f tail 600 @2000000:4:500000+1500000",
	"f all 600 @700000:5:0+700000", "p p 600", NULL
};

/* There and back: the same tree, bit by bit, but for hard links' numbers. */
static void test_round(void **state)
{
	struct create_result a, b, c;
	char *la, *lb;
	int fd;

	(void)state;
	treekit_archive(&k, "a", some, &a);
	fd = stream(&a.rec, &e);
	check_ok(fd < 0 ? fd : 0, &e);
	check_ok(import(fd, "b", &b), &e);
	close(fd);
	check_ok(reader_refresh(k.rd, &e), &e);
	la = treekit_list(&k, &a.rec);
	lb = treekit_list(&k, &b.rec);
	assert_string_equal(la, lb);
	assert_true(oid_eq(&a.rec.root.id, &b.rec.root.id));
	free(la);
	free(lb);
	fd = stream(&b.rec, &e);
	check_ok(import(fd, "c", &c), &e);
	assert_true(oid_eq(&a.rec.root.id, &c.rec.root.id));
	assert_int_equal(c.rec.n_users, 1);
	assert_string_equal(c.rec.users[0].name, "joe");
	close(fd);
	create_result_release(&a);
	create_result_release(&b);
	create_result_release(&c);
}

/* No cut of a stream makes an archive, before its first block of zeroes. */
static void test_cut(void **state)
{
	static const char *const few[] = { "d a 700", "f a/b 600 hello",
		"f c 600 @2000:1", NULL };
	const off_t whole = 512 + 1024 + 2560 + 512;
	struct create_result a, b;
	off_t at;
	int fd, rc;

	(void)state;
	treekit_archive(&k, "a", few, &a);
	for (at = 0; at <= whole; at += 256) {
		fd = stream(&a.rec, &e);
		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, at), 0);
		rc = import(fd, "cut", &b);
		create_result_release(&b);
		close(fd);
		if (at < whole)
			check_err(rc, ERR_CORRUPT, &e);
		else
			check_ok(rc, &e);
	}
	create_result_release(&a);
}

static int note_name(const char *name, uint64_t size, void *ctx)
{
	(void)size;
	return strv_add(ctx, name, NULL);
}

static void lose(enum store_kind kind, size_t from)
{
	struct strv names = STRV_INIT;
	size_t i;

	check_ok(store_list(k.store, kind, note_name, &names, &e), &e);
	assert_true(names.n > from);
	for (i = from; i < names.n; i++)
		check_ok(store_del(k.store, kind, names.v[i], &e), &e);
	strv_release(&names);
}

static unsigned warned;
static void count_warning(const char *path, const char *text, void *ctx)
{
	(void)ctx;
	assert_true(*path && *text);
	warned++;
}

/* Contents are lost: what is left comes, and nobody takes it for all. */
static void test_damaged(void **state)
{
	struct tar_export_opts o = { .fd = memfd_create("tar", 0),
				     .warning = count_warning };
	struct create_result a, b;
	int rc;

	(void)state;
	treekit_archive(&k, "a", some, &a);
	lose(STORE_DATA, 0);
	reader_close(k.rd);
	check_ok(reader_open(&k.rd, k.repo, 1u << 20, &e), &e);
	warned = 0;
	check_err(tar_export(k.rd, &a.rec, &o, &e), ERR_CORRUPT, &e);
	assert_int_equal(warned, 4);	/* mid big hole tail */
	lseek(o.fd, 0, SEEK_SET);
	rc = import(o.fd, "b", &b);
	check_err(rc, ERR_CORRUPT, &e);
	create_result_release(&b);
	create_result_release(&a);
	close(o.fd);
}

/* Too large to look at it before: the stream breaks off. */
static void test_damaged_large(void **state)
{
	static const char *const large[] = { "f a 600 x",
		"f large 600 @40000000:2", "f z 600 x", NULL };
	struct tar_export_opts o = { .fd = memfd_create("tar", 0),
				     .warning = count_warning };
	struct create_result a, b;
	char last[10];
	off_t len;
	int rc;

	(void)state;
	treekit_archive(&k, "a", large, &a);
	lose(STORE_DATA, 1);
	reader_close(k.rd);
	check_ok(reader_open(&k.rd, k.repo, 1u << 20, &e), &e);
	check_err(tar_export(k.rd, &a.rec, &o, &e), ERR_CORRUPT, &e);
	assert_non_null(strstr(e.msg, "'large'"));
	/* no word where a file's last bytes may be missing */
	len = lseek(o.fd, 0, SEEK_END);
	assert_true(len >= 512 * 3);
	assert_int_equal(pread(o.fd, last, 10, len - 10), 10);
	assert_null(memmem(last, 10, "DAMAGED", 7));
	lseek(o.fd, 0, SEEK_SET);
	rc = import(o.fd, "b", &b);
	check_err(rc, ERR_CORRUPT, &e);
	create_result_release(&b);
	create_result_release(&a);
	close(o.fd);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_replace),
		TEST(test_links),
		TEST(test_shuffled),
		TEST(test_no_memory),
		TEST(test_round),
		TEST(test_cut),
		TEST(test_damaged),
		TEST(test_damaged_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
