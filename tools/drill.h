/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_DRILL_H
#define TOOLS_DRILL_H

#include "tools/hook/db_find.h"
#include "tools/task.h"

/*
 * A restore drill: a random sample of an archive is extracted to a private
 * folder, which is removed afterwards; each file is compared with the ids in
 * the archive and, where it has not changed since, with the live source; of
 * each database dump the end is looked for.
 */
struct drill_opts {
	unsigned mails;		/* of each domain */
	unsigned files;		/* of all that is neither mail, nor small
				 * configuration, nor a dump */
	const char *below;	/* where the folder is made; NULL: TMPDIR */
};
#define DRILL_MAILS 5
#define DRILL_FILES 20
struct drill_result {
	uint64_t mails, domains, configs, configs_all, files, dumps;
	uint64_t bytes;
	uint64_t live;		/* compared with the source */
	uint64_t changed;	/* not: they changed, or are gone */
	uint64_t bad;		/* each was named */
};
/* ERR_CORRUPT: something is damaged; ERR_FAILED: something differs, a dump is
 * cut off, or there is nothing to restore. */
int drill_run(struct app *a, struct task *t, const struct drill_opts *o,
	      struct drill_result *res, struct err *e);

/* --- drill_pick.c: what is restored --- */

enum drill_kind { DRILL_MAIL, DRILL_CONFIG, DRILL_DUMP, DRILL_OTHER };
struct drill_file {
	char *path;			/* in the archive */
	enum drill_kind kind;
	const struct db_found *dump;	/* DRILL_DUMP */
};
struct drill_pick {
	struct drill_file *v;
	size_t n, cap;
	uint64_t domains, configs_all;
};
/* The dumps are the caller's, and must stay.  Release in any case. */
int drill_pick_make(struct drill_pick *p, struct task *t,
		 const struct drill_opts *o, const struct db_finds *dumps,
		 struct cancel *cancel, struct err *e);
void drill_pick_release(struct drill_pick *p);

#endif
