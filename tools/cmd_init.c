/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/repoarg.h"
#include "tools/talk.h"

struct init_args {
	const char *encryption, *quota, *parity;
	bool append_only, make_parents, strong;
};
#define AT(member) offsetof(struct init_args, member)
static const struct opt_row rows[] = {
	{ OPT_STR, 'e', "encryption", AT(encryption), "MODE",
	  "repokey (the default): the key is in the repository; keyfile: on "
	  "this machine", 0, NULL },
	{ OPT_BOOL, 0, "make-parent-dirs|make-parent-directories",
	  AT(make_parents), NULL, "make the folders above it, too", 0, NULL },
	{ OPT_BOOL, 0, "strong", AT(strong), NULL,
	  "1 GiB of memory for each try of a passphrase, not 64 MiB", 0,
	  NULL },
	{ OPT_STR, 0, "parity", AT(parity), "SHARE",
	  "mend rot: add so much Reed-Solomon parity to each pack, such as 3%",
	  0, NULL },
	{ OPT_BOOL, 0, "append-only", AT(append_only), NULL,
	  "refused: says what to do instead", 0, NULL },
	{ OPT_STR, 0, "storage-quota", AT(quota), "SIZE",
	  "refused: says what to do instead", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" }, { 0 }
};

static int parse_mode(enum slot_mode *mode, const char *text, struct err *e)
{
	static const char suite[] = "XChaCha20-Poly1305 and BLAKE2b";

	*mode = SLOT_REPOKEY;
	if (!text || !strcmp(text, "repokey") ||
	    !strcmp(text, "repokey-blake2"))
		return 0;
	*mode = SLOT_KEYFILE;
	if (!strcmp(text, "keyfile") || !strcmp(text, "keyfile-blake2"))
		return 0;
	if (!strcmp(text, "none"))
		return err_set(e, ERR_CONFIG, "--encryption none is refused: "
			       "mail is never stored where its host could "
			       "read it (use repokey; the passphrase may "
			       "stand in a file)");
	if (!strncmp(text, "authenticated", 13))
		return err_set(e, ERR_CONFIG, "--encryption %s is refused: it "
			       "would leave mail readable to whoever has the "
			       "repository (use repokey)", text);
	return err_set(e, ERR_CONFIG, "unknown encryption mode '%s': repokey, "
		       "repokey-blake2, keyfile and keyfile-blake2 are known, "
		       "all with %s", text, suite);
}

static int refuse(const struct init_args *o, struct err *e)
{
	if (o->append_only)
		return err_set(e, ERR_CONFIG, "--append-only is refused: "
			       "nothing in a repository is ever overwritten, "
			       "and only its host can forbid deletion "
			       "('muniment serve --append-only' there)");
	if (o->quota)
		return err_set(e, ERR_CONFIG, "--storage-quota is refused: "
			       "only the repository's host can keep a quota "
			       "('muniment serve --storage-quota' there)");
	return 0;
}

static void tell(struct repo *r, const char *asked)
{
	char *key = repo_key_path(r);

	printf("made the repository %s\n", repo_url(r));
	printf("encryption: XChaCha20-Poly1305 with BLAKE2b%s\n",
	       asked && strstr(asked, "blake2") ? "" :
	       " (one suite for all modes)");
	if (repo_mode(r) == SLOT_KEYFILE && key)
		printf("the key, locked by the passphrase, is in %s and "
		       "nowhere else: keep a copy of that file and the "
		       "passphrase, each in a place that survives this "
		       "machine\n", key);
	else
		printf("the key, locked by the passphrase, is in the "
		       "repository: keep the passphrase in a place that "
		       "survives this machine, and a copy of the folder keys/ "
		       "of the repository\n");
	printf("without the key and the passphrase nobody can read the "
	       "backups again\n");
	free(key);
}

static int already(const struct app *a, const struct repoarg *ra,
		   struct err *e)
{
	struct slot_repo info;
	int rc = repo_probe(ra->url, &a->store, &info, e);

	if (rc == 0)
		printf("%s is a repository already, nothing was changed\n",
		       ra->url);
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct init_args *o = c->args;
	struct repo_init init = { .strong_kdf = o->strong,
				  .make_parents = o->make_parents };
	struct repo_opts ro;
	struct repoarg ra;
	struct repo *r = NULL;
	struct err why;
	int rc;

	rc = repoarg_take(&ra, a, c, NULL, REPOARG_REPO, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0)
		rc = refuse(o, e);
	if (rc == 0)
		rc = parse_mode(&init.mode, o->encryption, e);
	if (rc == 0 && o->parity)
		rc = parity_store_parse(&init.parity_mille, o->parity, e);
	if (rc < 0)
		goto out;
	rc = already(a, &ra, e);
	if (rc != ERR_NOREPO)
		goto out;
	err_clear(e);
	app_repo_opts(a, &ro);
	rc = repo_create(&r, ra.url, &init, &ro, e);
	if (rc == 0) {
		tell(r, o->encryption);
		place_keep(repo_url(r), repo_id(r), NULL);
	} else if (rc == ERR_EXIST && already(a, &ra, &why) == 0)
		rc = 0;		/* somebody else was faster */
out:
	repo_close(r);
	repoarg_release(&ra);
	return rc;
}

const struct cmd cmd_init = {
	.name = "init",
	.aliases = "repo-create|rcreate",
	.synopsis = "[-e MODE] REPO",
	.brief = "make a repository",
	.text =
	"Makes a repository in a new or empty folder. It is always encrypted;\n"
	"the passphrase is asked for, or comes from MUNIMENT_PASSPHRASE.\n"
	"borg's modes repokey, repokey-blake2, keyfile and keyfile-blake2 are\n"
	"accepted. If the repository is there already, that is said, and\n"
	"nothing is changed.\n"
	"\n"
	"  muniment init -e repokey-blake2 /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct init_args),
	.want = REPOARG_REPO,
	.words_max = 1,
	.run = run
};
