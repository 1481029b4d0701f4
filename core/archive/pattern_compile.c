/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "archive/pattern_priv.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"

/*
 * The odd corners (what a bracket without end means, ranges that are empty,
 * "!" that comes to the front when they are taken away) are those of the
 * regular expressions that borg makes of fm and sh patterns.
 */
#define RANGE 0x110000u		/* between two characters: "-" of a range */

struct compile {
	struct pattern_glob *g;
	const uint32_t *c;	/* the pattern's characters */
	size_t n, at;
	bool sh;
	struct buf lit;		/* a literal that is being gathered */
	uint32_t stars;
};

uint32_t pattern_char(const uint8_t **p, const uint8_t *end)
{
	const uint8_t *s = *p;
	uint8_t b = *s;
	uint32_t c;
	int more, i;

	(*p)++;
	if (b < 0x80)
		return b;
	if (b < 0xC2 || b > 0xF4)
		return 0xDC00u + b;
	more = b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
	if (end - s <= more)
		return 0xDC00u + b;
	c = b & (0x3Fu >> more);
	for (i = 1; i <= more; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0xDC00u + b;
		c = c << 6 | (s[i] & 0x3Fu);
	}
	if ((more == 2 && (c < 0x800 || (c >= 0xD800 && c < 0xE000))) ||
	    (more == 3 && (c < 0x10000 || c > 0x10FFFF)))
		return 0xDC00u + b;
	*p = s + 1 + more;
	return c;
}

static size_t compile_utf8(uint8_t out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xC0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xE0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
		out[2] = (uint8_t)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (uint8_t)(0xF0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
	out[3] = (uint8_t)(0x80 | (c & 0x3F));
	return 4;
}

/* A new last token, zeroed, after the literal that came before it. */
static int compile_tok(struct compile *co, enum pattern_tok_kind kind,
		       struct pattern_tok **out, struct err *e)
{
	struct pattern_glob *g = co->g;
	struct pattern_tok *tok;
	uint32_t want = g->n + 2;
	size_t len;

	if (want > g->cap) {
		tok = mem_resize(g->tok, (size_t)want * 2, sizeof(*tok));
		if (!tok)
			return err_nomem(e);
		g->tok = tok;
		g->cap = want * 2;
	}
	if (co->lit.len) {
		tok = &g->tok[g->n++];
		*tok = (struct pattern_tok){ .kind = TOK_LIT };
		tok->lit = buf_take(&co->lit, &len);
		tok->len = (uint32_t)len;
	}
	tok = &g->tok[g->n++];
	*tok = (struct pattern_tok){ .kind = kind };
	if (out)
		*out = tok;
	return 0;
}

static bool compile_last_is(const struct compile *co,
			    enum pattern_tok_kind kind)
{
	return co->lit.len == 0 && co->g->n > 0 &&
	       co->g->tok[co->g->n - 1].kind == kind;
}

/* A star; neighbours that mean the same as one become one:  "**" "/" "*" and
 * "*" "**" "/" "*" are any string, and next to such a one a star adds
 * nothing. */
static int compile_star(struct compile *co, enum pattern_tok_kind kind,
			struct err *e)
{
	struct pattern_glob *g = co->g;

	if (compile_last_is(co, kind) || compile_last_is(co, TOK_STAR))
		return 0;
	if (kind == TOK_SEG && compile_last_is(co, TOK_DIRS))
		kind = TOK_STAR;
	if (kind == TOK_STAR)
		while (compile_last_is(co, TOK_DIRS) ||
		       compile_last_is(co, TOK_SEG))
			g->n--;
	if (++co->stars > PATTERN_MAX_STARS)
		return err_set(e, ERR_CONFIG, "it has more than %d stars",
			       PATTERN_MAX_STARS);
	return compile_tok(co, kind, NULL, e);
}

static int set_add(struct pattern_charset *s, uint32_t lo, uint32_t hi,
		   struct err *e)
{
	struct pattern_range *range;
	uint32_t c;

	for (c = lo; c <= hi && c < 128; c++)
		s->ascii[c / 64] |= (uint64_t)1 << (c % 64);
	if (hi < 128)
		return 0;
	range = mem_resize(s->range, s->n_ranges + 1, sizeof(*range));
	if (!range)
		return err_nomem(e);
	s->range = range;
	range[s->n_ranges++] = (struct pattern_range){ lo < 128 ? 128 : lo,
						       hi };
	return 0;
}

static void set_negate(struct pattern_charset *s)
{
	s->ascii[0] = ~s->ascii[0];
	s->ascii[1] = ~s->ascii[1];
	s->other = true;
}

/* The inside of a bracket as a regular expression has it, ranges marked. */
static int compile_set(struct compile *co, const uint32_t *c, size_t n,
		       struct err *e)
{
	struct pattern_tok *t;
	bool negate = n > 0 && c[0] == '!';
	uint32_t lo, hi;
	size_t i;
	int rc;

	rc = compile_tok(co, TOK_ONE, &t, e);
	for (i = negate; rc == 0 && i < n; i++) {
		lo = hi = c[i] == RANGE ? '-' : c[i];
		if (i + 2 < n && c[i + 1] == RANGE) {
			hi = c[i + 2];
			i += 2;
		}
		if (hi < lo)
			return err_set(e, ERR_CONFIG,
				       "a range in brackets is backwards");
		rc = set_add(&t->set, lo, hi, e);
	}
	if (rc == 0 && negate)
		set_negate(&t->set);
	return rc;
}

/* sh: "x-y" is a range wherever a regular expression sees one. */
static int compile_set_sh(struct compile *co, const uint32_t *c, size_t n,
			  struct err *e)
{
	uint32_t *out = mem_array(n, sizeof(*out));
	size_t i = 0, len = 0;
	int rc;

	if (!out)
		return err_nomem(e);
	if (c[0] == '!')
		out[len++] = c[i++];
	while (i < n) {
		out[len++] = c[i++];
		if (i + 1 < n && c[i] == '-') {
			out[len++] = RANGE;
			out[len++] = c[i + 1];
			i += 2;
		}
	}
	rc = compile_set(co, out, len, e);
	free(out);
	return rc;
}

struct chunk {
	size_t from, to;	/* characters of the bracket */
	bool dash;		/* and then a '-' */
};

/* Cut at the '-' that make ranges, the way fnmatch does it. */
static size_t compile_chunks(const uint32_t *c, size_t n, struct chunk *ch)
{
	size_t i = 0, k = c[0] == '!' ? 2 : 1, count = 0;

	for (;; i = k + 1, k += 3) {
		while (k < n && c[k] != '-')
			k++;
		if (k >= n)
			break;
		ch[count++] = (struct chunk){ i, k, false };
	}
	if (i < n)
		ch[count++] = (struct chunk){ i, n, false };
	else
		ch[count - 1].dash = true;
	return count;
}

/*
 * fm: fnmatch takes ranges that are empty away (with their two ends), and
 * only then looks whether a '!' stands first.  Chunks that lose a range are
 * glued in 'out', which is built from the back.
 */
static int compile_set_fm(struct compile *co, const uint32_t *c, size_t n,
			  struct err *e)
{
	struct chunk *ch = mem_array(n, sizeof(*ch));
	uint32_t *out = mem_array(2 * n + 1, sizeof(*out));
	size_t top = 2 * n + 1, count, k, i;
	int rc;

	if (!ch || !out) {
		rc = err_nomem(e);
		goto done;
	}
	count = compile_chunks(c, n, ch);
	for (k = count; k-- > 0;) {
		size_t to = ch[k].to;

		if (k + 1 < count) {
			/* 'out' begins with the chunk behind this one. */
			if (c[to - 1] > out[top]) {
				to--;
				top++;
			} else {
				out[--top] = RANGE;
			}
		}
		if (ch[k].dash)
			out[--top] = '-';
		for (i = to; i-- > ch[k].from;)
			out[--top] = c[i];
	}
	rc = compile_set(co, out + top, 2 * n + 1 - top, e);
done:
	free(ch);
	free(out);
	return rc;
}

/* At the character behind a '['. */
static int compile_bracket(struct compile *co, struct err *e)
{
	const uint32_t *c = co->c + co->at;
	size_t n = co->n - co->at, j = 0;

	if (j < n && c[j] == '!')
		j++;
	if (j < n && c[j] == ']')
		j++;
	while (j < n && c[j] != ']')
		j++;
	if (j >= n)
		return buf_append(&co->lit, "[", 1, e);
	co->at += j + 1;
	return co->sh ? compile_set_sh(co, c, j, e) :
			compile_set_fm(co, c, j, e);
}

/* '?' */
static int compile_any_one(struct compile *co, struct err *e)
{
	struct pattern_tok *t;
	int rc = compile_tok(co, TOK_ONE, &t, e);

	if (rc == 0 && co->sh)
		rc = set_add(&t->set, '/', '/', e);
	if (rc == 0)
		set_negate(&t->set);
	return rc;
}

static int compile_plain(struct compile *co, uint32_t c, struct err *e)
{
	struct pattern_tok *t;
	uint8_t bytes[4];
	int rc;

	if (c < 0xDC80 || c > 0xDCFF)
		return buf_append(&co->lit, bytes, compile_utf8(bytes, c), e);
	rc = compile_tok(co, TOK_ONE, &t, e);
	if (rc == 0)
		rc = set_add(&t->set, c, c, e);
	return rc;
}

static int compile_next(struct compile *co, struct err *e)
{
	uint32_t c = co->c[co->at++];

	switch (c) {
	case '*':
		if (!co->sh)
			return compile_star(co, TOK_STAR, e);
		if (co->at + 1 < co->n && co->c[co->at] == '*' &&
		    co->c[co->at + 1] == '/') {
			co->at += 2;
			return compile_star(co, TOK_DIRS, e);
		}
		return compile_star(co, TOK_SEG, e);
	case '?':
		return compile_any_one(co, e);
	case '[':
		return compile_bracket(co, e);
	default:
		return compile_plain(co, c, e);
	}
}

/* The stars that can be tried in vain more than once: all, if there are any
 * but those that match everything. */
static void compile_number(struct pattern_glob *g)
{
	bool any = false;
	uint32_t i;

	for (i = 0; i < g->n; i++)
		any = any || g->tok[i].kind == TOK_SEG ||
			g->tok[i].kind == TOK_DIRS;
	for (i = 0; any && i < g->n; i++)
		if (g->tok[i].kind == TOK_SEG || g->tok[i].kind == TOK_DIRS ||
		    g->tok[i].kind == TOK_STAR)
			g->tok[i].star = g->n_stars++;
}

/* "any string" at the end needs no search, nor does one with only a '/' after
 * it, as every path ends in '/'. */
static int compile_end(struct compile *co, struct err *e)
{
	struct pattern_glob *g = co->g;
	enum pattern_tok_kind kind = TOK_END;
	struct pattern_tok *t;
	int rc = compile_tok(co, TOK_END, NULL, e);

	if (rc < 0)
		return rc;
	t = &g->tok[--g->n];
	if (g->n >= 1 && t[-1].kind == TOK_STAR) {
		kind = TOK_ANY;
		g->n--;
	} else if (g->n >= 2 && t[-1].kind == TOK_LIT && t[-1].len == 1 &&
		   *t[-1].lit == '/' && t[-2].kind == TOK_STAR) {
		kind = TOK_MORE;
		free(t[-1].lit);
		g->n -= 2;
	}
	while (kind != TOK_END && g->n > 0 &&
	       (g->tok[g->n - 1].kind == TOK_SEG ||
		g->tok[g->n - 1].kind == TOK_DIRS))
		g->n--;
	g->tok[g->n++] = (struct pattern_tok){ .kind = kind };
	compile_number(g);
	return 0;
}

/* What borg makes of the text before it looks at the wildcards. */
static char *compile_prepare(enum pattern_style style, const char *text)
{
	size_t len = strlen(text);
	bool slash = len > 0 && text[len - 1] == '/';
	char *norm = path_norm(text), *out;
	const char *tail, *rel;

	if (!norm)
		return NULL;
	len = strlen(norm);
	while (len > 0 && norm[len - 1] == '/')
		norm[--len] = '\0';
	if (style == PATTERN_PP)
		tail = "/";
	else if (style == PATTERN_FM)
		tail = slash ? "/*/" : "/*";
	else
		tail = slash ? "/**/*/" : "/**/*";
	rel = path_strip(norm);
	out = mem_printf("%s%s", rel, tail + !*rel);
	free(norm);
	return out;
}

static int compile_all(struct compile *co, enum pattern_style style,
		       struct err *e)
{
	int rc = 0;

	while (rc == 0 && co->at < co->n) {
		if (style == PATTERN_PP)
			rc = compile_plain(co, co->c[co->at++], e);
		else
			rc = compile_next(co, e);
	}
	if (rc == 0 && style == PATTERN_PP)
		rc = compile_star(co, TOK_STAR, e);
	return rc < 0 ? rc : compile_end(co, e);
}

int pattern_glob_new(struct pattern_glob **out, enum pattern_style style,
		     const char *text, struct err *e)
{
	struct compile co = { .sh = style == PATTERN_SH, .lit = BUF_INIT };
	char *full = compile_prepare(style, text);
	const uint8_t *p, *end;
	uint32_t *chars = NULL;
	int rc;

	*out = NULL;
	if (!full)
		return err_nomem(e);
	p = (const uint8_t *)full;
	end = p + strlen(full);
	chars = mem_array((size_t)(end - p) + 1, sizeof(*chars));
	co.g = mem_zero(1, sizeof(*co.g));
	if (!chars || !co.g) {
		rc = err_nomem(e);
		goto out;
	}
	while (p < end)
		chars[co.n++] = pattern_char(&p, end);
	co.c = chars;
	rc = compile_all(&co, style, e);
	if (rc == 0) {
		*out = co.g;
		co.g = NULL;
	}
out:
	pattern_glob_free(co.g);
	buf_release(&co.lit);
	free(chars);
	free(full);
	return rc;
}
