/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

#include "core/core.h"
#include "tools/app.h"
#include "tools/call.h"
#include "tools/opt.h"

enum cmd_flags {
	CMD_DRY_RUN = 1 << 0,	/* knows -n */
	CMD_HIDDEN = 1 << 1,
	CMD_ALONE = 1 << 2,	/* no repository, no configuration: it is run
				 * once, whatever is configured */
	CMD_EXCLUSIVE = 1 << 3	/* one configured run at a time for each
				 * repository */
};
/* An action: a row of the table, in a file of its own. */
struct cmd {
	const char *name;
	const char *aliases;	/* "repo-list|rlist", or NULL */
	const char *synopsis;	/* what follows the name */
	const char *brief;	/* a line */
	const char *text;	/* what to know, with one example */
	const struct opt_group *groups;
	size_t args_bytes;	/* zeroed before the options are read */
	unsigned flags;		/* enum cmd_flags */
	unsigned want;		/* enum repoarg_want, if not CMD_ALONE */
	unsigned verb;		/* so many operands come first: "key list" */
	const char *maybe_verb;	/* may come first: "log accept"; or NULL */
	/* So many operands are the action's whatever they are, the last ones
	 * never name the repository; 'instead': an option that stands for
	 * them, or NULL. */
	unsigned keep;
	const char *instead;
	unsigned words_max;	/* operands it can have; 0: any number */
	int (*run)(struct app *a, struct call *c, struct err *e);
};

/* NULL ends it; in the order of --help. */
extern const struct cmd *const cmd_table[];

/* By name or alias.  ERR_CONFIG, with the nearest name. */
int cmd_find(const struct cmd **out, const char *name, struct err *e);

extern const struct cmd cmd_init, cmd_create, cmd_list, cmd_info, cmd_extract,
	cmd_delete, cmd_prune, cmd_rename, cmd_diff, cmd_export_tar,
	cmd_import_tar, cmd_check, cmd_mount, cmd_umount, cmd_version,
	cmd_help, cmd_completion, cmd_key, cmd_rekey, cmd_compact,
	cmd_break_lock, cmd_undelete, cmd_config, cmd_status,
	cmd_restore, cmd_parity, cmd_serve, cmd_repair,
	cmd_repo_delete, cmd_drill, cmd_log;

#endif
