/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/world.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn void world_die(const char *what, const struct err *e)
{
	fprintf(stderr, "world: %s%s%s\n", what, e ? ": " : "",
		e ? e->msg : "");
	exit(1);
}

/* --- the file system around it --- */

static int remove_cb(const char *path, const struct stat *st, int flag,
		     struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void world_remove(const char *path)
{
	nftw(path, remove_cb, 32, FTW_DEPTH | FTW_PHYS);
}

void world_copy(const char *from, const char *to)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp("cp", "cp", "-a", from, to, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		world_die("cp failed", NULL);
}

void world_write(struct world *w, const char *name, size_t len, unsigned seed)
{
	char path[2 * WORLD_PATH];
	FILE *f;
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", w->source, name);
	f = fopen(path, "w");
	for (i = 0; f && i < len; i++) {
		seed = seed * 1103515245u + 12345u;
		putc((int)(seed >> 16 & 0xff), f);
	}
	if (!f || fclose(f) != 0)
		world_die(path, NULL);
}

static void world_fill(struct world *w)
{
	char a[2 * WORLD_PATH], b[2 * WORLD_PATH];

	mkdir(w->source, 0755);
	snprintf(a, sizeof(a), "%s/sub", w->source);
	mkdir(a, 0750);
	world_write(w, "empty", 0, 1);
	world_write(w, "tiny", 20, 2);
	world_write(w, "mail", 5000, 3);
	world_write(w, "sub/large", 700000, 4);
	snprintf(a, sizeof(a), "%s/mail", w->source);
	snprintf(b, sizeof(b), "%s/sub/hardlink", w->source);
	if (link(a, b) < 0)
		world_die(b, NULL);
	snprintf(b, sizeof(b), "%s/symlink", w->source);
	if (symlink("sub/large", b) < 0)
		world_die(b, NULL);
}

/* A digest of names, types, modes, sizes, times, links and contents. */
static struct oid digest;
static size_t digest_skip;

static int digest_cb(const char *path, const struct stat *st, int flag,
		     struct FTW *ftw)
{
	char line[2 * WORLD_PATH], target[256];
	struct buf b = { NULL, 0, 0, 4u << 20 };
	struct oid h;
	ssize_t n = 0;

	(void)flag;
	(void)ftw;
	if (S_ISLNK(st->st_mode))
		n = readlink(path, target, sizeof(target));
	if (S_ISREG(st->st_mode) &&
	    io_read_file(AT_FDCWD, path, &b, NULL) < 0)
		world_die(path, NULL);
	snprintf(line, sizeof(line), "%s %o %lld %ld.%09ld %lu %.*s",
		path + digest_skip, st->st_mode,
		S_ISDIR(st->st_mode) ? 0 : (long long)st->st_size,
		(long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		S_ISDIR(st->st_mode) ? 0 : (unsigned long)st->st_nlink,
		(int)n, target);
	key_hash(&h, NULL, line, strlen(line), b.p, b.len, NULL, 0);
	for (n = 0; n < 32; n++)	/* order does not count */
		digest.b[n] ^= h.b[n];
	buf_release(&b);
	return 0;
}

struct oid world_digest(const char *path)
{
	memset(&digest, 0, sizeof(digest));
	digest_skip = strlen(path);
	if (nftw(path, digest_cb, 32, FTW_PHYS) != 0)
		world_die(path, NULL);
	return digest;
}

/* --- the operations --- */

static int pass_cb(char **pass, const char *url, unsigned attempt,
		   bool confirm, void *ctx, struct err *e)
{
	(void)url;
	(void)confirm;
	(void)ctx;
	if (attempt > 0)
		return err_set(e, ERR_AUTH, "wrong passphrase");
	*pass = key_alloc(8);
	if (!*pass)
		return err_nomem(e);
	memcpy(*pass, "secret", 7);
	return 0;
}

const struct repo_opts world_opts = { .pass = pass_cb };

int world_init(struct world *w, struct err *e)
{
	struct repo_init init = { .mode = SLOT_REPOKEY, .kdf_mem_kib = 8 };
	struct repo *r;
	int rc = repo_create(&r, w->repo, &init, &world_opts, e);

	repo_close(r);
	return rc;
}

int world_create_in(struct world *w, struct repo *r, const char *name,
		    struct err *e)
{
	struct strv paths = STRV_INIT;
	struct create_opts o = { .name = name, .series = "test",
		.walk.paths = &paths, .comp = COMP_SPEC_DEFAULT,
		.files_cache = FSTATE_DEFAULT };
	struct create_result res;
	int rc = strv_add(&paths, w->source, e);

	if (rc == 0) {
		rc = create_run(r, &o, &res, e);
		create_result_release(&res);
	}
	strv_release(&paths);
	return rc;
}

int world_create(struct world *w, const char *name, struct err *e)
{
	struct repo *r;
	int rc;

	if ((rc = repo_open(&r, w->repo, &world_opts, e)) < 0)
		return rc;
	rc = world_create_in(w, r, name, e);
	repo_close(r);
	return rc;
}

/* Run fn with the archive of that name. */
typedef int with_fn(struct world *w, struct repo *r,
		    const struct catalog_item *it, struct err *e);

static int with_archive(struct world *w, const char *name, with_fn *fn,
			struct err *e)
{
	const struct catalog_item *it;
	struct catalog *c = NULL;
	struct repo *r;
	int rc;

	if ((rc = repo_open(&r, w->repo, &world_opts, e)) < 0)
		return rc;
	rc = catalog_load(&c, r, e);
	if (rc == 0 && c->n_bad)
		rc = err_set(e, ERR_CORRUPT, "%s", c->bad[0]->bad.msg);
	if (rc == 0 && name)
		rc = catalog_find(c, name, &it, e);
	if (rc == 0 && fn)
		rc = fn(w, r, it, e);
	catalog_free(c);
	repo_close(r);
	return rc;
}

int world_list(struct world *w, struct err *e)
{
	return with_archive(w, NULL, NULL, e);
}

static int delete_fn(struct world *w, struct repo *r,
		     const struct catalog_item *it, struct err *e)
{
	(void)w;
	return catalog_delete(r, it, "test", e);
}

int world_delete(struct world *w, const char *name, struct err *e)
{
	return with_archive(w, name, delete_fn, e);
}

static int undelete_fn(struct repo *r, const char *name, struct err *e)
{
	struct catalog *c = NULL;
	struct oid id;
	size_t i;
	int rc;

	if ((rc = catalog_load_all(&c, r, e)) < 0)
		return rc;
	rc = ERR_NOENT;
	for (i = 0; i < c->n && rc == ERR_NOENT; i++)
		if (c->item[i]->deleted &&
		    strcmp(c->item[i]->rec.name, name) == 0)
			rc = catalog_undelete(r, c->item[i], &id, e);
	if (rc == ERR_NOENT)
		err_set(e, ERR_NOENT, "no deleted archive '%s'", name);
	catalog_free(c);
	return rc;
}

int world_undelete(struct world *w, const char *name, struct err *e)
{
	struct repo *r;
	int rc;

	if ((rc = repo_open(&r, w->repo, &world_opts, e)) < 0)
		return rc;
	rc = undelete_fn(r, name, e);
	repo_close(r);
	return rc;
}

int world_prune(struct world *w, struct err *e)
{
	const struct prune_opts o = { .keep.keep = {
		[RETENTION_SECONDLY] = 1 }, .flags = PRUNE_FORCE };
	struct catalog *c = NULL;
	struct prune_result res;
	struct repo *r;
	int rc;

	if ((rc = repo_open(&r, w->repo, &world_opts, e)) < 0)
		return rc;
	if ((rc = catalog_load(&c, r, e)) == 0)
		rc = prune_run(r, c, &o, &res, e);
	catalog_free(c);
	repo_close(r);
	return rc;
}

int world_compact(struct world *w, struct err *e)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct repo *r;
	int rc;

	o.threshold = 1;
	if ((rc = repo_open(&r, w->repo, &world_opts, e)) < 0)
		return rc;
	rc = compact_run(r, &o, &res, e);
	repo_close(r);
	return rc;
}

int world_rekey(struct world *w, struct err *e)
{
	unsigned removed;
	struct repo *r;
	int rc;

	if ((rc = repo_open(&r, w->repo, &world_opts, e)) < 0)
		return rc;
	rc = repo_keys_rekey(r, "secret", &removed, e);
	repo_close(r);
	return rc;
}

static int renew_all(struct repo *r, struct err *e)
{
	struct catalog *c = NULL;
	struct oid id;
	size_t i;
	int rc = catalog_load(&c, r, e);

	for (i = 0; rc == 0 && i < c->n; i++)
		if (c->item[i]->rec.key.epoch < repo_epoch(r))
			rc = catalog_renew(r, c->item[i], &id, e);
	catalog_free(c);
	return rc;
}

int world_rekey_full(struct world *w, struct err *e)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct repo *r;
	int rc;

	o.reseal = true;
	if ((rc = world_rekey(w, e)) < 0 ||
	    (rc = repo_open(&r, w->repo, &world_opts, e)) < 0)
		return rc;
	if ((rc = renew_all(r, e)) == 0 &&
	    (rc = compact_run(r, &o, &res, e)) == 0)
		rc = repo_keys_forget_old(r, "secret", e);
	repo_close(r);
	return rc;
}

static const char *damage_below;

static int damage_cb(const char *path, const struct stat *st, int flag,
		     struct FTW *ftw)
{
	int fd;

	(void)ftw;
	if (flag != FTW_F || strncmp(path, damage_below, strlen(damage_below)))
		return 0;
	fd = open(path, O_WRONLY);
	if (fd < 0 || pwrite(fd, "damage", 6, st->st_size / 2) != 6 ||
	    close(fd) < 0)
		world_die(path, NULL);
	return 0;
}

void world_damage_packs(struct world *w)
{
	char path[2 * WORLD_PATH];

	snprintf(path, sizeof(path), "%s/data/", w->repo);
	damage_below = path;
	nftw(w->repo, damage_cb, 32, FTW_PHYS);
}

void world_damage_index(struct world *w)
{
	char path[2 * WORLD_PATH];

	snprintf(path, sizeof(path), "%s/index", w->repo);
	world_remove(path);
	mkdir(path, 0700);
}

int world_history(struct world *w, struct err *e)
{
	char path[2 * WORLD_PATH];
	int rc;

	snprintf(path, sizeof(path), "%s/its own", w->source);
	world_write(w, "its own", 30000, 9);
	if ((rc = world_create(w, "dead", e)) < 0)
		return rc;
	if (unlink(path) < 0)
		world_die(path, NULL);
	w->expected = world_digest(w->source);
	if ((rc = world_create(w, "gone", e)) < 0 ||
	    (rc = world_create(w, "old", e)) < 0)
		return rc;
	return world_delete(w, "dead", e);
}

static int extract_fn(struct world *w, struct repo *r,
		      const struct catalog_item *it, struct err *e)
{
	struct extract_opts o = { .destination = w->out };
	struct extract_result res;
	struct reader *rd;
	int rc;

	if ((rc = reader_open(&rd, r, 1u << 20, e)) < 0)
		return rc;
	rc = extract_run(rd, &it->rec, &o, &res, e);
	reader_close(rd);
	/* The command ends with a status of its own then. */
	return rc == 0 && res.warnings ? err_set(e, ERR_FAILED, "%llu "
		"warnings", (unsigned long long)res.warnings) : rc;
}

int world_extract(struct world *w, const char *name, struct err *e)
{
	world_remove(w->out);
	mkdir(w->out, 0700);
	return with_archive(w, name, extract_fn, e);
}

static void finding_cb(const struct check_finding *f, void *ctx)
{
	(void)ctx;
	if (f->severity == CHECK_DAMAGE)
		fprintf(stderr, "  %s %s %s: %s\n", f->file ? f->file : "",
			f->archive ? f->archive : "", f->path ? f->path : "",
			f->text);
}

int world_check(struct world *w, bool say, struct err *e)
{
	struct check_opts o = { .flags = CHECK_REPOSITORY | CHECK_ARCHIVES |
		CHECK_DATA, .finding = say ? finding_cb : NULL };
	struct check_result res;
	struct repo *r;
	int rc;

	if ((rc = repo_open(&r, w->repo, &world_opts, e)) < 0)
		return rc;
	rc = check_run(r, &o, &res, e);
	repo_close(r);
	return rc;
}

static int repair_in(struct repo *r, struct err *e)
{
	const struct repair_opts o = { .threads = 0 };
	struct repair_result res;

	return repair_run(r, &o, &res, e);
}

int world_repair(struct world *w, struct err *e)
{
	struct repo *r;
	int rc;

	if ((rc = repo_open(&r, w->repo, &world_opts, e)) < 0)
		return rc;
	rc = repair_in(r, e);
	repo_close(r);
	return rc;
}

void world_heal_in(struct world *w, struct repo *r, bool repaired)
{
	static unsigned n;		/* of names: it may be done again */
	struct err e = { ERR_OK, "" };
	char name[32];

	snprintf(name, sizeof(name), "healing%u", n++);
	if (!repaired && repair_in(r, &e) < 0)
		world_die("the next repair", &e);
	if (world_create_in(w, r, name, &e) < 0)
		world_die("the create that heals", &e);
}

void world_heal(struct world *w, bool repaired)
{
	struct err e = { ERR_OK, "" };
	struct repo *r;

	if (repo_open(&r, w->repo, &world_opts, &e) < 0)
		world_die("open", &e);
	world_heal_in(w, r, repaired);
	repo_close(r);
}

bool world_same(struct world *w)
{
	char path[2 * WORLD_PATH];
	struct oid got;

	snprintf(path, sizeof(path), "%s%s", w->out, w->source);
	got = world_digest(path);
	return oid_eq(&got, &w->expected);
}

void world_make(struct world *w, const char *name)
{
	const char *tmp = getenv("TMPDIR");	/* tests/run: in memory */
	struct err e = { ERR_OK, "" };

	if (key_setup(&e) < 0)
		world_die("setup", &e);
	key_kdf_floor(8);
	snprintf(w->dir, sizeof(w->dir), "%s/muniment-%s-%ld",
		tmp && *tmp ? tmp : "/dev/shm", name, (long)getpid());
	mkdir(w->dir, 0700);
	snprintf(w->source, sizeof(w->source), "%s/source", w->dir);
	snprintf(w->repo, sizeof(w->repo), "%s/repo", w->dir);
	snprintf(w->out, sizeof(w->out), "%s/out", w->dir);
	setenv("MUNIMENT_CACHE_DIR", "/dev/null/none", 1);
	setenv("MUNIMENT_CONFIG_DIR", w->dir, 1);
	world_fill(w);
	w->expected = world_digest(w->source);
}

void world_end(struct world *w)
{
	world_remove(w->dir);
}
