/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/column.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"

enum { COLUMN_SAME = 0, COLUMN_PLAIN = 1, COLUMN_DELTA = 2, COLUMN_REF = 3 };

static uint64_t zigzag(uint64_t d)
{
	return d << 1 ^ (0 - (d >> 63));
}

static uint64_t unzigzag(uint64_t z)
{
	return z >> 1 ^ (0 - (z & 1));
}

static unsigned varint_len(uint64_t v)
{
	unsigned top = 63u ^ (unsigned)__builtin_clzll(v | 1);

	return (top * 9 + 73) >> 6;
}

static bool all_same(const uint64_t *v, const struct column_rows *w)
{
	uint64_t first = v[column_row(w, 0)], diff = 0;
	unsigned i;

	for (i = 1; i < w->m; i++)
		diff |= v[column_row(w, i)] ^ first;
	return diff == 0;
}

static unsigned column_mode(const struct column_tab *t,
	const struct column_rows *w)
{
	unsigned cost[COLUMN_REF + COLUMN_MAX] = { 0 };
	unsigned i, k, mode, sample;
	const uint64_t *v = t->v[t->n];
	uint64_t last = 0;

	if (all_same(v, w))
		return COLUMN_SAME;
	sample = w->m < COLUMN_SAMPLE ? w->m : COLUMN_SAMPLE;
	for (i = 0; i < sample; i++) {
		unsigned row = column_row(w, i);

		cost[COLUMN_PLAIN] += varint_len(v[row]);
		cost[COLUMN_DELTA] += varint_len(zigzag(v[row] - last));
		for (k = 0; k < t->n; k++)
			cost[COLUMN_REF + k] += varint_len(
				zigzag(v[row] - t->v[k][row]));
		last = v[row];
	}
	mode = COLUMN_PLAIN;
	for (k = COLUMN_DELTA; k < COLUMN_REF + t->n; k++)
		if (cost[k] < cost[mode])
			mode = k;
	return mode;
}

uint8_t *column_put(uint8_t *p, struct column_tab *t,
	const struct column_rows *w)
{
	const uint64_t *v = t->v[t->n], *ref;
	uint64_t last = 0;
	unsigned i, mode;

	BUG_ON(t->n >= COLUMN_MAX);
	if (w->m == 0)
		goto out;
	mode = column_mode(t, w);
	*p++ = (uint8_t)mode;
	if (mode == COLUMN_SAME) {
		p = column_put_varint(p, v[column_row(w, 0)]);
	} else if (mode == COLUMN_PLAIN) {
		for (i = 0; i < w->m; i++)
			p = column_put_varint(p, v[column_row(w, i)]);
	} else if (mode == COLUMN_DELTA) {
		for (i = 0; i < w->m; i++) {
			uint64_t x = v[column_row(w, i)];

			p = column_put_varint(p, zigzag(x - last));
			last = x;
		}
	} else {
		ref = t->v[mode - COLUMN_REF];
		for (i = 0; i < w->m; i++) {
			unsigned row = column_row(w, i);

			p = column_put_varint(p, zigzag(v[row] - ref[row]));
		}
	}
out:
	t->n++;
	return p;
}

static void get_values(struct rd *r, struct column_tab *t,
	const struct column_rows *w, unsigned mode)
{
	uint64_t *v = t->v[t->n], last = 0;
	const uint64_t *ref;
	unsigned i;

	if (mode == COLUMN_SAME) {
		last = column_get_varint(r);
		for (i = 0; i < w->m; i++)
			v[column_row(w, i)] = last;
	} else if (mode == COLUMN_PLAIN) {
		for (i = 0; i < w->m; i++)
			v[column_row(w, i)] = column_get_varint(r);
	} else if (mode == COLUMN_DELTA) {
		for (i = 0; i < w->m; i++) {
			last += unzigzag(column_get_varint(r));
			v[column_row(w, i)] = last;
		}
	} else {
		ref = t->v[mode - COLUMN_REF];
		for (i = 0; i < w->m; i++) {
			unsigned row = column_row(w, i);

			v[row] = ref[row] + unzigzag(column_get_varint(r));
		}
	}
}

void column_get(struct rd *r, struct column_tab *t,
	const struct column_rows *w, unsigned rows)
{
	unsigned mode;

	BUG_ON(t->n >= COLUMN_MAX || rows > COLUMN_ROWS || w->m > rows);
	if (w->m < rows)
		memset(t->v[t->n], 0, rows * sizeof(t->v[0][0]));
	if (w->m > 0) {
		mode = rd_u8(r);
		if (mode >= COLUMN_REF + t->n)
			rd_fail(r);
		else
			get_values(r, t, w, mode);
		if (!r->bad && mode != column_mode(t, w))
			rd_fail(r);
	}
	t->n++;
}
