/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_MAKE_H
#define TOOLS_MAKE_H

#include "tools/progress.h"
#include "tools/report.h"
#include "tools/repoarg.h"

/* What create and import-tar have in common: the options of a new archive. */
struct make_args {
	const char *comment, *timestamp, *compression, *filter, *chunker;
	bool stats, list, json;
	unsigned checkpoint_secs;
};
extern const struct opt_row make_rows[];

struct make {
	struct app *a;
	const struct make_args *o;
	char *name, *comment;
	int64_t timestamp_nsec;
	struct comp_spec comp;
	struct progress progress;
};
/* Judges the options and the name (NULL: the default); release in any case. */
int make_init(struct make *m, struct app *a, const struct make_args *o,
	      const char *name, struct err *e);
/* Name, comment, compression, callbacks. */
void make_fill(struct make *m, struct create_opts *co);
/* After create_run: warnings and the report; 'rc' is what it returned. */
int make_finish(struct make *m, struct repo *r,
		const struct create_result *res, int rc, struct err *e);
void make_release(struct make *m);

#endif
