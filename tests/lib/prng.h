/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_PRNG_H
#define TESTS_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Random numbers by counter, not by stream: every value is a pure function of
 * a key and a field number, so any part of a generated store can be made
 * again alone, in any order, by any thread.  Keys are derived from the seed
 * step by step: prng_key(prng_key(seed, user), msg).  Good enough for sizes
 * and filler, worth nothing as cryptography.
 */
uint64_t prng_key(uint64_t key, uint64_t part);
uint64_t prng_u64(uint64_t key, unsigned field);
/* 0 <= result < n; 0 if n is 0. */
uint64_t prng_below(uint64_t key, unsigned field, uint64_t n);
double prng_unit(uint64_t key, unsigned field);	/* 0 <= u < 1 */
bool prng_chance(uint64_t key, unsigned field, double p);
double prng_normal(uint64_t key, unsigned field);
/* exp(N(log(median), sigma)) */
double prng_lognormal(uint64_t key, unsigned field, double median,
		      double sigma);
unsigned prng_poisson(uint64_t key, unsigned field, double mean);
/* How often "go on" with probability p came in a row, at most max. */
unsigned prng_geometric(uint64_t key, unsigned field, double p, unsigned max);
/* Bytes that do not compress. */
void prng_fill(uint64_t key, void *p, size_t len);

#endif
