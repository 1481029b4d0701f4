/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/rs.h"

#include <isa-l/erasure_code.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ISA-L's table of one factor. */
#define RS_TABLE_BYTES 32

struct rs {
	unsigned k, m;
	uint8_t *matrix;	/* m rows of k factors */
	uint8_t *tables;	/* theirs */
};

int rs_new(struct rs **out, unsigned k, unsigned m, struct err *e)
{
	struct rs *c = mem_zero(1, sizeof(*c));
	unsigned i, j;

	BUG_ON(k == 0 || m == 0 || k + m > RS_ROWS_MAX);
	*out = NULL;
	if (c) {
		c->k = k;
		c->m = m;
		c->matrix = mem_array(m, k);
		c->tables = mem_array((size_t)m * k, RS_TABLE_BYTES);
	}
	if (!c || !c->matrix || !c->tables) {
		rs_free(c);
		return err_nomem(e);
	}
	for (i = 0; i < m; i++)
		for (j = 0; j < k; j++)
			c->matrix[i * k + j] = gf_inv((uint8_t)((k + i) ^ j));
	ec_init_tables((int)k, (int)m, c->matrix, c->tables);
	*out = c;
	return 0;
}

void rs_free(struct rs *c)
{
	if (!c)
		return;
	free(c->matrix);
	free(c->tables);
	free(c);
}

/* ISA-L changes neither its tables nor its sources, and does not say so. */
static void rs_multiply(size_t len, unsigned k, unsigned m, uint8_t *tables,
			uint8_t *const *from, uint8_t *const *to)
{
	uint8_t *in[RS_ROWS_MAX], *out[RS_ROWS_MAX];

	BUG_ON(len < 64 || len > INT32_MAX);
	memcpy(in, from, k * sizeof(*in));
	memcpy(out, to, m * sizeof(*out));
	ec_encode_data((int)len, (int)k, (int)m, tables, in, out);
}

void rs_encode(const struct rs *c, size_t len, uint8_t *const *row)
{
	rs_multiply(len, c->k, c->m, c->tables, row, row + c->k);
}

/* What is lost, and as many good rows of parity. */
struct rs_loss {
	unsigned n;
	unsigned lost[RS_ROWS_MAX];	/* rows of data */
	unsigned by[RS_ROWS_MAX];	/* rows of parity, from 0 */
};

static int rs_judge(struct rs_loss *l, const struct rs *c, const bool *good,
		    struct err *e)
{
	unsigned i, n = 0;

	l->n = 0;
	for (i = 0; i < c->k; i++)
		if (!good[i])
			l->lost[l->n++] = i;
	for (i = 0; i < c->m && n < l->n; i++)
		if (good[c->k + i])
			l->by[n++] = i;
	if (n < l->n)
		return err_set(e, ERR_CORRUPT, "%u of %u blocks are lost, and "
			"the parity is good for %u", l->n, c->k, n);
	return 0;
}

/* Room for one rebuilding: sums of n rows, what makes the rows from them, and
 * tables for both. */
struct rs_room {
	uint8_t *sums, *zero, *matrix, *inverse, *tables;
};

static void rs_room_release(struct rs_room *r)
{
	free(r->sums);
	free(r->zero);
	free(r->matrix);
	free(r->inverse);
	free(r->tables);
}

static int rs_room_make(struct rs_room *r, const struct rs *c, unsigned n,
			size_t len, struct err *e)
{
	r->sums = mem_array(n, len);
	r->zero = mem_zero(1, len);
	r->matrix = mem_array(n, c->k);
	r->inverse = mem_array(n, n);
	r->tables = mem_array((size_t)n * c->k, RS_TABLE_BYTES);
	if (r->sums && r->zero && r->matrix && r->inverse && r->tables)
		return 0;
	return err_nomem(e);
}

/* Of each chosen row of parity, what the lost rows have in it. */
static void rs_sums(struct rs_room *r, const struct rs *c, size_t len,
		    uint8_t *const *row, const struct rs_loss *l)
{
	uint8_t *from[RS_ROWS_MAX], *to[RS_ROWS_MAX];
	unsigned i;
	size_t at;

	memcpy(from, row, c->k * sizeof(*from));
	for (i = 0; i < l->n; i++) {
		from[l->lost[i]] = r->zero;
		to[i] = r->sums + i * len;
		memcpy(r->matrix + (size_t)i * c->k, c->matrix +
			(size_t)l->by[i] * c->k, c->k);
	}
	ec_init_tables((int)c->k, (int)l->n, r->matrix, r->tables);
	rs_multiply(len, c->k, l->n, r->tables, from, to);
	for (i = 0; i < l->n; i++)
		for (at = 0; at < len; at++)
			to[i][at] ^= row[c->k + l->by[i]][at];
}

int rs_rebuild(const struct rs *c, size_t len, uint8_t *const *row,
	       const bool *good, struct err *e)
{
	uint8_t *from[RS_ROWS_MAX], *to[RS_ROWS_MAX];
	struct rs_room r = { NULL };
	struct rs_loss l;
	unsigned i, j;
	int rc;

	if ((rc = rs_judge(&l, c, good, e)) < 0 || l.n == 0)
		return rc;
	if ((rc = rs_room_make(&r, c, l.n, len, e)) < 0)
		goto out;
	rs_sums(&r, c, len, row, &l);
	for (i = 0; i < l.n; i++)
		for (j = 0; j < l.n; j++)
			r.matrix[i * l.n + j] = c->matrix[l.by[i] * c->k +
				l.lost[j]];
	/* Every square part of a Cauchy matrix has an inverse. */
	BUG_ON(gf_invert_matrix(r.matrix, r.inverse, (int)l.n) != 0);
	ec_init_tables((int)l.n, (int)l.n, r.inverse, r.tables);
	for (i = 0; i < l.n; i++) {
		from[i] = r.sums + i * len;
		to[i] = row[l.lost[i]];
	}
	rs_multiply(len, l.n, l.n, r.tables, from, to);
out:
	rs_room_release(&r);
	return rc;
}
