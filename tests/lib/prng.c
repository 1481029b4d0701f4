/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/prng.h"

#include <math.h>
#include <string.h>

#define PRNG_STEP 0x9e3779b97f4a7c15ULL

/* The output function of splitmix64. */
static uint64_t prng_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

uint64_t prng_key(uint64_t key, uint64_t part)
{
	return prng_mix(prng_mix(key + PRNG_STEP) ^ prng_mix(~part));
}

uint64_t prng_u64(uint64_t key, unsigned field)
{
	return prng_mix(key + (field + 1) * PRNG_STEP);
}

uint64_t prng_below(uint64_t key, unsigned field, uint64_t n)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)((wide)prng_u64(key, field) * n >> 64);
}

double prng_unit(uint64_t key, unsigned field)
{
	return (double)(prng_u64(key, field) >> 11) * 0x1p-53;
}

bool prng_chance(uint64_t key, unsigned field, double p)
{
	return prng_unit(key, field) < p;
}

double prng_normal(uint64_t key, unsigned field)
{
	double u = prng_unit(key, field);
	double v = prng_unit(prng_key(key, 0xb0), field);

	return sqrt(-2.0 * log(1.0 - u)) *
		cos(2.0 * 3.14159265358979323846 * v);
}

double prng_lognormal(uint64_t key, unsigned field, double median, double sigma)
{
	return median * exp(sigma * prng_normal(key, field));
}

unsigned prng_poisson(uint64_t key, unsigned field, double mean)
{
	double limit = exp(-mean), p = 1.0;
	uint64_t k = prng_key(key, field);
	unsigned n = 0;

	if (mean <= 0.0)
		return 0;
	if (mean > 500.0) {
		double x = mean + sqrt(mean) * prng_normal(key, field);

		return x < 0.0 ? 0 : (unsigned)x;
	}
	do {
		p *= prng_unit(k, n++);
	} while (p > limit);
	return n - 1;
}

unsigned prng_geometric(uint64_t key, unsigned field, double p, unsigned max)
{
	uint64_t k = prng_key(key, field);
	unsigned n = 0;

	while (n < max && prng_chance(k, n, p))
		n++;
	return n;
}

void prng_fill(uint64_t key, void *p, size_t len)
{
	uint8_t *at = p;
	uint64_t v;

	for (; len >= sizeof(v); len -= sizeof(v), at += sizeof(v)) {
		v = prng_mix(key += PRNG_STEP);
		memcpy(at, &v, sizeof(v));
	}
	v = prng_mix(key + PRNG_STEP);
	memcpy(at, &v, len);
}
