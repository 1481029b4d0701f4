/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/help.h"

#include <stdio.h>
#include <string.h>

#include "tools/format.h"
#include "tools/status.h"

#define COLUMN 26
#define WIDTH 79

/* 'text' from column 'at' on, in lines that begin at COLUMN. */
static void put_wrapped(const char *text, int at)
{
	int len;

	while (*text) {
		len = (int)strcspn(text, " ");
		if (at > COLUMN && at + 1 + len > WIDTH) {
			putchar('\n');
			at = 0;
		}
		if (at < COLUMN)
			printf("%*s", COLUMN - at, "");
		else if (at > COLUMN)
			putchar(' ');
		at = at < COLUMN ? COLUMN : at > COLUMN ? at + 1 : at;
		printf("%.*s", len, text);
		at += len;
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void put_option(const struct opt_row *row)
{
	char name[OPT_NAME_MAX];
	int at;

	opt_name(row, 0, name);
	at = printf("  %c%c%c --%s", row->letter ? '-' : ' ',
		    row->letter ? row->letter : ' ', row->letter ? ',' : ' ',
		    name);
	if (row->value && (row->flags & OPT_LEVEL))
		at += printf(" [%s]", row->value);
	else if (row->value)
		at += printf(" %s", row->value);
	if (at >= COLUMN - 1) {
		putchar('\n');
		at = 0;
	}
	put_wrapped(row->help, at);
}

static void put_groups(const struct opt_group *g)
{
	const struct opt_row *row;

	for (; g->row; g++) {
		printf("\n%s:\n", g->title);
		for (row = g->row; row->type != OPT_END; row++)
			put_option(row);
	}
}

void help_program(void)
{
	const struct cmd *const *c;

	printf("muniment " MUNIMENT_VERSION ": backups of a mail server, "
	       "deduplicated and encrypted,\n"
	       "that can be mounted as a folder.\n"
	       "\n"
	       "usage: muniment [OPTION...] ACTION [OPTION...] [OPERAND...]\n"
	       "\n"
	       "The five that one needs:\n"
	       "  muniment init -e repokey /backup/mail         "
	       "once\n"
	       "  muniment create '/backup/mail::{now}' /srv    "
	       "every hour, from cron\n"
	       "  muniment list /backup/mail                    "
	       "what is there\n"
	       "  muniment mount /backup/mail /mnt              "
	       "to copy mail back out of\n"
	       "  muniment check /backup/mail                   "
	       "now and then\n"
	       "\n"
	       "Actions ('muniment help ACTION' explains one):\n");
	for (c = cmd_table; *c; c++)
		printf("  %-14s %s\n", (*c)->name, (*c)->brief);
	put_groups(app_groups);
	printf("\nThe repository and the passphrase can come from "
	       "MUNIMENT_REPO and\n"
	       "MUNIMENT_PASSPHRASE (or _PASSPHRASE_FILE, _PASSCOMMAND), or "
	       "from borg's\n"
	       "variables. All of it is in muniment(1).\n"
	       "\nExit status:\n%s", status_text);
}

static int put_keys(enum format_kind kind, const char *title, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = format_help(&b, kind, e);

	if (rc == 0)
		printf("\n%s:\n%.*s", title, (int)b.len, (char *)b.p);
	buf_release(&b);
	return rc;
}

int help_action(const struct cmd *c, struct err *e)
{
	char alias[OPT_NAME_MAX];
	struct opt_row row = { .name = c->aliases };
	unsigned i;
	int rc = 0;

	printf("muniment %s%s%s\n", c->name, *c->synopsis ? " " : "",
	       c->synopsis);
	for (i = 0; c->aliases && opt_name(&row, i, alias); i++)
		printf("%s%s", i ? ", " : "the same: ", alias);
	printf("%s\n%s", c->aliases ? "\n" : "", c->text);
	put_groups(c->groups);
	if (c == &cmd_list) {
		rc = put_keys(FORMAT_ARCHIVE, "Keys of an archive", e);
		if (rc == 0)
			rc = put_keys(FORMAT_FILE, "Keys of a file", e);
	}
	printf("\nand the options of every action: 'muniment --help' lists "
	       "them.\n");
	return rc;
}
