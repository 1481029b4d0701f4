/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_PICK_H
#define TOOLS_PICK_H

#include "core/core.h"
#include "tools/opt.h"

/* Which archives of a repository: borg's archive filters. */
struct pick_args {
	const char *prefix, *glob, *sort_by;
	unsigned first, last;
	bool partial;			/* --consider-checkpoints */
};
extern const struct opt_row pick_rows[];
bool pick_given(const struct pick_args *p);

struct pick {
	const struct catalog_item **item;
	size_t n;
	size_t hidden;		/* partial archives that were left out */
};
/* The items stay the catalog's.  ERR_CONFIG: filters that do not fit. */
int pick_run(struct pick *out, const struct catalog *c,
	     const struct pick_args *p, struct err *e);
void pick_release(struct pick *p);

#endif
