/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/words.h"

#include <string.h>

#include "tests/lib/prng.h"

enum { WORDS_SYLLABLES = 1000, WORDS_CAPITAL = 1001 };

static const char *const syllable[] = {
	"be", "ge", "ver", "ein", "aus", "an", "ab", "zu", "ung", "ten", "der",
	"die", "lich", "keit", "sch\xc3\xb6", "fr\xc3\xbc", "rech", "nung",
	"auf", "trag", "ter", "min", "kon", "fer", "enz", "pro", "jekt", "ka",
	"lo", "ri", "mu", "sta", "tion", "wer", "den", "nach", "rich", "t", "s",
	"en", "er", "el", "in", "um", "re", "port", "mail", "ser", "vice",
	"da", "ta", "si", "cher", "hei", "kun", "de", "lie", "fe", "r", "an",
	"ge", "bot", "ver", "trag"
};

void words_init(struct words *w, uint64_t seed)
{
	size_t nsyl = sizeof(syllable) / sizeof(*syllable);

	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < WORDS_COUNT; i++) {
		uint64_t key = prng_key(seed, i);
		unsigned n = 1 + (unsigned)prng_below(key, WORDS_SYLLABLES,
					i < 200 ? 2 : 4);
		size_t len = 0;

		for (unsigned k = 0; k < n; k++) {
			const char *s = syllable[prng_below(key, k, nsyl)];

			memcpy(w->word[i].text + len, s, strlen(s));
			len += strlen(s);
		}
		if (prng_chance(key, WORDS_CAPITAL, 0.3) &&
		    w->word[i].text[0] >= 'a' && w->word[i].text[0] <= 'z')
			w->word[i].text[0] = (char)(w->word[i].text[0] - 32);
		w->word[i].len = (uint8_t)len;
	}
}

/* Cubing makes a tenth of the words half of the text. */
static unsigned words_pick(uint64_t key, unsigned n)
{
	double u = prng_unit(key, n);

	return (unsigned)(u * u * u * WORDS_COUNT);
}

void words_prose(const struct words *w, uint64_t key, size_t len,
	unsigned cols, struct wr *out)
{
	char line[256];
	size_t at = 0, done = 0;
	unsigned n = 0, stop = 0;

	if (cols > sizeof(line) - 32)
		cols = sizeof(line) - 32;
	while (done + at + 1 < len) {
		unsigned i = words_pick(key, n++);

		if (at + w->word[i].len + 2 > cols) {
			line[at - 1] = '\n';
			wr_bytes(out, line, at);
			done += at;
			at = 0;
		}
		memcpy(line + at, w->word[i].text, w->word[i].len);
		at += w->word[i].len;
		if (++stop >= 7 && (i & 3) == 0) {
			line[at++] = (i & 4) ? '.' : ',';
			stop = 0;
		}
		line[at++] = ' ';
	}
	if (done + at > len && len > done)
		at = len - done;
	if (at == 0)
		line[at++] = ' ';
	line[at - 1] = '\n';
	wr_bytes(out, line, at);
}

void words_title(const struct words *w, uint64_t key, unsigned count,
	struct wr *out)
{
	for (unsigned k = 0; k < count; k++) {
		unsigned i = words_pick(key, k);

		if (k > 0)
			wr_u8(out, ' ');
		wr_bytes(out, w->word[i].text, w->word[i].len);
	}
}
