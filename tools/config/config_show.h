/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_CONFIG_SHOW_H
#define CONFIG_CONFIG_SHOW_H

#include <jansson.h>

#include "tools/config/config.h"

/*
 * What a configuration has, as it was judged: old forms are new ones, includes
 * and variables are replaced.  'option': only this key (NULL: all of them;
 * secrets are then left out).  ERR_CONFIG: there is no such key.
 */
int config_show_yaml(struct buf *out, const struct config *c,
		     const char *option, struct err *e);
/* A new value; null if the key was not given. */
int config_show_json(json_t **out, const struct config *c, const char *option,
		     struct err *e);

#endif
