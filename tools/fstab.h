/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_FSTAB_H
#define TOOLS_FSTAB_H

#include "core/core.h"

/*
 * The program as mount.fuse.muniment or mount.muniment, which mount(8) calls
 * for fstab's types "fuse.muniment" and "muniment":
 * mount.muniment SPEC DIR [-fnsv] [-N NS] [-t TYPE] [-o OPTIONS].
 */
bool fstab_is_helper(const char *argv0);
/* The words of 'muniment mount' that mean the same.  The options
 * passphrase_file=PATH and key_file=PATH go to the environment.  *fake: -f,
 * nothing is to be mounted.  ERR_CONFIG. */
int fstab_words(struct strv *out, int argc, char *const *argv, bool *fake,
		struct err *e);

#endif
