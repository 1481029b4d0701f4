/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hourly STEPS COMPACT CHECK: backups every hour of a tree that changes,
 * under a clock of its own, each followed by a prune as the mail server's
 * guide configures it (24 hours, 7 days, 4 weeks, 6 months); every COMPACT
 * hours by a compaction, every CHECK hours by a check of everything and a look
 * at an archive, which has to be the tree as it was.
 *
 * A line for each step: "step TIME: TIME...", in microseconds since 1970, the
 * time of the backup and of all archives that are left.  At each check and at
 * the end: "size BYTES IDEAL", what the repository takes, and what one takes
 * into which only the archives that are left were made.  HOURLY_THRESHOLD is
 * the collector's, in per cent; HOURLY_LAZY=0: it leaves nothing for later.
 * HOURLY_FILES and HOURLY_CHANGED say how many files there are, of 31,000
 * bytes on average, and how many of them change between two backups.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/world.h"

#define NSEC INT64_C(1000000000)
#define BYTES_MIN 2000
#define BYTES_MAX 60000
#define BEGIN_SECS INT64_C(1759276800)		/* 2025-10-01 */

static struct world w, ideal;
static int64_t now_nsec = BEGIN_SECS * NSEC;
static unsigned seed = 1, n_files = 160, n_changed = 3;
static uint64_t sum_bytes;

static int64_t wall(void)
{
	return now_nsec;
}

static unsigned draw(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

static unsigned number(const char *name, unsigned otherwise)
{
	const char *v = getenv(name);

	return v ? (unsigned)strtoul(v, NULL, 10) : otherwise;
}

static void must(int rc, const char *what, const struct err *e)
{
	if (rc < 0)
		world_die(what, e);
}

static void write_file(unsigned i)
{
	struct timespec at[2] = { { now_nsec / NSEC, now_nsec % NSEC } };
	char name[64], path[2 * WORLD_PATH];

	snprintf(name, sizeof(name), "d%u/m%u", i % 8, i);
	world_write(&w, name, BYTES_MIN + draw(BYTES_MAX - BYTES_MIN),
		    draw(1u << 30));
	snprintf(path, sizeof(path), "%s/%s", w.source, name);
	at[1] = at[0];
	utimensat(AT_FDCWD, path, at, 0);
}

static void make_tree(void)
{
	char path[2 * WORLD_PATH];
	unsigned i;

	world_remove(w.source);
	mkdir(w.source, 0755);
	for (i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "%s/d%u", w.source, i);
		mkdir(path, 0755);
	}
	for (i = 0; i < n_files; i++)
		write_file(i);
}

static void backup(const char *source, struct repo *r, const char *name)
{
	struct strv paths = STRV_INIT;
	struct create_opts o = { .name = name, .series = "hourly",
		.walk.paths = &paths, .comp = COMP_SPEC_DEFAULT,
		.files_cache = FSTATE_DEFAULT };
	struct create_result res;
	struct err e = { ERR_OK, "" };

	must(strv_add(&paths, source, &e), "paths", &e);
	must(create_run(r, &o, &res, &e), "create", &e);
	if (res.walk_errors)
		world_die("a file could not be read", NULL);
	create_result_release(&res);
	strv_release(&paths);
}

static void prune(struct repo *r)
{
	static const struct prune_opts o = { .keep.keep = {
		[RETENTION_HOURLY] = 24, [RETENTION_DAILY] = 7,
		[RETENTION_WEEKLY] = 4, [RETENTION_MONTHLY] = 6 } };
	struct catalog *c = NULL;
	struct prune_result res;
	struct err e = { ERR_OK, "" };

	must(catalog_load(&c, r, &e), "catalog", &e);
	must(prune_run(r, c, &o, &res, &e), "prune", &e);
	if (res.suspended)
		world_die("prune was suspended", NULL);
	catalog_free(c);
}

static void show_step(struct repo *r)
{
	struct catalog *c = NULL;
	struct err e = { ERR_OK, "" };
	size_t i;

	must(catalog_load(&c, r, &e), "catalog", &e);
	printf("step %" PRId64 ":", now_nsec / 1000);
	for (i = c->n; i-- > 0;)
		printf(" %" PRId64, c->item[i]->rec.start_nsec / 1000);
	putchar('\n');
	catalog_free(c);
}

static int sum_cb(const char *path, const struct stat *st, int flag,
		  struct FTW *ftw)
{
	(void)ftw;
	if (flag == FTW_F && !strstr(path, "/reserve/"))
		sum_bytes += (uint64_t)st->st_size;
	return 0;
}

static uint64_t size_of(const char *path)
{
	sum_bytes = 0;
	if (nftw(path, sum_cb, 32, FTW_PHYS) != 0)
		world_die(path, NULL);
	return sum_bytes;
}

/* One archive of r, made again in the ideal repository from its files. */
static void copy_archive(const struct record *rec, struct reader *rd,
			 struct repo *to)
{
	struct extract_opts o = { .destination = ideal.out };
	char path[2 * WORLD_PATH];
	struct extract_result res;
	struct err e = { ERR_OK, "" };

	world_remove(ideal.out);
	mkdir(ideal.out, 0700);
	must(extract_run(rd, rec, &o, &res, &e), "extract", &e);
	snprintf(path, sizeof(path), "%s%s", ideal.out, w.source);
	backup(path, to, rec->name);
}

static void show_size(struct repo *r)
{
	struct catalog *c = NULL;
	struct reader *rd = NULL;
	struct err e = { ERR_OK, "" };
	char path[2 * WORLD_PATH];
	struct oid newest;
	struct repo *to;
	uint64_t size;
	size_t i;

	world_remove(ideal.repo);
	must(world_init(&ideal, &e), "init", &e);
	must(repo_open(&to, ideal.repo, &world_opts, &e), "open", &e);
	must(catalog_load(&c, r, &e), "catalog", &e);
	must(reader_open(&rd, r, 1u << 20, &e), "reader", &e);
	for (i = 0; i < c->n; i++)
		copy_archive(&c->item[i]->rec, rd, to);
	snprintf(path, sizeof(path), "%s%s", ideal.out, w.source);
	newest = world_digest(path);
	w.expected = world_digest(w.source);
	if (!oid_eq(&newest, &w.expected))
		world_die("the newest archive is not the tree", NULL);
	reader_close(rd);
	catalog_free(c);
	repo_close(to);
	size = size_of(w.repo);
	printf("size %" PRIu64 " %" PRIu64 "\n", size, size_of(ideal.repo));
}

static void compact(struct repo *r)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct err e = { ERR_OK, "" };

	o.threshold = number("HOURLY_THRESHOLD", o.threshold);
	o.lazy = number("HOURLY_LAZY", 1);	/* as configured runs are */
	must(compact_run(r, &o, &res, &e), "compact", &e);
	if (res.waiting || res.fenced)
		world_die("the collector waits for somebody", NULL);
}

static void step(unsigned i, unsigned compact_every, bool look)
{
	struct err e = { ERR_OK, "" };
	struct repo *r;
	char name[64];
	unsigned k;

	now_nsec = (BEGIN_SECS + INT64_C(3600) * i + draw(50)) * NSEC;
	for (k = 0; k < n_changed; k++)
		write_file(draw(n_files));
	must(repo_open(&r, w.repo, &world_opts, &e), "open", &e);
	snprintf(name, sizeof(name), "mail-%u", i);
	backup(w.source, r, name);
	prune(r);
	if (compact_every && i % compact_every == 0)
		compact(r);
	show_step(r);
	if (look) {
		must(world_check(&w, true, &e), "check", &e);
		show_size(r);
	}
	repo_close(r);
}

int main(int argc, char **argv)
{
	unsigned long steps, compact_every, check_every, i;
	char path[2 * WORLD_PATH];
	struct err e = { ERR_OK, "" };

	if (argc != 4)
		world_die("usage: hourly STEPS COMPACT CHECK", NULL);
	steps = strtoul(argv[1], NULL, 10);
	compact_every = strtoul(argv[2], NULL, 10);
	check_every = strtoul(argv[3], NULL, 10);
	n_files = number("HOURLY_FILES", n_files);
	n_changed = number("HOURLY_CHANGED", n_changed);
	world_make(&ideal, "ideal");
	world_make(&w, "hourly");
	snprintf(path, sizeof(path), "%s/cache", w.dir);
	setenv("MUNIMENT_CACHE_DIR", path, 1);
	clock_set_wall(wall);
	make_tree();
	must(world_init(&w, &e), "init", &e);
	for (i = 1; i <= steps; i++)
		step((unsigned)i, (unsigned)compact_every, i == steps ||
		     (check_every && i % check_every == 0));
	world_end(&w);
	world_end(&ideal);
	return fflush(stdout) != 0;
}
