/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TINYTREE_H
#define TESTS_TINYTREE_H

#include <stdint.h>

#include "base/err.h"

/*
 * 'files' files of 20 to 200 bytes, about 100 to a folder, spread like
 * source code.  'root' must be absent or empty.
 */
int tinytree_make(const char *root, uint64_t seed, uint64_t files,
		  struct err *e);
/* Hour 'hour' (from 1): one file of two thousand is written anew. */
int tinytree_step(const char *root, uint64_t seed, uint64_t files,
		  uint32_t hour, struct err *e);

#endif
