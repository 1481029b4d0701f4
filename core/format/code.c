/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/code.h"

#include <ctype.h>
#include <string.h>

#define ROW_WORDS 5
#define ROW_DATA 8
#define LETTERS (CODE_ROWS * ROW_WORDS * CODE_WORD_LETTERS)

static const char consonants[] = "bdfghjklmnprstvz";
static const char vowels[] = "aiou";

static char *put_word(char *out, const uint8_t p[2])
{
	unsigned bits = (unsigned)p[0] << 8 | p[1];

	out[0] = consonants[bits >> 12];
	out[1] = vowels[bits >> 10 & 3];
	out[2] = consonants[bits >> 6 & 15];
	out[3] = vowels[bits >> 4 & 3];
	out[4] = consonants[bits & 15];
	return out + CODE_WORD_LETTERS;
}

void code_words(char *out, const void *p, size_t n)
{
	const uint8_t *b = p;
	size_t i;

	BUG_ON(n == 0 || n % 2);
	for (i = 0; i < n; i += 2) {
		out = put_word(out, b + i);
		*out++ = i + 2 < n ? ' ' : '\0';
	}
}

static void row_check(uint8_t out[2], unsigned row, const uint8_t *data)
{
	uint8_t number = (uint8_t)row;
	struct oid h;

	key_hash(&h, NULL, "muniment code", 13, &number, 1, data, ROW_DATA);
	out[0] = h.b[1];
	out[1] = h.b[0];
	key_wipe(&h, sizeof(h));
}

void code_put(char out[CODE_BYTES], const struct key *secret)
{
	uint8_t check[2];
	unsigned row;

	for (row = 0; row < CODE_ROWS; row++) {
		const uint8_t *data = secret->b + row * ROW_DATA;

		code_words(out, data, ROW_DATA);
		out += 4 * (CODE_WORD_LETTERS + 1);
		out[-1] = ' ';
		row_check(check, row, data);
		out = put_word(out, check);
		*out++ = '\n';
	}
	*out = '\0';
}

/* The letters only; false: there are not 'want' of them, or others. */
static bool letters_of(char *out, size_t want, const char *text)
{
	size_t n = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (isspace(c) || c == '-')
			continue;
		if (n == want || !isalpha(c))
			return false;
		out[n++] = (char)tolower(c);
	}
	return n == want;
}

bool code_like(const char *text)
{
	char letters[LETTERS];
	bool like = letters_of(letters, sizeof(letters), text);

	key_wipe(letters, sizeof(letters));
	return like;
}

static bool get_word(uint8_t out[2], const char *in)
{
	unsigned bits = 0, i;

	for (i = 0; i < CODE_WORD_LETTERS; i++) {
		const char *set = i % 2 ? vowels : consonants;
		const char *at = memchr(set, in[i], i % 2 ? 4 : 16);

		if (!at)
			return false;
		bits = bits << (i % 2 ? 2 : 4) | (unsigned)(at - set);
	}
	out[0] = (uint8_t)(bits >> 8);
	out[1] = (uint8_t)bits;
	return true;
}

bool code_words_get(void *out, size_t n, const char *text)
{
	char in[LETTERS];
	uint8_t *p = out;
	size_t i;

	BUG_ON(n == 0 || n % 2 || n / 2 > CODE_ROWS * ROW_WORDS);
	if (!letters_of(in, n / 2 * CODE_WORD_LETTERS, text))
		return false;
	for (i = 0; i < n / 2; i++)
		if (!get_word(p + 2 * i, in + i * CODE_WORD_LETTERS))
			return false;
	return true;
}

static bool get_row(uint8_t *out, unsigned row, const char *in)
{
	uint8_t check[2], want[2];
	unsigned i;

	for (i = 0; i < 4; i++)
		if (!get_word(out + 2 * i, in + i * CODE_WORD_LETTERS))
			return false;
	if (!get_word(check, in + i * CODE_WORD_LETTERS))
		return false;
	row_check(want, row, out);
	return memcmp(check, want, sizeof(want)) == 0;
}

int code_get(struct key *secret, const char *text, struct err *e)
{
	char in[LETTERS];
	unsigned row;
	int rc = 0;

	if (!letters_of(in, sizeof(in), text))
		return err_set(e, ERR_AUTH, "not a recovery code: that is "
			"twenty words of five letters");
	for (row = 0; rc == 0 && row < CODE_ROWS; row++)
		if (!get_row(secret->b + row * ROW_DATA, row,
			     in + row * ROW_WORDS * CODE_WORD_LETTERS))
			rc = err_set(e, ERR_AUTH, "row %u of the recovery code "
				"has a mistake", row + 1);
	key_wipe(in, sizeof(in));
	if (rc < 0)
		key_wipe(secret, sizeof(*secret));
	return rc;
}
