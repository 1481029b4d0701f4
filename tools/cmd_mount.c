/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/mount.h"
#include "tools/human.h"
#include "tools/pass.h"
#include "tools/pick.h"
#include "tools/rules.h"
#include "tools/strip.h"
#include "tools/talk.h"
#include "tools/task.h"

struct mount_args {
	const char *archive, *mountpoint, *options, *strip, *cache;
	struct strv paths;
	bool foreground, numeric;
	struct pick_args pick;
	struct rules_args rules;
};
#define AT(member) offsetof(struct mount_args, member)
static const struct opt_row rows[] = {
	{ OPT_STR, 0, "mount-point", AT(mountpoint), "DIR",
	  "the mount point, instead of an operand", 0, NULL },
	{ OPT_BOOL, 'f', "foreground", AT(foreground), NULL,
	  "stay in the foreground", 0, NULL },
	{ OPT_STR, 'o', "options", AT(options), "OPTIONS",
	  "uid=N, gid=N, umask=M, ignore_permissions, versions, and those of "
	  "FUSE, like allow_other", 0, NULL },
	{ OPT_LIST, 0, "path", AT(paths), "PATH",
	  "only this path of the archive; may be given more than once", 0,
	  NULL },
	{ OPT_STR, 0, "cache-size", AT(cache), "SIZE",
	  "keep at most this much of what was read in memory (64MiB)", 0,
	  NULL },
	{ OPT_BOOL, 0, "numeric-ids|numeric-owner", AT(numeric), NULL,
	  "owners by number, not by name", 0, NULL },
	{ OPT_STR, 0, "strip-components", AT(strip), "N|all",
	  "leave out the first N parts of each path", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ pick_rows, AT(pick), "Which archives" },
	{ pick_order_rows, AT(pick), "How many" },
	{ pick_partial_rows, AT(pick), "Partial ones" },
	{ rules_rows, AT(rules), "Which files" },
	{ 0 }
};

/* What was asked for, judged before anything is opened. */
struct plan {
	struct task t;
	struct pattern_set *patterns;
	struct mount_opts mo;
	struct pick pick;
};

static int plan_words(struct plan *p, struct mount_args *o,
		      struct call *c, struct err *e)
{
	const char *where = o->mountpoint ? o->mountpoint : call_word(c);
	const char *word;
	int rc = 0;

	if (!where)
		return err_set(e, ERR_CONFIG, "the mount point is missing: "
			       "muniment mount REPO|REPO::ARCHIVE DIR");
	p->mo.mountpoint = where;
	while (rc == 0 && (word = call_word(c)))
		rc = strv_add(&o->paths, word, e);
	return rc;
}

#define CACHE_MIN_BYTES (1u << 20)

static int plan_cache(struct plan *p, const char *text, struct err *e)
{
	uint64_t bytes = 0;
	int rc;

	if (!text)
		return 0;
	rc = human_bytes(&bytes, text, "--cache-size", e);
	if (rc == 0 && (bytes < CACHE_MIN_BYTES || bytes > SIZE_MAX / 2))
		rc = err_set(e, ERR_CONFIG, "--cache-size has to be 1MiB or "
			     "more");
	p->mo.cache_bytes = (size_t)bytes;
	return rc;
}

static int plan_make(struct plan *p, struct app *a, struct call *c,
		     struct err *e)
{
	struct mount_args *o = c->args;
	int rc;

	rc = repoarg_take(&p->t.ra, a, c, o->archive, REPOARG_EITHER,
			  o->mountpoint ? 0 : 1, e);
	if (rc == 0)
		rc = plan_words(p, o, c, e);
	if (rc == 0)
		rc = strip_parse(&p->mo.strip_components, o->strip, &o->paths,
				 e);
	if (rc == 0 && p->t.ra.archive && pick_given(&o->pick))
		rc = err_set(e, ERR_CONFIG, "archive filters and the name of "
			     "an archive cannot be used together");
	if (rc == 0)
		rc = pick_make(&p->pick, &o->pick, e);
	if (rc == 0)
		rc = rules_build(&p->patterns, &o->rules, &o->paths, 0, e);
	if (rc == 0)
		rc = plan_cache(p, o->cache, e);
	p->mo.archive = p->t.ra.archive;
	p->mo.patterns = p->patterns;
	p->mo.fuse_options = o->options;
	p->mo.flags = o->numeric ? MOUNT_NUMERIC_IDS : 0;
	p->mo.choice = &p->pick.o;
	return rc;
}

static void plan_release(struct plan *p)
{
	task_close(&p->t);
	pattern_free(p->patterns);
	pick_release(&p->pick);
}

static int start(struct plan *p, struct app *a, struct mount **m,
		 struct err *e)
{
	int rc = task_open_repo(&p->t, a, e);

	return rc == 0 ? mount_start(m, p->t.r, &p->mo, e) : rc;
}

static int serve_here(struct plan *p, struct app *a, struct err *e)
{
	struct mount *m = NULL;
	int rc = start(p, a, &m, e);

	if (rc == 0) {
		talk_info("mounted on %s", p->mo.mountpoint);
		rc = mount_serve(m, a->cancel, e);
	}
	mount_free(m);
	return rc;
}

/* From here on there is no terminal, and the system's log hears the talk. */
static void detach(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (chdir("/") < 0)
		talk_info("cannot leave the current directory");
	talk_to_syslog();
	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* The daemon: tells the parent how the start went, then serves. */
static _Noreturn void daemon_main(struct plan *p, struct app *a, int report)
{
	struct mount *m = NULL;
	struct err e;
	ssize_t n;
	int rc;

	err_clear(&e);
	rc = start(p, a, &m, &e);
	pass_forget();		/* a mount lives long */
	n = write(report, &e, sizeof(e));
	close(report);
	if (rc == 0 && n == (ssize_t)sizeof(e)) {
		detach();
		rc = mount_serve(m, a->cancel, &e);
		if (rc < 0)
			talk_error(&e);
	}
	mount_free(m);
	plan_release(p);
	_exit(rc == 0 ? 0 : 2);
}

static int await(pid_t pid, int report, struct err *e)
{
	struct err got;
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = read(report, (char *)&got + len, sizeof(got) - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
		if (len == sizeof(got))
			break;
	}
	if (len < sizeof(got)) {
		waitpid(pid, NULL, 0);
		return err_set(e, ERR_IO, "the process of the mount ended "
			       "without a word");
	}
	if (got.code == ERR_OK)
		return 0;
	waitpid(pid, NULL, 0);
	*e = got;
	return got.code;
}

static int serve_behind(struct plan *p, struct app *a, struct err *e)
{
	int report[2], rc;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot start the mount");
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(report[0]);
		daemon_main(p, a, report[1]);
	}
	rc = pid < 0 ? err_errno(e, errno, "cannot start the mount") : 0;
	close(report[1]);
	if (rc == 0)
		rc = await(pid, report[0], e);
	close(report[0]);
	if (rc == 0)
		talk_info("mounted on %s", p->mo.mountpoint);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	const struct mount_args *o = c->args;
	struct plan p = { .patterns = NULL };
	int rc;

	rc = plan_make(&p, a, c, e);
	if (rc == 0)
		rc = o->foreground ? serve_here(&p, a, e) :
			serve_behind(&p, a, e);
	plan_release(&p);
	return rc;
}

const struct cmd cmd_mount = {
	.name = "mount",
	.synopsis = "REPO|REPO::ARCHIVE MOUNTPOINT [PATH...]",
	.brief = "show archives as a folder",
	.text =
	"Shows a repository as a folder with one folder for each archive,\n"
	"and 'latest'; or one archive. Everything in it can only be read: get\n"
	"mail back by copying it out. It goes on in the background until\n"
	"'muniment umount'; backups can run meanwhile.\n"
	"\n"
	"  muniment mount /backup/mail /mnt && \\\n"
	"      cp -a /mnt/latest/srv/vmail/example.org/anna /tmp/\n",
	.groups = groups,
	.args_bytes = sizeof(struct mount_args),
	.want = REPOARG_EITHER,
	.keep = 1,
	.instead = "mount-point",
	.run = run
};
