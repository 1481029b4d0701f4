/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: u8 what, then for 'what' < 128 three bytes of plain length and a
 * frame; from 128 on bytes to compress; 255: the text of a setting.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rd.h"
#include "codec/comp.h"

#define PLAIN_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void judge(bool right)
{
	if (!right)
		abort();
}

static void unpack(struct rd *r, enum comp_codec codec)
{
	size_t plain_len = rd_le24(r) % PLAIN_MAX, len = rd_left(r);
	const uint8_t *p = rd_bytes(r, len);
	uint8_t *a = mem_alloc(plain_len + 1), *b = mem_alloc(plain_len + 1);
	struct err e = { 0 };
	int rc;

	judge(a && b);
	memset(a, 1, plain_len + 1);
	memset(b, 2, plain_len + 1);
	rc = comp_unpack(codec, p, len, a, plain_len, &e);
	judge(rc == e.code);
	judge(rc == 0 || rc == ERR_CORRUPT);
	judge(a[plain_len] == 1);
	if (rc == 0) {
		judge(comp_unpack(codec, p, len, b, plain_len, &e) == 0);
		judge(memcmp(a, b, plain_len) == 0);
		judge(comp_unpack(codec, p, len, b, plain_len + 1, &e) ==
			ERR_CORRUPT);
		judge(plain_len == 0 || comp_unpack(codec, p, len, b,
			plain_len - 1, &e) == ERR_CORRUPT);
	}
	free(a);
	free(b);
}

static void round_trip(const uint8_t *p, size_t len, unsigned what)
{
	static const int8_t levels[] = { -2, 1, 3, 3, 5, 9, 0, 13 };
	const struct comp_spec spec = { levels[what % 8], what & 8 };
	struct comp *c = comp_new(&spec);
	struct buf out = BUF_INIT;
	struct err e = { 0 };
	uint8_t *back = mem_alloc(len);
	int codec;

	judge(c && back);
	codec = comp_pack(c, p, len, &out, &e);
	judge(codec == COMP_RAW || codec == COMP_ZSTD);
	if (codec == COMP_RAW) {
		judge(out.len == 0);
	} else {
		judge(out.len * 100 <= len * 97);
		judge(comp_unpack(COMP_ZSTD, out.p, out.len, back, len,
			&e) == 0);
		judge(memcmp(back, p, len) == 0);
	}
	free(back);
	buf_release(&out);
	comp_free(c);
}

static void parse(const uint8_t *p, size_t len)
{
	struct comp_spec spec = { 99, false };
	struct err e = { 0 };
	char *text = mem_alloc(len + 1);
	const char *note;
	int rc;

	judge(text);
	if (len)
		memcpy(text, p, len);
	text[len] = '\0';
	rc = comp_parse(&spec, text, &note, &e);
	judge(rc == 0 || (rc == ERR_CONFIG && e.code == rc));
	judge(rc < 0 ? spec.level == 99 : spec.level >= -2 && spec.level <= 22);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct rd r;
	unsigned what;

	rd_init(&r, p, len);
	what = rd_u8(&r);
	if (r.bad)
		return 0;
	if (what == 255)
		parse(r.p, rd_left(&r));
	else if (what < 128)
		unpack(&r, (enum comp_codec)(what % 4));
	else if (rd_left(&r))
		round_trip(r.p, rd_left(&r), what);
	return 0;
}
