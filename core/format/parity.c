/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/parity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/rs.h"
#include "format/le.h"

#define AT_SUM (PARITY_HEADER_BYTES - sizeof(struct key_sum))
#define ZERO_BYTES 30
/* Small files have small blocks, or the least that is repaired would be dear;
 * of larger ones a bad sector of the disk is a block. */
#define SMALL_FILE_BYTES (256u << 10)
#define SMALL_BLOCK 1024u
#define LARGE_BLOCK 4096u
#define LEAST_RUN 4096u

static_assert(AT_SUM == FMT_PREFIX_BYTES + 32 + 8 + 4 + 4 + 2 + ZERO_BYTES,
	"header");

/* --- shapes --- */

static uint64_t divide_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

static void shape_derive(struct parity_shape *s)
{
	s->n = (uint32_t)divide_up(s->bytes, s->block);
	s->k = (uint32_t)divide_up(s->n, s->stripes);
	s->p = s->stripes * s->m;
}

/* Rows of parity that so many stripes need; 0: they are too few. */
static uint32_t shape_rows(uint64_t n, uint32_t need, uint32_t stripes)
{
	uint64_t m = divide_up(need, stripes);

	return divide_up(n, stripes) + m > RS_ROWS_MAX ? 0 : (uint32_t)m;
}

/* A run of L bytes is in at most (L - 1) / B, rounded up, and one blocks.  The
 * stripes are as few as can be without much more parity than that, since long
 * ones bear more scattered damage. */
void parity_shape_make(struct parity_shape *s, uint64_t bytes, unsigned mille)
{
	uint32_t best = UINT32_MAX, need, stripes, least, m;
	uint64_t n;

	BUG_ON(bytes == 0 || bytes > FMT_PACK_MAX_BYTES);
	BUG_ON(mille == 0 || mille > PARITY_MILLE_MAX);
	memset(s, 0, sizeof(*s));
	s->bytes = bytes;
	s->block = bytes <= SMALL_FILE_BYTES ? SMALL_BLOCK : LARGE_BLOCK;
	n = divide_up(bytes, s->block);
	need = (uint32_t)divide_up(n * mille, 1000) + 1;
	if (need < LEAST_RUN / s->block + 1)
		need = LEAST_RUN / s->block + 1;
	if (need > n)
		need = (uint32_t)n;
	least = (uint32_t)divide_up(n + need, RS_ROWS_MAX);
	for (stripes = least; stripes <= 2 * least; stripes++) {
		m = shape_rows(n, need, stripes);
		if (m && m * stripes < best)
			best = m * stripes;
	}
	BUG_ON(best == UINT32_MAX);
	best += best / 16 + 1;
	for (stripes = least; ; stripes++) {
		m = shape_rows(n, need, stripes);
		if (m && m * stripes <= best && m * stripes <= n)
			break;
	}
	s->stripes = stripes;
	s->m = m;
	shape_derive(s);
}

static size_t shape_sums_bytes(const struct parity_shape *s)
{
	return ((size_t)s->n + s->p) * PARITY_SUM_BYTES;
}

static size_t shape_blocks_at(const struct parity_shape *s)
{
	return PARITY_HEADER_BYTES + shape_sums_bytes(s);
}

uint64_t parity_shape_bytes(const struct parity_shape *s)
{
	return 2 * (uint64_t)shape_blocks_at(s) + (uint64_t)s->p * s->block;
}

/* --- making --- */

static void sum_put(uint8_t *out, const uint8_t *block, size_t len)
{
	struct key_sum sum;

	key_sum(&sum, block, len);
	memcpy(out, sum.b, PARITY_SUM_BYTES);
}

static int put_header(const struct parity_shape *s, const struct oid *name,
	struct buf *out, struct err *e)
{
	size_t at = out->len;
	struct key_sum sum;
	struct wr w;
	int rc;

	wr_init(&w, out);
	fmt_put_prefix(&w, FMT_PARITY);
	wr_bytes(&w, name->b, sizeof(name->b));
	wr_le64(&w, s->bytes);
	wr_le32(&w, s->block);
	wr_le32(&w, s->stripes);
	wr_le16(&w, (uint16_t)s->m);
	wr_zero(&w, ZERO_BYTES);
	if ((rc = wr_done(&w, e)) < 0)
		return rc;
	key_sum(&sum, out->p + at, AT_SUM);
	return buf_append(out, sum.b, sizeof(sum.b), e);
}

/* Blocks of a file in pieces: where they lie, or in 'edge' if a piece ends in
 * them or the file does. */
struct blocks {
	uint8_t **at;
	uint8_t *edge;
};

static void blocks_find(struct blocks *b, const struct parity_shape *s,
	const struct iovec *iov, int n)
{
	uint8_t *edge = b->edge;
	size_t off = 0, take, left;
	uint32_t j;

	for (j = 0; j < s->n; j++) {
		while (n > 0 && off == iov->iov_len) {
			iov++;
			n--;
			off = 0;
		}
		BUG_ON(n == 0);
		if (iov->iov_len - off >= s->block) {
			b->at[j] = (uint8_t *)iov->iov_base + off;
			off += s->block;
			continue;
		}
		b->at[j] = edge;
		for (left = s->block; left > 0 && n > 0; left -= take) {
			take = iov->iov_len - off < left ?
				iov->iov_len - off : left;
			memcpy(edge, (uint8_t *)iov->iov_base + off, take);
			edge += take;
			off += take;
			if (off == iov->iov_len && --n > 0) {
				iov++;
				off = 0;
			}
		}
		memset(edge, 0, left);
		edge += left;
	}
}

static int blocks_make(struct blocks *b, const struct parity_shape *s,
	const struct iovec *iov, int n, struct err *e)
{
	b->at = mem_array(s->n, sizeof(*b->at));
	b->edge = mem_array((size_t)n + 1, s->block);
	if (!b->at || !b->edge)
		return err_nomem(e);
	blocks_find(b, s, iov, n);
	return 0;
}

static void blocks_release(struct blocks *b)
{
	free(b->at);
	free(b->edge);
}

/* The k rows of a stripe: blocks at[], 'zero' for those that are not there. */
static void stripe_rows(const struct parity_shape *s, uint32_t stripe,
	uint8_t *const *at, uint8_t *zero, uint8_t **row)
{
	uint32_t i, j;

	for (i = 0; i < s->k; i++) {
		j = i * s->stripes + stripe;
		row[i] = j < s->n ? at[j] : zero;
	}
}

static int put_blocks(const struct parity_shape *s, const struct blocks *b,
	uint8_t *out, struct err *e)
{
	uint8_t *row[RS_ROWS_MAX];
	uint8_t *zero = mem_zero(1, s->block);
	struct rs *c = NULL;
	uint32_t stripe, i;
	int rc;

	rc = zero ? rs_new(&c, s->k, s->m, e) : err_nomem(e);
	for (stripe = 0; rc == 0 && stripe < s->stripes; stripe++) {
		stripe_rows(s, stripe, b->at, zero, row);
		for (i = 0; i < s->m; i++)
			row[s->k + i] = out + ((size_t)i * s->stripes +
				stripe) * s->block;
		rs_encode(c, s->block, row);
	}
	rs_free(c);
	free(zero);
	return rc;
}

int parity_make(const struct oid *name, const struct iovec *iov, int n,
	unsigned mille, struct buf *out, struct err *e)
{
	struct blocks b = { NULL, NULL };
	struct parity_shape s;
	uint64_t bytes = 0;
	uint8_t *sums, *blocks;
	uint32_t j;
	int i, rc;

	for (i = 0; i < n; i++)
		bytes += iov[i].iov_len;
	parity_shape_make(&s, bytes, mille);
	buf_clear(out);
	if ((rc = buf_reserve(out, (size_t)parity_shape_bytes(&s), e)) < 0 ||
	    (rc = put_header(&s, name, out, e)) < 0 ||
	    (rc = buf_resize(out, shape_blocks_at(&s) +
			     (size_t)s.p * s.block, e)) < 0 ||
	    (rc = blocks_make(&b, &s, iov, n, e)) < 0)
		goto out;
	sums = out->p + PARITY_HEADER_BYTES;
	blocks = out->p + shape_blocks_at(&s);
	if ((rc = put_blocks(&s, &b, blocks, e)) < 0)
		goto out;
	for (j = 0; j < s.n; j++)
		sum_put(sums + (size_t)j * PARITY_SUM_BYTES, b.at[j],
			s.block);
	for (j = 0; j < s.p; j++)
		sum_put(sums + ((size_t)s.n + j) * PARITY_SUM_BYTES,
			blocks + (size_t)j * s.block, s.block);
	if ((rc = buf_append(out, sums, shape_sums_bytes(&s), e)) == 0)
		rc = put_header(&s, name, out, e);
out:
	blocks_release(&b);
	return rc;
}

/* --- reading --- */

static int get_header(struct parity_shape *s, const struct oid *name,
	const uint8_t *p, struct err *e)
{
	struct key_sum sum;
	struct oid of;
	struct rd r;
	int rc;

	memset(s, 0, sizeof(*s));
	key_sum(&sum, p, AT_SUM);
	if (memcmp(sum.b, p + AT_SUM, sizeof(sum.b)) != 0)
		return err_set(e, ERR_CORRUPT, "the header is damaged");
	rd_init(&r, p, AT_SUM);
	if ((rc = fmt_get_prefix(&r, FMT_PARITY, e)) < 0)
		return rc;
	rd_copy(&r, of.b, sizeof(of.b));
	s->bytes = rd_le64(&r);
	s->block = rd_le32(&r);
	s->stripes = rd_le32(&r);
	s->m = rd_le16(&r);
	rd_zero(&r, ZERO_BYTES);
	if (!rd_done(&r) || s->bytes == 0 || s->bytes > FMT_PACK_MAX_BYTES ||
	    s->block < PARITY_BLOCK_MIN || s->block > PARITY_BLOCK_MAX ||
	    (s->block & (s->block - 1)) != 0 || s->stripes == 0 ||
	    s->stripes > divide_up(s->bytes, s->block) || s->m == 0)
		return err_set(e, ERR_CORRUPT, "the header says what cannot "
			"be");
	shape_derive(s);
	if (s->k + s->m > RS_ROWS_MAX || s->p > s->n)
		return err_set(e, ERR_CORRUPT, "the header says what cannot "
			"be");
	if (!oid_eq(&of, name))
		return err_set(e, ERR_CORRUPT, "it is of another file");
	return 0;
}

int parity_open(struct parity *y, const struct oid *name, const uint8_t *p,
	size_t len, struct err *e)
{
	int rc;

	*y = (struct parity) { .p = p, .len = len };
	if (len < PARITY_HEADER_BYTES)
		return err_set(e, ERR_CORRUPT, "cut off: only %zu bytes", len);
	rc = get_header(&y->shape, name, p, e);
	if (rc < 0) {
		rc = get_header(&y->shape, name, p + len -
			PARITY_HEADER_BYTES, e);
		if (rc == 0 && parity_shape_bytes(&y->shape) != len)
			rc = err_set(e, ERR_CORRUPT, "it has the wrong size");
	}
	return rc;
}

/* Bytes of the parity file; NULL: it ends before. */
static const uint8_t *parity_at(const struct parity *y, uint64_t at,
	size_t len)
{
	return at <= y->len && len <= y->len - at ? y->p + at : NULL;
}

/* Does its sum stand in a table?  Blocks of the file are number 0 to n - 1,
 * those of the parity follow. */
static bool parity_good(const struct parity *y, uint32_t no,
	const uint8_t *block)
{
	const struct parity_shape *s = &y->shape;
	uint64_t at = PARITY_HEADER_BYTES + (uint64_t)no * PARITY_SUM_BYTES;
	uint64_t again = shape_sums_bytes(s) + (uint64_t)s->p * s->block;
	uint8_t sum[PARITY_SUM_BYTES];
	const uint8_t *t[2];
	int i;

	if (!block)
		return false;
	sum_put(sum, block, s->block);
	t[0] = parity_at(y, at, sizeof(sum));
	t[1] = parity_at(y, at + again, sizeof(sum));
	for (i = 0; i < 2; i++)
		if (t[i] && memcmp(t[i], sum, sizeof(sum)) == 0)
			return true;
	return false;
}

static const uint8_t *parity_block(const struct parity *y, uint32_t q)
{
	const struct parity_shape *s = &y->shape;

	return parity_at(y, shape_blocks_at(s) + (uint64_t)q * s->block,
		s->block);
}

int parity_scrub(const struct parity *y, struct err *e)
{
	const struct parity_shape *s = &y->shape;
	size_t half = shape_blocks_at(s);
	uint32_t q;

	if (y->len != parity_shape_bytes(s))
		return err_set(e, ERR_CORRUPT, "it has the wrong size");
	if (memcmp(y->p, y->p + y->len - PARITY_HEADER_BYTES,
		   PARITY_HEADER_BYTES) != 0)
		return err_set(e, ERR_CORRUPT, "a header is damaged");
	if (memcmp(y->p + PARITY_HEADER_BYTES, y->p + y->len - half,
		   shape_sums_bytes(s)) != 0)
		return err_set(e, ERR_CORRUPT, "a table is damaged");
	for (q = 0; q < s->p; q++)
		if (!parity_good(y, s->n + q, parity_block(y, q)))
			return err_set(e, ERR_CORRUPT, "a block is damaged");
	return 0;
}

/* --- mending --- */

struct mending {
	const struct parity *y;
	struct rs *c;
	uint8_t **at;		/* the file's blocks */
	uint8_t *edge, *zero;	/* the last block, if it is short; zeroes */
	uint8_t *rows;		/* m rows of parity */
	uint32_t damaged;
};

static void mending_release(struct mending *m)
{
	rs_free(m->c);
	free(m->at);
	free(m->edge);
	free(m->zero);
	free(m->rows);
}

static int mending_make(struct mending *m, uint8_t *file, struct err *e)
{
	const struct parity_shape *s = &m->y->shape;
	size_t last = s->bytes - (size_t)(s->n - 1) * s->block;
	uint32_t j;

	m->at = mem_array(s->n, sizeof(*m->at));
	m->edge = mem_zero(1, s->block);
	m->zero = mem_zero(1, s->block);
	m->rows = mem_array(s->m, s->block);
	if (!m->at || !m->edge || !m->zero || !m->rows)
		return err_nomem(e);
	for (j = 0; j < s->n; j++)
		m->at[j] = file + (size_t)j * s->block;
	if (last < s->block) {
		memcpy(m->edge, m->at[s->n - 1], last);
		m->at[s->n - 1] = m->edge;
	}
	return rs_new(&m->c, s->k, s->m, e);
}

static int mend_stripe(struct mending *m, uint32_t stripe, struct err *e)
{
	const struct parity_shape *s = &m->y->shape;
	uint8_t *row[RS_ROWS_MAX];
	bool good[RS_ROWS_MAX];
	uint32_t i, j, lost = 0;
	const uint8_t *block;

	stripe_rows(s, stripe, m->at, m->zero, row);
	for (i = 0; i < s->k; i++) {
		j = i * s->stripes + stripe;
		good[i] = j >= s->n || parity_good(m->y, j, row[i]);
		lost += !good[i];
	}
	if (lost == 0)
		return 0;
	m->damaged += lost;
	for (i = 0; i < s->m; i++) {
		j = i * s->stripes + stripe;
		block = parity_block(m->y, j);
		good[s->k + i] = parity_good(m->y, s->n + j, block);
		row[s->k + i] = m->rows + (size_t)i * s->block;
		if (good[s->k + i])
			memcpy(row[s->k + i], block, s->block);
	}
	return rs_rebuild(m->c, s->block, row, good, e);
}

int parity_mend(const struct parity *y, uint8_t *file, uint32_t *damaged,
	struct err *e)
{
	const struct parity_shape *s = &y->shape;
	size_t last = s->bytes - (size_t)(s->n - 1) * s->block;
	struct mending m = { .y = y };
	struct err why = { ERR_OK, "" };
	bool lost = false;
	uint32_t stripe;
	int rc;

	rc = mending_make(&m, file, e);
	for (stripe = 0; rc == 0 && stripe < s->stripes; stripe++) {
		rc = mend_stripe(&m, stripe, lost ? NULL : &why);
		if (rc == ERR_CORRUPT) {	/* the others are mended */
			lost = true;
			rc = 0;
		}
	}
	if (rc == 0 && last < s->block)
		memcpy(file + (size_t)(s->n - 1) * s->block, m.edge, last);
	*damaged = m.damaged;
	mending_release(&m);
	if (rc == 0 && !lost)
		return 0;
	if (rc < 0)
		return err_nomem(e);
	if (e)
		*e = why;
	return ERR_CORRUPT;
}
