/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_FORGET_H
#define TOOLS_FORGET_H

#include "core/core.h"

/* What this machine keeps of a repository goes, as far as it can. */
/* A folder with all below it; not across mounts.  None is no error. */
int forget_tree(const char *path, struct err *e);
/* CACHE/REPO-ID: costs only time.  ERR_*: something of it is left. */
int forget_cache(const struct sid *repo, struct err *e);
/* What it has seen of it: pins, when it was checked, its last run. */
int forget_security(const struct sid *repo, const char *url, struct err *e);

#endif
