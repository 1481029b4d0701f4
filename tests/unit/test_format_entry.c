/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/entry.h"
#include "format/list.h"
#include "format/text.h"
#include "tests/lib/check.h"
#include "tests/lib/formatkit.h"

static struct piece make_piece(enum piece_transform t, uint64_t len)
{
	struct piece p = { .transform = t, .len = len };

	if (t != PIECE_HOLE)
		p.id = formatkit_oid("piece", (uint32_t)len);
	if (t == PIECE_BASE64) {
		p.line_len = 76;
		p.crlf = true;
	}
	return p;
}

static bool piece_survives(const struct piece *p)
{
	struct buf b = BUF_INIT;
	struct piece back;
	struct rd r;
	struct wr w;
	bool ok;

	wr_init(&w, &b);
	piece_put(&w, p);
	rd_init(&r, b.p, b.len);
	piece_get(&r, &back);
	ok = rd_done(&r);
	if (ok)
		assert_true(back.transform == p->transform &&
			    back.len == p->len &&
			    back.line_len == p->line_len &&
			    back.crlf == p->crlf &&
			    back.last_eol == p->last_eol &&
			    oid_eq(&back.id, &p->id));
	buf_release(&b);
	return ok;
}

static void test_piece(void **state)
{
	struct piece p;

	(void)state;
	p = make_piece(PIECE_RAW, 1);
	assert_true(piece_survives(&p));
	p = make_piece(PIECE_RAW, OBJ_MAX_BYTES + 1);
	assert_false(piece_survives(&p));
	p = make_piece(PIECE_RAW, 0);
	assert_false(piece_survives(&p));
	p = make_piece(PIECE_HOLE, INT64_MAX);
	assert_true(piece_survives(&p));
	p = make_piece(PIECE_HOLE, (uint64_t)INT64_MAX + 1);
	assert_false(piece_survives(&p));
	p = make_piece(PIECE_BASE64, 100);
	assert_true(piece_survives(&p));
	p.last_eol = true;
	p.line_len = 0;
	assert_true(piece_survives(&p));
	p.last_eol = false;
	assert_false(piece_survives(&p));
	p.crlf = false;
	assert_true(piece_survives(&p));
	p.transform = (enum piece_transform)3;
	assert_false(piece_survives(&p));
}

static void test_content(void **state)
{
	struct content c = { .kind = CONTENT_PIECES, .n_pieces = 2 }, back;
	struct buf b = BUF_INIT;
	struct rd r;
	struct wr w;
	size_t i;

	(void)state;
	c.piece[0] = make_piece(PIECE_RAW, 1000);
	c.piece[1] = make_piece(PIECE_HOLE, 4096);
	wr_init(&w, &b);
	content_put(&w, &c);
	rd_init(&r, b.p, b.len);
	content_get(&r, &back);
	assert_true(rd_done(&r));
	assert_int_equal(back.n_pieces, 2);
	assert_int_equal(back.piece[1].len, 4096);
	assert_memory_equal(&back.piece[0].id, &c.piece[0].id, 32);
	for (i = 0; i < b.len; i++) {
		rd_init(&r, b.p, i);
		content_get(&r, &back);
		assert_false(rd_done(&r));
	}
	b.p[0] = CONTENT_LIST + 1;
	rd_init(&r, b.p, b.len);
	content_get(&r, &back);
	assert_false(rd_done(&r));
	buf_release(&b);
}

static bool xattrs_sound(const char *set, size_t len, unsigned *n)
{
	struct xattr_iter it;
	struct xattr_item item;

	*n = 0;
	xattr_iter_init(&it, set, len);
	while (xattr_iter_next(&it, &item))
		++*n;
	assert_false(xattr_iter_next(&it, &item));
	return rd_done(&it.r);
}

static void test_xattrs(void **state)
{
	static const char nul[] = "\1\3a\0b\1x";
	unsigned n;

	(void)state;
#define SOUND(s) xattrs_sound(s, sizeof(s) - 1, &n)
	assert_true(SOUND("\1\1a\0"));
	assert_int_equal(n, 1);
	assert_true(SOUND("\2\1a\3xyz\2ab\1y"));
	assert_int_equal(n, 2);
	assert_false(SOUND("\2\1a\3xyz\1a\1y"));	/* twice */
	assert_false(SOUND("\2\1b\3xyz\1a\1y"));	/* order */
	assert_false(SOUND("\1\1a\0z"));		/* more */
	assert_false(SOUND("\2\1a\0"));			/* less */
	assert_false(SOUND("\1\0\0"));			/* no name */
	assert_false(SOUND("\0"));			/* no attributes */
	assert_false(SOUND(""));
	assert_false(SOUND("\201\0\1a\0"));		/* long varint */
	assert_false(xattrs_sound(nul, sizeof(nul) - 1, &n));
#undef SOUND
}

static void test_list(void **state)
{
	struct piece p[LIST_MAX_ITEMS];
	struct list_child c[3];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct list l;
	unsigned i;

	(void)state;
	for (i = 0; i < LIST_MAX_ITEMS; i++)
		p[i] = make_piece((enum piece_transform)(i % 3), 1000 + i);
	check_ok(list_put_pieces(&b, p, LIST_MAX_ITEMS, &e), &e);
	check_ok(list_get(&l, b.p, b.len, &e), &e);
	assert_int_equal(l.level, 0);
	assert_int_equal(l.n, LIST_MAX_ITEMS);
	for (i = 0; i < LIST_MAX_ITEMS; i++) {
		assert_int_equal(l.piece[i].len, p[i].len);
		assert_memory_equal(&l.piece[i].id, &p[i].id, 32);
	}
	list_release(&l);
	for (i = 0; i < b.len; i += 7)
		check_err(list_get(&l, b.p, i, &e), ERR_CORRUPT, &e);
	check_err(list_put_pieces(&b, p, 0, &e), ERR_CORRUPT, &e);
	check_err(list_put_pieces(&b, p, LIST_MAX_ITEMS + 1, &e), ERR_CORRUPT,
		  &e);
	buf_clear(&b);
	for (i = 0; i < 3; i++) {
		c[i].id = formatkit_oid("child", i);
		c[i].bytes = UINT64_C(1) << 61;
	}
	check_ok(list_put_children(&b, 2, c, 3, &e), &e);
	check_ok(list_get(&l, b.p, b.len, &e), &e);
	assert_int_equal(l.level, 2);
	assert_int_equal(l.child[2].bytes, c[2].bytes);
	assert_memory_equal(&l.child[2].id, &c[2].id, 32);
	list_release(&l);
	buf_clear(&b);
	c[2].bytes = UINT64_C(1) << 62;		/* the sum is too large */
	check_ok(list_put_children(&b, 2, c, 3, &e), &e);
	check_err(list_get(&l, b.p, b.len, &e), ERR_CORRUPT, &e);
	buf_release(&b);
}

static char *text_of(const char *p, size_t len, size_t max)
{
	char *s = NULL;
	struct rd r;

	rd_init(&r, p, len);
	assert_int_equal(text_get(&r, &s, max, NULL), 0);
	assert_true(!s == r.bad);
	return s;
}

static void test_text(void **state)
{
	char *s = text_of("\5hello", 6, 5);

	(void)state;
	assert_string_equal(s, "hello");
	free(s);
	s = text_of("\0", 1, 5);
	assert_string_equal(s, "");
	free(s);
	assert_null(text_of("\5hello", 6, 4));
	assert_null(text_of("\5hell", 5, 5));
	assert_null(text_of("\5he\0lo", 6, 5));
}

static void test_list_boundary(void **state)
{
	unsigned i, hits = 0;

	(void)state;
	for (i = 0; i < 10000; i++) {
		struct oid id = formatkit_oid("id", i);

		assert_false(list_boundary(&id, LIST_MIN_ITEMS - 1));
		assert_true(list_boundary(&id, LIST_MAX_ITEMS));
		hits += list_boundary(&id, LIST_MIN_ITEMS);
	}
	assert_in_range(hits, 80, 130);
}

/* A change of this is a change of the format: bump FMT_VERSION. */
static const char golden[] =
	"237f30c7202d65f62dfa431560aa24f4822be6a3f13534f3f5ae98767a36280f";

static void test_golden(void **state)
{
	char hex[OID_HEX_BYTES];
	struct buf b = BUF_INIT;
	struct piece p[40];
	struct oid h;
	unsigned i;

	(void)state;
	for (i = 0; i < 40; i++)
		p[i] = make_piece((enum piece_transform)(i % 3), 1000 + i);
	assert_int_equal(list_put_pieces(&b, p, 40, NULL), 0);
	key_hash(&h, NULL, b.p, b.len, NULL, 0, NULL, 0);
	assert_string_equal(oid_hex(&h, hex), golden);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_piece),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_xattrs),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_list_boundary),
		cmocka_unit_test(test_golden),
	};

	formatkit_ctx();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
