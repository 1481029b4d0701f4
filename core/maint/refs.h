/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_REFS_H
#define MAINT_REFS_H

#include "format/entry.h"
#include "format/fmt.h"

/*
 * What a folder, a node or a list refers to, in the order in which it stands
 * there: objects of data (holes are none), and nodes and lists, which refer to
 * more.  What is inlined is looked into.
 *
 * A callback that does not return 0 ends it, with that.
 */
struct refs {
	int (*data)(const struct oid *id, void *ctx);
	int (*inner)(enum obj_type t, const struct oid *id, void *ctx);
	void *ctx;
};

/* ERR_CORRUPT: something in it that is inlined is no node. */
int refs_each_dir(const struct refs *r, const struct dir_ref *d,
		  struct err *e);
/* Of the plain bytes of a node or a list.  ERR_CORRUPT: it is none. */
int refs_each(const struct refs *r, enum obj_type t, const void *p,
	      size_t len, struct err *e);

#endif
