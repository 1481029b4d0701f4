/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_CHECK_H
#define MAINT_CHECK_H

#include "archive/choice.h"
#include "base/cancel.h"
#include "base/err.h"
#include "repo/repo.h"

/*
 * Check a repository.  Nothing is changed.
 * Repository: every pack that the index names is there, has its size, name,
 * signature and checksum (read in full); tables and index agree; packs no
 * segment names are counted.  Archives: every record, every node and list of
 * every archive (or of those chosen) is read and authenticated; every object
 * they need is listed.  Data: every data object is decrypted, decompressed
 * and its id compared.
 */
enum check_flags {
	CHECK_REPOSITORY = 1 << 0,
	CHECK_ARCHIVES = 1 << 1,
	CHECK_DATA = 1 << 2		/* --verify-data */
};
enum check_severity { CHECK_NOTE, CHECK_DAMAGE };
struct check_finding {
	enum check_severity severity;
	const char *file;	/* in the store, or NULL */
	const char *archive;	/* name, or NULL */
	const char *path;	/* in the archive, or NULL */
	const char *text;	/* one sentence */
};
struct check_progress {
	const char *what;
	uint64_t done, total;
};
struct check_opts {
	unsigned flags;
	unsigned threads;
	const char *archive;	/* one only; NULL: all that are chosen */
	const struct choice_opts *choice;	/* NULL: all */
	/* Stop reading packs after so many seconds (0: never); begin behind
	 * where the last check stopped (NULL: at the beginning). */
	unsigned max_secs;
	const char *position;
	struct cancel *cancel;
	void (*finding)(const struct check_finding *f, void *ctx);
	void (*progress)(const struct check_progress *p, void *ctx);
	void *ctx;
};
#define CHECK_POSITION_BYTES 80
struct check_result {
	uint64_t packs, segments, archives, objects, bytes, files;
	uint64_t damage;	/* findings of that severity */
	/* "": every pack was read, or all that were left; else where it
	 * stopped. */
	char position[CHECK_POSITION_BYTES];
};
/* ERR_CORRUPT: something is damaged, all was looked at and reported. */
int check_run(struct repo *r, const struct check_opts *o,
	      struct check_result *res, struct err *e);

#endif
