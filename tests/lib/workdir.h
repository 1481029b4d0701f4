/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_WORKDIR_H
#define TESTS_LIB_WORKDIR_H

/*
 * Setup and teardown for cmocka: the current folder is a new one, below
 * TMPDIR or, for very many files, in memory where that is possible.  It goes
 * with all that is in it, also what is deeper than a path can say.
 */
int workdir_setup(void **state);
int workdir_setup_memory(void **state);
int workdir_teardown(void **state);

#endif
