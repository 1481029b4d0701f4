/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_HEALTH_H
#define TOOLS_HEALTH_H

#include "tools/app.h"
#include "tools/runstate.h"

/*
 * Is a repository's backup in good health?  From the repository, or, when it
 * cannot be reached, from what this machine remembers (runstate.h).
 */
enum health_level { HEALTH_OK, HEALTH_WARNING, HEALTH_CRITICAL };

struct health_check {
	char *name;		/* "archives" */
	int64_t done_nsec;
};
struct health {
	struct runstate s;	/* fresh, if reached */
	bool local;		/* it was not asked */
	bool reached;
	char *why_not;		/* NULL if reached */
	int why_code;		/* enum err_code */
	struct health_check *check;
	size_t n_checks;
	int64_t exported_nsec;	/* the key's copy; 0: never made */
	bool prune_known;
	size_t prune_deletes;	/* archives that the next prune would */
	int64_t now_nsec;
	enum health_level level;
	struct strv problem;	/* sentences, the worst first */
};
struct health_opts {
	const char *url;
	const char *label, *config;	/* NULL: none */
	const char *state;	/* instead of home_state(), or NULL */
	const struct retention *keep;	/* of the configuration, or NULL */
	const struct strv *match;	/* its archives; NULL: all */
	const char *prefix;		/* of their names, or NULL */
	int64_t max_age_nsec;
	const struct strv *series;	/* judged; NULL, or none: all */
	bool local;			/* do not ask the repository */
};
/* Look and judge.  Only ERR_NOMEM and ERR_CANCEL are failures of it; release
 * in any case. */
int health_look(struct health *h, struct app *a, const struct health_opts *o,
		struct err *e);
void health_release(struct health *h);
/* Of the newest archive of a series, in seconds. */
int64_t health_age_secs(const struct health *h,
			const struct runstate_archive *x);
/* What it is called: the label, or the URL. */
const char *health_name(const struct health *h);

#endif
