/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/mount.h"
#include "tools/cmd.h"

struct umount_args {
	const char *mountpoint;
};
static const struct opt_row rows[] = {
	{ OPT_STR, 0, "mount-point", offsetof(struct umount_args, mountpoint),
	  "DIR", "the mount point, instead of an operand", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = { { rows, 0, "Options" }, { 0 } };

static int run(struct app *a, struct call *c, struct err *e)
{
	struct umount_args *o = c->args;
	const char *where = o->mountpoint ? o->mountpoint : call_word(c);

	(void)a;
	if (!where)
		return err_set(e, ERR_CONFIG, "which mount point? muniment "
			       "umount DIR");
	if (call_no_more(c, e) < 0)
		return e->code;
	return mount_undo(where, e);
}

const struct cmd cmd_umount = {
	.name = "umount",
	.synopsis = "MOUNTPOINT",
	.brief = "end a mount",
	.text =
	"Also clears away what a mount left that was killed.\n"
	"\n"
	"  muniment umount /mnt\n",
	.groups = groups,
	.args_bytes = sizeof(struct umount_args),
	.flags = CMD_ALONE,
	.keep = 1,
	.instead = "mount-point",
	.words_max = 1,
	.run = run
};
