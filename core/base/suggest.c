/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/suggest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define SUGGEST_MAX 64		/* longer words are not compared */

static unsigned suggest_min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static int suggest_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment: three rows of the usual table. */
static unsigned suggest_distance(const char *a, size_t alen, const char *b,
				 size_t blen)
{
	unsigned row[3][SUGGEST_MAX + 1];
	unsigned *old = row[0], *last = row[1], *now = row[2], *t;
	size_t i, k;

	for (k = 0; k <= blen; k++)
		last[k] = (unsigned)k;
	for (i = 1; i <= alen; i++) {
		now[0] = (unsigned)i;
		for (k = 1; k <= blen; k++) {
			now[k] = suggest_min(last[k] + 1, now[k - 1] + 1);
			now[k] = suggest_min(now[k], last[k - 1] +
				!suggest_same(a[i - 1], b[k - 1]));
			if (i > 1 && k > 1 &&
			    suggest_same(a[i - 1], b[k - 2]) &&
			    suggest_same(a[i - 2], b[k - 1]))
				now[k] = suggest_min(now[k], old[k - 2] + 1);
		}
		t = old;
		old = last;
		last = now;
		now = t;
	}
	return last[blen];
}

void suggest_add(struct suggest *s, const char *candidate)
{
	size_t alen = strlen(s->word), blen = strlen(candidate);
	unsigned d;

	if (alen > SUGGEST_MAX || blen > SUGGEST_MAX)
		return;
	d = suggest_distance(s->word, alen, candidate, blen);
	if (d < s->distance) {
		s->distance = d;
		s->best = candidate;
	}
}

const char *suggest_best(const struct suggest *s)
{
	size_t near = (strlen(s->word) + 2) / 3;

	return s->best && s->distance <= near ? s->best : NULL;
}
