/* SPDX-License-Identifier: BSD-2-Clause */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/fstab.h"
#include "tools/oldname.h"
#include "tools/pass.h"
#include "tools/remote.h"
#include "tools/run.h"
#include "tools/status.h"
#include "tools/stop.h"
#include "tools/talk.h"

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

static int begin(struct app *a, struct run *r, struct strv *helper, int argc,
		 char **argv, struct err *e)
{
	bool fake;
	int rc;

	if (oldname_words(helper, argc, argv, &rc, e))
		return run_read(r, a, (int)helper->n, helper->v, e);
	if (rc < 0)
		return rc;
	if (!fstab_is_helper(argv[0]))
		return run_read(r, a, argc, argv, e);
	rc = fstab_words(helper, argc, argv, &fake, e);
	if (rc < 0)
		return rc;
	if (fake)
		exit(STATUS_OK);
	return run_read(r, a, (int)helper->n, helper->v, e);
}

/* A password of the command line is out of sight of those who list processes,
 * and in no archive's record, once it was read. */
static void hide(size_t n, char **argv)
{
	static const char name[] = "--password";
	const size_t len = sizeof(name) - 1;
	char *text;
	size_t i;

	for (i = 1; i < n; i++) {
		text = NULL;
		if (!strncmp(argv[i], name, len) && argv[i][len] == '=')
			text = argv[i] + len + 1;
		else if (!strcmp(argv[i], name) && i + 1 < n)
			text = argv[++i];
		if (text)
			memset(text, '*', strlen(text));
	}
}

int main(int argc, char **argv)
{
	struct app a = { .cancel = stop_cancel() };
	struct run r = { .a = NULL };
	struct talk_opts to = TALK_OPTS_INIT;
	struct strv helper = STRV_INIT;
	enum status status;
	struct err e, out;
	int rc;

	setlocale(LC_TIME, "");
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, 65536);
	err_clear(&e);
	app_defaults(&a.o);
	stop_setup();
	rc = begin(&a, &r, &helper, argc, argv, &e);
	hide((size_t)argc, argv);
	hide(a.command.n, a.command.v);
	to.level = (enum talk_level)a.o.level;
	to.json = a.o.log_json;
	logarg_fill(&a.o.log, &to);
	umask((mode_t)a.o.umask);
	if (talk_setup(&to, &out) < 0)
		app_warn(&a, "%s", out.msg);
	if (rc == 0 && a.o.show_version)
		talk_line("muniment " MUNIMENT_VERSION);
	if (rc == 0)
		rc = key_setup(&e);
	if (rc == 0)
		rc = remote_setup(&a, &e);
	if (rc == 0)
		rc = run_all(&r, &e);
	if (rc < 0 && !r.told)
		talk_error(&e);
	status = status_of(rc);
	if (finish_stdout(&out) < 0) {
		if (rc == 0)
			talk_error(&out);
		status = status > STATUS_WARNING ? status : STATUS_FAILED;
	}
	if (status <= STATUS_WARNING && !a.failed && a.unlike)
		status = STATUS_ROLLBACK;
	if (status == STATUS_OK && a.failed)
		status = STATUS_FAILED;
	if (status == STATUS_OK && a.warned)
		status = STATUS_WARNING;
	show_rc(&a, status);
	pass_forget();
	run_release(&r);
	strv_release(&a.command);
	strv_release(&a.alarmed);
	remote_release(&a);
	strv_release(&helper);
	return (int)status;
}
