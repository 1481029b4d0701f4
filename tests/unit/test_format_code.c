/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/code.h"
#include "format/paper.h"
#include "format/slot.h"
#include "tests/lib/check.h"
#include "tests/lib/formatkit.h"

/* The examples of arXiv:0901.4016: IPv4 addresses. */
static void test_words(void **state)
{
	static const struct {
		uint8_t ip[4];
		const char *words;
	} t[] = {
		{ { 127, 0, 0, 1 }, "lusab babad" },
		{ { 63, 84, 220, 193 }, "gutih tugad" },
		{ { 63, 118, 7, 35 }, "gutuk bisog" },
		{ { 140, 98, 193, 141 }, "mudof sakat" },
		{ { 64, 255, 6, 200 }, "haguz biram" },
		{ { 216, 35, 68, 215 }, "tobog higil" },
		{ { 216, 68, 232, 21 }, "todah vobij" },
		{ { 198, 81, 129, 136 }, "sinid makam" },
	};
	char out[12];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		code_words(out, t[i].ip, 4);
		assert_string_equal(out, t[i].words);
	}
}

/* Words back to bytes, however they are written. */
static void test_words_back(void **state)
{
	static const char *const bad[] = {
		"", "babab", "babab-babab-babab", "babab-babax",
		"babab-ababa", "babab-bab4b"
	};
	uint8_t in[4] = { 0x7f, 0, 1, 0xfe }, out[4];
	char text[sizeof(in) * 3];
	size_t i;

	(void)state;
	code_words(text, in, sizeof(in));
	assert_true(code_words_get(out, sizeof(out), text));
	assert_memory_equal(in, out, sizeof(in));
	assert_true(code_words_get(out, sizeof(out), " Lusab-\nBAbab "));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(code_words_get(out, sizeof(out), bad[i]));
}

static void test_code(void **state)
{
	const struct key secret = formatkit_key("recovery");
	char text[CODE_BYTES], bad[CODE_BYTES + 4], shout[2 * CODE_BYTES];
	struct err e = { 0 };
	struct key back;
	size_t i, n = 0;

	(void)state;
	code_put(text, &secret);
	assert_int_equal(strlen(text), CODE_BYTES - 1);
	assert_true(code_like(text));
	check_ok(code_get(&back, text, &e), &e);
	assert_memory_equal(&back, &secret, sizeof(back));
	for (i = 0; text[i]; i++) {
		shout[n++] = text[i] == '\n' ? '\t' : text[i] == ' ' ? '-' :
			(char)(text[i] & ~0x20);
		if (text[i] == ' ')
			shout[n++] = ' ';
	}
	shout[n] = '\0';
	check_ok(code_get(&back, shout, &e), &e);
	assert_memory_equal(&back, &secret, sizeof(back));
	for (i = 0; text[i]; i++) {
		char row[] = "row 1 of";

		if (text[i] == ' ' || text[i] == '\n')
			continue;
		memcpy(bad, text, sizeof(text));
		bad[i] = bad[i] == 'b' ? 'd' : bad[i] == 'a' ? 'o' :
			strchr("iou", bad[i]) ? 'a' : 'b';
		check_err(code_get(&back, bad, &e), ERR_AUTH, &e);
		row[4] = (char)('1' + i / 30);
		assert_non_null(strstr(e.msg, row));
		bad[i] = 'q';
		check_err(code_get(&back, bad, &e), ERR_AUTH, &e);
		assert_non_null(strstr(e.msg, row));
	}
	memcpy(bad, text, sizeof(text));
	bad[strlen(bad) - 2] = '\0';
	check_err(code_get(&back, bad, &e), ERR_AUTH, &e);
	assert_non_null(strstr(e.msg, "twenty words"));
	assert_false(code_like(bad));
	snprintf(bad, sizeof(bad), "%sba", text);
	assert_false(code_like(bad));
	assert_false(code_like("correct horse battery staple"));
	assert_false(code_like(""));
}

static struct buf some_slots(unsigned n)
{
	const struct key secret = formatkit_key("secret");
	struct buf all = BUF_INIT, one = BUF_INIT;
	struct slot_info info = { .kind = SLOT_KEY, .label = "x" };
	struct slot_bundle *b = key_alloc(sizeof(*b));
	struct err e = { 0 };

	info.repo = formatkit_ctx()->repo;
	slot_bundle_make(b);
	while (n--) {
		check_ok(slot_seal(&info, b, secret.b, 32, &one, &e), &e);
		check_ok(buf_append(&all, one.p, one.len, &e), &e);
	}
	buf_release(&one);
	key_free(b);
	return all;
}

/* The whole text but for its last 'cut' bytes. */
static int feed(struct paper *p, const struct buf *text, size_t cut,
		struct err *e)
{
	char *copy = mem_printf("%.*s", (int)(text->len - cut),
		(const char *)text->p), *rest = copy, *line;
	int rc = 0;

	while (rc == 0 && (line = strsep(&rest, "\n")))
		rc = paper_line(p, line, e);
	if (rc == 0)
		rc = paper_end(p, e);
	free(copy);
	return rc;
}

static void check_form(bool file)
{
	struct buf slots = some_slots(2), text = BUF_INIT;
	const struct sid *repo = &formatkit_ctx()->repo;
	struct paper p = PAPER_INIT, q = PAPER_INIT;
	struct err e = { 0 };

	check_ok(buf_printf(&text, &e, "how to restore\n\n"), &e);
	check_ok(file ? paper_put_file(repo, &slots, &text, &e) :
		 paper_put(repo, &slots, &text, &e), &e);
	check_ok(feed(&p, &text, 0, &e), &e);
	assert_memory_equal(&p.repo, repo, sizeof(*repo));
	assert_int_equal(p.slots.len, slots.len);
	assert_memory_equal(p.slots.p, slots.p, slots.len);
	check_err(feed(&q, &text, 70, &e), ERR_CONFIG, &e);
	paper_release(&p);
	paper_release(&q);
	buf_release(&text);
	buf_release(&slots);
}

static void test_forms(void **state)
{
	(void)state;
	check_form(false);
	check_form(true);
}

/* The lines that the manual page of the format has. */
static void test_paper_known(void **state)
{
	struct paper p = PAPER_INIT;
	struct err e = { 0 };

	(void)state;
	check_ok(paper_line(&p, "id: 962989b4a38c3cf218992767611b2237 / "
		"lines: 40 / 6091", &e), &e);
	check_ok(paper_line(&p, "  1: 894d55 4b0d0a 1a0a00  000100 000000 "
		"000000 - 5221", &e), &e);
	assert_int_equal(p.have, 1);
	paper_release(&p);
}

static void check_mistake(struct paper *p, const char *line, unsigned number)
{
	struct err e = { 0 };
	char want[16];

	snprintf(want, sizeof(want), number ? "line %u " : "the line",
		 number);
	check_err(paper_line(p, line, &e), ERR_CONFIG, &e);
	assert_non_null(strstr(e.msg, want));
}

/* The line with one digit that is another, and with each two neighbours
 * changed. */
static void check_mistakes(struct paper *p, char *line, unsigned number)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 3; line[i]; i++) {
		char was = line[i], next = line[i + 1];

		if (!strchr(digits, was))
			continue;
		line[i] = was == '7' ? '8' : '7';
		check_mistake(p, line, number);
		line[i] = was;
		if (!next || !strchr(digits, next) || next == was)
			continue;
		line[i] = next;
		line[i + 1] = was;
		check_mistake(p, line, number);
		line[i] = was;
		line[i + 1] = next;
	}
}

/* Every digit of a paper that is mistyped is noticed, in its line, whatever
 * the key is; the line can be given again. */
static void test_mistakes(void **state)
{
	struct buf slots = some_slots(1), text = BUF_INIT;
	struct paper p = PAPER_INIT;
	char *line, *rest;
	unsigned number = 0;
	struct err e = { 0 };

	(void)state;
	check_ok(paper_put(&formatkit_ctx()->repo, &slots, &text, &e), &e);
	check_ok(buf_cstr(&text, &e), &e);
	rest = (char *)text.p;
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")) && *line) {
		check_mistakes(&p, line, number);
		check_ok(paper_line(&p, line, &e), &e);
		number++;
	}
	assert_true(paper_complete(&p));
	assert_int_equal(number, 1 + SLOT_BYTES / PAPER_BYTES_A_LINE);
	check_ok(paper_end(&p, &e), &e);
	assert_memory_equal(p.slots.p, slots.p, slots.len);
	paper_release(&p);
	buf_release(&text);
	buf_release(&slots);
}

/* Lines in another order, none at all, no whole key. */
static void test_bad_papers(void **state)
{
	static const char *const bad[] = {
		"", "nothing", "MUNIMENT PAPER KEY 1",
		"id: 00 / lines: 1 / 1234",
		"MUNIMENT_KEY 1 xyz",
		"MUNIMENT_KEY 1 00112233445566778899aabbccddeeff",
		"MUNIMENT_KEY 1 00112233445566778899aabbccddeeff\nAAAA",
		"MUNIMENT_KEY 1 00112233445566778899aabbccddeeff\n!!!!",
	};
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf text = { .p = (uint8_t *)(uintptr_t)bad[i],
				    .len = strlen(bad[i]) };
		struct paper p = PAPER_INIT;

		check_err(feed(&p, &text, 0, &e), ERR_CONFIG, &e);
		paper_release(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_back),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_paper_known),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_bad_papers),
	};

	if (key_setup(NULL) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
