/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/*
 * Allocation.  Every one of ours goes through here, so that sizes are
 * multiplied in one checked place and tests can make each of them fail.
 * All return NULL for "no memory or the size overflows"; size 0 gives a
 * pointer that can be freed.  free(3) releases them.
 */
void *mem_alloc(size_t bytes);
void *mem_zero(size_t n, size_t bytes_each);
void *mem_array(size_t n, size_t bytes_each);
void *mem_resize(void *old, size_t n, size_t bytes_each);
void *mem_dup(const void *p, size_t bytes);
char *mem_str(const char *s);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Tests only: the 'after'-th allocation from now fails (1: the next one),
 * and with 'forever' every one after it too; 0 turns it off. */
void mem_fail(unsigned long after, int forever);

#endif
