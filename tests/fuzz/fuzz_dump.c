/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dumps of databases: what their end says, in whatever pieces they come, and
 * lines with a database's name in them.  Besides not crashing: the pieces do
 * not matter, a renamed line has the new name and not less than before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hook/db.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void judge(const uint8_t *p, size_t len)
{
	static const struct db_kind *const kind[] = {
		&db_mysql, &db_postgres, &db_sqlite, &db_mongo
	};
	const struct config_db db = { .name = NULL };
	struct db_seen one = { 0 }, many = { 0 };
	size_t i, n;

	db_seen_add(&one, p, len);
	for (i = 0; i < len; i += n) {
		n = 1 + p[i] * 7u;
		n = n < len - i ? n : len - i;
		db_seen_add(&many, p + i, n);
	}
	if (one.bytes != many.bytes || one.n_head != many.n_head ||
	    one.n_tail != many.n_tail ||
	    memcmp(one.head, many.head, one.n_head) ||
	    memcmp(one.tail, many.tail, one.n_tail))
		abort();
	for (i = 0; i < sizeof(kind) / sizeof(kind[0]); i++)
		if (kind[i]->judge(&db, &one) != kind[i]->judge(&db, &many))
			abort();
}

static void rename_line(const struct db_load *l, const uint8_t *p, size_t len)
{
	struct buf out = BUF_INIT;
	bool changed = false;
	struct err e;
	int rc = db_mysql.rename(l, (const char *)p, len, &out, &changed, &e);

	if (rc < 0 && rc != ERR_CONFIG)
		abort();
	if (rc == 0 && out.len && !memmem(out.p, out.len, "`n``w`", 6)) {
		fprintf(stderr, "%.*s\n", (int)out.len, (char *)out.p);
		abort();
	}
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	const struct db_load l = { .name = "a`b", .as = "n`w" };
	const uint8_t *end;
	size_t n;

	judge(p, len);
	while (len > 0) {
		end = memchr(p, '\n', len);
		n = end ? (size_t)(end - p) + 1 : len;
		rename_line(&l, p, n);
		p += n;
		len -= n;
	}
	return 0;
}
