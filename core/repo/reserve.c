/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/reserve.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/sid.h"
#include "base/strv.h"
#include "codec/key.h"
#include "repo/repo.h"

#define RESERVE_PIECE_BYTES (16u << 20)
#define RESERVE_COPY_BYTES (72u << 20)	/* a data pack, a meta pack, twice
					 * nearly */
/* A reserve that has this share of what it should have is left alone. */
#define RESERVE_ENOUGH(want) ((want) / 4 * 3)

struct reserve_listing {
	struct strv names;
	uint64_t bytes;
	struct err *e;
};

static int reserve_list_cb(const char *name, uint64_t size, void *ctx)
{
	struct reserve_listing *l = ctx;

	l->bytes += size;
	return strv_add(&l->names, name, l->e);
}

static int reserve_put(struct repo *r, size_t len, struct err *e)
{
	struct buf b = BUF_INIT;
	char hex[SID_HEX_BYTES];
	struct sid name;
	int rc;

	if ((rc = buf_resize(&b, len, e)) < 0)
		return rc;
	key_random(b.p, b.len);
	key_random(&name, sizeof(name));
	rc = store_put_buf(repo_store(r), STORE_RESERVE, sid_hex(&name, hex),
		&b, 0, e);
	buf_release(&b);
	return rc;
}

int reserve_fill(struct repo *r, uint64_t index_bytes, uint64_t data_bytes,
		 struct err *e)
{
	struct reserve_listing l = { STRV_INIT, 0, e };
	uint64_t want = data_bytes / 16;
	uint64_t space, total;
	int rc;

	if (want > RESERVE_COPY_BYTES)
		want = RESERVE_COPY_BYTES;
	want += RESERVE_LEAST_BYTES + 2 * index_bytes;
	rc = store_list(repo_store(r), STORE_RESERVE, reserve_list_cb, &l, e);
	strv_release(&l.names);
	if (rc < 0 || l.bytes >= RESERVE_ENOUGH(want))
		return rc;
	want -= l.bytes;
	/* Never more than a fifth of what is left. */
	if (store_space(repo_store(r), &space, &total, NULL) == 0 &&
	    want > space / 5)
		want = space / 5;
	while (rc == 0 && want > 0) {
		size_t len = want < RESERVE_PIECE_BYTES ? (size_t)want :
			RESERVE_PIECE_BYTES;

		rc = reserve_put(r, len, e);
		want -= len;
	}
	if (rc == ERR_FULL) {
		log_info("repository", "the reserve is smaller than it should "
			"be: %s", e ? e->msg : "no space left");
		err_clear(e);
		rc = 0;
	}
	return rc;
}

int reserve_give(struct repo *r, uint64_t *bytes, struct err *e)
{
	struct reserve_listing l = { STRV_INIT, 0, e };
	size_t i;
	int rc;

	*bytes = 0;
	rc = store_list(repo_store(r), STORE_RESERVE, reserve_list_cb, &l, e);
	for (i = 0; rc == 0 && i < l.names.n; i++) {
		rc = store_del(repo_store(r), STORE_RESERVE, l.names.v[i], e);
		if (rc == ERR_NOENT) {
			err_clear(e);
			rc = 0;
		}
	}
	if (rc == 0)
		*bytes = l.bytes;
	strv_release(&l.names);
	return rc;
}
