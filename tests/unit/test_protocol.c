/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer's side of the collector's protocol, without a collector: what one
 * would put into the store is put here by hand.
 *
 * 1. A fence under the session's name: nothing of the session is an archive,
 *    and create begins again by itself and succeeds.
 * 2. A new generation with an empty base: nothing that older segments list may
 *    be reused, all of it is stored again under the new generation.
 * 3. A session leaves no file in sessions/ behind, and every segment tells the
 *    generation that it was written under.
 */
#include <stdio.h>
#include <string.h>

#include "format/mark.h"
#include "format/segment.h"
#include "tests/lib/world.h"

static struct world w;

struct fencing {
	struct repo *repo;
	unsigned fences;		/* still to put */
	char name[STORE_NAME_MAX];
};

static int first_cb(const char *name, uint64_t size, void *ctx)
{
	(void)size;
	snprintf(ctx, STORE_NAME_MAX, "%s", name);
	return 1;
}

static int count_cb(const char *name, uint64_t size, void *ctx)
{
	(void)name;
	(void)size;
	++*(unsigned *)ctx;
	return 0;
}

static unsigned count(struct repo *r, enum store_kind kind)
{
	struct err e = { ERR_OK, "" };
	unsigned n = 0;

	if (store_list(repo_store(r), kind, count_cb, &n, &e) < 0)
		world_die("list", &e);
	return n;
}

/* Called for the first files: what a collector would do that took this
 * session for dead. */
static void fence_cb(char status, const char *path, void *ctx)
{
	struct fencing *f = ctx;
	struct err e = { ERR_OK, "" };
	struct buf b = BUF_INIT;
	struct sid sid;
	char name[STORE_NAME_MAX] = "";

	(void)status;
	(void)path;
	if (f->fences == 0)
		return;
	store_list(repo_store(f->repo), STORE_SESSIONS, first_cb, name, &e);
	if (strcmp(name, f->name) == 0)
		return;		/* this session has its fence */
	if (!sid_parse(&sid, name) ||
	    record_put_fence(repo_ctx(f->repo), &sid, &b, &e) < 0 ||
	    store_put_buf(repo_store(f->repo), STORE_ARCHIVES, name, &b,
			  STORE_PUT_RACE, &e) < 0)
		world_die("fence", &e);
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->fences--;
	buf_release(&b);
}

static int create(struct repo *r, const char *name, struct fencing *f,
		  struct create_result *res, struct err *e)
{
	struct strv paths = STRV_INIT;
	struct create_opts o = {
		.name = name, .series = "test", .walk.paths = &paths,
		.comp = COMP_SPEC_DEFAULT, .item = f ? fence_cb : NULL,
		.ctx = f,
	};
	int rc = strv_add(&paths, w.source, e);

	if (rc == 0)
		rc = create_run(r, &o, res, e);
	strv_release(&paths);
	return rc;
}

static void check(bool ok, const char *what)
{
	if (!ok)
		world_die(what, NULL);
}

static void must_restore(const char *name)
{
	struct err e = { ERR_OK, "" };

	if (world_extract(&w, name, &e) < 0)
		world_die(name, &e);
	check(world_same(&w), "another tree came back");
}

static void test_fence(struct repo *r)
{
	struct fencing f = { .repo = r, .fences = 2 };
	struct err e = { ERR_OK, "" };
	struct create_result res;
	unsigned before = count(r, STORE_ARCHIVES);

	if (create(r, "fenced", &f, &res, &e) < 0)
		world_die("create behind two fences", &e);
	create_result_release(&res);
	check(f.fences == 0, "the fences were not put");
	check(count(r, STORE_ARCHIVES) == before + 3,
		"two fences and a record were expected");
	check(count(r, STORE_SESSIONS) == 0, "a session was left");
	must_restore("fenced");
	/* Always fenced: it gives up, and says so. */
	f = (struct fencing) { .repo = r, .fences = 1000 };
	check(create(r, "never", &f, &res, &e) == ERR_RETRY,
		"a session that is always fenced must fail");
	create_result_release(&res);
	check(count(r, STORE_SESSIONS) == 0, "a session was left");
}

static int generation_cb(const char *name, uint64_t size, void *ctx)
{
	struct segment_name n;
	uint32_t *newest = ctx;

	(void)size;
	check(segment_name_get(&n, name), name);
	if (n.generation > *newest)
		*newest = n.generation;
	return 0;
}

static void test_generation(struct repo *r)
{
	struct mark_generation g = { .number = 1 };
	struct err e = { ERR_OK, "" };
	struct create_result res;
	struct buf b = BUF_INIT;
	uint32_t newest = 0;

	if (create(r, "same", NULL, &res, &e) < 0)
		world_die("create", &e);
	check(res.rec.stats.new_bytes == 0, "nothing is new");
	check(res.rec.generation == 0, "generation 0");
	create_result_release(&res);
	if (mark_put_generation(repo_ctx(r), &g, &b, &e) < 0 ||
	    store_put_buf(repo_store(r), STORE_GENERATIONS, "00000001", &b,
			  STORE_PUT_RACE, &e) < 0)
		world_die("generation", &e);
	buf_release(&b);
	if (create(r, "anew", NULL, &res, &e) < 0)
		world_die("create", &e);
	check(res.rec.stats.new_bytes > 700000,
		"objects of an older generation were reused");
	check(res.rec.generation == 1, "generation 1");
	create_result_release(&res);
	store_list(repo_store(r), STORE_INDEX, generation_cb, &newest, &e);
	check(newest == 1, "the segment tells another generation");
	must_restore("anew");
	must_restore("fenced");
	if (create(r, "again", NULL, &res, &e) < 0)
		world_die("create", &e);
	check(res.rec.stats.new_bytes == 0, "nothing is new in generation 1");
	create_result_release(&res);
}

int main(void)
{
	struct err e = { ERR_OK, "" };
	struct repo *r;

	world_make(&w, "protocol");
	if (world_init(&w, &e) < 0 ||
	    repo_open(&r, w.repo, &world_opts, &e) < 0)
		world_die("init", &e);
	test_fence(r);
	test_generation(r);
	repo_close(r);
	if (world_check(&w, true, &e) < 0)
		world_die("check", &e);
	world_end(&w);
	return 0;
}
