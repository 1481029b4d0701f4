/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial twin: with 0, 1, 2 and 8 workers the same source becomes the same
 * objects and the same tree, in fresh repositories of one key.
 */
#include <stdio.h>
#include <string.h>

#include "tests/lib/world.h"

static struct world w;

static void create(const char *repo, unsigned threads,
		   struct create_result *res)
{
	struct strv paths = STRV_INIT;
	struct create_opts o = {
		.name = "a", .series = "test", .walk.paths = &paths,
		.comp = COMP_SPEC_DEFAULT, .threads = threads,
	};
	struct err e = { ERR_OK, "" };
	struct repo *r;

	if (repo_open(&r, repo, &world_opts, &e) < 0 ||
	    strv_add(&paths, w.source, &e) < 0 ||
	    create_run(r, &o, res, &e) < 0)
		world_die("create", &e);
	strv_release(&paths);
	repo_close(r);
}

int main(void)
{
	static const unsigned threads[] = { 1, 2, 8 };
	struct create_result serial, res;
	char copy[2 * WORLD_PATH], name[32], pins[2 * WORLD_PATH];
	struct err e = { ERR_OK, "" };
	size_t i;

	world_make(&w, "twin");
	for (i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "sub/mail%zu", i);
		world_write(&w, name, 100 + i * i, (unsigned)i % 300);
	}
	world_write(&w, "sub/huge", 5000000, 17);
	if (world_init(&w, &e) < 0)
		world_die("init", &e);
	snprintf(copy, sizeof(copy), "%s.copy", w.repo);
	snprintf(pins, sizeof(pins), "%s/pins", w.dir);
	world_copy(w.repo, copy);
	create(w.repo, 0, &serial);
	for (i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		world_remove(w.repo);
		world_remove(pins);
		world_copy(copy, w.repo);
		create(w.repo, threads[i], &res);
		if (!oid_eq(&res.rec.root.id, &serial.rec.root.id) ||
		    res.rec.stats.new_bytes != serial.rec.stats.new_bytes ||
		    res.rec.stats.stored_bytes !=
		    serial.rec.stats.stored_bytes) {
			fprintf(stderr, "%u workers\n", threads[i]);
			world_die("another archive than the serial twin's",
				NULL);
		}
		create_result_release(&res);
	}
	if (serial.rec.stats.new_bytes < 5000000)
		world_die("nothing was stored", NULL);
	create_result_release(&serial);
	world_end(&w);
	return 0;
}
