/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOOK_DB_REDIS_H
#define HOOK_DB_REDIS_H

#include "tools/config/config.h"

/* The server writes its dump.rdb, and this waits for it: what the walk reads
 * is of now.  ERR_FAILED. */
int db_redis_save(const struct config_db *db, struct cancel *cancel,
		  struct err *e);

#endif
