/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_DIGITS_H
#define FORMAT_DIGITS_H

#include <stddef.h>
#include <stdint.h>

#include "format/le.h"

/*
 * Decimal digits, eight at a time: millions of names are taken apart and put
 * together, and how many digits a number has is hard to guess for a CPU.
 * Private to format/.
 */
#define DIGITS_ZEROES UINT64_C(0x3030303030303030)

static inline uint64_t digits_power(unsigned n)
{
	static const uint64_t power[] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
		1000000000, 10000000000, 100000000000, 1000000000000,
		10000000000000, 100000000000000, 1000000000000000,
		10000000000000000, 100000000000000000, 1000000000000000000
	};

	return power[n];
}

/* How many a number below 10^18 has, at least 1. */
static inline unsigned digits_count(uint64_t v)
{
	/* 1233 / 4096 is just above log10(2) */
	unsigned n = ((64u - (unsigned)__builtin_clzll(v | 1)) * 1233) >> 12;

	return n + ((v | 1) >= digits_power(n));
}

/* A number below 10^8 as eight bytes 0..9, the first in the lowest byte. */
static inline uint64_t digits_split(uint32_t v)
{
	uint64_t four = v / 10000 | (uint64_t)(v % 10000) << 32;
	uint64_t top = (four * 10486 >> 20) & UINT64_C(0x7f0000007f);
	uint64_t two = top | (four - 100 * top) << 16;
	uint64_t ten = (two * 103 >> 10) & UINT64_C(0x000f000f000f000f);

	return ten | (two - 10 * ten) << 8;
}

/* Write the last n >= 1 digits of a number below 10^18; up to 7 bytes more may
 * be written.  Returns the end of the digits. */
static inline uint8_t *digits_put(uint8_t *p, uint64_t v, unsigned n)
{
	while (n > 8) {
		unsigned first = (n - 1) % 8 + 1;
		uint64_t rest = digits_power(n - first);

		p = digits_put(p, v / rest, first);
		v %= rest;
		n -= first;
	}
	le_put64(p, (digits_split((uint32_t)v) >> 8 * (8 - n)) | DIGITS_ZEROES);
	return p + n;
}

/* How many of the eight characters of x (the first in the lowest byte) are
 * digits before the first that is none. */
static inline unsigned digits_leading(uint64_t x)
{
	uint64_t y = x ^ DIGITS_ZEROES;
	uint64_t other = ((y + UINT64_C(0x7676767676767676)) | y) &
		UINT64_C(0x8080808080808080);

	return other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
}

/* The value of the first n, 1 <= n <= 8. */
static inline uint64_t digits_join(uint64_t x, unsigned n)
{
	uint64_t y = (x ^ DIGITS_ZEROES) << 8 * (8 - n);

	y = y * 10 + (y >> 8);
	return ((y & UINT64_C(0xff000000ff)) * UINT64_C(0xf424000000064) +
		(y >> 16 & UINT64_C(0xff000000ff)) *
		UINT64_C(0x271000000001)) >> 32;
}

/* Digits at the start of p[0..len), and their value if they are 18 or less. */
static inline size_t digits_get(const uint8_t *p, size_t len, uint64_t *value)
{
	size_t n = 0;
	unsigned k = 8;

	*value = 0;
	while (k == 8 && len - n >= 8) {
		uint64_t x = le_get64(p + n);

		k = digits_leading(x);
		if (k && n + k <= 18)
			*value = *value * digits_power(k) + digits_join(x, k);
		n += k;
	}
	for (; k == 8 && n < len && p[n] - (unsigned)'0' <= 9; n++)
		*value = *value * 10 + (p[n] - (unsigned)'0');
	return n;
}

#endif
