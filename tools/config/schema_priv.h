/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_SCHEMA_PRIV_H
#define CONFIG_SCHEMA_PRIV_H

#include "tools/config/schema.h"

/* In a table: a key whose member, of struct SCHEMA_OF, is called as it is. */
#define KEY(key, kind) .name = #key, .type = SCHEMA_##kind, \
	.at = offsetof(struct SCHEMA_OF, key)
/* One whose member is called otherwise. */
#define KEY_AT(key, kind, member) .name = #key, .type = SCHEMA_##kind, \
	.at = offsetof(struct SCHEMA_OF, member)
/* One without a member: what is around it says what it means. */
#define KEY_NOWHERE(key, kind) .name = #key, .type = SCHEMA_##kind, \
	.at = SCHEMA_NOWHERE
#define KEY_IDLE(key, kind) .name = #key, .type = SCHEMA_##kind, \
	.use = SCHEMA_IDLE, .at = SCHEMA_NOWHERE
#define REFUSED(key, kind) .name = #key, .type = SCHEMA_##kind, \
	.use = SCHEMA_REFUSED, .at = SCHEMA_NOWHERE
#define IDLE .use = SCHEMA_IDLE

#endif
