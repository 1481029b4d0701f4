/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walkbench PATH...: walks with callbacks that only count, and says how long
 * it took; to be held against find PATH -printf '%p %s %T@\n'.
 */
#include <stdio.h>

#include "archive/walk.h"
#include "base/clock.h"

struct count {
	unsigned long dirs, items, errors;
};

static int enter(const struct walk_item *it, int fd, void *ctx)
{
	struct count *c = ctx;

	(void)it;
	(void)fd;
	c->dirs++;
	return 0;
}

static int item(const struct walk_item *it, void *ctx)
{
	struct count *c = ctx;

	(void)it;
	c->items++;
	return 0;
}

static void error(const struct walk_error *we, void *ctx)
{
	struct count *c = ctx;

	fprintf(stderr, "%s: %s: errno %d\n", we->op, we->path, we->errnum);
	c->errors++;
}

int main(int argc, char **argv)
{
	const struct walk_ops ops = { .enter = enter, .item = item,
				      .error = error };
	struct strv paths = STRV_INIT;
	struct walk_opts o = { .paths = &paths };
	struct count c = { 0 };
	struct err e = { 0 };
	int64_t from = clock_mono_nsec();
	int i, rc = 0;

	for (i = 1; rc == 0 && i < argc; i++)
		rc = strv_add(&paths, argv[i], &e);
	if (rc == 0)
		rc = walk_run(&o, &ops, &c, &e);
	strv_release(&paths);
	if (rc < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	printf("%lu directories, %lu others, %lu errors, %.3f s\n", c.dirs,
	       c.items, c.errors, (double)(clock_mono_nsec() - from) / 1e9);
	return c.errors != 0;
}
