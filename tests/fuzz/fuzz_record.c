/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First byte: 0: the rest is a record as stored; 1: a record's head, 2: its
 * body, both plain, as they come out of the seal.  What is accepted encodes
 * to the bytes it came from, but for the padding of a body; and what opens with
 * the key is what it should be without it.
 */
#include <string.h>

#include "format/record.h"
#include "format/record_priv.h"
#include "tests/lib/formatkit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void open_file(const uint8_t *p, size_t len)
{
	const struct fmt_ctx *ctx = formatkit_ctx();
	const struct object_keys k = formatkit_object_keys("session");
	const struct sid session = formatkit_sid("session");
	struct record r;
	struct oid id;
	int scrub = record_scrub(&ctx->repo, &session, p, len, NULL);

	if (record_open_head(&r, ctx, &session, p, len, &id, NULL) == 0) {
		BUG_ON(scrub < 0);
		record_open_body(&r, ctx, &k, p, len, NULL);
	}
	record_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct record r = { 0 };
	struct buf again = BUF_INIT;
	size_t i;

	if (len == 0)
		return 0;
	if (p[0] % 3 == 0) {
		open_file(p + 1, len - 1);
	} else if (p[0] % 3 == 1) {
		if (record_get_head(&r, p + 1, len - 1, NULL) == 0) {
			BUG_ON(record_put_head(&again, &r, NULL) < 0);
			BUG_ON(again.len != len - 1 ||
			       memcmp(again.p, p + 1, len - 1) != 0);
		}
	} else if (record_get_body(&r, p + 1, len - 1, NULL) == 0) {
		BUG_ON(record_put_body(&again, &r, NULL) < 0);
		BUG_ON(again.len > len - 1 ||
		       memcmp(again.p, p + 1, again.len) != 0);
		for (i = again.len; i < len - 1; i++)
			BUG_ON(p[1 + i] != 0);
	}
	record_release(&r);
	buf_release(&again);
	return 0;
}
