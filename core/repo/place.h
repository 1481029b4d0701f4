/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_PLACE_H
#define REPO_PLACE_H

#include "base/err.h"
#include "base/sid.h"

/*
 * Which repository this machine has met at which place (path or URL), in
 * CONFIG/places/HASH, one file a place: "REPO-ID URL" and a line end.  Losing
 * them loses only the memory.
 */
enum place_state {
	PLACE_SAME,		/* as it was */
	PLACE_NEW,		/* neither was known */
	PLACE_MOVED,		/* the repository was somewhere else */
	PLACE_OTHER		/* another repository was here */
};
/* *was: PLACE_MOVED: where (one of the places), malloc'ed; else NULL.  Where
 * nothing can be read all is new. */
int place_check(enum place_state *out, char **was, const char *url,
		const struct sid *repo, struct err *e);
/* From now on it is as it is.  COMMIT POINT: the rename of the file. */
int place_keep(const char *url, const struct sid *repo, struct err *e);

#endif
