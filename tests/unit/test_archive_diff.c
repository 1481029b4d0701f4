/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/check.h"
#include "tests/lib/treekit.h"

static struct treekit k;
static struct err e;
static struct buf out;

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
	buf_release(&out);
	return 0;
}

/* "PATH CHANGES [+ADDED] [-REMOVED]" */
static int show(const struct diff_item *it, void *ctx)
{
	static const char letters[] = "ARCMOTLtxc";
	unsigned i;

	(void)ctx;
	assert_true(!it->a == !!(it->changes & DIFF_ADDED));
	assert_true(!it->b == !!(it->changes & DIFF_REMOVED));
	buf_printf(&out, NULL, "%s ", it->path);
	for (i = 0; letters[i]; i++)
		if (it->changes & 1u << i)
			buf_append(&out, letters + i, 1, NULL);
	if (it->added_bytes)
		buf_printf(&out, NULL, " +%" PRIu64, it->added_bytes);
	if (it->removed_bytes)
		buf_printf(&out, NULL, " -%" PRIu64, it->removed_bytes);
	buf_append(&out, "\n", 1, NULL);
	return 0;
}

static const char *compare(const struct record *a, const struct record *b,
			   struct diff_opts *o)
{
	struct diff_opts none = { .item = show };

	if (!o)
		o = &none;
	o->item = show;
	buf_clear(&out);
	check_ok(diff_run(k.rd, a, b, o, &e), &e);
	check_ok(buf_cstr(&out, NULL), NULL);
	return (const char *)out.p;
}

static const char *const before[] = {
	"d a 755", "d a/gone 700", "f a/gone/x 600 1", "f a/gone/y/z 600 22",
	"f a/keep 600 same", "f a/mod 600 one", "f a/mode 600 m",
	"d a/was-dir 700", "f a/was-dir/f 600 123", "f a/was-file 600 1234",
	"s a/sym x", "d b 755", "f b/big 600 @4000000:1",
	"f b/sparse 600 @2000000:2:500000+1000000", "d same 755",
	"f same/f 600 @100000:5", "l a/hard a/keep", NULL
};
static const char *const after[] = {
	"d a 700", "f a/keep 600 same", "f a/mod 600 three", "f a/mode 640 m",
	"f a/was-dir 600 f", "d a/was-file 700", "f a/was-file/in 600 12345",
	"f a/new 600 @5000:1", "d a/newdir 700", "f a/newdir/i/n 600 n",
	"s a/sym y", "d b 755", "f b/big 600 @4000000:1:2000000",
	"f b/sparse 600 @2000000:2:500000+1500000", "d same 755",
	"f same/f 600 @100000:5", "l a/hard a/keep", NULL
};

static void test_changes(void **state)
{
	struct create_result a, b;
	uint64_t plus, minus;
	const char *big;

	(void)state;
	treekit_archive(&k, "a", before, &a);
	treekit_archive(&k, "b", after, &b);
	assert_string_equal(compare(&a.rec, &a.rec, NULL), "");
	compare(&a.rec, &b.rec, NULL);
	big = strstr((char *)out.p, "b/big C +");
	assert_non_null(big);
	assert_int_equal(sscanf(big, "b/big C +%" SCNu64 " -%" SCNu64, &plus,
		&minus), 2);
	/* one byte is in one chunk, in rare cases its end moved */
	assert_int_equal(plus, minus);
	assert_in_range(plus, 1, 3999999);
	*strstr((char *)out.p, "b/big") = '\0';
	assert_string_equal((char *)out.p,
		"a M\n"
		"a/gone R\na/gone/x R -1\na/gone/y/z R -2\n"
		"a/mod C +5 -3\n"
		"a/mode M\n"
		"a/new A +5000\n"
		"a/newdir A\na/newdir/i/n A +1\n"
		"a/sym L\n"
		"a/was-dir MT +1\na/was-dir/f R -3\n"
		"a/was-file MT -4\na/was-file/in A +5\n");
	create_result_release(&a);
	create_result_release(&b);
}

static void test_sparse(void **state)
{
	static const char *const one[] = {
		"f f 600 @2000000:2:500000+1000000", NULL };
	static const char *const two[] = {
		"f f 600 @2000000:2:500000+1500000", NULL };
	struct create_result a, b;

	(void)state;
	treekit_archive(&k, "a", one, &a);
	treekit_archive(&k, "b", two, &b);
	assert_string_equal(compare(&a.rec, &b.rec, NULL),
		"f C +500000 -500000\n");
	create_result_release(&a);
	create_result_release(&b);
}

static void test_options(void **state)
{
	static const char *const one[] = { "d a 700", "f a/b 600 x",
		"f a/c 600 y", "f d 600 1", NULL };
	static const char *const two[] = { "d a 755", "f a/b 644 x",
		"f a/c 600 z", "f d 600 2", NULL };
	struct pattern_set *set = pattern_new();
	struct diff_opts o = { .content_only = true };
	struct create_result a, b;

	(void)state;
	treekit_archive(&k, "a", one, &a);
	treekit_archive(&k, "b", two, &b);
	assert_string_equal(compare(&a.rec, &b.rec, &o),
		"a/c C +1 -1\nd C +1 -1\n");
	check_ok(pattern_add_path(set, "a/b", &e), &e);
	o = (struct diff_opts) { .patterns = set };
	assert_string_equal(compare(&a.rec, &b.rec, &o), "a/b M\n");
	pattern_free(set);
	create_result_release(&a);
	create_result_release(&b);
}

/* Owners: by name, where there are names. */
static void test_owners(void **state)
{
	static const char *const one[] = { "d a 700", "f a/b 600 x", NULL };
	struct record_name jim = { 1000, (char[]) { "jim" } };
	struct diff_opts numeric = { .numeric_ids = true };
	struct create_result a, b;
	struct record other;

	(void)state;
	treekit_archive(&k, "a", one, &a);
	treekit_archive(&k, "b", one, &b);
	assert_int_equal(b.rec.n_users, 1);
	other = b.rec;
	other.users = &jim;
	/* the trees are the same, and yet */
	assert_string_equal(compare(&a.rec, &other, NULL), "a O\na/b O\n");
	assert_string_equal(compare(&a.rec, &other, &numeric), "");
	jim.id = 5;
	assert_string_equal(compare(&a.rec, &other, NULL), "");
	create_result_release(&a);
	create_result_release(&b);
}

/* What is equal is not read. */
static void test_skips(void **state)
{
	enum { DIRS = 60, EACH = 60 };
	static char text[DIRS * EACH][140];
	const char *lines[DIRS * EACH + 1] = { NULL };
	struct reader_stats s;
	struct create_result a, b;
	struct reader *rd;
	unsigned i;

	(void)state;
	for (i = 0; i < DIRS * EACH; i++) {
		/* more than an inlined directory has room for */
		snprintf(text[i], sizeof(text[i]), "f d%u/f%u 600 %0100u",
			i / EACH, i, i);
		lines[i] = text[i];
	}
	treekit_archive(&k, "a", lines, &a);
	lines[1000] = "f d16/f1000 600 other";
	treekit_archive(&k, "b", lines, &b);
	rd = k.rd;
	check_ok(reader_open(&k.rd, k.repo, 0, &e), &e);
	assert_string_equal(compare(&a.rec, &b.rec, NULL),
		"d16/f1000 C +5 -100\n");
	reader_stats(k.rd, &s);
	assert_in_range(s.misses, 2, 2 * DIRS / 3);
	reader_close(k.rd);
	k.rd = rd;
	create_result_release(&a);
	create_result_release(&b);
}

static void test_no_memory(void **state)
{
	const struct diff_opts o = { .item = show };
	struct create_result a, b;
	unsigned long at, failed = 0, good = 0;
	int rc;

	(void)state;
	treekit_archive(&k, "a", before, &a);
	treekit_archive(&k, "b", after, &b);
	/* The reader's cache can be done without. */
	for (at = 1; good < 20; at++) {
		mem_fail(at, 0);
		rc = diff_run(k.rd, &a.rec, &b.rec, &o, &e);
		mem_fail(0, 0);
		if (rc < 0)
			assert_int_equal(rc, ERR_NOMEM);
		failed += rc < 0;
		good = rc < 0 ? 0 : good + 1;
	}
	assert_true(failed > 30);
	create_result_release(&a);
	create_result_release(&b);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes),
		TEST(test_sparse),
		TEST(test_options),
		TEST(test_owners),
		TEST(test_skips),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
