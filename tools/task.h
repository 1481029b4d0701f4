/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TASK_H
#define TOOLS_TASK_H

#include "tools/repoarg.h"

/* What most actions begin with: the repository, its archives, one of them. */
struct task {
	struct repoarg ra;
	struct repo *r;
	struct catalog *c;
	const struct catalog_item *it;	/* if ra.archive was named */
	struct reader *rd;		/* after task_reader */
};
/* repoarg_take, then open; loads the catalog.  Close in any case. */
int task_open(struct task *t, struct app *a, struct call *c,
	      const char *archive, enum repoarg_want want, size_t keep,
	      struct err *e);
/* Only the repository: t->ra is filled already. */
int task_open_repo(struct task *t, struct app *a, struct err *e);
int task_load(struct task *t, struct app *a, struct err *e);
int task_find(struct task *t, struct app *a, const char *name,
	      const struct catalog_item **out, struct err *e);
int task_reader(struct task *t, struct err *e);
void task_close(struct task *t);

#endif
