/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_RUNSTATE_H
#define TOOLS_RUNSTATE_H

#include "core/core.h"

/*
 * What this machine knows of a repository without asking it: the last run's
 * outcome, and the newest good archive of each series.  STATE/status/HASH, a
 * JSON file per URL, replaced as a whole.  Losing it costs only knowledge.
 */
struct runstate_archive {
	char *series, *name;
	int64_t start_nsec, end_nsec;
	uint64_t files, bytes, stored_bytes;
};
struct runstate {
	char *url;
	char *label;		/* NULL: none */
	char *config;		/* the file of the last configured run */
	bool has_id;
	struct sid id;
	/* The last configured run; finished_nsec 0: there was none. */
	int64_t started_nsec, finished_nsec;
	int status;		/* enum status */
	char *error;		/* NULL, or the first failure's sentence */
	struct strv actions;
	int64_t success_nsec;	/* the end of the last with status 0 or 1 */
	/* Newest complete archives, by series. */
	struct runstate_archive *archive;
	size_t n_archives;
	uint64_t count;		/* archives, when the repository was read */
	uint64_t free_bytes, total_bytes;	/* then; 0: unknown */
	int64_t read_nsec;	/* when that was; 0: never */
};
/* Nothing is known, or the file is damaged: empty but for the URL.
 * ERR_NOMEM. */
int runstate_load(struct runstate *s, const char *url, struct err *e);
int runstate_save(const struct runstate *s, struct err *e);
void runstate_release(struct runstate *s);
/* The file of this URL goes. */
int runstate_forget(const char *url, struct err *e);

/* What an opened repository says, into 's'. */
int runstate_take(struct runstate *s, struct repo *r, const struct catalog *c,
		  struct err *e);

/* Load, note, save.  A note that cannot be kept is a word at the level of
 * information. */
struct runstate_run {
	const char *url, *label, *config;
	int64_t started_nsec;		/* wall */
	int status;			/* enum status */
	const char *error;		/* NULL: none */
	const struct strv *actions;	/* their names */
};
/* At the end of the actions of a configured run, for each repository. */
void runstate_note_run(const struct runstate_run *run);
/* A complete archive was made. */
void runstate_note_archive(struct repo *r, const struct record *rec);

#endif
