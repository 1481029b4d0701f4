/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_MANIFEST_H
#define TESTS_MANIFEST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/oid.h"
#include "tests/lib/mailstore.h"

/*
 * What a folder holds, to judge a restore by.  As text one row a line, in
 * the order of the paths' bytes, without the folder itself:
 *   TYPE MODE UID GID SIZE MTIME_NSEC BLAKE2B LINKS MESSAGE PATH
 * TYPE is f, d, l, p, s, b or c; SIZE of a folder is 0; BLAKE2B (256 bits) is
 * of the content or of a link's target; LINKS is 0, or a number that is the
 * same for all names of one file; MESSAGE is USER.NUMBER for mail of a
 * mailstore, else "-"; bytes of PATH up to ' ', '%' and DEL are %XX.
 */
struct manifest_row {
	char *path;
	char type;
	mode_t mode;			/* permission bits */
	uid_t uid;
	gid_t gid;
	uint64_t size_bytes;
	int64_t mtime_nsec;
	struct oid hash;
	uint64_t links;
	char message[24];
	dev_t dev;			/* set by manifest_scan only */
	ino_t ino;
	nlink_t nlink;
};

struct manifest {
	struct manifest_row *row;
	size_t n, cap;
};
#define MANIFEST_INIT { NULL, 0, 0 }

/* Read all that is below 'root', on 'threads' threads. */
int manifest_scan(struct manifest *m, const char *root, unsigned threads,
		  struct err *e);
/* Fill in MESSAGE.  ERR_CORRUPT: model and disk are not the same mail. */
int manifest_name_mail(struct manifest *m, const struct mailstore *s,
		       struct err *e);
int manifest_save(const struct manifest *m, const char *path, struct err *e);
int manifest_load(struct manifest *m, const char *path, struct err *e);
void manifest_release(struct manifest *m);

enum manifest_ignore {
	MANIFEST_OWNER = 1 << 0,	/* uid, gid */
	MANIFEST_LINKS = 1 << 1,
	MANIFEST_DIR_TIMES = 1 << 2,
	MANIFEST_TIMES = 1 << 3,
	MANIFEST_MODES = 1 << 4
};

/* One line per difference to 'out'; returns how many there are. */
uint64_t manifest_compare(const struct manifest *want,
			  const struct manifest *have,
			  enum manifest_ignore ignore, FILE *out);

#endif
