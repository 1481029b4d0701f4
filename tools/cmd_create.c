/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/guard.h"
#include "tools/hook/db_dump.h"
#include "tools/make.h"
#include "tools/placeholder.h"
#include "tools/source.h"
#include "tools/talk.h"
#include "tools/task.h"

struct create_args {
	const char *archive, *name, *files_cache;
	bool numeric, atime, ctime, noctime, nobirthtime, noflags, noacls;
	bool noxattrs, sparse, no_holes, read_special, no_cache_sync, force;
	struct make_args make;
	struct source_args source;
};
#define AT(member) offsetof(struct create_args, member)
#define BOOL(name, member, help) \
	{ OPT_BOOL, 0, name, AT(member), NULL, help, 0, NULL }
static const struct opt_row rows[] = {
	{ OPT_STR, 0, "name|archive-name", AT(name), "FORMAT",
	  "its name, with placeholders (default: "
	  "{hostname}-{now:%Y-%m-%dT%H:%M:%S.%f})", 0, NULL },
	{ OPT_STR, 0, "files-cache", AT(files_cache), "MODE",
	  "what tells an unchanged file: ctime,size,inode (the default), "
	  "mtime,size,inode, ..., rechunk,ctime, disabled", 0, NULL },
	BOOL("read-special", read_special,
	     "read FIFOs and devices as if they were files"),
	BOOL("numeric-ids|numeric-owner", numeric,
	     "keep owners by number only"),
	BOOL("atime", atime, "keep the time of the last access"),
	BOOL("ctime", ctime, "keep the time of the inode's change"),
	BOOL("noctime", noctime, "accepted: ctime is kept only if asked for"),
	BOOL("nobirthtime", nobirthtime, "accepted: it is never kept"),
	BOOL("noflags|nobsdflags", noflags, "do not keep file flags"),
	BOOL("noacls", noacls, "do not keep ACLs"),
	BOOL("noxattrs", noxattrs, "do not keep extended attributes"),
	BOOL("sparse", sparse, "accepted: holes are always found"),
	BOOL("read-holes", no_holes, "read holes as zeroes"),
	BOOL("force", force,
	     "configured: accept that a source is empty or far smaller"),
	BOOL("no-cache-sync", no_cache_sync, "accepted: nothing is synced"),
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ make_rows, AT(make), "The new archive" },
	{ repoarg_rows, AT(archive), "Its name" },
	{ rules_rows, AT(source.rules), "Which files" },
	{ source_rows, AT(source), "What is read" },
	{ 0 }
};

static unsigned flags_of(const struct app *a, const struct create_args *o)
{
	return (o->atime ? CREATE_ATIME : 0u) |
		(o->noctime ? CREATE_NO_CTIME : 0u) |
		(o->ctime ? CREATE_CTIME : 0u) |
		(o->noxattrs ? CREATE_NO_XATTRS : 0u) |
		(o->noacls ? CREATE_NO_ACLS : 0u) |
		(o->noflags ? CREATE_NO_FLAGS : 0u) |
		(o->numeric ? CREATE_NUMERIC_IDS : 0u) |
		(a->o.dry_run ? CREATE_DRY_RUN : 0u) |
		(o->read_special ? CREATE_READ_SPECIAL : 0u) |
		(o->no_holes ? CREATE_NO_SPARSE : 0u);
}

/* A repository in the source is left out of its own backup. */
static void skip_repository(const char *url, struct walk_opts *w)
{
	struct stat st;

	if (!strncmp(url, "file://", 7))
		url += 7;
	if (stat(url, &st) < 0)
		return;
	w->skip_dev = st.st_dev;
	w->skip_ino = st.st_ino;
}

/* What a configuration says is archived, unless the command line names it. */
static bool is_configured(const struct app *a, const struct call *c,
			  const struct create_args *o)
{
	return a->config && call_words_left(c) == 0 &&
		!o->source.from_command && !o->source.paths_from_stdin &&
		!o->source.paths_from_command;
}

/* What is read. */
struct input {
	struct source s;
	struct strv must;		/* these have to be in the archive */
	struct db_dumps dumps;
};

static void input_release(struct input *in)
{
	strv_release(&in->must);
	source_release(&in->s);
	db_dump_release(&in->dumps);
}

static int create(struct app *a, struct task *t, const struct create_args *o,
		  struct make *m, struct input *in, struct err *e)
{
	struct create_result res = { 0 };
	struct create_opts co = { .flags = flags_of(a, o),
				  .files_cache = FSTATE_DEFAULT };
	int rc;

	if (o->files_cache && (rc = fstate_parse_mode(&co.files_cache,
						      o->files_cache, e)) < 0)
		return rc;
	source_fill(&in->s, &o->source, &co);
	skip_repository(t->ra.url, &co.walk);
	make_fill(m, &co);
	rc = create_run(t->r, &co, &res, e);
	rc = make_finish(m, t->r, &res, rc, e);
	if (rc == 0 && in->must.n && !a->o.dry_run)
		rc = guard_sources(t, a, &in->must, &res, o->force, e);
	if (rc == 0 && !a->o.dry_run)
		rc = db_dump_keep(&in->dumps, t->ra.url, &res.rec, e);
	create_result_release(&res);
	return rc;
}

/* What is wrong with the options is said before a passphrase is asked for. */
static int check_args(const struct create_args *o, struct err *e)
{
	unsigned mode;

	if (o->name && o->archive)
		return err_set(e, ERR_CONFIG, "--name and --archive cannot be "
			       "used together");
	if (!o->files_cache)
		return 0;
	return fstate_parse_mode(&mode, o->files_cache, e);
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct create_args *o = c->args;
	struct task t = { 0 };
	struct make m = { 0 };
	struct input in = { 0 };
	bool configured = false;
	int rc;

	rc = check_args(o, e);
	if (rc == 0)
		rc = repoarg_take(&t.ra, a, c, o->name ? o->name : o->archive,
				  REPOARG_CREATE, 0, e);
	if (rc == 0)
		rc = make_init(&m, a, &o->make, t.ra.archive, e);
	/* Mistakes are found before a passphrase is asked for, and a command
	 * is started after. */
	configured = rc == 0 && is_configured(a, c, o);
	if (configured)
		rc = source_configure(&in.s, &o->source, a->config, &in.must,
				      e);
	else if (rc == 0 && !o->source.from_command)
		rc = source_open(&in.s, &o->source, c, e);
	if (rc == 0)
		rc = task_open_repo(&t, a, e);
	if (rc == 0 && configured)
		rc = db_dump_add(&in.dumps, a, &in.s, e);
	if (rc == 0 && o->source.from_command)
		rc = source_open(&in.s, &o->source, c, e);
	if (rc == 0)
		rc = create(a, &t, o, &m, &in, e);
	if (rc == 0 && o->make.stats && !o->make.json)
		db_dump_report(&in.dumps);
	input_release(&in);
	make_release(&m);
	task_close(&t);
	return rc;
}

const struct cmd cmd_create = {
	.name = "create",
	.synopsis = "[REPO::NAME] PATH...",
	.brief = "make an archive: the backup itself",
	.text =
	"Archives the PATHs and all below them. What the repository has\n"
	"already is not stored again. A file that cannot be read is named,\n"
	"the archive is made without it, and the exit status is 1. Letters\n"
	"of --list: A added, M modified, U unchanged, C changed while it was\n"
	"read, E not read, d directory, s symlink, h hard link, b c f\n"
	"devices and FIFOs, i standard input, x excluded, - dry run.\n"
	"\n"
	"  muniment create --stats '/backup/mail::{now:%Y-%m-%d}' /srv/vmail\n",
	.groups = groups,
	.args_bytes = sizeof(struct create_args),
	.flags = CMD_DRY_RUN | CMD_EXCLUSIVE,
	.want = REPOARG_CREATE,
	.run = run
};
