/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_SNAP_H
#define TESTS_LIB_SNAP_H

#include <stdbool.h>

#include "tests/lib/fiber.h"

/*
 * What this process has in memory, to be put back: what malloc() gave, the
 * variables of the program and of its libraries, the stacks of fibers.  Not
 * what the kernel has, nor mappings, nor the stack of the caller.  For programs
 * of one thread, made without sanitizers (which have a malloc of their own).
 * Any of these ends the process where there is no memory.
 */
bool snap_can(void);
/* Before the first one: nothing is mapped or grows from now on. */
void snap_begin(struct fiber *const *fiber, unsigned n);
/* 'depth' counts from 0; one that is there is replaced. */
void snap_save(unsigned depth);
void snap_restore(unsigned depth);
void snap_end(void);

#endif
