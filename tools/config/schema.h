/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "tools/config/config.h"
#include "tools/config/item.h"

/*
 * Every key, as rows: the loader, the options of the command line, `config
 * generate` and the test of muniment.yaml(5) read the same rows.
 */
enum schema_type {
	SCHEMA_END,	/* of the rows */
	SCHEMA_STR,	/* char *; any single value, as its text */
	SCHEMA_BOOL,	/* bool */
	SCHEMA_TRI,	/* unsigned, enum config_tri */
	SCHEMA_INT,	/* int64_t, min .. max */
	SCHEMA_COUNT,	/* int64_t; below 0: CONFIG_COUNT_UNLIMITED */
	SCHEMA_NUM,	/* double, min .. max */
	SCHEMA_OCTAL,	/* unsigned */
	SCHEMA_WORD,	/* unsigned: which of 'words', plus 'min' */
	SCHEMA_IS,	/* bool: is it the second of 'words'? */
	SCHEMA_FLAGS,	/* unsigned: mask of 'words', a list; 'min': of those
			 * that are allowed */
	SCHEMA_DAYS,	/* unsigned: mask of tm_wday, a list */
	SCHEMA_TIME,	/* int64_t, seconds: "2 weeks" */
	SCHEMA_LIST,	/* struct strv */
	SCHEMA_PAIRS,	/* struct config_pairs: any keys */
	SCHEMA_OBJ,	/* 'sub' with offsets from 'at' */
	SCHEMA_OBJS	/* list of 'sub', each 'bytes' large, the first member
			 * of which is 'unsigned line' */
};
enum schema_use {
	SCHEMA_DOES,	/* it has the effect that 'help' says */
	SCHEMA_IDLE,	/* accepted; 'note' says what it means here */
	SCHEMA_REFUSED	/* 'note' says why and what to do */
};
enum schema_flags {
	SCHEMA_SECRET = 1 << 0,
	SCHEMA_NEEDED = 1 << 1,		/* of an OBJ(S): it must be there */
	SCHEMA_GIVEN = 1 << 2,		/* OBJ: at 'at' is a bool to set */
	SCHEMA_NULL_OK = 1 << 3,	/* "zfs:" without a value */
	SCHEMA_EXPERT = 1 << 4		/* not in what `generate` writes */
};
/* No member: judged and forgotten. */
#define SCHEMA_NOWHERE ((size_t)-1)

struct schema_row {
	const char *name;
	enum schema_type type;
	enum schema_use use;
	size_t at;
	int64_t min, max;	/* 0, 0: none.  OBJS of databases: their kind */
	int64_t fallback;	/* the member's value if it is not given */
	const char *words;	/* "one|two" */
	const struct schema_row *sub;
	size_t bytes;
	unsigned kinds;		/* of a database that this is a key of: a mask
				 * of 1 << enum config_db_kind; 0: any */
	unsigned flags;		/* enum schema_flags */
	const char *note;	/* IDLE, REFUSED */
	const char *help;	/* of the top level: a line for `generate` */
	const char *example;	/* the value, as YAML; NULL: a plain one */
	/* ERR_CONFIG if a text is not right; a list: each of its entries. */
	int (*judge)(const char *text, struct err *e);
};

/* The keys of the top level, group by group. */
struct schema_group {
	const char *title;
	const struct schema_row *row;
};
extern const struct schema_group schema_groups[];	/* ends with a NULL */

/* A key of the top level or of a row's 'sub'; NULL: there is none. */
const struct schema_row *schema_find(const struct schema_row *sub,
				     const char *name, size_t len,
				     unsigned kind);
/* The nearest name, or NULL. */
const char *schema_nearest(const struct schema_row *sub, const char *name,
			   unsigned kind);
/* Is the row a key where 'sub' is used for databases of this kind?  'kind'
 * counts only for rows with kinds. */
bool schema_has(const struct schema_row *row, unsigned kind);

struct schema_bind_opts {
	struct strv *warnings;
	bool resolve;		/* look credentials up */
	bool partial;		/* nothing is needed: there is no file */
};
/*
 * Judge 'root' and fill in 'c'.  'secrets' gets the files that have some.
 * ERR_CONFIG: the first mistake.
 */
int schema_bind(struct config *c, const struct item *root,
		const struct schema_bind_opts *o, struct strv *secrets,
		struct err *e);
/* What the rows' members own. */
void schema_release(struct config *c);

extern const struct schema_row schema_db_rows[], schema_exit_codes[],
	schema_group_sources[], schema_group_archives[], schema_group_keep[],
	schema_group_checks[], schema_group_output[], schema_group_hooks[];

#endif
