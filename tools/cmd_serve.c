/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cmd.h"
#include "tools/human.h"
#include "tools/talk.h"

struct serve_args {
	struct strv paths, repositories;
	bool append_only, must_confine;
	const char *quota, *client;
	unsigned trash_days;
};

#define AT(member) offsetof(struct serve_args, member)
static const struct opt_row rows[] = {
	{ OPT_LIST, 0, "restrict-to-path", AT(paths), "PATH",
	  "repositories may only be there and below; may be given more than "
	  "once", 0, NULL },
	{ OPT_LIST, 0, "restrict-to-repository", AT(repositories), "PATH",
	  "only this repository; may be given more than once", 0, NULL },
	{ OPT_BOOL, 0, "append-only", AT(append_only), NULL,
	  "backups are added, and nothing is ever taken away", 0, NULL },
	{ OPT_STR, 0, "storage-quota", AT(quota), "SIZE",
	  "how much the repository may hold (100G)", 0, NULL },
	{ OPT_COUNT, 0, "trash-days", AT(trash_days), "N",
	  "keep what is deleted for so many days", 0, NULL },
	{ OPT_STR, 0, "client", AT(client), "NAME",
	  "who has this key, for the journal and for append-only", 0, NULL },
	{ OPT_BOOL, 0, "must-confine", AT(must_confine), NULL,
	  "do not serve where the kernel has no landlock or no seccomp", 0,
	  NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ 0 }
};

static int judge(struct served_opts *o, const struct serve_args *args,
		 struct err *e)
{
	uint64_t quota = 0;
	int rc;

	if (args->client && !served_client_ok(args->client))
		return err_set(e, ERR_CONFIG, "'%s' is no name for a client: "
			       "1 to 64 letters, digits and '._@-'",
			       args->client);
	if (args->trash_days > 3650)
		return err_set(e, ERR_CONFIG, "--trash-days %u: at most 3650",
			       args->trash_days);
	if (args->quota) {
		rc = human_bytes(&quota, args->quota, "--storage-quota", e);
		if (rc < 0)
			return rc;
		if (quota < 1 << 20)
			return err_set(e, ERR_CONFIG, "--storage-quota has to "
				       "be 1MiB or more");
	}
	o->quota_bytes = quota;
	return 0;
}

/* A forced command's rights are those of its own words: what the client asked
 * for is only told. */
static void tell_asked(void)
{
	const char *asked = getenv("SSH_ORIGINAL_COMMAND");

	if (asked)
		talk_debug("the client asked for: %.200s", asked);
}

static int run(struct app *a, struct call *c, struct err *e)
{
	const struct serve_args *args = c->args;
	struct served_opts o = {
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.paths = &args->paths,
		.repositories = &args->repositories,
		.append_only = args->append_only,
		.trash_days = args->trash_days,
		.client = args->client ? args->client : "",
		.must_confine = args->must_confine,
		.verify = scrub_file,
		.cancel = a->cancel
	};

	if (call_no_more(c, e) < 0 || judge(&o, args, e) < 0)
		return e->code;
	if (isatty(STDIN_FILENO))
		return err_set(e, ERR_CONFIG, "'muniment serve' is called by "
			       "a client over ssh, not at a terminal");
	tell_asked();
	return served_run(&o, e);
}

const struct cmd cmd_serve = {
	.name = "serve",
	.synopsis = "[options]",
	.brief = "the far side of repositories over ssh",
	.text =
	"Speaks with a muniment on its standard input and output, which sshd\n"
	"gives it. It has no key and needs none. In authorized_keys:\n"
	"\n"
	"  command=\"muniment serve --append-only --client mail1\n"
	"  --restrict-to-repository /srv/backup/mail1\",restrict ssh-ed25519 "
	"...\n",
	.groups = groups,
	.args_bytes = sizeof(struct serve_args),
	.flags = CMD_ALONE,
	.run = run
};
