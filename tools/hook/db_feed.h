/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_FEED_H
#define HOOK_DB_FEED_H

#include "tools/hook/db.h"
#include "tools/hook/db_proc.h"

/*
 * A dump of an archive into a client, with its lines renamed if 'rename' is
 * not NULL.  *fed: bytes of the dump that it has taken, also after a
 * failure.  ERR_FAILED: the client reads no more.
 */
int db_feed(struct db_proc *p, struct reader *rd, const struct entry *en,
	    int (*rename)(const struct db_load *l, const char *line,
			  size_t len, struct buf *out, bool *changed,
			  struct err *e),
	    const struct db_load *l, uint64_t *fed, struct err *e);

#endif
