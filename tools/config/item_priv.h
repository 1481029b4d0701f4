/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_ITEM_PRIV_H
#define CONFIG_ITEM_PRIV_H

#include <yaml.h>

#include "tools/config/item.h"

/* ERR_CONFIG, or ERR_NOMEM: why libyaml gave up, and what to do. */
int item_explain(const char *name, const char *text, size_t len,
		 const yaml_parser_t *y, struct err *e);

/* Resolve each "<<" below 'it': what is merged goes before, mappings are
 * merged, lists appended, and what stands in 'it' wins. */
int item_merge(struct item *it, struct err *e);

#endif
