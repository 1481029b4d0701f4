/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_ulong mem_countdown;
static atomic_int mem_forever;

void mem_fail(unsigned long after, int forever)
{
	atomic_store(&mem_forever, forever);
	atomic_store(&mem_countdown, after);
}

static int mem_must_fail(void)
{
	unsigned long left = atomic_load(&mem_countdown);

	do {
		if (left == 0)
			return 0;
		if (left == 1 && atomic_load(&mem_forever))
			return 1;
	} while (!atomic_compare_exchange_weak(&mem_countdown, &left,
		left - 1));
	return left == 1;
}

void *mem_alloc(size_t bytes)
{
	return mem_array(bytes ? bytes : 1, 1);
}

void *mem_array(size_t n, size_t bytes_each)
{
	return mem_resize(NULL, n, bytes_each);
}

/* The bytes to ask the system for; 0: the answer is NULL. */
static size_t mem_total(size_t n, size_t bytes_each)
{
	size_t total;

	if (__builtin_mul_overflow(n, bytes_each, &total) ||
	    total > PTRDIFF_MAX || mem_must_fail())
		return 0;
	return total ? total : 1;
}

void *mem_zero(size_t n, size_t bytes_each)
{
	size_t total = mem_total(n, bytes_each);

	return total ? calloc(1, total) : NULL;
}

void *mem_resize(void *old, size_t n, size_t bytes_each)
{
	size_t total = mem_total(n, bytes_each);

	return total ? realloc(old, total) : NULL;
}

void *mem_dup(const void *p, size_t bytes)
{
	void *copy = mem_alloc(bytes);

	if (copy && bytes)
		memcpy(copy, p, bytes);
	return copy;
}

char *mem_str(const char *s)
{
	return mem_dup(s, strlen(s) + 1);
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !(s = mem_alloc((size_t)n + 1)))
		return NULL;
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}
