/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_BUILD_H
#define ARCHIVE_BUILD_H

#include "base/err.h"
#include "format/entry.h"
#include "format/list.h"
#include "repo/session.h"

/*
 * Builds the prolly trees of directories, depth first, from entries in name
 * order.  Only the open nodes on the way down are in memory.
 */
struct build;

struct build *build_new(struct session *s, const struct key *tree);
void build_free(struct build *b);		/* NULL ok */

/* Begin a directory inside the open one (the first: the root). */
int build_enter(struct build *b, struct err *e);
/* An entry that is complete (also a directory's, after its build_leave). */
int build_add(struct build *b, const struct entry *en, struct err *e);
/* Has any entry so far extended attributes? */
bool build_has_xattrs(const struct build *b);
/* End the open directory: where it is, to be put into its own entry, which is
 * then build_add'ed to the parent.  An inlined listing points into the
 * builder, valid until the next build_leave.  The root is never inlined. */
int build_leave(struct build *b, struct dir_ref *out, struct err *e);

/*
 * The content of a file from its pieces, in order: NONE, ONE, PIECES, or the
 * root of a list that it stores.  Any number may be open.
 */
struct build_list;
struct build_list *build_list_new(struct session *s);
int build_list_add(struct build_list *l, const struct piece *p,
		   struct err *e);
int build_list_end(struct build_list *l, struct content *out, struct err *e);
void build_list_free(struct build_list *l);

#endif
