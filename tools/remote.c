/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/remote.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/shlex.h"
#include "tools/talk.h"
#include "tools/tty.h"

#define ATTEMPTS 3

static int trust(const char *host, const char *fingerprint, const char *line,
		 const char *file, void *ctx, struct err *e)
{
	struct app *a = ctx;
	char *prompt, answer[256];
	unsigned i;
	int rc = 0;

	prompt = mem_printf("The server '%s' is not known.  Its key is\n"
		"  %s\nCompare it with what its owner says.  Trust it, and "
		"remember it in %s (yes/no)? ", host, fingerprint, file);
	if (!prompt)
		return err_nomem(e);
	for (i = 0; rc == 0 && i < ATTEMPTS; i++) {
		rc = tty_question(prompt, answer, sizeof(answer), a->cancel,
				  e);
		if (rc == 0 && !strcasecmp(answer, "yes"))
			goto out;
		if (rc == 0 && !strcasecmp(answer, "no"))
			break;
		tty_say("Type 'yes' or 'no'.");
	}
	if (rc != ERR_CANCEL)
		rc = err_set(e, ERR_DENIED, "the server '%s' is not trusted; "
			     "its line in '%s' would be: %s", host, file,
			     line);
out:
	free(prompt);
	return rc;
}

static int ask(const char *prompt, char *out, size_t size, void *ctx,
	       struct err *e)
{
	struct app *a = ctx;

	return tty_ask(prompt, out, size, a->cancel, e);
}

static int set_rsh(struct app *a, const char *command, struct err *e)
{
	int rc = 0;

	strv_release(&a->rsh);
	if (command && *command)
		rc = shlex_split(&a->rsh, command, e);
	a->store.rsh = a->rsh.n ? a->rsh.v : NULL;
	return rc < 0 ? err_ctx(e, "the command for ssh, '%s'", command) : 0;
}

/* Borg's own is no server for us: sftp is all that is needed. */
static const char *remote_program(const char *path)
{
	const char *base = path ? strrchr(path, '/') : NULL;

	if (!path || !*path)
		return NULL;
	base = base ? base + 1 : path;
	if (strncmp(base, "borg", 4) != 0)
		return path;
	talk_info("the remote path '%s' is borg's and not used: the server "
		  "needs sftp only", path);
	return NULL;
}

/* From an option, or else from one of two variables; NULL: from none. */
static const char *remote_word(const char *option, const char *own,
			       const char *borg)
{
	const char *word = option ? option : getenv(own);

	return word && *word ? word : getenv(borg);
}

int remote_setup(struct app *a, struct err *e)
{
	const char *command = remote_word(a->o.rsh, "MUNIMENT_RSH",
		"BORG_RSH");

	a->store.remote_path = remote_program(remote_word(a->o.remote_path,
		"MUNIMENT_REMOTE_PATH", "BORG_REMOTE_PATH"));
	a->store.timeout_secs = a->o.timeout;
	a->store.upload_rate = (uint64_t)a->o.upload_kib << 10;
	a->store.cancel = a->cancel;
	a->store.ctx = a;
	if (tty_present()) {
		a->store.host = trust;
		a->store.ask = ask;
	}
	return set_rsh(a, command, e);
}

void remote_release(struct app *a)
{
	strv_release(&a->rsh);
	a->store.rsh = NULL;
}
