/* SPDX-License-Identifier: BSD-2-Clause */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/cmd.h"
#include "tools/fstab.h"
#include "tools/help.h"
#include "tools/status.h"
#include "tools/stop.h"
#include "tools/talk.h"

/* The actions of a run, in their order. */
struct calls {
	struct call call[1];
	size_t n;
};

/* An action, its options, its operands: up to the end of the words. */
static int read_call(struct call *c, struct opt_parser *p,
		     const char *name, struct err *e)
{
	struct opt_set set = { 0 };
	const char *word;
	int rc;

	if ((rc = cmd_find(&c->cmd, name, e)) < 0)
		return rc;
	c->args = mem_zero(1, c->cmd->args_bytes);
	if (!c->args)
		return err_nomem(e);
	set.group = c->cmd->groups;
	set.base = c->args;
	opt_push(p, &set);
	p->action = c->cmd->name;
	while ((rc = opt_next(p, &word, e)) > 0) {
		if (p->ended && !c->has_tail) {
			c->has_tail = true;
			c->tail = c->words.n;
		}
		if ((rc = strv_add(&c->words, word, e)) < 0)
			break;
	}
	opt_pop(p);
	return rc;
}

static int read_words(struct calls *calls, struct app *a, int argc,
		      char **argv, struct err *e)
{
	struct opt_set all = { .group = app_groups, .base = &a->o };
	struct opt_parser p;
	const char *word;
	int i, rc = 0;

	for (i = 0; rc == 0 && i < argc; i++)
		rc = strv_add(&a->command, argv[i], e);
	if (rc < 0)
		return rc;
	opt_init(&p, argc, argv);
	opt_push(&p, &all);
	rc = opt_next(&p, &word, e);
	if (rc > 0)
		rc = read_call(&calls->call[calls->n++], &p, word, e);
	return rc;
}

static int run_call(struct app *a, struct call *c, struct err *e)
{
	if (a->o.help)
		return help_action(c->cmd, e);
	if (a->o.dry_run && !(c->cmd->flags & CMD_DRY_RUN))
		return err_set(e, ERR_CONFIG, "'%s' knows no --dry-run",
			       c->cmd->name);
	return c->cmd->run(a, c, e);
}

static int run_all(struct app *a, struct calls *calls, struct err *e)
{
	size_t i;
	int rc = 0;

	if (a->o.version) {
		puts("muniment " MUNIMENT_VERSION);
		return 0;
	}
	if (calls->n == 0 && a->o.help) {
		help_program();
		return 0;
	}
	if (calls->n == 0)
		return err_set(e, ERR_CONFIG, "no configuration was found, and "
			       "no action was named: begin with 'muniment "
			       "--help'");
	for (i = 0; rc == 0 && i < calls->n; i++)
		rc = run_call(a, &calls->call[i], e);
	return rc;
}

/* An answer that did not arrive was none. */
static int finish_stdout(struct err *e)
{
	bool bad = ferror(stdout) != 0;

	if (fflush(stdout) != 0 || bad)
		return err_set(e, ERR_IO, "cannot write standard output");
	return 0;
}

static void show_rc(const struct app *a, enum status s)
{
	if (a->o.show_rc)
		talk_line("terminating with %s status, rc %d", s == STATUS_OK ?
			  "success" : s == STATUS_WARNING ? "warning" :
			  "error", (int)s);
}

static int begin(struct app *a, struct calls *calls, struct strv *helper,
		 int argc, char **argv, struct err *e)
{
	bool fake;
	int rc;

	if (!fstab_is_helper(argv[0]))
		return read_words(calls, a, argc, argv, e);
	rc = fstab_words(helper, argc, argv, &fake, e);
	if (rc < 0)
		return rc;
	if (fake)
		exit(STATUS_OK);
	return read_words(calls, a, (int)helper->n, helper->v, e);
}

int main(int argc, char **argv)
{
	struct app a = { .cancel = stop_cancel() };
	struct calls calls = { .n = 0 };
	struct talk_opts to = { .json = false };
	struct strv helper = STRV_INIT;
	enum status status;
	struct err e, out;
	size_t i;
	int rc;

	setlocale(LC_TIME, "");
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, 65536);
	err_clear(&e);
	app_defaults(&a.o);
	stop_setup();
	rc = begin(&a, &calls, &helper, argc, argv, &e);
	to.level = (enum talk_level)a.o.level;
	to.json = a.o.log_json;
	talk_setup(&to);
	umask((mode_t)a.o.umask);
	if (rc == 0 && a.o.show_version)
		talk_line("muniment " MUNIMENT_VERSION);
	if (rc == 0)
		rc = key_setup(&e);
	if (rc == 0)
		rc = run_all(&a, &calls, &e);
	if (rc < 0)
		talk_error(&e);
	status = status_of(rc);
	if (finish_stdout(&out) < 0) {
		if (rc == 0)
			talk_error(&out);
		status = status > STATUS_WARNING ? status : STATUS_FAILED;
	}
	if (status == STATUS_OK && a.warned)
		status = STATUS_WARNING;
	show_rc(&a, status);
	for (i = 0; i < calls.n; i++)
		call_release(&calls.call[i]);
	strv_release(&a.command);
	strv_release(&helper);
	return (int)status;
}
