/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/pattern_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/*
 * Matching is depth-first over the stars.  A star that failed from one place
 * fails from there again, so 'seen' has a bit for each of them and each place:
 * the work is at most tokens times length.  A STAR has a bit for each place
 * that it has reached out to: where it meets one, it has tried all behind it.
 * If there are only STARs, none needs to be given up again for an earlier one,
 * because all that an earlier one could add, it can swallow itself: if it
 * fails, all is lost.
 */
#define SEEN_WORDS 128

struct glob_run {
	const struct pattern_glob *g;
	const uint8_t *start;
	const uint8_t *end;	/* behind the '/' that is not in memory */
	uint64_t *seen;		/* NULL: do without */
	bool below;		/* more follows behind that '/' */
	bool lost;
};

static bool glob_run(struct glob_run *r, uint32_t ti, const uint8_t *p);

static bool glob_is_slash(const struct glob_run *r, const uint8_t *p)
{
	return p == r->end - 1 || *p == '/';
}

static uint32_t glob_char(const struct glob_run *r, const uint8_t **p)
{
	if (*p == r->end - 1) {
		(*p)++;
		return '/';
	}
	return pattern_char(p, r->end - 1);
}

static bool glob_lit(const struct glob_run *r, const struct pattern_tok *t,
		     const uint8_t *p)
{
	size_t left = (size_t)(r->end - p);

	if (t->len < left)
		return memcmp(p, t->lit, t->len) == 0;
	return t->len == left && t->lit[t->len - 1] == '/' &&
	       memcmp(p, t->lit, t->len - 1) == 0;
}

static bool glob_in_set(const struct pattern_charset *set, uint32_t c)
{
	uint32_t i;

	if (c < 128)
		return set->ascii[c / 64] >> (c % 64) & 1;
	for (i = 0; i < set->n_ranges; i++)
		if (c >= set->range[i].lo && c <= set->range[i].hi)
			return !set->other;
	return set->other;
}

/* The first place from p on, before 'limit', where the literal is; NULL. */
static const uint8_t *glob_find(const struct glob_run *r,
				const struct pattern_tok *t, const uint8_t *p,
				const uint8_t *limit)
{
	const uint8_t *real = r->end - 1, *last = r->end - t->len, *q;

	if ((size_t)(r->end - p) < t->len)
		return NULL;
	if (limit > last + 1)
		limit = last + 1;
	if (limit <= p)
		return NULL;
	q = limit - 1 + t->len <= real ? limit - 1 + t->len : real;
	q = memmem(p, (size_t)(q - p), t->lit, t->len);
	if (q)
		return q;
	return last < limit && glob_lit(r, t, last) ? last : NULL;
}

/* Was star number 'star' tried from p before?  It is now. */
static bool glob_tried(struct glob_run *r, uint32_t star, const uint8_t *p)
{
	size_t bit = (size_t)(p - r->start) * r->g->n_stars + star;
	uint64_t mask = (uint64_t)1 << (bit % 64);
	bool was;

	if (!r->seen)
		return false;
	was = r->seen[bit / 64] & mask;
	r->seen[bit / 64] |= mask;
	return was;
}

/* STAR and SEG: all that follows, from p or any later place in reach. */
static bool glob_skip(struct glob_run *r, uint32_t ti, const uint8_t *p)
{
	const struct pattern_tok *next = &r->g->tok[ti + 1];
	bool star = r->g->tok[ti].kind == TOK_STAR;
	const uint8_t *limit = r->end, *slash;

	if (!star) {
		slash = memchr(p, '/', (size_t)(r->end - p) -
			       (p < r->end));
		limit = slash ? slash : r->end - (p < r->end);
	}
	while (p <= limit) {
		if (next->kind == TOK_LIT) {
			p = glob_find(r, next, p, limit + 1);
			if (!p)
				break;
		}
		if (star && glob_tried(r, r->g->tok[ti].star, p))
			return false;
		if (glob_run(r, ti + 1, p))
			return true;
		if (r->lost || p == limit)
			break;
		glob_char(r, &p);
	}
	r->lost |= star && r->g->n_stars == 0;
	return false;
}

static bool glob_dirs(struct glob_run *r, uint32_t ti, const uint8_t *p)
{
	for (;;) {
		if (glob_run(r, ti + 1, p))
			return true;
		if (r->lost)
			return false;
		while (p < r->end && !glob_is_slash(r, p))
			p++;
		if (p == r->end)
			return false;
		p++;
	}
}

static bool glob_run(struct glob_run *r, uint32_t ti, const uint8_t *p)
{
	const struct pattern_tok *t;

	for (;; ti++) {
		t = &r->g->tok[ti];
		switch (t->kind) {
		case TOK_LIT:
			if (!glob_lit(r, t, p))
				return false;
			p += t->len;
			break;
		case TOK_ONE:
			if (p == r->end ||
			    !glob_in_set(&t->set, glob_char(r, &p)))
				return false;
			break;
		case TOK_STAR:
			return glob_skip(r, ti, p);
		case TOK_SEG:
			return !glob_tried(r, t->star, p) &&
			       glob_skip(r, ti, p);
		case TOK_DIRS:
			return !glob_tried(r, t->star, p) &&
			       glob_dirs(r, ti, p);
		case TOK_END:
			return p == r->end;
		case TOK_ANY:
			return true;
		case TOK_MORE:
			return p < r->end || r->below;
		}
	}
}

static bool glob_search(struct glob_run *r, size_t len)
{
	uint64_t some[SEEN_WORDS], *more = NULL;
	const struct pattern_glob *g = r->g;
	size_t words;
	bool yes;

	if (g->tok[0].kind == TOK_LIT && !glob_lit(r, &g->tok[0], r->start))
		return false;
	if (g->n_stars > 1) {
		words = ((len + 2) * g->n_stars + 63) / 64;
		if (words <= SEEN_WORDS) {
			memset(some, 0, words * sizeof(*some));
			r->seen = some;
		} else {
			/* Without it the answer is the same, only later. */
			more = mem_zero(words, sizeof(*more));
			r->seen = more;
		}
	}
	yes = glob_run(r, 0, r->start);
	free(more);
	return yes;
}

bool pattern_glob_match(const struct pattern_glob *g, const char *path,
			size_t len)
{
	struct glob_run r = { .g = g, .start = (const uint8_t *)path,
			      .end = (const uint8_t *)path + len + 1 };

	return glob_search(&r, len);
}

enum pattern_below pattern_glob_below(const struct pattern_glob *g,
				      const char *dir, size_t len)
{
	struct glob_run r = { .g = g, .start = (const uint8_t *)dir,
			      .end = (const uint8_t *)dir + len + 1,
			      .below = true };
	const struct pattern_tok *t = &g->tok[0];
	size_t n;

	if (t->kind == TOK_LIT) {
		n = t->len < len ? t->len : len;
		if (memcmp(t->lit, dir, n) != 0 ||
		    (t->len > len && t->lit[len] != '/'))
			return PATTERN_BELOW_NONE;
	}
	if (g->tok[g->n - 1].kind != TOK_END && glob_search(&r, len))
		return PATTERN_BELOW_ALL;
	return PATTERN_BELOW_SOME;
}

void pattern_glob_free(struct pattern_glob *g)
{
	uint32_t i;

	if (!g)
		return;
	for (i = 0; i < g->n; i++) {
		free(g->tok[i].lit);
		free(g->tok[i].set.range);
	}
	free(g->tok);
	free(g);
}
