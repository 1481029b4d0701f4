/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 120 */
/*
 * Parity in a repository: rot, sectors that cannot be read, cuts between a
 * pack and its parity, failures of the store at every operation, and what a
 * collection leaves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/core.h"
#include "format/pack.h"
#include "store/ops.h"
#include "tests/lib/check.h"
#include "tests/lib/prng.h"
#include "tests/lib/world.h"

#define MILLE 30
#define ALL_FLAGS (PARITY_REPAIR_FILL | PARITY_REPAIR_RENEW)

/* --- a store in memory whose disk has bad sectors --- */

struct bad {
	struct store store;
	struct store *below;		/* owned */
	char name[STORE_NAME_MAX];	/* of the file that is bad; "": none */
	uint64_t from, to;		/* not to be read */
	bool dead;			/* nothing works any more */
};

static struct bad *bad_of(struct store *s)
{
	return (struct bad *)s;
}

static int bad_put(struct store *s, enum store_kind k, const char *name,
		   const struct iovec *iov, int n, unsigned flags,
		   struct err *e)
{
	return store_put(bad_of(s)->below, k, name, iov, n, flags, e);
}

static int bad_get(struct store *s, enum store_kind k, const char *name,
		   uint64_t off, size_t len, struct buf *out, struct err *e)
{
	struct bad *b = bad_of(s);

	if (b->dead || (!strcmp(b->name, name) && off < b->to &&
			off + len > b->from))
		return err_set(e, ERR_IO, "a bad sector");
	return store_get(b->below, k, name, off, len, out, e);
}

static int bad_stat(struct store *s, enum store_kind k, const char *name,
		    uint64_t *size, struct err *e)
{
	if (bad_of(s)->dead)
		return err_set(e, ERR_IO, "no disk");
	return store_stat(bad_of(s)->below, k, name, size, e);
}

static int bad_list(struct store *s, enum store_kind k, store_list_fn *fn,
		    void *ctx, struct err *e)
{
	return store_list(bad_of(s)->below, k, fn, ctx, e);
}

static int bad_del(struct store *s, enum store_kind k, const char *name,
		   struct err *e)
{
	return store_del(bad_of(s)->below, k, name, e);
}

static int bad_sync(struct store *s, struct err *e)
{
	return store_sync(bad_of(s)->below, e);
}

static int bad_space(struct store *s, uint64_t *free_bytes,
		     uint64_t *total_bytes, struct err *e)
{
	return store_space(bad_of(s)->below, free_bytes, total_bytes, e);
}

static void bad_close(struct store *s)
{
	store_close(bad_of(s)->below);
	free(s);
}

static const struct store_ops bad_ops = {
	.put = bad_put, .get = bad_get, .stat = bad_stat, .list = bad_list,
	.del = bad_del, .sync = bad_sync, .space = bad_space,
	.close = bad_close,
};

static struct bad *bad_open(struct store *below)
{
	struct bad *b = calloc(1, sizeof(*b));

	b->store = (struct store) { &bad_ops, below->url };
	b->below = below;
	return b;
}

/* --- a repository in memory --- */

static struct world w;
static const struct repo_init init = { .mode = SLOT_REPOKEY, .kdf_mem_kib = 8,
				       .parity_mille = MILLE };

static struct repo *repo_new(struct store *s, unsigned mille)
{
	struct repo_init how = init;
	struct err e = { 0 };
	struct repo *r;

	how.parity_mille = mille;
	check_ok(repo_create_on(&r, s, &how, &world_opts, &e), &e);
	return r;
}

static struct repo *repo_again(struct store *s)
{
	struct err e = { 0 };
	struct repo *r;

	check_ok(repo_open_on(&r, s, &world_opts, &e), &e);
	return r;
}

static int archive(struct repo *r, const char *name, struct err *e)
{
	struct strv paths = STRV_INIT;
	struct create_opts o = { .name = name, .series = "test",
		.walk.paths = &paths, .comp = COMP_SPEC_DEFAULT,
		.files_cache = FSTATE_DEFAULT };
	struct create_result res;
	int rc = strv_add(&paths, w.source, e);

	if (rc == 0) {
		rc = create_run(r, &o, &res, e);
		create_result_release(&res);
	}
	strv_release(&paths);
	return rc;
}

/* The files of a kind. */
struct listing {
	struct strv names;
};

static int listing_cb(const char *name, uint64_t size, void *ctx)
{
	(void)size;
	return strv_add(ctx, name, NULL);
}

static size_t list(struct repo *r, enum store_kind k, struct strv *names)
{
	struct err e = { 0 };

	strv_release(names);
	check_ok(store_list(repo_store(r), k, listing_cb, names, &e), &e);
	strv_sort(names);
	return names->n;
}

static size_t count(struct repo *r, enum store_kind k)
{
	struct strv names = STRV_INIT;
	size_t n = list(r, k, &names);

	strv_release(&names);
	return n;
}

static void get(struct repo *r, enum store_kind k, const char *name,
		struct buf *b)
{
	struct err e = { 0 };

	buf_clear(b);
	check_ok(store_get_all(repo_store(r), k, name, 1u << 27, b, &e), &e);
}

/* Rot: the file has other bytes, under the same name. */
static void replace(struct repo *r, enum store_kind k, const char *name,
		    const struct buf *b)
{
	struct err e = { 0 };

	check_ok(store_del(repo_store(r), k, name, &e), &e);
	check_ok(store_put_buf(repo_store(r), k, name, b, 0, &e), &e);
	check_ok(store_sync(repo_store(r), &e), &e);
}

static void rot(struct repo *r, enum store_kind k, const char *name,
		size_t at, size_t len)
{
	struct buf b = BUF_INIT;
	size_t i;

	get(r, k, name, &b);
	for (i = at; i < at + len && i < b.len; i++)
		b.p[i] ^= 0x5a;
	replace(r, k, name, &b);
	buf_release(&b);
}

/* All archives can be read: check finds nothing that matters to them. */
static int verify(struct repo *r, uint64_t *damage, struct err *e)
{
	struct check_opts o = { .flags = CHECK_REPOSITORY | CHECK_ARCHIVES |
				CHECK_DATA };
	struct check_result res;
	int rc = check_run(r, &o, &res, e);

	*damage = res.damage;
	return rc;
}

static void sound(struct repo *r)
{
	struct err e = { 0 };
	uint64_t damage;

	check_ok(verify(r, &damage, &e), &e);
}

static int repair(struct repo *r, unsigned flags,
		  struct parity_repair_result *res, struct err *e)
{
	struct parity_repair_opts o = { .flags = flags };

	return parity_repair_run(r, &o, res, e);
}

/* Every object of a pack that the index lists, through the reader. */
static int extract(struct repo *r, struct err *e)
{
	struct extract_opts o = { .destination = w.out };
	struct extract_result res = { 0 };
	const struct catalog_item *it;
	struct catalog *c = NULL;
	struct reader *rd = NULL;
	int rc;

	world_remove(w.out);
	mkdir(w.out, 0700);
	if ((rc = catalog_load(&c, r, e)) == 0 &&
	    (rc = catalog_find(c, "latest", &it, e)) == 0 &&
	    (rc = reader_open(&rd, r, 1u << 20, e)) == 0)
		rc = extract_run(rd, &it->rec, &o, &res, e);
	reader_close(rd);
	catalog_free(c);
	if (rc == 0 && res.warnings)
		rc = ERR_FAILED;
	return rc;
}

static void extracts(struct repo *r)
{
	struct err e = { 0 };

	check_ok(extract(r, &e), &e);
	assert_true(world_same(&w));
}

/* --- tests --- */

static void test_parse(void **state)
{
	static const struct { const char *text; int mille; } t[] = {
		{ "3%", 30 }, { "3", 30 }, { "2.5%", 25 }, { "0.1%", 1 },
		{ "none", 0 }, { "0", 0 }, { "0%", 0 }, { "25%", 250 },
		{ "25.1%", -1 }, { "26", -1 }, { "-3%", -1 }, { "", -1 },
		{ "3 %", -1 }, { "3%%", -1 }, { "3.%", -1 }, { "x", -1 },
		{ "3.25%", -1 }, { " 3%", -1 }, { "+3", -1 },
		{ "99999999999999999999", -1 }, { "1000000", -1 },
	};
	struct err e = { 0 };
	unsigned mille;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		rc = parity_store_parse(&mille, t[i].text, &e);
		if (t[i].mille < 0) {
			check_err(rc, ERR_CONFIG, &e);
		} else {
			check_ok(rc, &e);
			assert_int_equal(mille, t[i].mille);
		}
	}
}

static void test_level(void **state)
{
	struct err e = { 0 };
	struct store *mem = store_open_mem(&e);
	struct repo *r = repo_new(mem, 0);
	struct buf b = BUF_INIT;
	unsigned mille;

	(void)state;
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 0);
	assert_int_equal(count(r, STORE_PARITY), 0);
	check_ok(parity_store_choose(r, 0, &e), &e);	/* as it is */
	assert_int_equal(count(r, STORE_PARITY), 0);
	check_ok(parity_store_choose(r, 30, &e), &e);
	check_ok(parity_store_choose(r, 30, &e), &e);
	assert_int_equal(count(r, STORE_PARITY), 1);
	check_ok(parity_store_choose(r, 50, &e), &e);
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 50);
	check_ok(parity_store_choose(r, 0, &e), &e);
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 0);
	/* A damaged one does not count, and does not hide the others. */
	rot(r, STORE_PARITY, "level.3", 300, 5);
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 50);
	get(r, STORE_PARITY, "level.1", &b);
	replace(r, STORE_PARITY, "level.2", &b);
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 30);
	check_ok(parity_store_choose(r, 10, &e), &e);
	check_ok(parity_store_level(r, &mille, &e), &e);
	assert_int_equal(mille, 10);
	buf_release(&b);
	repo_close(r);
}

static void test_names(void **state)
{
	char name[OID_HEX_BYTES], text[OID_HEX_BYTES + 8];
	unsigned number;

	(void)state;
	snprintf(text, sizeof(text), "%064d.0", 7);
	assert_true(parity_store_owner(text, name, &number));
	assert_int_equal(strlen(name), 64);
	snprintf(text, sizeof(text), "%032d.7", 7);
	assert_true(parity_store_owner(text, name, &number));
	assert_int_equal(number, 7);
	snprintf(text, sizeof(text), "%032d.8", 7);
	assert_false(parity_store_owner(text, name, &number));
	snprintf(text, sizeof(text), "%033d.0", 7);
	assert_false(parity_store_owner(text, name, &number));
	assert_false(parity_store_owner("level.1", name, &number));
	assert_false(parity_store_owner("", name, &number));
	assert_false(parity_store_owner(".1", name, &number));
}

/* A repository without parity is as it was; with it, everything has some. */
static void test_made(void **state)
{
	struct parity_repair_result res;
	struct strv names = STRV_INIT;
	struct err e = { 0 };
	struct buf b = BUF_INIT;
	struct repo *r;

	(void)state;
	r = repo_new(store_open_mem(&e), 0);
	check_ok(archive(r, "a", &e), &e);
	assert_int_equal(count(r, STORE_PARITY), 0);
	sound(r);
	list(r, STORE_DATA, &names);
	check_err(parity_store_mend(r, STORE_DATA, names.v[0], &b, NULL, &e),
		ERR_NOENT, &e);
	check_err(repair(r, PARITY_REPAIR_FILL, &res, &e), ERR_CONFIG, &e);
	/* Later. */
	check_ok(parity_store_choose(r, MILLE, &e), &e);
	check_ok(repair(r, PARITY_REPAIR_FILL, &res, &e), &e);
	assert_int_equal(res.made, res.packs + res.records);
	check_ok(repair(r, ALL_FLAGS, &res, &e), &e);
	assert_int_equal(res.made, 0);
	assert_int_equal(res.without, 0);
	repo_close(r);

	r = repo_new(store_open_mem(&e), MILLE);
	check_ok(archive(r, "a", &e), &e);
	check_ok(repair(r, 0, &res, &e), &e);
	assert_true(res.packs >= 2 && res.records == 1);
	assert_int_equal(res.without, 0);
	assert_int_equal(res.parity_files, res.packs + 1);
	sound(r);
	repo_close(r);
	strv_release(&names);
	buf_release(&b);
}

static void rot_everywhere(struct repo *r, enum store_kind k)
{
	struct strv names = STRV_INIT;
	struct buf was = BUF_INIT, b = BUF_INIT;
	struct err e = { 0 };
	uint32_t damaged;
	size_t i, at;

	for (i = 0; i < list(r, k, &names); i++) {
		get(r, k, names.v[i], &was);
		for (at = 0; at < was.len; at += 1 + was.len / 37) {
			rot(r, k, names.v[i], at, 4096);
			check_ok(parity_store_mend(r, k, names.v[i], &b,
				&damaged, &e), &e);
			assert_true(damaged > 0);
			assert_int_equal(b.len, was.len);
			assert_memory_equal(b.p, was.p, was.len);
			replace(r, k, names.v[i], &was);
		}
		/* Cut off, and grown. */
		buf_clear(&b);
		check_ok(buf_append(&b, was.p, was.len - (was.len < 4096 ?
			was.len : 4096), &e), &e);
		replace(r, k, names.v[i], &b);
		check_ok(parity_store_mend(r, k, names.v[i], &b, NULL, &e),
			&e);
		assert_int_equal(b.len, was.len);
		check_ok(buf_append(&b, "more", 4, &e), &e);
		replace(r, k, names.v[i], &b);
		check_ok(parity_store_mend(r, k, names.v[i], &b, NULL, &e),
			&e);
		assert_int_equal(b.len, was.len);
		replace(r, k, names.v[i], &was);
	}
	strv_release(&names);
	buf_release(&was);
	buf_release(&b);
}

static void test_rot(void **state)
{
	struct err e = { 0 };
	struct repo *r = repo_new(store_open_mem(&e), MILLE);

	(void)state;
	check_ok(archive(r, "a", &e), &e);
	rot_everywhere(r, STORE_DATA);
	rot_everywhere(r, STORE_META);
	rot_everywhere(r, STORE_ARCHIVES);
	sound(r);
	repo_close(r);
}

/* With rot in every file that has parity, archives are read and extracted; and
 * not any more without the parity. */
static void test_read(void **state)
{
	static const enum store_kind kind[] = { STORE_DATA, STORE_META,
						STORE_ARCHIVES };
	struct err e = { 0 };
	struct strv names = STRV_INIT;
	struct repo *r = repo_new(store_open_mem(&e), MILLE);
	uint64_t damage;
	size_t i, k;

	(void)state;
	check_ok(archive(r, "a", &e), &e);
	for (k = 0; k < 3; k++)
		for (i = 0; i < list(r, kind[k], &names); i++)
			rot(r, kind[k], names.v[i], 256, 4000);
	extracts(r);
	check_err(verify(r, &damage, &e), ERR_CORRUPT, &e);
	for (i = 0; i < list(r, STORE_PARITY, &names); i++)
		check_ok(store_del(repo_store(r), STORE_PARITY, names.v[i],
			&e), &e);
	assert_true(extract(r, &e) < 0);
	strv_release(&names);
	repo_close(r);
}

/* Replaced by a collection; what is in it goes on. */
static void test_renew(void **state)
{
	struct parity_repair_result res;
	struct strv before = STRV_INIT, after = STRV_INIT;
	struct err e = { 0 };
	struct repo *r = repo_new(store_open_mem(&e), MILLE);
	size_t i, k;

	(void)state;
	check_ok(archive(r, "a", &e), &e);
	list(r, STORE_DATA, &before);
	for (i = 0; i < before.n; i++)
		rot(r, STORE_DATA, before.v[i], 100 * i, 2000);
	check_ok(repair(r, PARITY_REPAIR_RENEW | PARITY_REPAIR_DRY_RUN, &res,
		&e), &e);
	assert_int_equal(res.damaged, before.n);
	assert_int_equal(res.mendable, before.n);
	assert_int_equal(res.renewed, 0);
	check_ok(repair(r, ALL_FLAGS, &res, &e), &e);
	assert_int_equal(res.renewed, before.n);
	list(r, STORE_DATA, &after);
	for (i = 0; i < after.n; i++)
		for (k = 0; k < before.n; k++)
			assert_string_not_equal(after.v[i], before.v[k]);
	sound(r);
	extracts(r);
	/* Their parity went with them, the new ones have some. */
	check_ok(repair(r, 0, &res, &e), &e);
	assert_int_equal(res.without, 0);
	assert_int_equal(res.parity_files, res.packs + res.records);
	/* The packs of nodes, too. */
	list(r, STORE_META, &before);
	for (i = 0; i < before.n; i++)
		rot(r, STORE_META, before.v[i], 0, 300);
	check_ok(repair(r, ALL_FLAGS, &res, &e), &e);
	assert_int_equal(res.renewed, before.n);
	sound(r);
	extracts(r);
	strv_release(&before);
	strv_release(&after);
	repo_close(r);
}

/* Too much: it is said, and nothing that is there goes away. */
static void test_lost(void **state)
{
	struct parity_repair_result res;
	struct strv names = STRV_INIT;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct repo *r = repo_new(store_open_mem(&e), MILLE);
	size_t n;

	(void)state;
	check_ok(archive(r, "a", &e), &e);
	n = list(r, STORE_DATA, &names);
	rot(r, STORE_DATA, names.v[0], 0, 1u << 20);
	check_err(parity_store_mend(r, STORE_DATA, names.v[0], &b, NULL, &e),
		ERR_CORRUPT, &e);
	assert_int_equal(b.len, 0);
	check_err(repair(r, ALL_FLAGS, &res, &e), ERR_CORRUPT, &e);
	assert_int_equal(res.damaged, 1);
	assert_int_equal(res.mendable, 0);
	assert_int_equal(count(r, STORE_DATA), n);
	strv_release(&names);
	buf_release(&b);
	repo_close(r);
}

/* Damaged parity is found and made again beside the damaged one; parity of
 * another pack under this one's name is of no use, and does no harm. */
static void test_bad_parity(void **state)
{
	char file[PARITY_STORE_NAME_BYTES];
	struct parity_repair_result res;
	struct strv names = STRV_INIT;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct repo *r = repo_new(store_open_mem(&e), MILLE);
	uint64_t damage;
	unsigned n = 1;

	(void)state;
	check_ok(archive(r, "a", &e), &e);
	list(r, STORE_PARITY, &names);
	assert_true(names.n >= 4);
	rot(r, STORE_PARITY, names.v[0], 0, 100000);
	get(r, STORE_PARITY, names.v[0], &b);
	replace(r, STORE_PARITY, names.v[1], &b);
	check_err(verify(r, &damage, &e), ERR_CORRUPT, &e);
	assert_int_equal(damage, 2);
	check_ok(repair(r, PARITY_REPAIR_FILL, &res, &e), &e);
	assert_int_equal(res.made, 2);
	sound(r);
	/* Nothing was overwritten. */
	snprintf(file, sizeof(file), "%.*s.1", (int)strlen(names.v[0]) - 2,
		names.v[0]);
	check_ok(parity_store_scrub(r, file, &e), &e);
	assert_true(parity_store_scrub(r, names.v[0], &e) < 0);
	/* Mended by the second one. */
	list(r, STORE_DATA, &names);
	rot(r, STORE_DATA, names.v[0], 0, 4096);
	check_ok(parity_store_mend(r, STORE_DATA, names.v[0], &b, NULL, &e),
		&e);
	/* Until every name is taken. */
	list(r, STORE_META, &names);
	do {
		struct iovec iov = { b.p, b.len - 8 * n };
		int rc = parity_store_put(r, names.v[0], MILLE, &iov, 1, &e);

		if (rc < 0) {
			check_err(rc, ERR_EXIST, &e);
			break;
		}
	} while (++n <= PARITY_STORE_TRIES);
	assert_true(n <= PARITY_STORE_TRIES);
	strv_release(&names);
	buf_release(&b);
	repo_close(r);
}

/* Sectors that the disk cannot read; and a store that is gone. */
static void test_unreadable(void **state)
{
	struct err e = { 0 };
	struct bad *bad = bad_open(store_open_mem(&e));
	struct repo *r = repo_new(&bad->store, MILLE);
	struct parity_repair_result res;
	struct strv names = STRV_INIT;
	struct buf was = BUF_INIT, b = BUF_INIT;
	uint64_t at;

	(void)state;
	check_ok(archive(r, "a", &e), &e);
	list(r, STORE_DATA, &names);
	get(r, STORE_DATA, names.v[0], &was);
	snprintf(bad->name, sizeof(bad->name), "%s", names.v[0]);
	for (at = 0; at < was.len; at += 4096) {
		bad->from = at;
		bad->to = at + 4096;
		check_ok(parity_store_mend(r, STORE_DATA, names.v[0], &b,
			NULL, &e), &e);
		assert_memory_equal(b.p, was.p, was.len);
	}
	extracts(r);
	/* The parity, too. */
	list(r, STORE_PARITY, &names);
	bad->from = bad->to = 0;
	check_ok(repair(r, PARITY_REPAIR_RENEW, &res, &e), &e);
	assert_int_equal(res.damaged, 0);
	bad->from = 4096;
	bad->to = 8192;
	check_ok(repair(r, PARITY_REPAIR_RENEW, &res, &e), &e);
	assert_int_equal(res.renewed, 1);
	sound(r);
	list(r, STORE_DATA, &names);
	bad->dead = true;
	check_err(parity_store_mend(r, STORE_DATA, names.v[0], &b, NULL, &e),
		ERR_IO, &e);
	check_err(repair(r, PARITY_REPAIR_RENEW, &res, &e), ERR_IO, &e);
	assert_true(extract(r, &e) < 0);
	bad->dead = false;
	sound(r);
	strv_release(&names);
	buf_release(&was);
	buf_release(&b);
	repo_close(r);
}

/* What a collection leaves: no parity of what went, nor of what never was; but
 * that of a pack that an archive needs, and which is lost, and of a record
 * that nobody deleted. */
static void test_collect(void **state)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct parity_repair_result is;
	const struct catalog_item *it;
	struct strv names = STRV_INIT;
	struct err e = { 0 };
	struct repo *r = repo_new(store_open_mem(&e), MILLE);
	struct iovec iov = { w.repo, sizeof(w.repo) };
	char pack[OID_HEX_BYTES], record[SID_HEX_BYTES];
	char file[PARITY_STORE_NAME_BYTES];
	struct catalog *c;
	uint64_t bytes;

	(void)state;
	o.wait_secs = 0;
	check_ok(archive(r, "a", &e), &e);
	snprintf(pack, sizeof(pack), "%064d", 5);
	snprintf(record, sizeof(record), "%032d", 5);
	check_ok(parity_store_put(r, pack, MILLE, &iov, 1, &e), &e);
	check_ok(parity_store_put(r, record, MILLE, &iov, 1, &e), &e);
	check_ok(catalog_load(&c, r, &e), &e);
	check_ok(catalog_find(c, "a", &it, &e), &e);
	check_ok(catalog_delete(r, it, "test", &e), &e);
	catalog_free(c);
	world_write(&w, "other", 5000, 99);
	w.expected = world_digest(w.source);
	check_ok(archive(r, "b", &e), &e);
	check_ok(compact_run(r, &o, &res, &e), &e);
	assert_int_equal(res.collected, 1);
	sound(r);
	check_ok(repair(r, 0, &is, &e), &e);
	assert_int_equal(is.without, 0);
	/* That of the record is nobody's, and stays. */
	assert_int_equal(is.parity_files, is.packs + is.records + 1);
	list(r, STORE_DATA, &names);
	snprintf(file, sizeof(file), "%.64s.0", names.v[0]);
	check_ok(store_del(repo_store(r), STORE_DATA, names.v[0], &e), &e);
	check_ok(parity_store_put(r, pack, MILLE, &iov, 1, &e), &e);
	compact_run(r, &o, &res, NULL);
	check_ok(store_stat(repo_store(r), STORE_PARITY, file, &bytes, &e),
		&e);
	strv_release(&names);
	repo_close(r);
}

/* --- cuts and failures --- */

/* Two packs of a session. */
static int some_packs(struct repo *r, unsigned seed, struct err *e)
{
	struct session_opts so = { .comp = COMP_SPEC_DEFAULT };
	static uint8_t bytes[90000];
	struct session *s;
	struct oid id;
	int rc;

	if ((rc = session_begin(&s, r, &so, e)) < 0)
		return rc;
	prng_fill(prng_key(3, seed), bytes, sizeof(bytes));
	if ((rc = session_put(s, OBJ_DATA, bytes, sizeof(bytes), &id, e)) ==
	    0 && (rc = session_flush(s, e)) == 0 &&
	    (rc = session_put(s, OBJ_DATA, bytes, 5000, &id, e)) == 0)
		rc = session_flush(s, e);
	session_free(s);
	return rc;
}

/* The power goes at every operation, and of what was not synced anything is
 * there: a pack without parity is as good as any, parity without a pack is
 * nothing; both are put in order. */
static void test_cut(void **state)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result gone;
	struct parity_repair_result res;
	struct err e = { 0 };
	uint64_t at, seed, lonely = 0, orphans = 0;
	struct store *mem, *fault, *after;
	struct repo *r;
	bool cut = true;

	(void)state;
	o.wait_secs = 0;
	for (at = 1; cut; at++) {
		mem = store_open_mem(&e);
		fault = store_open_fault(mem, &e);
		r = repo_new(fault, MILLE);
		store_fault_arm(fault, at, STORE_FAULT_CUT_AFTER, ERR_IO);
		cut = some_packs(r, 1, &e) < 0;
		for (seed = 0; seed < 4; seed++) {
			after = store_mem_copy(mem, &e);
			store_mem_cut(after, seed * 1000 + at);
			alive_pretend(-1);
			struct repo *again = repo_again(after);
			check_ok(repair(again, ALL_FLAGS, &res, &e), &e);
			assert_int_equal(res.damaged, 0);
			lonely += res.made;
			orphans += res.parity_files + res.made > res.packs +
				res.records;
			sound(again);
			check_ok(compact_run(again, &o, &gone, &e), &e);
			check_ok(repair(again, 0, &res, &e), &e);
			assert_int_equal(res.parity_files, res.packs);
			alive_pretend(0);
			repo_close(again);
		}
		store_fault_arm(fault, 0, STORE_FAULT_BEFORE, ERR_IO);
		repo_close(r);
	}
	assert_true(at > 10 && lonely > 0 && orphans > 0);
}

/* The store fails once, anywhere, in replacing a pack: the next run ends it,
 * and nothing is lost at any time. */
static void test_faults(void **state)
{
	static const enum store_fault_how how[] = { STORE_FAULT_BEFORE,
		STORE_FAULT_AFTER, STORE_FAULT_CUT_AFTER };
	struct parity_repair_result res;
	struct strv names = STRV_INIT;
	struct err e = { 0 };
	struct store *mem = store_open_mem(&e), *fault;
	struct repo *r = repo_new(mem, MILLE);
	uint64_t at;
	unsigned k;
	int rc;

	(void)state;
	check_ok(archive(r, "a", &e), &e);
	list(r, STORE_META, &names);
	rot(r, STORE_META, names.v[0], 10, 500);
	list(r, STORE_PARITY, &names);
	rot(r, STORE_PARITY, names.v[0], 10, 5);
	for (k = 0; k < 3; k++)
		for (at = 1, rc = -1; rc < 0; at += 1 + at / 12) {
			struct store *copy = store_mem_copy(mem, &e);
			struct repo *again;

			fault = store_open_fault(copy, &e);
			again = repo_again(fault);
			store_fault_arm(fault, at, how[k], ERR_IO);
			rc = repair(again, ALL_FLAGS, &res, &e);
			if (store_fault_count(fault) >= at && rc == 0)
				rc = -1;	/* it was not needed */
			store_fault_arm(fault, 0, STORE_FAULT_BEFORE, ERR_IO);
			if (how[k] == STORE_FAULT_CUT_AFTER)
				store_mem_cut(copy, at);
			extracts(again);
			check_ok(repair(again, ALL_FLAGS, &res, &e), &e);
			sound(again);
			extracts(again);
			repo_close(again);
		}
	strv_release(&names);
	repo_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_rot),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_renew),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_bad_parity),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_collect),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_faults),
	};
	int rc;

	world_make(&w, "parity");
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	world_end(&w);
	return rc;
}
