/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "tools/pass.h"
#include "tools/repoarg.h"

static const struct opt_group groups[] = { { 0 } };

static int run(struct app *a, struct call *c, struct err *e)
{
	struct repo *r = NULL;
	struct repoarg ra;
	unsigned removed = 0;
	char *pass = NULL;
	int rc;

	rc = repoarg_take(&ra, a, c, NULL, REPOARG_REPO, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = app_open(a, ra.url, &r, e);
	if (rc == 0)
		rc = pass_get(&pass, ra.url, 0, false, a->cancel, e);
	if (rc == 0)
		rc = repo_keys_rekey(r, pass, &removed, e);
	if (rc == 0) {
		printf("the repository has a new master key; export it again "
		       "('muniment key export')\n");
		if (removed)
			printf("%u other key%s removed: make those that are "
			       "still wanted anew ('muniment key add')\n",
			       removed, removed == 1 ? " was" : "s were");
	}
	key_free(pass);
	repo_close(r);
	repoarg_release(&ra);
	return rc;
}

const struct cmd cmd_rekey = {
	.name = "rekey",
	.synopsis = "[REPO]",
	.brief = "a new master key, for when an old one is known to others",
	.text =
	"What is written from now on cannot be read with any key or export of\n"
	"before; what was written before can. The key that opens the\n"
	"repository now stays, with its passphrase; all others are removed,\n"
	"as they would lock out nobody. Machines with an append key need a\n"
	"new one.\n"
	"\n"
	"  muniment rekey /backup/mail\n",
	.groups = groups,
	.run = run
};
