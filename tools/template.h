/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TEMPLATE_H
#define TOOLS_TEMPLATE_H

#include "core/core.h"

/*
 * Texts with {key} and {key:spec}, as Python's str.format understands them:
 * "{{" and "}}" are braces.
 */
struct template {
	const char *all, *p;	/* p: not yet read */
};
#define TEMPLATE_KEY_MAX 32
#define TEMPLATE_SPEC_MAX 128
struct template_part {
	const char *text;	/* literal bytes, or NULL: a key */
	size_t len;
	char key[TEMPLATE_KEY_MAX];
	char spec[TEMPLATE_SPEC_MAX];
};
void template_init(struct template *t, const char *text);
/* 1: a part; 0: the end; ERR_CONFIG: the braces do not fit together. */
int template_next(struct template *t, struct template_part *part,
		  struct err *e);

/* Append 'text' as the spec wants it: [[fill]align][width][.precision][s].
 * Width and precision count characters of UTF-8. */
int template_put_text(struct buf *out, const struct template_part *part,
		      const char *text, size_t len, struct err *e);
/* A number: [[fill]align][+][0][width][,][d|x|o]. */
int template_put_number(struct buf *out, const struct template_part *part,
			int64_t v, struct err *e);

#endif
