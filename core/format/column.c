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

/* Bytes that a mode needs for the first values; given up at 'most'. */
static unsigned column_cost(const struct column_tab *t,
	const struct column_rows *w, unsigned mode, unsigned most)
{
	const uint64_t *v = t->v[t->n];
	unsigned i, row, cost = 0;
	uint64_t last = 0, x;

	for (i = 0; i < w->m && i < COLUMN_SAMPLE && cost < most; i++) {
		row = column_row(w, i);
		if (mode == COLUMN_PLAIN)
			x = v[row];
		else if (mode == COLUMN_DELTA)
			x = zigzag(v[row] - last);
		else
			x = zigzag(v[row] - t->v[mode - COLUMN_REF][row]);
		cost += varint_len(x);
		last = v[row];
	}
	return cost;
}

static unsigned column_mode(const struct column_tab *t,
	const struct column_rows *w)
{
	unsigned mode, cost, best = COLUMN_PLAIN;
	unsigned least = COLUMN_SAMPLE * COLUMN_VALUE_BYTES + 1;

	if (all_same(t->v[t->n], w))
		return COLUMN_SAME;
	for (mode = COLUMN_PLAIN; mode < COLUMN_REF + t->n; mode++) {
		cost = column_cost(t, w, mode, least);
		if (cost < least) {
			least = cost;
			best = mode;
		}
	}
	return best;
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

/* The cursor is a copy: v and what r points to could be the same for all that
 * the compiler knows. */
static void get_values(struct rd *r, struct column_tab *t,
	const struct column_rows *w, unsigned mode)
{
	uint64_t *v = t->v[t->n], last = 0;
	const uint64_t *ref;
	struct rd in = *r;
	unsigned i;

	if (mode == COLUMN_SAME) {
		last = column_get_varint(&in);
		for (i = 0; i < w->m; i++)
			v[column_row(w, i)] = last;
	} else if (mode == COLUMN_PLAIN) {
		for (i = 0; i < w->m; i++)
			v[column_row(w, i)] = column_get_varint(&in);
	} else if (mode == COLUMN_DELTA) {
		for (i = 0; i < w->m; i++) {
			last += unzigzag(column_get_varint(&in));
			v[column_row(w, i)] = last;
		}
	} else {
		ref = t->v[mode - COLUMN_REF];
		for (i = 0; i < w->m; i++) {
			unsigned row = column_row(w, i);

			v[row] = ref[row] + unzigzag(column_get_varint(&in));
		}
	}
	*r = in;
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
