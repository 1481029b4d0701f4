/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stddef.h>

/*
 * Paths as text.  Nothing here asks the file system.
 */

/* As Python's os.path.normpath: no empty or "." components, "x/.." taken
 * away, "" becomes ".", exactly two leading slashes stay.  Free with free(3);
 * NULL: no memory. */
char *path_norm(const char *path);

/* 'path' behind its leading "/", "./" and "../". */
const char *path_strip(const char *path);

#endif
