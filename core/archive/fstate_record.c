/* SPDX-License-Identifier: BSD-2-Clause */
#include <endian.h>
#include <string.h>

#include "archive/fstate_priv.h"
#include "base/rd.h"
#include "base/wr.h"
#include "codec/key.h"

#define AT_BITS 48
#define FLAG_XATTRS_ID (1u << 0)
#define FLAG_YOUNG (1u << 1)

void fstate_sum(uint8_t out[FSTATE_SUM_BYTES], const void *p, size_t len)
{
	struct key_sum sum;

	key_sum(&sum, p, len);
	memcpy(out, sum.b, FSTATE_SUM_BYTES);
}

struct fstate_key fstate_key_of(unsigned dev, uint64_t ino, uint64_t at)
{
	return (struct fstate_key){ (uint64_t)dev << AT_BITS | ino >> 16,
				    ino << AT_BITS | at };
}

uint64_t fstate_key_at(struct fstate_key k)
{
	return k.lo & ((UINT64_C(1) << AT_BITS) - 1);
}

int fstate_key_cmp(struct fstate_key a, struct fstate_key b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return (a.lo > b.lo) - (a.lo < b.lo);
}

bool fstate_key_same(struct fstate_key a, struct fstate_key b)
{
	return a.hi == b.hi && a.lo >> AT_BITS == b.lo >> AT_BITS;
}

struct fstate_key fstate_key_get(const uint8_t *p)
{
	struct fstate_key k;

	memcpy(&k.hi, p, 8);
	memcpy(&k.lo, p + 8, 8);
	return (struct fstate_key){ le64toh(k.hi), le64toh(k.lo) };
}

void fstate_key_put(uint8_t *p, struct fstate_key k)
{
	k = (struct fstate_key){ htole64(k.hi), htole64(k.lo) };
	memcpy(p, &k.hi, 8);
	memcpy(p + 8, &k.lo, 8);
}

size_t fstate_record_peek(const uint8_t *p, const uint8_t *end, unsigned *dev,
			  uint64_t *ino)
{
	size_t len;

	if (end - p < FSTATE_RECORD_MIN)
		return 0;
	len = (size_t)(p[0] | p[1] << 8) + 2;
	if (len < FSTATE_RECORD_MIN || len > (size_t)(end - p))
		return 0;
	*dev = p[2] | (unsigned)p[3] << 8;
	memcpy(ino, p + 4, 8);
	*ino = le64toh(*ino);
	return len;
}

static void record_get_time(struct rd *r, struct timespec *ts)
{
	ts->tv_sec = rd_zigzag(r);
	ts->tv_nsec = (long)rd_le32(r);
}

size_t fstate_record_get(struct fstate_record *r, const uint8_t *p,
			 const uint8_t *end)
{
	struct fstate_hit *hit = &r->hit;
	uint8_t flags;
	struct rd d;
	size_t len;

	len = fstate_record_peek(p, end, &r->dev, &r->ino);
	if (len == 0)
		return 0;
	rd_init(&d, p + FSTATE_RECORD_HEAD, len - FSTATE_RECORD_HEAD);
	r->size = rd_varint(&d);
	record_get_time(&d, &r->mtime);
	record_get_time(&d, &r->ctime);
	r->name = rd_le64(&d);
	flags = rd_u8(&d);
	r->young = flags & FLAG_YOUNG;
	hit->fsflags = (uint32_t)rd_varint_max(&d, UINT32_MAX);
	hit->xattrs_len = (uint32_t)rd_varint_max(&d, ENTRY_XATTR_INLINE_MAX);
	hit->xattrs = rd_bytes(&d, hit->xattrs_len);
	if (hit->xattrs_len == 0)
		hit->xattrs = NULL;
	memset(&hit->xattrs_id, 0, sizeof(hit->xattrs_id));
	if (flags & FLAG_XATTRS_ID)
		rd_copy(&d, hit->xattrs_id.b, sizeof(hit->xattrs_id.b));
	content_get(&d, &hit->content);
	return rd_done(&d) ? len : 0;
}

static void record_put_time(struct wr *w, const struct timespec *ts)
{
	wr_zigzag(w, ts->tv_sec);
	wr_le32(w, (uint32_t)ts->tv_nsec);
}

int fstate_record_put(struct buf *b, const struct fstate_record *r,
		      const struct entry *en, struct err *e)
{
	bool id = !oid_is_zero(&en->xattrs_id);
	size_t start = b->len, len;
	struct wr w;
	int rc;

	wr_init(&w, b);
	wr_le16(&w, 0);
	wr_le16(&w, (uint16_t)r->dev);
	wr_le64(&w, r->ino);
	wr_varint(&w, r->size);
	record_put_time(&w, &r->mtime);
	record_put_time(&w, &r->ctime);
	wr_le64(&w, r->name);
	wr_u8(&w, (uint8_t)((id ? FLAG_XATTRS_ID : 0) |
			    (r->young ? FLAG_YOUNG : 0)));
	wr_varint(&w, en->fsflags);
	wr_varint(&w, en->xattrs_len);
	wr_bytes(&w, en->xattrs, en->xattrs_len);
	if (id)
		wr_bytes(&w, en->xattrs_id.b, sizeof(en->xattrs_id.b));
	content_put(&w, &en->content);
	rc = wr_done(&w, e);
	if (rc < 0)
		return rc;
	len = b->len - start - 2;
	b->p[start] = (uint8_t)len;
	b->p[start + 1] = (uint8_t)(len >> 8);
	return 0;
}
