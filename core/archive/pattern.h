/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_PATTERN_H
#define ARCHIVE_PATTERN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"

/*
 * borg 1.4's patterns: five styles (fm sh re pp pf), include and exclude
 * rules in order, first match wins, "pf" by hash and always first.  Paths are
 * matched without leading "/", "./", "../".  Semantics: the section on
 * patterns of muniment(1), which follows borg 1.4 exactly.
 */
struct pattern_set;

enum pattern_style {
	PATTERN_FM, PATTERN_SH, PATTERN_RE, PATTERN_PP, PATTERN_PF
};
enum pattern_verdict {
	PATTERN_NONE,		/* no rule matched */
	PATTERN_INCLUDE,
	PATTERN_EXCLUDE,	/* but look inside */
	PATTERN_EXCLUDE_TREE	/* and do not look inside */
};

struct pattern_set *pattern_new(void);		/* NULL: memory */
void pattern_free(struct pattern_set *s);	/* NULL ok */

/* --exclude TEXT: default style fm, PATTERN_EXCLUDE_TREE. */
int pattern_add_exclude(struct pattern_set *s, const char *text,
			struct err *e);
/* --pattern LINE: "+ x", "- x", "! x", "R path", "P style"; default style
 * sh, or what a P line before it said. */
int pattern_add_line(struct pattern_set *s, const char *line, struct err *e);
/* --patterns-from, --exclude-from: messages name file and line. */
int pattern_add_file(struct pattern_set *s, const char *path, bool excludes,
		     struct err *e);
/* A PATH operand of extract, list, ...: default style pp, include; once there
 * is one, what nothing matches is left out. */
int pattern_add_path(struct pattern_set *s, const char *text, struct err *e);

/* 'path' as stored or as on disk.  Any thread. */
enum pattern_verdict pattern_match(struct pattern_set *s, const char *path);
/* What to do with a path that nothing matches: true for include. */
bool pattern_default(const struct pattern_set *s);
/* match + default: shall it be taken? */
bool pattern_wants(struct pattern_set *s, const char *path);
/* Can anything below this directory still be wanted?  (false lets a reader
 * skip a tree; true is always right.) */
bool pattern_may_descend(struct pattern_set *s, const char *dir);

/* Roots named by "R" lines. */
const struct strv *pattern_roots(const struct pattern_set *s);
/* PATH operands and include rules that matched nothing so far; free with
 * strv_release. */
int pattern_unmatched(struct pattern_set *s, struct strv *out, struct err *e);
bool pattern_empty(const struct pattern_set *s);

#endif
