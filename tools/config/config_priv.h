/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_CONFIG_PRIV_H
#define CONFIG_CONFIG_PRIV_H

#include "tools/config/config.h"
#include "tools/config/item.h"

struct config_tree {
	struct item *root;	/* a map; as it was judged */
	struct strv names;	/* of options: items have them as their file */
};

/* Put "key=value"s into the tree; 'what' is "--" or "--override ".  'once':
 * a key that comes twice is a mistake.  ERR_CONFIG. */
int config_apply(struct config_tree *t, const struct strv *list,
		 const char *what, bool once, struct err *e);
/* What is right key by key and makes no sense together.  ERR_CONFIG. */
int config_judge(const struct config *c, struct strv *warnings,
		 struct err *e);

/* A line for the user, as config_error has it. */
int config_warn(const struct config *c, const char *key,
		struct strv *warnings, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
