/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/pattern.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "archive/pattern_priv.h"
#include "base/mem.h"
#include "base/path.h"

static const char *const style_name[] = {
	[PATTERN_FM] = "fm", [PATTERN_SH] = "sh", [PATTERN_RE] = "re",
	[PATTERN_PP] = "pp", [PATTERN_PF] = "pf",
};

struct pattern_set *pattern_new(void)
{
	struct pattern_set *s = mem_zero(1, sizeof(*s));

	if (s)
		s->style = PATTERN_SH;
	return s;
}

void pattern_free(struct pattern_set *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n_rules; i++)
		pattern_rule_free(s->rule[i]);
	for (i = 0; i < s->n_operands; i++)
		pattern_rule_free(s->operand[i]);
	for (i = 0; i < s->n_full; i++)
		pattern_rule_free(s->full[i]);
	free(s->rule);
	free(s->operand);
	free(s->full);
	strv_release(&s->roots);
	free(s);
}

void pattern_rule_free(struct pattern_rule *r)
{
	if (!r)
		return;
	pattern_glob_free(r->glob);
	pattern_re_free(r->re);
	free(r->full);
	free(r->text);
	free(r);
}

bool pattern_style_parse(enum pattern_style *out, const char *two)
{
	size_t i;

	for (i = 0; i < sizeof(style_name) / sizeof(*style_name); i++)
		if (memcmp(style_name[i], two, 2) == 0) {
			*out = (enum pattern_style)i;
			return true;
		}
	return false;
}

static int rule_compile(struct pattern_rule *r, enum pattern_style style,
			const char *text, struct err *e)
{
	char *norm;

	if (style == PATTERN_RE)
		return pattern_re_new(&r->re, text, e);
	if (style != PATTERN_PF)
		return pattern_glob_new(&r->glob, style, text, e);
	norm = path_norm(text);
	if (norm)
		r->full = mem_str(path_strip(norm));
	free(norm);
	if (!r->full)
		return err_nomem(e);
	r->full_len = strlen(r->full);
	return 0;
}

int pattern_rule_new(struct pattern_rule **out, const char *text,
		     enum pattern_style style, enum pattern_verdict verdict,
		     struct err *e)
{
	struct pattern_rule *r;
	const char *body = text;
	size_t len = strlen(text);
	int rc;

	*out = NULL;
	if (len > PATTERN_MAX_BYTES)
		return err_set(e, ERR_CONFIG,
			       "a pattern is longer than %u bytes",
			       PATTERN_MAX_BYTES);
	if (len > 2 && text[2] == ':' && isalnum((unsigned char)text[0]) &&
	    isalnum((unsigned char)text[1])) {
		if (!pattern_style_parse(&style, text))
			return err_set(e, ERR_CONFIG, "unknown pattern style "
				       "'%.2s' (fm, sh, re, pp, pf)", text);
		body = text + 3;
	}
	r = mem_zero(1, sizeof(*r));
	if (!r)
		return err_nomem(e);
	r->verdict = verdict;
	r->text = mem_str(text);
	rc = r->text ? rule_compile(r, style, body, e) : err_nomem(e);
	if (rc < 0) {
		pattern_rule_free(r);
		return err_ctx(e, "pattern '%.200s'", text);
	}
	*out = r;
	return 0;
}

static int rule_cmp(const char *a, size_t alen, const char *b, size_t blen)
{
	int d = memcmp(a, b, alen < blen ? alen : blen);

	return d ? d : (alen > blen) - (alen < blen);
}

/* Where 'path' is in s->full, or belongs. */
static size_t full_place(const struct pattern_set *s, const char *path,
			 size_t len)
{
	size_t lo = 0, hi = s->n_full, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (rule_cmp(s->full[mid]->full, s->full[mid]->full_len,
			     path, len) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct pattern_rule *full_find(const struct pattern_set *s,
				      const char *path, size_t len)
{
	size_t i = full_place(s, path, len);

	if (i < s->n_full && s->full[i]->full_len == len &&
	    memcmp(s->full[i]->full, path, len) == 0)
		return s->full[i];
	return NULL;
}

static int list_insert(struct pattern_rule ***list, size_t *n, size_t *cap,
		       size_t at, struct pattern_rule *r, struct err *e)
{
	struct pattern_rule **v = *list;

	if (*n == *cap) {
		v = mem_resize(v, *cap ? *cap * 2 : 16, sizeof(*v));
		if (!v) {
			pattern_rule_free(r);
			return err_nomem(e);
		}
		*list = v;
		*cap = *cap ? *cap * 2 : 16;
	}
	memmove(v + at + 1, v + at, (*n - at) * sizeof(*v));
	v[at] = r;
	(*n)++;
	return 0;
}

int pattern_add_rule(struct pattern_set *s, struct pattern_rule *r,
		     bool operand, struct err *e)
{
	struct pattern_rule *old;
	size_t at;

	r->operand = operand;
	if (operand)
		s->have_operand = true;
	if (r->full) {
		/* The last one that names a path counts; operands are behind
		 * all rules. */
		at = full_place(s, r->full, r->full_len);
		old = full_find(s, r->full, r->full_len);
		if (old && old->operand && !operand) {
			pattern_rule_free(r);
			return 0;
		}
		if (old) {
			pattern_rule_free(old);
			s->full[at] = r;
			return 0;
		}
		return list_insert(&s->full, &s->n_full, &s->full_cap, at, r,
				   e);
	}
	if (operand)
		return list_insert(&s->operand, &s->n_operands,
				   &s->operands_cap, s->n_operands, r, e);
	return list_insert(&s->rule, &s->n_rules, &s->rules_cap, s->n_rules, r,
			   e);
}

static bool rule_match(struct pattern_rule *r, const char *path, size_t len)
{
	if (r->glob ? !pattern_glob_match(r->glob, path, len) :
	    !pattern_re_match(r->re, path, len))
		return false;
	/* Read first: a store would take the line from the other threads. */
	if (!atomic_load_explicit(&r->matched, memory_order_relaxed))
		atomic_store_explicit(&r->matched, true, memory_order_relaxed);
	return true;
}

enum pattern_verdict pattern_match(struct pattern_set *s, const char *path)
{
	struct pattern_rule *r;
	size_t len, i;

	path = path_strip(path);
	len = strlen(path);
	if (s->n_full && (r = full_find(s, path, len))) {
		atomic_store_explicit(&r->matched, true, memory_order_relaxed);
		return r->verdict;
	}
	for (i = 0; i < s->n_rules; i++)
		if (rule_match(s->rule[i], path, len))
			return s->rule[i]->verdict;
	for (i = 0; i < s->n_operands; i++)
		if (rule_match(s->operand[i], path, len))
			return s->operand[i]->verdict;
	return PATTERN_NONE;
}

bool pattern_default(const struct pattern_set *s)
{
	return !s->have_operand;
}

bool pattern_wants(struct pattern_set *s, const char *path)
{
	enum pattern_verdict v = pattern_match(s, path);

	return v == PATTERN_NONE ? pattern_default(s) : v == PATTERN_INCLUDE;
}

/* Is a file below 'dir' wanted by its full path? */
static bool full_below(const struct pattern_set *s, const char *dir,
		       size_t len)
{
	size_t i;

	for (i = full_place(s, dir, len); i < s->n_full; i++) {
		const struct pattern_rule *r = s->full[i];

		if (r->full_len < len || memcmp(r->full, dir, len) != 0)
			break;
		if (r->verdict == PATTERN_INCLUDE && r->full_len > len &&
		    r->full[len] == '/')
			return true;
	}
	return false;
}

/* 1: something below is wanted by this rule, 0: all below is unwanted,
 * -1: the rules behind it matter. */
static int rule_descend(const struct pattern_rule *r, const char *dir,
			size_t len)
{
	enum pattern_below b = r->glob ?
		pattern_glob_below(r->glob, dir, len) : PATTERN_BELOW_SOME;

	if (b == PATTERN_BELOW_NONE)
		return -1;
	if (r->verdict == PATTERN_INCLUDE)
		return 1;
	return b == PATTERN_BELOW_ALL ? 0 : -1;
}

bool pattern_may_descend(struct pattern_set *s, const char *dir)
{
	size_t len, i;
	int way;

	dir = path_strip(dir);
	len = strlen(dir);
	if (len == 0 || strcmp(dir, ".") == 0 || strcmp(dir, "..") == 0 ||
	    full_below(s, dir, len))
		return true;
	for (i = 0; i < s->n_rules + s->n_operands; i++) {
		way = rule_descend(i < s->n_rules ? s->rule[i] :
				   s->operand[i - s->n_rules], dir, len);
		if (way >= 0)
			return way;
	}
	return pattern_default(s);
}

const struct strv *pattern_roots(const struct pattern_set *s)
{
	return &s->roots;
}

static int unmatched(struct pattern_rule *const *list, size_t n,
		     struct strv *out, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		if (list[i]->verdict == PATTERN_INCLUDE &&
		    !atomic_load(&list[i]->matched))
			rc = strv_add(out, list[i]->text, e);
	return rc;
}

int pattern_unmatched(struct pattern_set *s, struct strv *out, struct err *e)
{
	int rc = unmatched(s->rule, s->n_rules, out, e);

	if (rc == 0)
		rc = unmatched(s->operand, s->n_operands, out, e);
	if (rc == 0)
		rc = unmatched(s->full, s->n_full, out, e);
	return rc;
}

bool pattern_empty(const struct pattern_set *s)
{
	return s->n_rules + s->n_operands + s->n_full == 0;
}
