/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_FINDING_H
#define TOOLS_FINDING_H

#include <jansson.h>

#include "tools/app.h"
#include "tools/progress.h"

/*
 * What check and repair find: said as it is found, or kept for --json.  Damage
 * makes the exit status at least a warning.
 */
#define FINDINGS_KEPT 20000
struct findings {
	struct app *a;
	struct progress progress;
	json_t *list;		/* NULL: they are said */
	uint64_t left_out;	/* of the list, which has FINDINGS_KEPT */
	bool nomem;
};
/* ERR_NOMEM.  End in any case. */
int finding_begin(struct findings *f, struct app *a, const char *what,
		  bool json, struct err *e);
/* Callbacks of check_opts, repair_opts; ctx is the struct findings. */
void finding_say(const struct check_finding *x, void *ctx);
void finding_progress(const struct check_progress *p, void *ctx);
/* "findings" of a document; NULL: no memory. */
json_t *finding_document(struct findings *f);
void finding_end(struct findings *f);

/* Threads that read packs: each may hold one in memory. */
unsigned finding_threads(void);

#endif
