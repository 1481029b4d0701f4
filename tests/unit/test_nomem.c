/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 900 */
/*
 * Every allocation fails once, through init, create (first, unchanged and with
 * threads), delete, undelete, prune, compact, rekey (also of all that is
 * there), repair (of an index that is gone, of damaged packs), extract, list
 * and check.
 * The operation must end with an error that has words, or with success; and
 * what it acknowledged is whole: never a crash, never a clean check of what is
 * damaged.
 *
 * Every NOMEM_STRIDE-th allocation is tried, 11 by default; `make faults` all.
 * An argument names the one operation to try.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "base/mem.h"
#include "tests/lib/world.h"

/* An operation that allocates more often than this is not of this world. */
#define NOMEM_MAX 100000ul
/* A failed operation leaves garbage at most; every so many of them that is
 * looked at.  What succeeded is always looked at. */
#define NOMEM_JUDGE_EVERY 16

enum outcome { OUTCOME_DONE = 0, OUTCOME_FAILED = 1, OUTCOME_BEYOND = 2 };

static struct world w;
static char template[WORLD_PATH], pins[WORLD_PATH], template_pins[WORLD_PATH];
static char damaged[WORLD_PATH], cache[WORLD_PATH];
static unsigned long runs, hits, stride;

static int op_init(struct err *e)
{
	return world_init(&w, e);
}

static int op_create(struct err *e)
{
	return world_create(&w, "new", e);
}

static int op_create_again(struct err *e)
{
	return world_create(&w, "again", e);
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

static int op_repair(struct err *e)
{
	return world_repair(&w, e);
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

struct operation {
	const char *name;
	int (*run)(struct err *e);
	enum { WORLD_BARE, WORLD_COLD, WORLD_WARM, WORLD_DAMAGED,
	       WORLD_NO_INDEX, WORLD_BAD_PACKS } world;
	const char *made;	/* archive that success acknowledges */
};

static void fresh(const struct operation *op)
{
	world_remove(w.repo);
	world_remove(pins);
	if (op->world != WORLD_WARM)
		world_remove(cache);
	if (op->world != WORLD_BARE) {
		world_copy(op->world == WORLD_DAMAGED ? damaged : template,
			w.repo);
		world_copy(template_pins, pins);
	}
	if (op->world == WORLD_NO_INDEX)
		world_damage_index(&w);
	if (op->world == WORLD_BAD_PACKS)
		world_damage_packs(&w);
	world_remove(w.out);
	mkdir(w.out, 0700);
}

/* Under AddressSanitizer: an error path that forgot to free ends the test. */
static void must_not_leak(const char *name, unsigned long at)
{
#ifdef __SANITIZE_ADDRESS__
	if (__lsan_do_recoverable_leak_check()) {
		fprintf(stderr, "%s: allocation %lu: leak\n", name, at);
		_exit(3);
	}
#else
	(void)name;
	(void)at;
#endif
}

/* The countdown is still running: the operation allocates less often. */
static bool beyond(void)
{
	unsigned long i;
	void *p;

	for (i = 0; i < NOMEM_MAX; i++) {
		p = mem_alloc(1);
		if (!p)
			return true;
		free(p);
	}
	return false;
}

static enum outcome attempt(const struct operation *op, unsigned long at)
{
	struct err e = { ERR_OK, "" };
	int status, rc;
	pid_t pid = fork();

	if (pid == 0) {
		mem_fail(at, 0);
		rc = op->run(&e);
		if (beyond())
			_exit(OUTCOME_BEYOND);
		mem_fail(0, 0);
		must_not_leak(op->name, at);
		if (rc < 0 && (e.code == ERR_OK || !e.msg[0])) {
			fprintf(stderr, "%s: allocation %lu: error %d without "
				"words\n", op->name, at, rc);
			_exit(3);
		}
		if (rc == 0 && e.code != ERR_OK) {
			fprintf(stderr, "%s: allocation %lu: success with "
				"'%s'\n", op->name, at, e.msg);
			_exit(3);
		}
		_exit(rc == 0 ? OUTCOME_DONE : OUTCOME_FAILED);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		world_die("fork", NULL);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > OUTCOME_BEYOND) {
		fprintf(stderr, "%s: allocation %lu: status %#x\n", op->name,
			at, (unsigned)status);
		world_die("an operation ended oddly", NULL);
	}
	return (enum outcome)WEXITSTATUS(status);
}

static void must_restore(const char *name)
{
	struct err e = { ERR_OK, "" };

	if (world_extract(&w, name, &e) < 0)
		world_die(name, &e);
	if (!world_same(&w))
		world_die("an archive restores to something else", NULL);
}

static void judge(const struct operation *op, bool acknowledged)
{
	struct err e = { ERR_OK, "" };
	int rc;

	if (op->world == WORLD_DAMAGED) {
		if (acknowledged)
			world_die("check found nothing in a damaged repository",
				NULL);
		return;
	}
	if (acknowledged && op->run == op_extract && !world_same(&w))
		world_die("extract ended well with something missing", NULL);
	if (op->world == WORLD_BARE) {
		rc = op_init(&e);
		if (rc < 0 && rc != ERR_EXIST)
			world_die("the next init", &e);
		return;
	}
	if (op->run == op_repair)
		world_heal(&w, acknowledged);
	must_restore("old");
	if (acknowledged && op->made)
		must_restore(op->made);
	if (world_check(&w, true, &e) < 0)
		world_die("check", &e);
	if (world_create(&w, "next", &e) < 0)
		world_die("the next create", &e);
	must_restore("next");
}

static void try_all(const struct operation *op)
{
	unsigned long at, failed = 0;
	enum outcome got;

	for (at = 1; at < NOMEM_MAX; at += stride) {
		fresh(op);
		got = attempt(op, at);
		if (got == OUTCOME_BEYOND)
			break;
		runs++;
		failed += got == OUTCOME_FAILED;
		if (got == OUTCOME_DONE || failed % NOMEM_JUDGE_EVERY == 1)
			judge(op, got == OUTCOME_DONE);
	}
	hits += failed;
	printf("%-16s %lu allocations, %lu of those tried ended it\n",
		op->name, at, failed);
	fflush(stdout);
}

/* A copy of the repository with a data pack cut short. */
static void make_damaged(void)
{
	char line[4 * WORLD_PATH];

	snprintf(line, sizeof(line), "cp -a '%s' '%s' && f=$(find '%s/data' "
		"-type f | head -1) && truncate -s -100 \"$f\"", template,
		damaged, damaged);
	if (system(line) != 0)
		world_die("cannot damage the repository", NULL);
}

int main(int argc, char **argv)
{
	static const struct operation operations[] = {
		{ "init", op_init, WORLD_BARE, NULL },
		{ "create", op_create, WORLD_COLD, "new" },
		{ "create again", op_create_again, WORLD_WARM, "again" },
		{ "delete", op_delete, WORLD_WARM, NULL },
		{ "undelete", op_undelete, WORLD_COLD, NULL },
		{ "prune", op_prune, WORLD_COLD, NULL },
		{ "compact", op_compact, WORLD_COLD, NULL },
		{ "rekey", op_rekey, WORLD_COLD, NULL },
		{ "rekey, full", op_rekey_full, WORLD_COLD, NULL },
		{ "repair, index", op_repair, WORLD_NO_INDEX, NULL },
		{ "repair, packs", op_repair, WORLD_BAD_PACKS, NULL },
		{ "extract", op_extract, WORLD_COLD, NULL },
		{ "list", op_list, WORLD_COLD, NULL },
		{ "check", op_check, WORLD_COLD, NULL },
		{ "check, damaged", op_check, WORLD_DAMAGED, NULL },
	};
	const char *s = getenv("NOMEM_STRIDE");
	struct err e = { ERR_OK, "" };
	size_t i;

	stride = s ? strtoul(s, NULL, 10) : 11;
	if (stride == 0)
		stride = 1;
	world_make(&w, "nomem");
	snprintf(template, sizeof(template), "%s/template", w.dir);
	snprintf(damaged, sizeof(damaged), "%s/damaged", w.dir);
	snprintf(cache, sizeof(cache), "%s/cache", w.dir);
	setenv("MUNIMENT_CACHE_DIR", cache, 1);
	if (world_init(&w, &e) < 0 || world_history(&w, &e) < 0)
		world_die("template", &e);
	snprintf(pins, sizeof(pins), "%s/pins", w.dir);
	snprintf(template_pins, sizeof(template_pins), "%s/pins.template",
		w.dir);
	world_copy(w.repo, template);
	world_copy(pins, template_pins);
	make_damaged();
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (argc < 2 || strcmp(argv[1], operations[i].name) == 0)
			try_all(&operations[i]);
	printf("%lu runs, %lu of them failed\n", runs, hits);
	world_end(&w);
	return hits > 0 ? 0 : 1;
}
