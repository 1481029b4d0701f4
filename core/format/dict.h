/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_DICT_H
#define FORMAT_DICT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Byte strings of one node numbered in order of first use.  Private to
 * format/.  The strings belong to the caller.
 */
#define DICT_MAX 256
struct dict {
	unsigned n;
	uint16_t slot[2 * DICT_MAX];	/* number + 1 */
	uint32_t len[DICT_MAX];
	const uint8_t *p[DICT_MAX];
};

static inline void dict_init(struct dict *d)
{
	d->n = 0;
	memset(d->slot, 0, sizeof(d->slot));
}

/* Number of the string, or d->n if it is new: then the caller may dict_add
 * it, with the same *place. */
unsigned dict_find(const struct dict *d, const uint8_t *p, uint32_t len,
		   unsigned *place);
void dict_add(struct dict *d, const uint8_t *p, uint32_t len, unsigned place);

#endif
