/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_SCHEMA_BIND_H
#define CONFIG_SCHEMA_BIND_H

#include "tools/config/schema_priv.h"
#include "tools/config/subst.h"

/* What the halves of schema_bind share. */
struct bind {
	const struct item *root;
	struct strv *warnings;
	struct err *e;
	bool resolve;
	struct strv *secrets;	/* names of files with some */
	char key[256];		/* of the value that is judged; cut */
	size_t len;
};

/* "FILE, line N, column M: KEY: " and the words; ERR_CONFIG. */
int schema_bind_error(struct bind *b, const struct item *it, const char *fmt,
		      ...) __attribute__((format(printf, 3, 4)));
/* The keys of a map into the struct at 'base' (NULL: nowhere). */
int schema_bind_rows(struct bind *b, void *base, const struct schema_row *sub,
		     const struct item *it, unsigned kind);
/* Any other value than one with rows of its own. */
int schema_bind_value(struct bind *b, void *at, const struct schema_row *row,
		      const struct item *it);
bool schema_bind_bool(bool *on, const char *text);	/* false: it is none */

#endif
