/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 600 */
/*
 * The power goes off after every system call that changes the repository,
 * through init, create, delete, undelete, prune, compact, a whole run, rekey
 * (also of all that is there), repair and a change of the passphrase; and of
 * what was not synced then there is nothing, everything, or any part of it, and
 * writes may be torn (cutos.h).
 * Each such disk must open, list every acknowledged archive, check clean with
 * all its data; on some the next run is made, which needs no manual step.
 *
 * POWERCUT_STATES: so many disks for each call of init, eight times as many for
 * each of the others, 3 by default ("make powercut": more); those that differ
 * in tmp/ only are looked at once.  POWERCUT_NEXT: every how many different
 * ones the next run is made, 60 by default.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/os.h"
#include "tests/lib/cutos.h"
#include "tests/lib/world.h"

#define SEEN_SLOTS (1u << 22)

/* Shared with the children that look at disks. */
struct shared {
	uint64_t states, different, next_runs, calls;
	uint64_t seen[SEEN_SLOTS];
};

struct operation {
	const char *name;
	int (*run)(struct err *e);
	bool bare;		/* begins without a repository */
	const char *made;	/* archive that success acknowledges */
	const char *gone;	/* archive that success makes go */
	void (*damage)(struct world *w);	/* what it has to mend */
};

static struct world w;
static struct shared *shared;
static char template[WORLD_PATH], cut[WORLD_PATH];
static char pins[WORLD_PATH], template_pins[WORLD_PATH];
static unsigned per_call, next_every;
static const struct operation *op_now;
static bool acknowledged;
static const char *old_pass = "secret", *new_pass;

/* --- operations --- */

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

static int op_undelete(struct err *e)
{
	return world_undelete(&w, "dead3", e);
}

static int op_prune(struct err *e)
{
	return world_prune(&w, e);
}

static int op_compact(struct err *e)
{
	return world_compact(&w, e);
}

/* As cron does it. */
static int op_run(struct err *e)
{
	int rc;

	if ((rc = world_create(&w, "new", e)) < 0 ||
	    (rc = world_delete(&w, "gone", e)) < 0)
		return rc;
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

static int op_change(struct err *e)
{
	struct repo *r;
	int rc;

	new_pass = "another one";
	if ((rc = repo_open(&r, w.repo, &world_opts, e)) < 0)
		return rc;
	rc = repo_keys_change(r, NULL, new_pass, 8, e);
	repo_close(r);
	return rc;
}

/* --- a disk --- */

struct disk {
	enum { DISK_NOTHING, DISK_EVERYTHING, DISK_RANDOM } how;
	uint64_t rng;
	struct store *mem;	/* NULL: below 'cut' */
	uint64_t hash;		/* of what is not in tmp/ */
};

static size_t disk_pick(size_t n, void *ctx)
{
	struct disk *d = ctx;

	if (d->how != DISK_RANDOM)
		return d->how == DISK_NOTHING ? 0 : n - 1;
	d->rng ^= d->rng << 13;
	d->rng ^= d->rng >> 7;
	d->rng ^= d->rng << 17;
	return (size_t)((d->rng * 0x2545f4914f6cdd1dull >> 11) % n);
}

static bool disk_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 &&
		(path[n] == '/' || path[n] == '\0');
}

static void disk_hash(struct disk *d, const char *path, const uint8_t *p,
		      size_t len)
{
	if (disk_in(path, "tmp") || disk_in(path, "reserve"))
		return;
	d->hash += XXH3_64bits_withSeed(p, len, XXH3_64bits(path,
		strlen(path))) | 1;
}

static void disk_file(const char *path, const uint8_t *p, size_t len)
{
	char full[2 * WORLD_PATH];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", cut, path);
	fd = open(full, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, p, len) != (ssize_t)len || close(fd) < 0)
		world_die(full, NULL);
}

static void disk_put(struct disk *d, const char *path, const uint8_t *p,
		     size_t len)
{
	const char *name = strrchr(path, '/');
	union { const uint8_t *in; void *out; } bytes = { p };
	struct iovec iov = { bytes.out, len };
	struct err e = { ERR_OK, "" };
	unsigned k = STORE_ROOT;

	if (name)
		for (k = STORE_KEYS; k < STORE_RESERVE; k++)
			if (disk_in(path, store_kind_name(k)))
				break;
	if (k == STORE_RESERVE)		/* that, or tmp/ */
		return;
	if (store_put(d->mem, k, name ? name + 1 : path, &iov, 1, 0, &e) < 0)
		world_die(path, &e);
}

static void disk_emit(const char *path, bool folder, const uint8_t *p,
		      size_t len, void *ctx)
{
	struct disk *d = ctx;
	char full[2 * WORLD_PATH];

	disk_hash(d, path, p, folder ? 0 : len);
	if (!d->mem && folder) {
		snprintf(full, sizeof(full), "%s/%s", cut, path);
		if (mkdir(full, 0700) < 0)
			world_die(full, NULL);
	} else if (!d->mem) {
		disk_file(path, p, len);
	} else if (!folder) {
		disk_put(d, path, p, len);
	}
}

/* --- judging --- */

static int pass_cb(char **pass, const char *url, unsigned attempt,
		   bool confirm, void *ctx, struct err *e)
{
	const char *which = attempt == 0 ? old_pass : new_pass;

	(void)url;
	(void)confirm;
	(void)ctx;
	if (attempt > 1 || !which)
		return err_set(e, ERR_AUTH, "wrong passphrase");
	*pass = key_alloc(strlen(which) + 1);
	if (!*pass)
		return err_nomem(e);
	memcpy(*pass, which, strlen(which) + 1);
	return 0;
}

static const struct repo_opts either = { .pass = pass_cb };

static void finding(const struct check_finding *f, void *ctx)
{
	(void)ctx;
	if (f->severity == CHECK_DAMAGE)
		fprintf(stderr, "  %s %s %s: %s\n", f->file ? f->file : "",
			f->archive ? f->archive : "", f->path ? f->path : "",
			f->text);
}

static void must_list(struct repo *r)
{
	const struct catalog_item *it;
	struct catalog *c = NULL;
	struct err e = { ERR_OK, "" };

	if (catalog_load(&c, r, &e) < 0)
		world_die("catalog", &e);
	if (c->n_bad)
		world_die("a record is damaged", &c->bad[0]->bad);
	if (!op_now->bare && catalog_find(c, "old", &it, &e) < 0)
		world_die("an archive is lost", &e);
	if (acknowledged && op_now->made &&
	    catalog_find(c, op_now->made, &it, &e) < 0)
		world_die("an acknowledged archive is lost", &e);
	if (acknowledged && op_now->gone &&
	    catalog_find(c, op_now->gone, &it, &e) == 0)
		world_die("a deleted archive is back", NULL);
	catalog_free(c);
}

static void judge(struct repo *r)
{
	const struct check_opts o = { .flags = CHECK_REPOSITORY |
		CHECK_ARCHIVES | CHECK_DATA, .finding = finding };
	struct check_result res;
	struct err e = { ERR_OK, "" };

	must_list(r);
	if (op_now->damage)
		world_heal_in(&w, r, acknowledged);
	if (check_run(r, &o, &res, &e) < 0)
		world_die("check", &e);
}

static void judge_mem(struct store *mem)
{
	struct err e = { ERR_OK, "" };
	struct repo *r;
	int rc = repo_open_on(&r, mem, &either, &e);

	if (op_now->bare && rc == ERR_NOREPO && !acknowledged)
		return;
	if (rc < 0)
		world_die("open", &e);
	judge(r);
	repo_close(r);
}

/* What it remembers is its own. */
static void next_config(void)
{
	char dir[2 * WORLD_PATH], copy[2 * WORLD_PATH + 8];

	snprintf(dir, sizeof(dir), "%s/next", w.dir);
	snprintf(copy, sizeof(copy), "%s/pins", dir);
	world_remove(dir);
	mkdir(dir, 0700);
	if (access(pins, F_OK) == 0)
		world_copy(pins, copy);
	setenv("MUNIMENT_CONFIG_DIR", dir, 1);
}

/* The same commands as before the power went off, on the real store. */
static void next_run(void)
{
	struct err e = { ERR_OK, "" };
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct world next = w;
	struct repo *r;
	int rc;

	memcpy(next.repo, cut, sizeof(next.repo));
	if (op_now->bare) {
		rc = world_init(&next, &e);
		if (rc < 0 && (rc != ERR_EXIST))
			world_die("the next init", &e);
	}
	if (repo_open(&r, cut, &either, &e) < 0)
		world_die("open", &e);
	if (op_now->damage)
		world_heal_in(&w, r, acknowledged);
	repo_close(r);
	if (new_pass)			/* the others know one only */
		return;
	if (world_create(&next, "next", &e) < 0 ||
	    repo_open(&r, cut, &world_opts, &e) < 0 ||
	    compact_run(r, &o, &res, &e) < 0)
		world_die("the next run", &e);
	judge(r);
	repo_close(r);
	if (world_extract(&next, "next", &e) < 0 || !world_same(&next))
		world_die("extract", &e);
}

static bool is_new(uint64_t hash)
{
	uint64_t i, key = (hash ^ (acknowledged ? 77 : 0)) | 1;

	for (i = key % SEEN_SLOTS; shared->seen[i];
	     i = (i + 1) % SEEN_SLOTS)
		if (shared->seen[i] == key)
			return false;
	shared->seen[i] = key;
	return true;
}

static void look_at(struct disk d)
{
	struct cutos_disk cd = { disk_pick, disk_emit, &d };
	const uint64_t rng = d.rng;
	struct err e = { ERR_OK, "" };

	d.mem = store_open_mem(&e);
	if (!d.mem)
		world_die("store", &e);
	cutos_disk(&cd);
	shared->states++;
	if (!is_new(d.hash)) {
		store_close(d.mem);
		return;
	}
	judge_mem(d.mem);
	if (shared->different++ % next_every)
		return;
	d.mem = NULL;
	d.rng = rng;
	world_remove(cut);
	mkdir(cut, 0700);
	cutos_disk(&cd);
	next_config();
	next_run();
	setenv("MUNIMENT_CONFIG_DIR", w.dir, 1);
	shared->next_runs++;
}

/* In a child: what it does, does not happen. */
static void call_cb(void *ctx)
{
	pid_t pid;
	int status;
	unsigned i;

	(void)ctx;
	shared->calls++;
	pid = fork();
	if (pid == 0) {
		os_now = os_real;
		for (i = 0; i < per_call * (op_now->bare ? 1 : 8); i++)
			look_at((struct disk) { .how = i < DISK_RANDOM ? i :
				DISK_RANDOM, .rng = (shared->calls << 20 |
				i) * 0x9e3779b97f4a7c15ull });
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "%s: after call %llu%s\n", op_now->name,
			(unsigned long long)shared->calls, acknowledged ?
			", acknowledged" : "");
		exit(1);
	}
}

static void fresh(void)
{
	world_remove(w.repo);
	world_remove(pins);
	if (op_now->bare) {
		mkdir(w.repo, 0700);
	} else {
		world_copy(template, w.repo);
		world_copy(template_pins, pins);
	}
	if (op_now->damage)
		op_now->damage(&w);
}

static void try_all(const struct operation *op)
{
	struct err e = { ERR_OK, "" };

	op_now = op;
	acknowledged = false;
	new_pass = NULL;
	memset(shared, 0, sizeof(*shared));
	fresh();
	cutos_start(w.repo);
	cutos_watch(call_cb, NULL);
	if (op->run(&e) < 0)
		world_die(op->name, &e);
	acknowledged = true;
	call_cb(NULL);
	cutos_stop();
	printf("%s: %llu calls, %llu disks, %llu different, %llu next runs\n",
	       op->name, (unsigned long long)shared->calls,
	       (unsigned long long)shared->states,
	       (unsigned long long)shared->different,
	       (unsigned long long)shared->next_runs);
	fflush(stdout);
}

/* "old" shares packs with archives that are deleted. */
static void make_template(void)
{
	struct err e = { ERR_OK, "" };
	char name[16];
	unsigned i;

	if (world_init(&w, &e) < 0)
		world_die("init", &e);
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "dead%u", i);
		world_write(&w, name, 9000, 100 + i);
		if (world_create(&w, name, &e) < 0)
			world_die("create", &e);
	}
	if (world_create(&w, "gone", &e) < 0 ||
	    world_create(&w, "old", &e) < 0)
		world_die("create", &e);
	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "dead%u", i);
		if (world_delete(&w, name, &e) < 0)
			world_die("delete", &e);
	}
	world_write(&w, "fresh", 8000, 200);
	w.expected = world_digest(w.source);
	world_copy(w.repo, template);
	world_copy(pins, template_pins);
}

static unsigned number(const char *name, unsigned otherwise)
{
	const char *v = getenv(name);

	return v ? (unsigned)strtoul(v, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	static const struct operation operations[] = {
		{ "init", op_init, true, NULL, NULL, NULL },
		{ "create", op_create, false, "new", NULL, NULL },
		{ "delete", op_delete, false, NULL, "gone", NULL },
		{ "undelete", op_undelete, false, NULL, NULL, NULL },
		{ "prune", op_prune, false, NULL, "gone", NULL },
		{ "compact", op_compact, false, NULL, NULL, NULL },
		{ "run", op_run, false, "new", "gone", NULL },
		{ "rekey", op_rekey, false, NULL, NULL, NULL },
		{ "rekey-full", op_rekey_full, false, NULL, NULL, NULL },
		{ "repair-index", op_repair, false, NULL, NULL,
		  world_damage_index },
		{ "repair-packs", op_repair, false, NULL, NULL,
		  world_damage_packs },
		{ "change-passphrase", op_change, false, NULL, NULL, NULL },
	};
	size_t i;

	per_call = number("POWERCUT_STATES", 3);
	next_every = number("POWERCUT_NEXT", 60);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		world_die("memory", NULL);
	world_make(&w, "powercut");
	snprintf(template, sizeof(template), "%s/template", w.dir);
	snprintf(cut, sizeof(cut), "%s/cut", w.dir);
	snprintf(pins, sizeof(pins), "%s/pins", w.dir);
	snprintf(template_pins, sizeof(template_pins), "%s/pins.template",
		w.dir);
	make_template();
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (argc < 2 || strcmp(argv[1], operations[i].name) == 0)
			try_all(&operations[i]);
	world_end(&w);
	return 0;
}
