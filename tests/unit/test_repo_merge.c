/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session that is still at work when others commit: its index segment is
 * merged with theirs and deleted.  It commits all the same, and what it stored
 * is found.  When the segment went and nothing lists its objects, it does not
 * commit; when it was fenced, it says that.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "repo/idx.h"
#include "repo/session.h"
#include "store/ops.h"
#include "tests/lib/world.h"

static struct world w;
static const struct session_opts opts = { .comp = COMP_SPEC_DEFAULT };

static void must(int rc, const char *what, const struct err *e)
{
	if (rc < 0)
		world_die(what, e);
}

static struct session *begin(struct repo *r, const char *text, struct oid *id)
{
	struct err e = { ERR_OK, "" };
	struct session *s;

	must(session_begin(&s, r, &opts, &e), "begin", &e);
	must(session_put(s, OBJ_DATA, text, strlen(text), id, &e), "put", &e);
	must(session_flush(s, &e), "flush", &e);
	return s;
}

/* An archive without entries. */
static int commit(struct session *s, const char *name, struct err *e)
{
	struct record r = { 0 };
	struct oid id;
	int rc;

	r.name = mem_str(name);
	r.series = mem_str("test");
	r.host = mem_str("host");
	r.user = mem_str("");
	r.comment = mem_str("");
	r.program = mem_str("test");
	rc = session_commit(s, &r, &id, e);
	session_free(s);
	record_release(&r);
	return rc;
}

static int last_cb(const char *name, uint64_t size, void *ctx)
{
	(void)size;
	snprintf(ctx, STORE_NAME_MAX, "%s", name);
	return 0;
}

/* Also by a reader that was open before, and lists again twice: the second
 * time it lets go of what was merged. */
static void is_found(struct reader *rd, const struct oid *id)
{
	struct err e = { ERR_OK, "" };
	struct buf b = BUF_INIT;
	int i;

	for (i = 0; i < 3; i++) {
		must(reader_fetch(rd, OBJ_DATA, id, &b, &e), "object", &e);
		must(reader_refresh(rd, &e), "refresh", &e);
	}
	buf_release(&b);
}

static void all_found(struct repo *r, const struct oid *a,
		      const struct oid *b, struct reader *old)
{
	struct err e = { ERR_OK, "" };
	struct reader *rd;

	must(reader_open(&rd, r, 0, &e), "reader", &e);
	is_found(rd, a);
	is_found(rd, b);
	reader_close(rd);
	is_found(old, a);
	is_found(old, b);
	reader_close(old);
}

/* Before all others: the segments come and go, and their number stays. */
static void few_segments(struct repo *r)
{
	struct err e = { ERR_OK, "" };
	struct idx *x;
	struct oid id;
	char text[32];
	int i;

	must(idx_open(&x, r, IDX_READER, &e), "index", &e);
	for (i = 0; i < 2 * IDX_TIER_WIDTH; i++) {
		snprintf(text, sizeof(text), "small %d", i);
		must(commit(begin(r, text, &id), text, &e), text, &e);
		must(idx_refresh(x, &e), "refresh", &e);
	}
	must(idx_refresh(x, &e), "refresh", &e);
	if (idx_entries(x) != 2 * IDX_TIER_WIDTH)
		world_die("an open index keeps what was merged", NULL);
	idx_close(x);
}

static void merged(struct repo *r)
{
	struct err e = { ERR_OK, "" };
	struct session *slow;
	struct reader *old;
	struct oid id, other;
	char text[32];
	int i;

	slow = begin(r, "of the slow one", &id);
	must(reader_open(&old, r, 0, &e), "reader", &e);
	for (i = 0; i < IDX_TIER_WIDTH; i++) {
		snprintf(text, sizeof(text), "number %d", i);
		must(commit(begin(r, text, &other), text, &e), text, &e);
	}
	must(commit(slow, "slow", &e), "a session whose segment was merged",
		&e);
	all_found(r, &id, &other, old);
}

static struct session *robbed(struct repo *r, const char *text)
{
	char before[STORE_NAME_MAX] = "";
	struct err e = { ERR_OK, "" };
	struct session *s;
	struct oid id;

	/* The only segment of a repository that was just made. */
	s = begin(r, text, &id);
	must(store_list(repo_store(r), STORE_INDEX, last_cb, before, &e),
		"list", &e);
	must(store_del(repo_store(r), STORE_INDEX, before, &e), "delete", &e);
	return s;
}

/* Somebody is always faster: so many listings have a segment that is not there
 * any more. */
static struct {
	const struct store_ops *was;
	char name[STORE_NAME_MAX];
	int left;
} ghost;

static int ghost_list(struct store *s, enum store_kind k, store_list_fn *fn,
		      void *ctx, struct err *e)
{
	int rc = ghost.was->list(s, k, fn, ctx, e);

	if (rc == 0 && k == STORE_INDEX && ghost.left > 0) {
		ghost.left--;
		rc = fn(ghost.name, 1000, ctx);
	}
	return rc;
}

static void overtaken(struct repo *r)
{
	struct store *st = repo_store(r);
	struct store_ops ops = *st->ops;
	struct err e = { ERR_OK, "" };
	struct idx *x;
	char *digit;

	must(store_list(st, STORE_INDEX, last_cb, ghost.name, &e), "list", &e);
	digit = &ghost.name[strlen(ghost.name) - 1];
	*digit = *digit == '0' ? '1' : '0';
	ghost.was = st->ops;
	ghost.left = 20;
	ops.list = ghost_list;
	ops.list_many = NULL;
	ops.list_opened = NULL;
	st->ops = &ops;
	must(idx_open(&x, r, IDX_WRITER, &e), "an index that changes", &e);
	idx_close(x);
	if (ghost.left != 0)
		world_die("the ghost was not met", NULL);
	st->ops = ghost.was;
}

int main(void)
{
	struct err e = { ERR_OK, "" };
	char hex[SID_HEX_BYTES];
	struct buf b = BUF_INIT;
	struct session *s;
	struct repo *r;
	int rc;

	world_make(&w, "merge");
	must(world_init(&w, &e), "init", &e);
	must(repo_open(&r, w.repo, &world_opts, &e), "open", &e);
	rc = commit(robbed(r, "lost"), "lost", &e);
	if (rc != ERR_NOENT)
		world_die("a session without its index was committed", &e);
	s = robbed(r, "fenced");
	if (record_put_fence(repo_ctx(r), session_id(s), &b, &e) < 0 ||
	    store_put_buf(repo_store(r), STORE_ARCHIVES,
			  sid_hex(session_id(s), hex), &b, STORE_PUT_RACE,
			  &e) < 0)
		world_die("fence", &e);
	rc = commit(s, "fenced", &e);
	if (rc != ERR_RETRY)
		world_die("a fenced session does not say so", &e);
	err_clear(&e);
	few_segments(r);
	merged(r);
	overtaken(r);
	buf_release(&b);
	repo_close(r);
	world_end(&w);
	return 0;
}
