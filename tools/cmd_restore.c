/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_restore.h"
#include "tools/talk.h"
#include "tools/task.h"

struct restore_args {
	const char *archive;
	struct strv databases, schemas;
	const char *hostname, *container, *username, *password, *path, *as;
	unsigned port, original_port;
	const char *hook, *label, *original_hostname, *original_container;
	bool to_stdout;
};
#define AT(member) offsetof(struct restore_args, member)
#define TEXT(name, member, value, help) \
	{ OPT_STR, 0, name, AT(member), value, help, 0, NULL }

static const struct opt_row rows[] = {
	{ OPT_LIST, 0, "database|data-source", AT(databases), "NAME",
	  "only this one; may be given more than once", 0, NULL },
	{ OPT_LIST, 0, "schema", AT(schemas), "NAME",
	  "only this schema (PostgreSQL) or collection (MongoDB)", 0, NULL },
	TEXT("as-database", as, "NEW",
	     "into a new database, next to the live one"),
	{ OPT_BOOL, 0, "to-stdout", AT(to_stdout), NULL,
	  "write the dump to standard output, and restore nothing", 0, NULL },
	{ 0 }
};
static const struct opt_row to_rows[] = {
	TEXT("hostname", hostname, "HOST", "another server"),
	{ OPT_COUNT, 0, "port", AT(port), "PORT", "another port", 0, NULL },
	TEXT("container", container, "NAME", "another container"),
	TEXT("username", username, "USER", "another user"),
	TEXT("password", password, "TEXT",
	     "another password, out of sight once it was read"),
	TEXT("restore-path", path, "PATH", "another file (SQLite)"),
	{ 0 }
};
static const struct opt_row from_rows[] = {
	TEXT("hook", hook, "HOOK", "of this kind: mysql_databases, ..."),
	TEXT("original-hostname", original_hostname, "HOST",
	     "of this server"),
	{ OPT_COUNT, 0, "original-port", AT(original_port), "PORT",
	  "of this port", 0, NULL },
	TEXT("original-label", label, "LABEL", "of this label"),
	TEXT("original-container", original_container, "NAME",
	     "of this container"),
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ to_rows, 0, "Where to" },
	{ from_rows, 0, "Which, of dumps with one name" },
	{ 0 }
};

static int restore(struct app *a, struct task *t,
		   const struct restore_args *o, struct err *e)
{
	const struct db_restore_opts d = {
		.names = o->databases, .schemas = o->schemas, .as = o->as,
		.to = { .hostname = o->hostname, .container = o->container,
			.username = o->username, .password = o->password,
			.path = o->path, .port = o->port },
		.hook = o->hook, .label = o->label,
		.hostname = o->original_hostname,
		.container = o->original_container, .port = o->original_port
	};

	if (o->to_stdout)
		return db_restore_print(a, t->rd, &t->it->rec, &d, e);
	return db_restore(a, t->rd, &t->it->rec, &d, e);
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct restore_args *o = c->args;
	struct task t = { 0 };
	int rc;

	if (a->restored || (a->restoring && a->restoring != a->repository)) {
		talk_info("nothing is restored from this repository: another "
			  "had the dumps");
		return 0;
	}
	rc = task_open(&t, a, c, o->archive, REPOARG_ARCHIVE, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0 && o->to_stdout && o->as)
		rc = err_set(e, ERR_CONFIG, "--to-stdout and --as-database "
			     "cannot be used together");
	if (rc == 0)
		rc = task_reader(&t, e);
	if (rc == 0)
		rc = restore(a, &t, o, e);
	a->restored = rc == 0;
	task_close(&t);
	return rc;
}

const struct cmd cmd_restore = {
	.name = "restore",
	.synopsis = "REPO::ARCHIVE",
	.brief = "load dumps of an archive back into databases",
	.text =
	"Every dump of the archive, or those of --database, is loaded with\n"
	"the client program into the database that the configuration names,\n"
	"which is dropped before. Of several repositories the first that has\n"
	"the archive and can be read is used. A damaged dump, what is wrong\n"
	"with the request, a server that is down, or a password, is found\n"
	"before anything is changed.\n"
	"\n"
	"  muniment restore --archive latest --database mailcow\n",
	.groups = groups,
	.args_bytes = sizeof(struct restore_args),
	.flags = CMD_DRY_RUN,
	.want = REPOARG_ARCHIVE,
	.words_max = 1,
	.run = run
};
