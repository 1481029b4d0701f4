/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LAYOUT_H
#define STORE_LAYOUT_H

#include "base/proc.h"
#include "store/store.h"

/*
 * How a repository lies in a file system, here or behind a server.  A path is
 * relative to the folder of the repository; a "folder" is one of these by
 * number, the unit of the barrier.
 */
enum {
	LAYOUT_TMP = STORE_KINDS,	/* below it: kinds by their number */
	LAYOUT_FAN_DATA,		/* data/00 */
	LAYOUT_FAN_META = LAYOUT_FAN_DATA + 256,
	LAYOUT_FOLDERS = LAYOUT_FAN_META + 256
};
#define LAYOUT_FOLDER_BYTES 16
#define LAYOUT_PATH_BYTES (LAYOUT_FOLDER_BYTES + STORE_NAME_MAX + 16)

/* Where a file cannot be given a name without the risk of replacing another,
 * the name is a folder with the bytes in this file. */
#define LAYOUT_INNER "/content"

unsigned layout_folder(enum store_kind k, const char *name);
const char *layout_folder_path(unsigned folder, char out[LAYOUT_FOLDER_BYTES]);
const char *layout_path(enum store_kind k, const char *name,
			char out[LAYOUT_PATH_BYTES]);

/* Names in tmp/ say which process is writing. */
int layout_tmp(const struct proc_id *self, char out[LAYOUT_PATH_BYTES],
	       struct err *e);
/* Whose is it?  false: none of ours. */
bool layout_tmp_parse(const char *name, struct proc_id *writer);
/* Is the writer dead?  'age_secs' decides where it is out of sight. */
bool layout_tmp_dead(const struct proc_id *self, const struct proc_id *writer,
		     int64_t age_secs);

/* What stands in the folder that a repository is to be made in. */
struct layout_found {
	bool tmp;		/* ours, and the first that is made */
	bool ours;		/* more of what an init makes */
	bool foreign;
	bool repository;
};
void layout_see(struct layout_found *f, const char *name);
/* ERR_EXIST, in words, if it is no place for a new one. */
int layout_judge_new(const struct layout_found *f, const char *url,
		     struct err *e);
/* Backups are there, too. */
int layout_say_damaged(const char *url, struct err *e);

/* A folder without REPOSITORY: what is it? */
struct layout_other {
	bool borg, restic, unfinished;
};
int layout_judge_other(const struct layout_other *o, const char *url,
		       struct err *e);		/* ERR_NOREPO */

#endif
