/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/alarm.h"
#include "tools/human.h"
#include "tools/pass.h"
#include "tools/talk.h"

static int set_level(void *dst, const struct opt_row *row, const char *value,
		     struct err *e)
{
	static const struct {
		const char *name;
		enum talk_level level;
	} level[] = {
		{ "critical", TALK_CRITICAL }, { "error", TALK_ERROR },
		{ "warning", TALK_ANSWER }, { "info", TALK_INFO },
		{ "debug", TALK_DEBUG }
	};
	size_t i;

	(void)value;
	(void)e;
	for (i = 0; i < sizeof(level) / sizeof(level[0]); i++)
		if (!strcmp(level[i].name, row->name))
			*(int *)dst = (int)level[i].level;
	return 0;
}

/* borg's -v, or borgmatic's -v -2 .. 2. */
static int set_verbosity(void *dst, const struct opt_row *row,
			 const char *value, struct err *e)
{
	int n = 1, rc = 0;

	if (value)
		rc = logarg_number(&n, row, value, e);
	if (rc == 0)
		*(int *)dst = (int)talk_level_of(n);
	return rc;
}

static int set_progress(void *dst, const struct opt_row *row,
			const char *value, struct err *e)
{
	(void)value;
	(void)e;
	*(enum app_progress *)dst = row->letter ? APP_PROGRESS_ON :
		APP_PROGRESS_OFF;
	return 0;
}

#define AT(member) offsetof(struct app_opts, member)
#define LEVEL(name, help) \
	{ OPT_FN, 0, name, AT(level), NULL, help, OPT_REPEAT | OPT_PLAIN, \
	  set_level }
static const struct opt_row app_rows[] = {
	{ OPT_BOOL, 'h', "help", AT(help), NULL,
	  "explain the action, or the program", OPT_REPEAT, NULL },
	{ OPT_BOOL, 'V', "version", AT(version), NULL, "show the version",
	  OPT_REPEAT, NULL },
	{ OPT_LIST, 'c', "config", AT(config), "FILE",
	  "a configuration file, or a folder of them; may be given more than "
	  "once", 0, NULL },
	{ OPT_LIST, 0, "override", AT(override), "KEY=VALUE",
	  "another value for a key of the configuration", 0, NULL },
	{ OPT_BOOL, 0, "no-environment-interpolation", AT(no_environment),
	  NULL, "leave ${NAME} in the configuration as it is", 0, NULL },
	{ OPT_STR, 0, "repository|repo", AT(repository), "REPO",
	  "the repository, instead of an operand or MUNIMENT_REPO", 0, NULL },
	{ OPT_BOOL, 'n', "dry-run", AT(dry_run), NULL,
	  "change nothing, show what would be done", OPT_REPEAT, NULL },
	{ OPT_FN, 'v', "verbose", AT(level), "N",
	  "say more; or how much, from -2 (silent) to 2 (everything)",
	  OPT_REPEAT | OPT_LEVEL, set_verbosity },
	{ OPT_FN, 0, "verbosity", AT(level), "N",
	  "how much is said, from -2 to 2", OPT_REPEAT, set_verbosity },
	LEVEL("critical", "only say what ends the run"),
	LEVEL("error", "only say what fails"),
	LEVEL("warning", "say what is wrong (the default)"),
	LEVEL("info", "as --verbose"),
	LEVEL("debug", "say everything"),
	{ OPT_FN, 'p', "progress", AT(progress), NULL,
	  "show progress, also without a terminal",
	  OPT_REPEAT | OPT_PLAIN, set_progress },
	{ OPT_FN, 0, "no-progress", AT(progress), NULL,
	  "never show progress", OPT_REPEAT | OPT_PLAIN, set_progress },
	{ OPT_BOOL, 0, "log-json", AT(log_json), NULL,
	  "talk in JSON lines, as borg does", OPT_REPEAT, NULL },
	{ OPT_BOOL, 0, "iec", AT(iec), NULL,
	  "sizes in powers of 1024 (KiB)", OPT_REPEAT, NULL },
	{ OPT_BOOL, 0, "show-rc", AT(show_rc), NULL,
	  "say the exit status at the end", OPT_REPEAT, NULL },
	{ OPT_BOOL, 0, "show-version", AT(show_version), NULL,
	  "say the version at the beginning", OPT_REPEAT, NULL },
	{ OPT_COUNT, 0, "lock-wait", AT(lock_wait), "SECONDS",
	  "how long a configured run waits for another one (default: 1)",
	  OPT_REPEAT, NULL },
	{ OPT_FN, 0, "umask", AT(umask), "M",
	  "the process's umask (default: 0077)", OPT_REPEAT, opt_set_octal },
	{ OPT_STR, 0, "expect-head", AT(expect_head), "WORDS",
	  "do nothing unless the repository has had this state: the eight "
	  "words that a backup showed", OPT_REPEAT, NULL },
	{ OPT_STR, 0, "rsh", AT(rsh), "COMMAND",
	  "how to reach a repository over ssh", OPT_REPEAT, NULL },
	{ OPT_STR, 0, "remote-path", AT(remote_path), "PATH",
	  "muniment on the far side, for 'serve' there (without: sftp)",
	  OPT_REPEAT, NULL },
	{ OPT_COUNT, 0, "timeout", AT(timeout), "SECONDS",
	  "how long a server may be away (default: 300)", OPT_REPEAT, NULL },
	{ OPT_COUNT, 0, "upload-ratelimit|remote-ratelimit", AT(upload_kib),
	  "KIB", "KiB a second to a server, at most", OPT_REPEAT, NULL },
	{ 0 }
};

const struct opt_group app_groups[] = {
	{ app_rows, 0, "Options of every action" },
	{ logarg_rows, offsetof(struct app_opts, log), "Logs" },
	{ 0 }
};

void app_defaults(struct app_opts *o)
{
	memset(o, 0, sizeof(*o));
	o->level = TALK_ANSWER;
	o->umask = 0077;
	o->lock_wait = 1;
}

void app_warn(struct app *a, const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	a->warned = true;
	talk_warn("%s", text);
}

void app_repo_opts(struct app *a, struct repo_opts *o)
{
	memset(o, 0, sizeof(*o));
	o->pass = pass_get;
	o->pass_unasked = pass_unasked;
	o->pass_ctx = a->cancel;
	o->cancel = a->cancel;
	o->store = &a->store;
	alarm_set(o, a);
}

static int app_open_as(struct app *a, const char *url,
		       const struct repo_opts *o, struct repo **out,
		       struct err *e)
{
	int rc = repo_open(out, url, o, e);

	if (rc == 0)
		rc = alarm_place(*out, e);
	if (rc == 0)
		rc = alarm_expect(a, *out, e);
	if (rc < 0) {
		repo_close(*out);
		*out = NULL;
	}
	return rc;
}

int app_open(struct app *a, const char *url, struct repo **out, struct err *e)
{
	struct repo_opts o;

	app_repo_opts(a, &o);
	return app_open_as(a, url, &o, out, e);
}

static void hush(const struct witness_finding *f, void *ctx)
{
	(void)f;
	(void)ctx;
}

int app_open_quietly(struct app *a, const char *url, struct repo **out,
		     struct err *e)
{
	struct repo_opts o;

	app_repo_opts(a, &o);
	o.alarm = hush;
	return app_open_as(a, url, &o, out, e);
}

char *app_size(const struct app *a, char *out, uint64_t bytes)
{
	return human_size(out, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes,
			  a->o.iec ? HUMAN_IEC : 0);
}
