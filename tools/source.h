/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SOURCE_H
#define TOOLS_SOURCE_H

#include "tools/child.h"
#include "tools/cmd.h"
#include "tools/config/config.h"
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

struct source_text;
struct source {
	struct strv paths;
	struct pattern_set *patterns;
	struct create_stream *stream;
	size_t n_streams;
	struct child child;		/* it writes the stream */
	struct source_text *texts;	/* of source_add_text */
	bool listed;			/* the paths are all there is: nothing
					 * below them is taken */
};
/* Takes the operands of 'c', starts the command if there is one.  ERR_CONFIG,
 * ERR_FAILED.  Release in any case: it ends a command that still runs. */
int source_open(struct source *s, const struct source_args *o,
		struct call *c, struct err *e);
/*
 * The same from a configuration: source_directories, with globs and ~, and
 * what the patterns name; the patterns in borgmatic's order; the files of the
 * configuration itself with borgmatic/bootstrap/manifest.json, unless that is
 * turned off.  'sources' gets what has to be in the archive.  ERR_CONFIG: a
 * source is missing.
 */
int source_configure(struct source *s, const struct source_args *o,
		     const struct config *c, struct strv *sources,
		     struct err *e);
/* One more stream; its name and context stay the caller's. */
int source_add_stream(struct source *s, const struct create_stream *st,
		      struct err *e);
/* A file of the archive with this text; the name stays the caller's. */
int source_add_text(struct source *s, const char *name, const char *text,
		    struct err *e);
/* Paths, patterns and the streams. */
void source_fill(struct source *s, const struct source_args *o,
		 struct create_opts *co);
void source_release(struct source *s);

#endif
