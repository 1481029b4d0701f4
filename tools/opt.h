/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_OPT_H
#define TOOLS_OPT_H

#include "core/core.h"

/*
 * Options are rows.  The parser, --help, the shell completions and the test of
 * the man page read the same rows.
 */
struct opt_row;

/* Store 'value' (NULL: the row takes none) at 'dst'. */
typedef int opt_set_fn(void *dst, const struct opt_row *row,
		       const char *value, struct err *e);

enum opt_type {
	OPT_END,	/* of the rows */
	OPT_BOOL,	/* bool; --no-NAME makes it false */
	OPT_STR,	/* const char *, into argv */
	OPT_LIST,	/* struct strv; may be given more than once; 'set', if
			 * there is one, adds what it makes of the value */
	OPT_COUNT,	/* unsigned */
	OPT_FN		/* what 'set' makes of it */
};
enum opt_flags {
	OPT_REPEAT = 1 << 0,	/* again is no mistake: the last one counts,
				 * or 'set' collects */
	OPT_PLAIN = 1 << 1,	/* an OPT_FN without a value */
	OPT_LEVEL = 1 << 2,	/* an OPT_FN whose value, -2 .. 2, may be
				 * missing */
	OPT_SHARED = 1 << 3	/* given for one action of a run, it counts
				 * for all that have it */
};
struct opt_row {
	enum opt_type type;
	char letter;		/* 0: none */
	const char *name;	/* "list|files": the first is shown */
	size_t at;		/* offset in the group's struct */
	const char *value;	/* "FORMAT"; NULL: takes none */
	const char *help;
	unsigned flags;		/* enum opt_flags */
	opt_set_fn *set;
};
/* Rows that share a struct, which is at offset 'at' of the set's memory. */
struct opt_group {
	const struct opt_row *row;	/* NULL: the end of the groups */
	size_t at;
	const char *title;
};
#define OPT_ROWS_MAX 96

/* Options that none of the sets has, but that somebody else may want. */
struct opt_other {
	/* The row to read the value by, or NULL: nobody does.  'name' is NULL
	 * for a letter. */
	const struct opt_row *(*find)(void *ctx, char letter,
				      const char *name);
	/* 'value' is in argv, or NULL. */
	int (*take)(void *ctx, char letter, const char *name,
		    const char *value, struct err *e);
	void *ctx;
};

/* Groups with the memory for their values. */
struct opt_set {
	const struct opt_group *group;
	void *base;
	bool seen[OPT_ROWS_MAX];
};

struct opt_parser {
	char *const *argv;
	int argc, at;
	const char *action;	/* for messages; NULL: before the action */
	struct opt_set *set[2];	/* searched in this order */
	unsigned nset;
	const struct opt_other *other;	/* NULL: such options are unknown */
	const char *bundle;	/* the rest of "-abc" */
	bool ended;		/* "--" was read */
};

/* argv[0] is skipped. */
void opt_init(struct opt_parser *p, int argc, char *const *argv);
/* The action's own options go before those that all actions have. */
void opt_push(struct opt_parser *p, struct opt_set *s);
void opt_pop(struct opt_parser *p);
/* Stores options until the next operand: 1 and *word.  0: the end.
 * ERR_CONFIG: says what is wrong and, if something is near, what was meant. */
int opt_next(struct opt_parser *p, const char **word, struct err *e);
/* Frees the lists in 'base'. */
void opt_release(const struct opt_group *g, void *base);

/* The row of an option by its letter, or by its name if that is 0 ("no-X" of
 * a bool, too); NULL: there is none.  *index: its place in opt_set.seen. */
const struct opt_row *opt_find(const struct opt_group *g, char letter,
			       const char *name, unsigned *index);
/* Store it as if it had been read; 'value' NULL: none.  A bug if the set has
 * no such option. */
int opt_put(struct opt_set *s, char letter, const char *name,
	    const char *value, struct err *e);
/* Lists in 'base', a copy of other values byte by byte, get memory of their
 * own. */
int opt_own(const struct opt_group *g, void *base, struct err *e);
/* Does the option take a value? */
bool opt_takes(const struct opt_row *row);

/* The i-th of the names of a row into 'out'; false: it has fewer. */
#define OPT_NAME_MAX 48
bool opt_name(const struct opt_row *row, unsigned i, char out[OPT_NAME_MAX]);

/* suggest_add all names of "list|files"; the best one is kept in 'best'. */
void opt_suggest(struct suggest *s, const char *names,
		 char best[OPT_NAME_MAX]);

/* For OPT_FN rows: an octal mode, at most 0777, into an unsigned. */
int opt_set_octal(void *dst, const struct opt_row *row, const char *value,
		  struct err *e);

#endif
