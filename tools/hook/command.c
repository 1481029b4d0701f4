/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/child.h"
#include "tools/talk.h"

static const char *const point_name[] = {
	[CONFIG_ACTION] = "action", [CONFIG_REPOSITORY] = "repository",
	[CONFIG_CONFIGURATION] = "configuration",
	[CONFIG_EVERYTHING] = "everything", [CONFIG_ERROR] = "error"
};

static bool has_action(const struct config_command *k,
		       const struct command_point *at)
{
	size_t i, j;

	for (i = 0; i < k->when.n; i++)
		for (j = 0; j < at->n_actions; j++)
			if (!strcmp(k->when.v[i], at->action[j]))
				return true;
	return k->when.n == 0;
}

static bool fits(const struct config_command *k,
		 const struct command_point *at)
{
	return k->before == at->before && k->after == at->after &&
		(at->before != CONFIG_NOWHERE || at->after == CONFIG_ERROR ||
		 k->states & at->state) && has_action(k, at);
}

/* In single quotes; one in it becomes '\''. */
static int put_quoted(struct buf *b, const char *value, struct err *e)
{
	size_t n;
	int rc = buf_append(b, "'", 1, e);

	while (rc == 0) {
		n = strcspn(value, "'");
		rc = buf_append(b, value, n, e);
		value += n;
		if (rc < 0 || !*value)
			break;
		rc = buf_append(b, "'\\''", 4, e);
		value++;
	}
	return rc < 0 ? rc : buf_append(b, "'", 1, e);
}

static const char *value_of(const struct command_context *x, const char *name,
			    size_t len)
{
	const struct {
		const char *name, *value;
	} known[] = {
		{ "configuration_filename", x->configuration_filename },
		{ "log_file", x->log_file },
		{ "repository", x->repository },
		{ "repository_label", x->repository_label },
		{ "error", x->error }, { "output", x->output }
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == len &&
		    !memcmp(known[i].name, name, len))
			return known[i].value;
	return NULL;
}

int command_fill(char **out, const char *text,
		 const struct command_context *x, struct err *e)
{
	struct buf b = BUF_INIT;
	const char *value;
	size_t n;
	int rc = 0;

	*out = NULL;
	while (rc == 0 && *text) {
		n = strcspn(text, "{");
		if (n == 0) {
			n = strcspn(text + 1, "{}") + 1;
			value = text[n] == '}' ?
				value_of(x, text + 1, n - 1) : NULL;
			if (value) {
				rc = put_quoted(&b, value, e);
				text += n + 1;
				continue;
			}
			n = 1;
		}
		rc = buf_append(&b, text, n, e);
		text += n;
	}
	if (rc == 0)
		rc = buf_cstr(&b, e);
	if (rc == 0 && !(*out = mem_str((const char *)b.p)))
		rc = err_nomem(e);
	buf_release(&b);
	return rc;
}

static int run_one(const char *line, const struct command_point *at,
		   unsigned secs, struct cancel *cancel, struct err *e)
{
	static char shell[] = "/bin/sh", dash_c[] = "-c";
	char *copy = mem_str(line);
	char *argv[] = { shell, dash_c, copy, NULL };
	struct child p = { .pid = 0 };
	int rc;

	if (!copy)
		return err_nomem(e);
	rc = child_start(&p, argv, -1, STDERR_FILENO, e);
	if (rc == 0) {
		p.name = copy;
		rc = child_wait_secs(&p, secs, at->before == CONFIG_NOWHERE ?
				     NULL : cancel, e);
		if (rc < 0 && p.status == COMMAND_SOFT_STATUS)
			rc = COMMAND_SOFT;
	}
	free(copy);
	return rc;
}

static int run_entry(const struct config_command *k,
		     const struct command_point *at,
		     const struct command_context *x, bool dry_run,
		     struct cancel *cancel, struct err *e)
{
	const char *when = at->before != CONFIG_NOWHERE ? "before" : "after";
	const char *what = point_name[at->before != CONFIG_NOWHERE ?
				      at->before : at->after];
	unsigned secs = k->timeout_secs > INT32_MAX ? INT32_MAX :
		(unsigned)k->timeout_secs;
	char *line;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < k->run.n; i++) {
		if ((rc = command_fill(&line, k->run.v[i], x, e)) < 0)
			break;
		talk_info("%s the command %s %s: %s", dry_run ? "would run" :
			  "running", when, what, line);
		if (!dry_run)
			rc = run_one(line, at, secs, cancel, e);
		if (rc == COMMAND_SOFT)
			talk_info("the command '%s' exited with 75: the rest "
				  "is skipped", line);
		free(line);
	}
	if (rc < 0 && rc != ERR_NOMEM)
		err_ctx(e, "%s, line %u, %s %s", x->configuration_filename ?
			x->configuration_filename : "the command line",
			k->line, when, what);
	return rc;
}

int command_run(const struct config *c, const struct command_point *at,
		const struct command_context *x, bool dry_run,
		struct cancel *cancel, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->commands.n; i++)
		if (fits(&c->commands.v[i], at))
			rc = run_entry(&c->commands.v[i], at, x, dry_run,
				       cancel, e);
	return rc;
}
