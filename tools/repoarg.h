/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_REPOARG_H
#define TOOLS_REPOARG_H

#include "tools/cmd.h"

/*
 * Which repository, which archive: borg's operand (REPO, REPO::ARCHIVE,
 * ::ARCHIVE), --repository, --archive, MUNIMENT_REPO, BORG_REPO.  Placeholders
 * are replaced.
 */
struct repoarg {
	char *url;		/* a path is made absolute */
	char *archive;		/* NULL: none was named */
};
enum repoarg_want {
	REPOARG_REPO,		/* an archive is a mistake */
	REPOARG_EITHER,
	REPOARG_ARCHIVE,	/* it is a mistake if there is none */
	REPOARG_CREATE		/* operands are paths, but for one with "::" */
};
/*
 * Takes the first operand of 'c' if that is where the repository stands, but
 * leaves 'keep' operands to the action.  'archive': the value of --archive or
 * NULL.  ERR_CONFIG.  Release in any case.
 */
int repoarg_take(struct repoarg *ra, const struct app *a, struct call *c,
		 const char *archive, enum repoarg_want want, size_t keep,
		 struct err *e);
void repoarg_release(struct repoarg *ra);

/*
 * Does an operand of the action name its repository, if neither --repository
 * nor the environment do?  An operand that could as well be a path in an
 * archive does if there is a repository at that place, or if it is a URL.
 */
bool repoarg_named(const struct call *c);
/* What MUNIMENT_REPO or BORG_REPO says, or NULL. */
const char *repoarg_from_env(void);

/* Split "REPO::ARCHIVE" at its "::" (that of an IPv6 address is none).
 * Returns where the archive begins, or NULL; *repo_len is set. */
const char *repoarg_split(const char *text, size_t *repo_len);

/* The row for --archive, offset 0 of a const char *. */
extern const struct opt_row repoarg_rows[];

#endif
