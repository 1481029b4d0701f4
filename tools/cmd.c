/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/cmd.h"

#include <string.h>


const struct cmd *const cmd_table[] = {
	&cmd_init,
	&cmd_create,
	&cmd_list,
	&cmd_info,
	&cmd_status,
	&cmd_extract,
	&cmd_restore,
	&cmd_mount,
	&cmd_umount,
	&cmd_check,
	&cmd_repair,
	&cmd_drill,
	&cmd_log,
	&cmd_delete,
	&cmd_repo_delete,
	&cmd_undelete,
	&cmd_prune,
	&cmd_compact,
	&cmd_parity,
	&cmd_break_lock,
	&cmd_rename,
	&cmd_diff,
	&cmd_export_tar,
	&cmd_import_tar,
	&cmd_config,
	&cmd_key,
	&cmd_rekey,
	&cmd_serve,
	&cmd_help,
	&cmd_completion,
	&cmd_version,
	NULL
};

/* The i-th name: 0 is the name, then the aliases; false: there are fewer. */
static bool name_of(const struct cmd *c, unsigned i, char out[OPT_NAME_MAX])
{
	struct opt_row row = { .name = i == 0 ? c->name : c->aliases };

	return row.name && opt_name(&row, i == 0 ? 0 : i - 1, out);
}

int cmd_find(const struct cmd **out, const char *name, struct err *e)
{
	const struct cmd *const *c;
	struct suggest s = SUGGEST_INIT(name);
	char one[OPT_NAME_MAX], best[OPT_NAME_MAX];
	unsigned i;

	for (c = cmd_table; *c; c++) {
		for (i = 0; name_of(*c, i, one); i++)
			if (!strcmp(one, name)) {
				*out = *c;
				return 0;
			}
		opt_suggest(&s, (*c)->name, best);
		opt_suggest(&s, (*c)->aliases, best);
	}
	if (suggest_best(&s))
		return err_set(e, ERR_CONFIG, "unknown action '%s': did you "
			       "mean '%s'?", name, suggest_best(&s));
	return err_set(e, ERR_CONFIG, "unknown action '%s': 'muniment --help' "
		       "lists what there is", name);
}
