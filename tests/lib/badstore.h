/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_BADSTORE_H
#define TESTS_LIB_BADSTORE_H

#include "store/store.h"

/* A store (that below, which becomes its) whose disk has bad sectors, and to
 * which others do something just before a folder is listed or a file read. */
struct badstore {
	struct store store;
	struct store *below;
	char name[STORE_NAME_MAX];	/* of the file that is bad; "": none */
	uint64_t from, to;		/* not to be read */
	bool no_parity;			/* nothing may be put in parity/ */
	bool dead;			/* nothing can be read any more */
	void (*listing)(enum store_kind k, void *ctx);	/* NULL ok */
	void (*getting)(enum store_kind k, void *ctx);	/* NULL ok */
	void *ctx;
};
struct badstore *badstore_open(struct store *below);

#endif
