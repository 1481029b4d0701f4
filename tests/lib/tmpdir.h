/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_TMPDIR_H
#define TESTS_LIB_TMPDIR_H

#include <stddef.h>

/* A new folder below TMPDIR, into 'out'. */
void tmpdir_make(char *out, size_t bytes);
/* It, and all that is in it; without it nothing. */
void tmpdir_remove(const char *path);
/* Files and folders below it. */
size_t tmpdir_count(const char *path);

#endif
