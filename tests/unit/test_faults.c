/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 900 */
/*
 * Every system call of the local store goes wrong once, in every way, through
 * init, create, delete, undelete, prune, compact, rekey (also of all that is
 * there), extract, list, check and repair (of an index that is gone, of damaged
 * packs); from each write on the disk is full; and the process is killed at
 * every call.  Judged
 * afterwards, with a system that works: every acknowledged
 * archive restores to the same tree, check is clean, the next run succeeds
 * without a manual step.
 *
 * Every FAULTS_STRIDE-th call is tried, 61 by default; `make faults` all.  One
 * of the empty folders that packs may be in stands for all of them.
 * An argument names the one operation to try.  FAULTS_CHANGES=1: only calls
 * that change something; most of the others are listings.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/faultos.h"
#include "tests/lib/world.h"

static struct world w;
static char template[WORLD_PATH];
/* What this machine has pinned goes back with the repository: otherwise check
 * would say, rightly, that the repository went back in time. */
static char pins[WORLD_PATH], template_pins[WORLD_PATH];
static unsigned long runs, hits, stride = 1;

static int op_init(struct err *e)
{
	return world_init(&w, e);
}

static int op_create(struct err *e)
{
	return world_create(&w, "new", e);
}

static int op_delete(struct err *e)
{
	return world_delete(&w, "gone", e);
}

static int op_prune(struct err *e)
{
	return world_prune(&w, e);
}

static int op_undelete(struct err *e)
{
	return world_undelete(&w, "dead", e);
}

static int op_compact(struct err *e)
{
	return world_compact(&w, e);
}

static int op_rekey(struct err *e)
{
	return world_rekey(&w, e);
}

static int op_rekey_full(struct err *e)
{
	return world_rekey_full(&w, e);
}

static int op_extract(struct err *e)
{
	return world_extract(&w, "old", e);
}

static int op_list(struct err *e)
{
	return world_list(&w, e);
}

static int op_check(struct err *e)
{
	return world_check(&w, false, e);
}

static int op_repair(struct err *e)
{
	return world_repair(&w, e);
}

/* --- judging --- */

static void must_restore(const char *name)
{
	struct err e = { ERR_OK, "" };

	if (world_extract(&w, name, &e) < 0)
		world_die("an acknowledged archive does not restore", &e);
	if (!world_same(&w))
		world_die("an acknowledged archive restores to something else",
			NULL);
}

static void judge_check(void)
{
	struct err e = { ERR_OK, "" };

	if (world_check(&w, true, &e) < 0)
		world_die("check", &e);
}

struct operation {
	const char *name;
	int (*run)(struct err *e);
	bool bare;		/* begins without a repository */
	bool reads;		/* leaves the repository as it is */
	const char *made;	/* archive that success acknowledges */
	void (*damage)(struct world *w);	/* what it has to mend */
	unsigned coarse;	/* strides are so many times as long */
};

static void judge(const struct operation *op, bool acknowledged)
{
	struct err e = { ERR_OK, "" };
	int rc;

	if (op->bare) {
		/* The same init, again: it is there, or is made now. */
		rc = op_init(&e);
		if (rc < 0 && rc != ERR_EXIST)
			world_die("the next init", &e);
		if (acknowledged && rc != ERR_EXIST)
			world_die("an acknowledged repository is gone", NULL);
	} else {
		if (op->damage)
			world_heal(&w, acknowledged);
		must_restore("old");
	}
	if (acknowledged && op->made)
		must_restore(op->made);
	judge_check();
	if (world_create(&w, "next", &e) < 0)
		world_die("the next create", &e);
	must_restore("next");
}

/* What an operation that only reads has left is what was there, every byte of
 * it, so that all that held before holds. */
static void judge_reading(const struct operation *op, bool acknowledged,
			  const struct oid *before)
{
	struct oid now = world_digest(w.repo);

	if (!oid_eq(&now, before))
		world_die("an operation that reads has changed the repository",
			NULL);
	if (acknowledged && op->run == op_extract && !world_same(&w))
		world_die("extract said it was done, and it is not", NULL);
}

/* --- the loop --- */

struct way {
	const char *name;
	enum faultos_how how;
	int errnum;
	bool full;		/* so is every write from then on */
};
static const struct way ways[] = {
	{ "EIO", FAULTOS_BEFORE, EIO, false },
	{ "ENOSPC", FAULTOS_BEFORE, ENOSPC, false },
	{ "full", FAULTOS_BEFORE, ENOSPC, true },
	{ "EINTR", FAULTOS_BEFORE, EINTR, false },
	{ "done, but EIO", FAULTOS_AFTER, EIO, false },
	{ "short", FAULTOS_SHORT, 0, false },
	{ "killed before", FAULTOS_KILL_BEFORE, 0, false },
	{ "killed half way", FAULTOS_KILL_TORN, 0, false },
	{ "killed after", FAULTOS_KILL_AFTER, 0, false },
};
/* What needs room. */
#define WRITES (1u << FAULTOS_WRITEV | 1u << FAULTOS_FDATASYNC | \
	1u << FAULTOS_MKDIRAT | 1u << FAULTOS_LINKAT | \
	1u << FAULTOS_RENAME_NEW)

static void fresh(const struct operation *op)
{
	world_remove(w.repo);
	world_remove(pins);
	if (!op->bare) {
		world_copy(template, w.repo);
		world_copy(template_pins, pins);
	}
	if (op->damage)
		op->damage(&w);
}

static void fresh_out(void)
{
	world_remove(w.out);
	mkdir(w.out, 0700);
}

/* In a child, as it may be killed: 0 acknowledged, 1 failed, 137 killed. */
static int attempt(const struct operation *op, const struct faultos_plan *p)
{
	struct err e = { ERR_OK, "" };
	int status, rc;
	pid_t pid = fork();

	if (pid == 0) {
		faultos_start(p);
		rc = op->run(&e);
		faultos_stop();
		_exit(rc == 0 ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		world_die("fork", NULL);
	if (!WIFEXITED(status))
		world_die("an operation crashed", NULL);
	return WEXITSTATUS(status);
}

static uint64_t count_calls(const struct operation *op, uint32_t only)
{
	struct faultos_plan p = { .at = 0, .no_disk = true, .one_empty = true,
		.only = only };
	struct err e = { ERR_OK, "" };
	uint64_t n;

	fresh(op);
	fresh_out();
	faultos_start(&p);
	if (op->run(&e) < 0)
		world_die(op->name, &e);
	n = faultos_stop();
	return n;
}

static void try_all(const struct operation *op)
{
	const uint32_t which = getenv("FAULTS_CHANGES") ? WRITES |
		1u << FAULTOS_FSYNC | 1u << FAULTOS_RENAMEAT |
		1u << FAULTOS_UNLINKAT : 0;
	uint64_t all = count_calls(op, which), writes = count_calls(op, WRITES);
	uint64_t wide = stride * (op->coarse && !which ? op->coarse : 1);
	uint64_t n, at, step;
	struct oid before = world_digest(w.repo);
	size_t k;
	int rc;

	printf("%-14s %llu calls, %llu of them writes\n", op->name,
	       (unsigned long long)all, (unsigned long long)writes);
	fflush(stdout);
	for (k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
		n = ways[k].full ? writes : all;
		step = wide < n ? wide : n ? n : 1;
		for (at = 1 + (k + n) % step; at <= n; at += step) {
			struct faultos_plan p = { .at = at,
				.how = ways[k].how, .errnum = ways[k].errnum,
				.on = ways[k].full,
				.only = ways[k].full ? WRITES : which,
				.no_disk = true, .one_empty = true };

			if (!op->reads)
				fresh(op);
			fresh_out();
			rc = attempt(op, &p);
			runs++;
			hits += rc != 0;
			if (rc != 0 && rc != 1 && rc != 137) {
				fprintf(stderr, "status %d\n", rc);
				world_die("an operation ended oddly", NULL);
			}
			fprintf(stderr, "%s: call %llu, %s: %d\r", op->name,
				(unsigned long long)at, ways[k].name, rc);
			if (op->reads)
				judge_reading(op, rc == 0, &before);
			else
				judge(op, rc == 0);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct operation operations[] = {
		{ "init", op_init, true, false, NULL, NULL, 0 },
		{ "create", op_create, false, false, "new", NULL, 0 },
		{ "delete", op_delete, false, false, NULL, NULL, 0 },
		{ "undelete", op_undelete, false, false, NULL, NULL, 0 },
		{ "prune", op_prune, false, false, NULL, NULL, 0 },
		{ "compact", op_compact, false, false, NULL, NULL, 0 },
		{ "rekey", op_rekey, false, false, NULL, NULL, 0 },
		{ "rekey-full", op_rekey_full, false, false, NULL, NULL, 4 },
		{ "extract", op_extract, false, true, NULL, NULL, 0 },
		{ "list", op_list, false, true, NULL, NULL, 0 },
		{ "check", op_check, false, true, NULL, NULL, 0 },
		{ "repair-index", op_repair, false, false, NULL,
		  world_damage_index, 4 },
		{ "repair-pack", op_repair, false, false, NULL,
		  world_damage_packs, 4 },
	};
	const char *s = getenv("FAULTS_STRIDE");
	struct err e = { ERR_OK, "" };
	size_t i;

	stride = s ? strtoul(s, NULL, 10) : 61;
	if (stride == 0)
		stride = 1;
	world_make(&w, "faults");
	snprintf(template, sizeof(template), "%s/template", w.dir);
	if (world_init(&w, &e) < 0 || world_history(&w, &e) < 0)
		world_die("template", &e);
	snprintf(pins, sizeof(pins), "%s/pins", w.dir);
	snprintf(template_pins, sizeof(template_pins), "%s/pins.template",
		w.dir);
	world_copy(w.repo, template);
	world_copy(pins, template_pins);
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (argc < 2 || strcmp(argv[1], operations[i].name) == 0)
			try_all(&operations[i]);
	printf("\n%lu runs, %lu of them failed or were killed\n", runs, hits);
	world_end(&w);
	return hits > 0 ? 0 : 1;
}
