/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SOURCE_H
#define TOOLS_SOURCE_H

#include "tools/cmd.h"
#include "tools/child.h"
#include "tools/rules.h"

/* What create reads: paths, roots of patterns, lists of paths, a stream. */
struct source_args {
	struct rules_args rules;
	struct strv exclude_if_present;
	bool exclude_caches, keep_exclude_tags, exclude_nodump;
	bool one_file_system;
	const char *stdin_name, *stdin_user, *stdin_group, *delimiter;
	unsigned stdin_mode;		/* 0: the default */
	bool from_command, paths_from_stdin, paths_from_command;
};
extern const struct opt_row source_rows[];

struct source {
	struct strv paths;
	struct pattern_set *patterns;
	struct create_stream stream;
	bool has_stream;
	struct child child;		/* it writes the stream */
	bool listed;			/* the paths are all there is: nothing
					 * below them is taken */
};
/* Takes the operands of 'c', starts the command if there is one.  ERR_CONFIG,
 * ERR_FAILED.  Release in any case: it ends a command that still runs. */
int source_open(struct source *s, const struct source_args *o,
		struct call *c, struct err *e);
/* Paths, patterns and the stream. */
void source_fill(struct source *s, const struct source_args *o,
		 struct create_opts *co);
void source_release(struct source *s);

#endif
