/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_cmd.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/shlex.h"
#include "tools/talk.h"

int db_cmd_add(struct db_cmd *c, struct err *e, ...)
{
	const char *word;
	va_list ap;
	int rc = 0;

	va_start(ap, e);
	while (rc == 0 && (word = va_arg(ap, const char *)))
		rc = strv_add(&c->argv, word, e);
	va_end(ap);
	return rc;
}

int db_cmd_split(struct db_cmd *c, const char *text, struct err *e)
{
	return text && text[strspn(text, " \t\n")] ?
		shlex_split(&c->argv, text, e) : 0;
}

int db_cmd_add_port(struct db_cmd *c, const char *option, int64_t port,
		    struct err *e)
{
	char *text;
	int rc;

	if (port == 0)
		return 0;
	if (!(text = mem_printf("%lld", (long long)port)))
		return err_nomem(e);
	rc = db_cmd_add(c, e, option, text, NULL);
	free(text);
	return rc;
}

int db_cmd_secret(struct db_cmd *c, const char *option, char *secret,
		  struct err *e)
{
	c->secret = secret;
	c->secret_at = c->argv.n;
	return db_cmd_add(c, e, option, NULL);
}

int db_cmd_env(struct db_cmd *c, const char *name, const char *value,
	       struct err *e)
{
	char *text;

	if (!value)
		return 0;
	if (!(text = mem_printf("%s=%s", name, value)))
		return err_nomem(e);
	return strv_take(&c->env, text, e);
}

void db_cmd_tell(const struct db_cmd *c)
{
	struct buf line = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < c->argv.n; i++) {
		rc = buf_append(&line, " ", i > 0, NULL);
		if (rc == 0)
			rc = shlex_quote(&line, c->argv.v[i], NULL);
	}
	if (rc == 0)
		talk_debug("running: %.*s", (int)line.len,
			   line.p ? (char *)line.p : "");
	buf_release(&line);
}

static void wipe(char *text)
{
	if (text)
		key_wipe(text, strlen(text));
}

void db_cmd_release(struct db_cmd *c)
{
	size_t i;

	for (i = 0; i < c->env.n; i++)
		wipe(c->env.v[i]);
	wipe(c->secret);
	free(c->secret);
	strv_release(&c->argv);
	strv_release(&c->env);
	memset(c, 0, sizeof(*c));
}
