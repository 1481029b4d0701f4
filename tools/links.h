/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_LINKS_H
#define TOOLS_LINKS_H

#include "core/core.h"

/* The first path of every group of hard links.  Zeroed: none yet. */
struct links {
	struct map map;
	struct strv path;
};
/* *first: NULL if this is the first path of the group (or group is 0), else
 * that one, valid until links_release. */
int links_first(struct links *l, uint64_t group, const char *path,
		const char **first, struct err *e);
void links_release(struct links *l);

#endif
