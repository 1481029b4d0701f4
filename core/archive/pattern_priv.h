/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_PATTERN_PRIV_H
#define ARCHIVE_PATTERN_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/pattern.h"

/*
 * fm, sh and pp as tokens.  What is matched is always the path with a '/'
 * after it, which is not in memory: a pattern then covers the path itself or
 * a leading part of it that ends at a '/', without any special case.
 * Characters are those of Python's UTF-8 with surrogateescape: a byte b that
 * is no UTF-8 counts as one character of its own, number 0xDC00 + b.
 */
enum pattern_tok_kind {
	TOK_LIT,	/* these bytes */
	TOK_ONE,	/* one character of a set */
	TOK_STAR,	/* any characters */
	TOK_SEG,	/* any characters but '/' */
	TOK_DIRS,	/* any number of "NAME/" */
	/* The last token is one of these: */
	TOK_END,	/* nothing */
	TOK_ANY,	/* anything or nothing */
	TOK_MORE	/* anything */
};
struct pattern_range {
	uint32_t lo, hi;
};
struct pattern_charset {
	uint64_t ascii[2];		/* the verdict for those below 128 */
	bool other;			/* for the rest, unless in a range */
	uint32_t n_ranges;
	struct pattern_range *range;	/* those above 127 where it is not */
};
struct pattern_tok {
	enum pattern_tok_kind kind;
	uint32_t len;			/* LIT: > 0 */
	uint32_t star;			/* its number: 0, 1, 2 ... */
	uint8_t *lit;			/* LIT: whole UTF-8 characters */
	struct pattern_charset set;	/* ONE */
};
#define PATTERN_MAX_BYTES (64u << 10)
#define PATTERN_MAX_STARS 1000		/* they nest when they match */
struct pattern_glob {
	struct pattern_tok *tok;
	uint32_t n, cap;
	uint32_t n_stars;	/* STAR, SEG and DIRS; 0 if all are STAR */
};

/* The character at *p, which moves behind it; *p < end. */
uint32_t pattern_char(const uint8_t **p, const uint8_t *end);

/* 'text' without its style prefix. */
int pattern_glob_new(struct pattern_glob **out, enum pattern_style style,
		     const char *text, struct err *e);
void pattern_glob_free(struct pattern_glob *g);		/* NULL ok */
/* 'path' is relative and does not end in '/'. */
bool pattern_glob_match(const struct pattern_glob *g, const char *path,
			size_t len);

/* Which paths below a directory can match? */
enum pattern_below { PATTERN_BELOW_NONE, PATTERN_BELOW_SOME,
		     PATTERN_BELOW_ALL };
enum pattern_below pattern_glob_below(const struct pattern_glob *g,
				      const char *dir, size_t len);

struct pattern_re;
int pattern_re_new(struct pattern_re **out, const char *text, struct err *e);
void pattern_re_free(struct pattern_re *re);		/* NULL ok */
bool pattern_re_match(struct pattern_re *re, const char *path, size_t len);

struct pattern_rule {
	enum pattern_verdict verdict;
	struct pattern_glob *glob;	/* fm, sh, pp */
	struct pattern_re *re;		/* re */
	char *full;			/* pf: the path */
	char *text;			/* as it was given */
	size_t full_len;
	bool operand;			/* set by pattern_add_rule */
	atomic_bool matched;
};

/* A rule list with its state; rules never move once they are made. */
struct pattern_set {
	struct pattern_rule **rule;	/* in order, without pf */
	size_t n_rules, rules_cap;
	struct pattern_rule **operand;	/* paths, after all rules */
	size_t n_operands, operands_cap;
	struct pattern_rule **full;	/* pf, sorted, no path twice */
	size_t n_full, full_cap;
	struct strv roots;
	enum pattern_style style;	/* of add_line */
	bool have_operand;
};

/* Compile "[xx:]TEXT".  Owned by the caller. */
int pattern_rule_new(struct pattern_rule **out, const char *text,
		     enum pattern_style style, enum pattern_verdict verdict,
		     struct err *e);
void pattern_rule_free(struct pattern_rule *r);		/* NULL ok */
/* Takes 'r', also on failure. */
int pattern_add_rule(struct pattern_set *s, struct pattern_rule *r,
		     bool operand, struct err *e);
/* "fm" ... of two letters; false: none of ours. */
bool pattern_style_parse(enum pattern_style *out, const char *two);

#endif
