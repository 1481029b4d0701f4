/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was seen of a repository, as kept.  First byte: 0: the rest is the file;
 * 1: the file but for its sum, which is made here.
 */
#include <string.h>

#include "repo/seen.h"
#include "tests/lib/formatkit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void get(const uint8_t *p, size_t len)
{
	const struct key loc = formatkit_key("secret");
	struct buf again = BUF_INIT;
	struct seen s, t;

	if (seen_get(&s, p, len, &loc, NULL) < 0)
		return;
	BUG_ON(seen_put(&again, &s, &loc, NULL) < 0);
	BUG_ON(seen_get(&t, again.p, again.len, &loc, NULL) < 0);
	BUG_ON(t.n_live > s.n_live || t.n_dead != s.n_dead ||
	       t.n_owed != s.n_owed || t.generation != s.generation);
	BUG_ON(seen_merge(&t, &s, NULL) < 0);
	seen_release(&s);
	seen_release(&t);
	buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	const struct key loc = formatkit_key("secret");
	struct buf b = BUF_INIT;
	struct oid sum;
	struct key key;

	if (len == 0)
		return 0;
	if (p[0] == 0) {
		get(p + 1, len - 1);
		return 0;
	}
	key_hash(&sum, &loc, "seen    ", 8, NULL, 0, NULL, 0);
	memcpy(key.b, sum.b, sizeof(key.b));
	key_hash(&sum, &key, p + 1, len - 1, NULL, 0, NULL, 0);
	if (buf_append(&b, p + 1, len - 1, NULL) == 0 &&
	    buf_append(&b, sum.b, sizeof(sum.b), NULL) == 0)
		get(b.p, b.len);
	buf_release(&b);
	return 0;
}
