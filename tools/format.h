/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_FORMAT_H
#define TOOLS_FORMAT_H

#include <jansson.h>

#include "core/core.h"

/*
 * borg's --format: lines made of the {keys} of an archive or of a file in it.
 */
enum format_kind { FORMAT_ARCHIVE = 1, FORMAT_FILE = 2 };
struct format;

struct format_item {
	const struct record *rec;
	const struct oid *id;		/* the archive's */
	/* of a file: */
	const char *path;
	const struct entry *en;
	const char *hard_link;		/* the first path of its group, if this
					 * is not the first; or NULL */
	struct reader *rd;		/* to count the pieces of long files */
};

/* ERR_CONFIG names the key that is not known. */
int format_new(struct format **out, const char *text, enum format_kind kind,
	       struct err *e);
void format_free(struct format *f);		/* NULL ok */
/* Does it say anything of hard links? */
bool format_wants_links(const struct format *f);
/* Append the line. */
int format_put(const struct format *f, const struct format_item *it,
	       struct buf *out, struct err *e);
/* The object that borg gives for --json and --json-lines: some keys always,
 * the others if the format has them. */
int format_json(const struct format *f, const struct format_item *it,
		json_t **out, struct err *e);
/* "{archive} name of the archive" and so on, for --help. */
int format_help(struct buf *out, enum format_kind kind, struct err *e);

/* The name of an owner as the archive has it, or the number in 'num'. */
const char *format_owner(const struct record_name *names, uint32_t n,
			 uint32_t id, char num[16]);

#endif
