/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/paritykit.h"

#include <sys/stat.h>

#include "tests/lib/check.h"

struct world paritykit;

struct repo *paritykit_new(struct store *s, unsigned mille)
{
	struct repo_init how = { .mode = SLOT_REPOKEY, .kdf_mem_kib = 8,
				 .parity_mille = mille };
	struct err e = { 0 };
	struct repo *r;

	check_ok(repo_create_on(&r, s, &how, &world_opts, &e), &e);
	return r;
}

struct repo *paritykit_open(struct store *s)
{
	struct err e = { 0 };
	struct repo *r;

	check_ok(repo_open_on(&r, s, &world_opts, &e), &e);
	return r;
}

int paritykit_archive(struct repo *r, const char *name, struct err *e)
{
	struct strv paths = STRV_INIT;
	struct create_opts o = { .name = name, .series = "test",
		.walk.paths = &paths, .comp = COMP_SPEC_DEFAULT,
		.files_cache = FSTATE_DEFAULT };
	struct create_result res;
	int rc = strv_add(&paths, paritykit.source, e);

	if (rc == 0) {
		rc = create_run(r, &o, &res, e);
		create_result_release(&res);
	}
	strv_release(&paths);
	return rc;
}

static int kit_list_cb(const char *name, uint64_t size, void *ctx)
{
	(void)size;
	return strv_add(ctx, name, NULL);
}

size_t paritykit_list(struct repo *r, enum store_kind k, struct strv *names)
{
	struct err e = { 0 };

	strv_release(names);
	check_ok(store_list(repo_store(r), k, kit_list_cb, names, &e), &e);
	strv_sort(names);
	return names->n;
}

size_t paritykit_count(struct repo *r, enum store_kind k)
{
	struct strv names = STRV_INIT;
	size_t n = paritykit_list(r, k, &names);

	strv_release(&names);
	return n;
}

void paritykit_get(struct repo *r, enum store_kind k, const char *name,
		struct buf *b)
{
	struct err e = { 0 };

	buf_clear(b);
	check_ok(store_get_all(repo_store(r), k, name, 1u << 27, b, &e), &e);
}

void paritykit_replace(struct repo *r, enum store_kind k, const char *name,
		    const struct buf *b)
{
	struct err e = { 0 };

	check_ok(store_del(repo_store(r), k, name, &e), &e);
	check_ok(store_put_buf(repo_store(r), k, name, b, 0, &e), &e);
	check_ok(store_sync(repo_store(r), &e), &e);
}

void paritykit_rot(struct repo *r, enum store_kind k, const char *name,
		size_t at, size_t len)
{
	struct buf b = BUF_INIT;
	size_t i;

	paritykit_get(r, k, name, &b);
	for (i = at; i < at + len && i < b.len; i++)
		b.p[i] ^= 0x5a;
	paritykit_replace(r, k, name, &b);
	buf_release(&b);
}

int paritykit_check(struct repo *r, uint64_t *damage, struct err *e)
{
	struct check_opts o = { .flags = CHECK_REPOSITORY | CHECK_ARCHIVES |
				CHECK_DATA };
	struct check_result res;
	int rc = check_run(r, &o, &res, e);

	*damage = res.damage;
	return rc;
}

void paritykit_sound(struct repo *r)
{
	struct err e = { 0 };
	uint64_t damage;

	check_ok(paritykit_check(r, &damage, &e), &e);
}

int paritykit_repair(struct repo *r, unsigned flags,
		  struct parity_repair_result *res, struct err *e)
{
	struct parity_repair_opts o = { .flags = flags };

	return parity_repair_run(r, &o, res, e);
}

int paritykit_extract(struct repo *r, struct err *e)
{
	struct extract_opts o = { .destination = paritykit.out };
	struct extract_result res = { 0 };
	const struct catalog_item *it;
	struct catalog *c = NULL;
	struct reader *rd = NULL;
	int rc;

	world_remove(paritykit.out);
	mkdir(paritykit.out, 0700);
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

void paritykit_extracts(struct repo *r)
{
	struct err e = { 0 };

	check_ok(paritykit_extract(r, &e), &e);
	assert_true(world_same(&paritykit));
}
