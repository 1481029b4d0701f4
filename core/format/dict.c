/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/dict.h"

#include "base/err.h"

/* Spreads well enough for tables of at most 256; bad luck, or a name made for
 * it, costs time and nothing else. */
static unsigned dict_hash(const uint8_t *p, uint32_t len)
{
	uint64_t h = len, w;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	w = 0;
	memcpy(&w, p, len);
	h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
	return (unsigned)(h >> 55);
}

unsigned dict_find(const struct dict *d, const uint8_t *p, uint32_t len,
	unsigned *place)
{
	unsigned at = dict_hash(p, len), i;

	for (; d->slot[at]; at = (at + 1) % (2 * DICT_MAX)) {
		i = d->slot[at] - 1u;
		if (d->len[i] == len && memcmp(d->p[i], p, len) == 0)
			return i;
	}
	*place = at;
	return d->n;
}

void dict_add(struct dict *d, const uint8_t *p, uint32_t len, unsigned place)
{
	BUG_ON(d->n >= DICT_MAX || d->slot[place]);
	d->p[d->n] = p;
	d->len[d->n] = len;
	d->slot[place] = (uint16_t)++d->n;
}
