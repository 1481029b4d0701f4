/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/child.h"
#include "tools/shlex.h"
#include "tools/tty.h"

#define TTY_ATTEMPTS 3

/* All of fd, without line ends behind it. */
static int read_secret(char *out, int fd, const char *what, struct err *e)
{
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, out + len, PASS_MAX + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
		if (len > PASS_MAX)
			return err_set(e, ERR_CONFIG, "the passphrase from %s "
				       "is longer than %d bytes", what,
				       PASS_MAX);
	}
	if (n < 0)
		return err_errno(e, errno, "cannot read the passphrase from "
				 "%s", what);
	while (len > 0 && out[len - 1] == '\n')
		len--;
	out[len] = 0;
	if (strlen(out) != len)
		return err_set(e, ERR_CONFIG,
			       "the passphrase from %s has a NUL in it", what);
	return 0;
}

static int from_text(char *out, const char *var, const char *value,
		     struct err *e)
{
	size_t len = strlen(value);

	if (len > PASS_MAX)
		return err_set(e, ERR_CONFIG, "the passphrase from %s is "
			       "longer than %d bytes", var, PASS_MAX);
	memcpy(out, value, len + 1);
	return 0;
}

static int from_file(char *out, const char *var, const char *value,
		     struct err *e)
{
	int fd = open(value, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return err_errno(e, errno, "%s: cannot open '%s'", var, value);
	rc = read_secret(out, fd, value, e);
	close(fd);
	return rc;
}

static int from_command(char *out, const char *var, const char *value,
			struct err *e)
{
	struct strv argv = STRV_INIT;
	struct child p = { .pid = 0 };
	int fd = -1, rc;

	if ((rc = shlex_split(&argv, value, e)) < 0)
		goto out;
	if ((rc = child_read_from(&p, argv.v, -1, &fd, e)) < 0)
		goto out;
	rc = read_secret(out, fd, var, e);
	if (rc == 0)
		rc = child_wait(&p, e);
	else
		child_kill(&p);
out:
	if (fd >= 0)
		close(fd);
	strv_release(&argv);
	return rc < 0 ? err_ctx(e, "%s", var) : 0;
}

/* What came from a file descriptor, which can be read once: it is for all
 * repositories of a run.  Only the main thread asks. */
static struct {
	int fd;
	char *text;		/* from key_alloc; NULL: nothing was read */
} kept;

void pass_forget(void)
{
	key_free(kept.text);
	kept.text = NULL;
}

static int keep_from_fd(int fd, const char *var, struct err *e)
{
	int rc;

	pass_forget();
	kept.fd = fd;
	kept.text = key_alloc(PASS_MAX + 2);
	if (!kept.text)
		return err_nomem(e);
	rc = read_secret(kept.text, fd, var, e);
	close(fd);
	if (rc < 0)
		pass_forget();
	return rc;
}

static int from_fd(char *out, const char *var, const char *value,
		   struct err *e)
{
	char *end;
	long fd = strtol(value, &end, 10);
	int rc = 0;

	if (*value < '0' || *value > '9' || *end || fd > INT32_MAX)
		return err_set(e, ERR_CONFIG, "%s is '%s', which is not the "
			       "number of an open file", var, value);
	if (!kept.text || kept.fd != (int)fd)
		rc = keep_from_fd((int)fd, var, e);
	if (rc == 0)
		memcpy(out, kept.text, strlen(kept.text) + 1);
	return rc;
}

static const struct {
	const char *name;
	int (*get)(char *out, const char *var, const char *value,
		   struct err *e);
} source[] = {
	{ "NEW_PASSPHRASE", from_text },	/* only for a new one */
	{ "PASSPHRASE", from_text },
	{ "PASSPHRASE_FILE", from_file },
	{ "PASSCOMMAND", from_command },
	{ "PASSPHRASE_FD", from_fd },
};
#define N_NEW 1
#define N_SOURCES (sizeof(source) / sizeof(source[0]))
static const char *const prefix[] = { "MUNIMENT", "BORG" };

void pass_clear_env(void)
{
	char var[64];
	size_t i, k;

	for (i = 0; i < 2; i++)
		for (k = 0; k < N_SOURCES; k++) {
			snprintf(var, sizeof(var), "%s_%s", prefix[i],
				 source[k].name);
			unsetenv(var);
		}
}

/* The sources from 'first' to before 'end'.  1: one was found and asked; 0:
 * there is none. */
static int from_env(char *out, size_t first, size_t end, unsigned attempt,
		    const char *url, struct err *e)
{
	const char *value;
	char var[64];
	size_t i, k;
	int rc;

	for (i = 0; i < 2; i++) {
		for (k = first; k < end; k++) {
			snprintf(var, sizeof(var), "%s_%s", prefix[i],
				 source[k].name);
			value = getenv(var);
			if (!value)
				continue;
			if (attempt > 0)
				return err_set(e, ERR_AUTH, "the passphrase "
					       "from %s is wrong for %s", var,
					       url);
			if ((rc = source[k].get(out, var, value, e)) < 0)
				return rc;
			if (!*out)
				return err_set(e, ERR_AUTH, "the passphrase "
					       "from %s is empty", var);
			return 1;
		}
	}
	return 0;
}

static bool shall_display(void)
{
	const char *v = getenv("MUNIMENT_DISPLAY_PASSPHRASE");

	if (!v)
		v = getenv("BORG_DISPLAY_PASSPHRASE");
	return v && (!strcasecmp(v, "y") || !strcasecmp(v, "yes") ||
		     !strcmp(v, "1") || !strcasecmp(v, "true"));
}

static int ask_new(char *out, const char *url, struct cancel *cancel,
		   struct err *e)
{
	char prompt[512], *again = key_alloc(PASS_MAX + 1);
	unsigned i;
	int rc;

	if (!again)
		return err_nomem(e);
	snprintf(prompt, sizeof(prompt), "New passphrase for %.400s: ", url);
	rc = err_set(e, ERR_AUTH, "no passphrase was agreed on");
	for (i = 0; i < TTY_ATTEMPTS; i++) {
		if ((rc = tty_ask(prompt, out, PASS_MAX, cancel, e)) < 0)
			break;
		if (!*out) {
			tty_say("It must not be empty.");
			rc = err_set(e, ERR_AUTH, "the passphrase is empty");
			continue;
		}
		rc = tty_ask("The same again: ", again, PASS_MAX, cancel, e);
		if (rc < 0 || !strcmp(out, again))
			break;
		tty_say("These two differ.");
		rc = err_set(e, ERR_AUTH, "the passphrases that were typed "
			     "differ");
	}
	key_free(again);
	if (rc < 0 || !shall_display())
		return rc;
	tty_say("The passphrase, between these quotes:");
	snprintf(prompt, sizeof(prompt), "\"%.500s\"", out);
	tty_say(prompt);
	key_wipe(prompt, sizeof(prompt));
	return 0;
}

static int ask(char *out, const char *url, unsigned attempt, bool confirm,
	       struct cancel *cancel, struct err *e)
{
	char prompt[512];

	if (!tty_present())
		return err_set(e, ERR_AUTH, "no passphrase for %s: set "
			       "MUNIMENT_PASSPHRASE or MUNIMENT_PASSCOMMAND "
			       "(there is no terminal to ask at)", url);
	if (attempt >= TTY_ATTEMPTS)
		return err_set(e, ERR_AUTH, "the passphrase is wrong for %s",
			       url);
	if (confirm)
		return ask_new(out, url, cancel, e);
	if (attempt > 0)
		tty_say("That was not it.");
	snprintf(prompt, sizeof(prompt), "Passphrase for %.400s: ", url);
	return tty_ask(prompt, out, PASS_MAX, cancel, e);
}

int pass_get(char **out, const char *url, unsigned attempt, bool confirm,
	     void *ctx, struct err *e)
{
	char *p = key_alloc(PASS_MAX + 2);
	int rc;

	*out = NULL;
	if (!p)
		return err_nomem(e);
	rc = from_env(p, confirm ? 0 : N_NEW, N_SOURCES, attempt, url, e);
	if (rc == 0)
		rc = ask(p, url, attempt, confirm, ctx, e);
	if (rc < 0) {
		key_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

int pass_unasked(char **out, const char *url, unsigned attempt, bool confirm,
		 void *ctx, struct err *e)
{
	char *p = key_alloc(PASS_MAX + 2);
	int rc;

	(void)confirm;
	(void)ctx;
	*out = NULL;
	if (!p)
		return err_nomem(e);
	rc = from_env(p, N_NEW, N_SOURCES, attempt, url, e);
	if (rc == 0)
		rc = err_set(e, ERR_AUTH, "the passphrase for %s would have "
			     "to be asked for", url);
	if (rc < 0) {
		key_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

int pass_new(char **out, const char *url, struct cancel *cancel,
	     struct err *e)
{
	char *p = key_alloc(PASS_MAX + 2);
	int rc;

	*out = NULL;
	if (!p)
		return err_nomem(e);
	rc = from_env(p, 0, N_NEW, 0, url, e);
	if (rc == 0 && !tty_present())
		rc = err_set(e, ERR_AUTH, "no new passphrase for %s: set "
			     "MUNIMENT_NEW_PASSPHRASE (there is no terminal to "
			     "ask at)", url);
	if (rc == 0)
		rc = ask_new(p, url, cancel, e);
	if (rc < 0) {
		key_free(p);
		return rc;
	}
	*out = p;
	return 0;
}
