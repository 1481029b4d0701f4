/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_SCRUB_H
#define MAINT_SCRUB_H

#include "store/store.h"

/* Without any key: is a file of a repository what its name says?  ERR_CORRUPT:
 * it is not.  1: the names of that kind do not tell. */
int scrub_file(enum store_kind k, const char *name, const uint8_t *p,
	       size_t len, struct err *e);

#endif
