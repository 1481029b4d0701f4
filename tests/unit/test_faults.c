/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 900 */
/*
 * Every system call of the local store goes wrong once, in every way, through
 * init, create (first and second), delete, extract, list and check; and the
 * process is killed at every one of them.  Judged afterwards, with a system
 * that works: every acknowledged archive restores to the same tree, check is
 * clean, the next run succeeds without a manual step.
 *
 * FAULTS_STRIDE=N looks at every N-th call only (the short form).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/core.h"
#include "tests/lib/faultos.h"

#define ROOM 512

static char work[256];		/* the private folder */
static char source[ROOM], repo[ROOM], out[ROOM], template[ROOM];
static struct oid expected;	/* digest of the source */
static unsigned long runs, hits, stride = 1;

static _Noreturn void die(const char *what, const struct err *e)
{
	fprintf(stderr, "test_faults: %s%s%s\n", what, e ? ": " : "",
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

static void remove_tree(const char *path)
{
	nftw(path, remove_cb, 32, FTW_DEPTH | FTW_PHYS);
}

static void copy_tree(const char *from, const char *to)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp("cp", "cp", "-a", from, to, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		die("cp failed", NULL);
}

static void write_file(const char *name, size_t len, unsigned seed)
{
	char path[2 * ROOM];
	FILE *f;
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", source, name);
	f = fopen(path, "w");
	for (i = 0; f && i < len; i++) {
		seed = seed * 1103515245u + 12345u;
		putc((int)(seed >> 16 & 0xff), f);
	}
	if (!f || fclose(f) != 0)
		die(path, NULL);
}

static void make_source(void)
{
	char a[2 * ROOM], b[2 * ROOM];

	mkdir(source, 0755);
	snprintf(a, sizeof(a), "%s/sub", source);
	mkdir(a, 0750);
	write_file("empty", 0, 1);
	write_file("tiny", 20, 2);
	write_file("mail", 5000, 3);
	write_file("sub/large", 700000, 4);
	snprintf(a, sizeof(a), "%s/mail", source);
	snprintf(b, sizeof(b), "%s/sub/hardlink", source);
	if (link(a, b) < 0)
		die(b, NULL);
	snprintf(b, sizeof(b), "%s/symlink", source);
	if (symlink("sub/large", b) < 0)
		die(b, NULL);
}

/* A digest of names, types, modes, sizes, times, links and contents. */
static struct oid digest;
static size_t digest_skip;

static int digest_cb(const char *path, const struct stat *st, int flag,
		     struct FTW *ftw)
{
	char line[2 * ROOM], target[256];
	struct buf b = { NULL, 0, 0, 4u << 20 };
	struct oid h;
	ssize_t n = 0;

	(void)flag;
	(void)ftw;
	if (S_ISLNK(st->st_mode))
		n = readlink(path, target, sizeof(target));
	if (S_ISREG(st->st_mode) &&
	    io_read_file(AT_FDCWD, path, &b, NULL) < 0)
		die(path, NULL);
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

static struct oid digest_of(const char *path)
{
	memset(&digest, 0, sizeof(digest));
	digest_skip = strlen(path);
	if (nftw(path, digest_cb, 32, FTW_PHYS) != 0)
		die(path, NULL);
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

static const struct repo_opts opts = { .pass = pass_cb };

static int op_init(struct err *e)
{
	struct repo_init init = { .mode = SLOT_REPOKEY, .kdf_mem_kib = 8 };
	struct repo *r;
	int rc = repo_create(&r, repo, &init, &opts, e);

	repo_close(r);
	return rc;
}

static int create_named(const char *name, struct err *e)
{
	struct strv paths = STRV_INIT;
	struct create_opts o = { .name = name, .series = "test",
		.walk.paths = &paths, .comp = COMP_SPEC_DEFAULT,
		.files_cache = FSTATE_DEFAULT };
	struct create_result res;
	struct repo *r;
	int rc;

	if ((rc = repo_open(&r, repo, &opts, e)) < 0)
		return rc;
	if ((rc = strv_add(&paths, source, e)) == 0) {
		rc = create_run(r, &o, &res, e);
		create_result_release(&res);
	}
	strv_release(&paths);
	repo_close(r);
	return rc;
}

static int op_create(struct err *e)
{
	return create_named("new", e);
}

/* Run fn with the archive of that name. */
typedef int with_fn(struct repo *r, const struct catalog_item *it,
		    struct err *e);

static int with_archive(const char *name, with_fn *fn, struct err *e)
{
	const struct catalog_item *it;
	struct catalog *c = NULL;
	struct repo *r;
	int rc;

	if ((rc = repo_open(&r, repo, &opts, e)) < 0)
		return rc;
	rc = catalog_load(&c, r, e);
	if (rc == 0 && c->n_bad)
		rc = err_set(e, ERR_CORRUPT, "%s", c->bad[0]->bad.msg);
	if (rc == 0 && name)
		rc = catalog_find(c, name, &it, e);
	if (rc == 0 && fn)
		rc = fn(r, it, e);
	catalog_free(c);
	repo_close(r);
	return rc;
}

static int op_list(struct err *e)
{
	return with_archive(NULL, NULL, e);
}

static int delete_fn(struct repo *r, const struct catalog_item *it,
		     struct err *e)
{
	return catalog_delete(r, it, "test", e);
}

static int op_delete(struct err *e)
{
	return with_archive("gone", delete_fn, e);
}

static int extract_fn(struct repo *r, const struct catalog_item *it,
		      struct err *e)
{
	struct extract_opts o = { .destination = out };
	struct extract_result res;
	struct reader *rd;
	int rc;

	if ((rc = reader_open(&rd, r, 1u << 20, e)) < 0)
		return rc;
	rc = extract_run(rd, &it->rec, &o, &res, e);
	reader_close(rd);
	return rc;
}

static int extract_named(const char *name, struct err *e)
{
	remove_tree(out);
	mkdir(out, 0700);
	return with_archive(name, extract_fn, e);
}

static int op_extract(struct err *e)
{
	return extract_named("old", e);
}

static void finding_cb(const struct check_finding *f, void *ctx)
{
	(void)ctx;
	if (f->severity == CHECK_DAMAGE)
		fprintf(stderr, "  %s %s %s: %s\n", f->file ? f->file : "",
			f->archive ? f->archive : "", f->path ? f->path : "",
			f->text);
}

static int op_check(struct err *e)
{
	struct check_opts o = { .flags = CHECK_REPOSITORY | CHECK_ARCHIVES |
		CHECK_DATA };
	struct check_result res;
	struct repo *r;
	int rc;

	if ((rc = repo_open(&r, repo, &opts, e)) < 0)
		return rc;
	rc = check_run(r, &o, &res, e);
	repo_close(r);
	return rc;
}

/* --- judging --- */

static void must_restore(const char *name)
{
	char path[2 * ROOM];
	struct err e = { ERR_OK, "" };
	struct oid got;

	if (extract_named(name, &e) < 0)
		die("an acknowledged archive does not restore", &e);
	snprintf(path, sizeof(path), "%s%s", out, source);
	got = digest_of(path);
	if (!oid_eq(&got, &expected))
		die("an acknowledged archive restores to something else",
			NULL);
}

static void judge_check(void)
{
	struct check_opts o = { .flags = CHECK_REPOSITORY | CHECK_ARCHIVES |
		CHECK_DATA, .finding = finding_cb };
	struct err e = { ERR_OK, "" };
	struct check_result res;
	struct repo *r;

	if (repo_open(&r, repo, &opts, &e) < 0 ||
	    check_run(r, &o, &res, &e) < 0)
		die("check", &e);
	repo_close(r);
}

struct operation {
	const char *name;
	int (*run)(struct err *e);
	bool bare;		/* begins without a repository */
	const char *made;	/* archive that success acknowledges */
};

static void judge(const struct operation *op, bool acknowledged)
{
	struct err e = { ERR_OK, "" };
	int rc;

	if (op->bare) {
		/* The same init, again: it is there, or is made now. */
		rc = op_init(&e);
		if (rc < 0 && rc != ERR_EXIST)
			die("the next init", &e);
		if (acknowledged && rc != ERR_EXIST)
			die("an acknowledged repository is gone", NULL);
	} else {
		must_restore("old");
	}
	if (acknowledged && op->made)
		must_restore(op->made);
	judge_check();
	if (create_named("next", &e) < 0)
		die("the next create", &e);
	must_restore("next");
}

/* --- the loop --- */

struct way {
	const char *name;
	enum faultos_how how;
	int errnum;
};
static const struct way ways[] = {
	{ "EIO", FAULTOS_BEFORE, EIO },
	{ "ENOSPC", FAULTOS_BEFORE, ENOSPC },
	{ "EINTR", FAULTOS_BEFORE, EINTR },
	{ "done, but EIO", FAULTOS_AFTER, EIO },
	{ "short", FAULTOS_SHORT, 0 },
	{ "killed before", FAULTOS_KILL_BEFORE, 0 },
	{ "killed half way", FAULTOS_KILL_TORN, 0 },
	{ "killed after", FAULTOS_KILL_AFTER, 0 },
};

static void fresh(const struct operation *op)
{
	remove_tree(repo);
	if (!op->bare)
		copy_tree(template, repo);
	remove_tree(out);
	mkdir(out, 0700);
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
		die("fork", NULL);
	if (!WIFEXITED(status))
		die("an operation crashed", NULL);
	return WEXITSTATUS(status);
}

static uint64_t count_calls(const struct operation *op)
{
	struct faultos_plan p = { .at = 0, .no_disk = true };
	struct err e = { ERR_OK, "" };
	uint64_t n;

	fresh(op);
	faultos_start(&p);
	if (op->run(&e) < 0)
		die(op->name, &e);
	n = faultos_stop();
	return n;
}

static void try_all(const struct operation *op)
{
	uint64_t n = count_calls(op), at;
	size_t w;
	int rc;

	printf("%-14s %llu calls\n", op->name, (unsigned long long)n);
	fflush(stdout);
	for (w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
		for (at = 1 + (w + n) % stride; at <= n; at += stride) {
			struct faultos_plan p = { .at = at,
				.how = ways[w].how,
				.errnum = ways[w].errnum, .no_disk = true };

			fresh(op);
			rc = attempt(op, &p);
			runs++;
			hits += rc != 0;
			if (rc != 0 && rc != 1 && rc != 137) {
				fprintf(stderr, "status %d\n", rc);
				die("an operation ended oddly", NULL);
			}
			fprintf(stderr, "%s: call %llu, %s: %d\r", op->name,
				(unsigned long long)at, ways[w].name, rc);
			judge(op, rc == 0);
		}
}

int main(void)
{
	static const struct operation operations[] = {
		{ "init", op_init, true, NULL },
		{ "create", op_create, false, "new" },
		{ "delete", op_delete, false, NULL },
		{ "extract", op_extract, false, NULL },
		{ "list", op_list, false, NULL },
		{ "check", op_check, false, NULL },
	};
	const char *s = getenv("FAULTS_STRIDE");
	struct err e = { ERR_OK, "" };
	size_t i;

	stride = s ? strtoul(s, NULL, 10) : 1;
	if (stride == 0 || key_setup(&e) < 0)
		die("setup", &e);
	key_kdf_floor(8);
	snprintf(work, sizeof(work), "/dev/shm/muniment-faults-%ld",
		(long)getpid());
	mkdir(work, 0700);
	snprintf(source, sizeof(source), "%s/source", work);
	snprintf(repo, sizeof(repo), "%s/repo", work);
	snprintf(template, sizeof(template), "%s/template", work);
	snprintf(out, sizeof(out), "%s/out", work);
	setenv("MUNIMENT_CACHE_DIR", "/dev/null/none", 1);
	setenv("MUNIMENT_CONFIG_DIR", work, 1);
	make_source();
	expected = digest_of(source);
	if (op_init(&e) < 0 || create_named("old", &e) < 0 ||
	    create_named("gone", &e) < 0)
		die("template", &e);
	copy_tree(repo, template);
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		try_all(&operations[i]);
	printf("\n%lu runs, %lu of them failed or were killed\n", runs, hits);
	remove_tree(work);
	return hits > 0 ? 0 : 1;
}
