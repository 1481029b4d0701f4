/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "tools/cmd.h"

/* Calls fn for every option of an action and of all actions. */
typedef void row_fn(const struct opt_row *row, const struct cmd *c);

static void each_row(const struct opt_group *g, const struct cmd *c,
		     row_fn *fn)
{
	const struct opt_row *row;

	for (; g->row; g++)
		for (row = g->row; row->type != OPT_END; row++)
			fn(row, c);
}

/* " name alias alias" */
static void put_names(const struct cmd *c)
{
	const char *p;

	printf(" %s", c->name);
	for (p = c->aliases; p && *p; p += p[strcspn(p, "|")] ?
	     strcspn(p, "|") + 1 : strcspn(p, "|"))
		printf(" %.*s", (int)strcspn(p, "|"), p);
}

static void bash_row(const struct opt_row *row, const struct cmd *c)
{
	char name[OPT_NAME_MAX];
	unsigned i;

	(void)c;
	for (i = 0; opt_name(row, i, name); i++) {
		printf(" --%s", name);
		if (row->type == OPT_BOOL && strncmp(name, "no-", 3))
			printf(" --no-%s", name);
	}
	if (row->letter)
		printf(" -%c", row->letter);
}

static void bash(void)
{
	const struct cmd *const *c;

	printf("# bash completion for muniment, made by "
	       "'muniment completion bash'\n"
	       "_muniment()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} action= word opts\n"
	       "\tlocal all=\"");
	each_row(app_groups, NULL, bash_row);
	printf("\"\n\tlocal actions=\"");
	for (c = cmd_table; *c; c++)
		put_names(*c);
	printf("\"\n"
	       "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	       "\t\tcase \" $actions \" in\n"
	       "\t\t*\" $word \"*) action=$word; break ;;\n"
	       "\t\tesac\n"
	       "\tdone\n"
	       "\tcase $action in\n");
	for (c = cmd_table; *c; c++) {
		const char *a = (*c)->aliases;

		printf("\t%s%s%s) opts=\"", (*c)->name, a ? "|" : "",
		       a ? a : "");
		each_row((*c)->groups, *c, bash_row);
		printf("\" ;;\n");
	}
	printf("\tesac\n"
	       "\tif [[ $cur == -* ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$opts $all\" -- \"$cur\"))\n"
	       "\telif [[ -z $action || $action == help ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$actions\" -- \"$cur\"))\n"
	       "\telse\n"
	       "\t\tcompopt -o filenames\n"
	       "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	       "\tfi\n"
	       "}\n"
	       "complete -F _muniment muniment\n");
}

/* The text between single quotes of fish and zsh. */
static void put_quoted(const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr(special, *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void fish_row(const struct opt_row *row, const struct cmd *c)
{
	char name[OPT_NAME_MAX];
	unsigned i;

	for (i = 0; opt_name(row, i, name); i++) {
		printf("complete -c muniment");
		if (c) {
			printf(" -n '__fish_seen_subcommand_from");
			put_names(c);
			putchar('\'');
		}
		if (i == 0 && row->letter)
			printf(" -s %c", row->letter);
		printf(" -l %s%s -d '", name, row->value &&
		       !(row->flags & OPT_LEVEL) ? " -r" : "");
		put_quoted(row->help, "\\");
		printf("'\n");
	}
}

static void fish(void)
{
	const struct cmd *const *c;

	printf("# fish completion for muniment, made by "
	       "'muniment completion fish'\n");
	each_row(app_groups, NULL, fish_row);
	for (c = cmd_table; *c; c++) {
		printf("complete -c muniment -f -n __fish_use_subcommand "
		       "-a '%s' -d '", (*c)->name);
		put_quoted((*c)->brief, "\\");
		printf("'\n");
		each_row((*c)->groups, *c, fish_row);
	}
}

static void zsh_row(const struct opt_row *row, const struct cmd *c)
{
	char name[OPT_NAME_MAX];
	const char *value = row->value && !(row->flags & OPT_LEVEL) ?
		row->value : NULL;
	unsigned i;

	(void)c;
	for (i = 0; opt_name(row, i, name); i++) {
		printf(" \\\n\t\t'--%s%s[", name, value ? "=" : "");
		put_quoted(row->help, "[]:\\");
		putchar(']');
		if (value) {
			putchar(':');
			put_quoted(value, "[]:\\");
			printf(":_files");
		}
		putchar('\'');
	}
}

static void zsh(void)
{
	const struct cmd *const *c;

	printf("#compdef muniment\n"
	       "# zsh completion for muniment, made by "
	       "'muniment completion zsh'\n"
	       "_muniment() {\n"
	       "\tlocal action word\n"
	       "\tlocal -a actions\n"
	       "\tactions=(");
	for (c = cmd_table; *c; c++) {
		printf("\n\t\t'%s:", (*c)->name);
		put_quoted((*c)->brief, ":\\");
		putchar('\'');
	}
	printf("\n\t)\n"
	       "\tfor word in ${words[2,CURRENT-1]}; do\n"
	       "\t\t(( ${actions[(I)$word:*]} )) && action=$word && break\n"
	       "\tdone\n"
	       "\tif [[ -z $action && $words[CURRENT] != -* ]]; then\n"
	       "\t\t_describe action actions\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tcase $action in\n");
	for (c = cmd_table; *c; c++) {
		printf("\t%s) _arguments -s", (*c)->name);
		each_row((*c)->groups, *c, zsh_row);
		each_row(app_groups, *c, zsh_row);
		printf(" \\\n\t\t'*:operand:_files' ;;\n");
	}
	printf("\t*) _arguments -s");
	each_row(app_groups, NULL, zsh_row);
	printf(" ;;\n"
	       "\tesac\n"
	       "}\n"
	       "_muniment \"$@\"\n");
}

static int run(struct app *a, struct call *c, struct err *e)
{
	const char *shell = call_word(c);

	(void)a;
	if (call_no_more(c, e) < 0)
		return e->code;
	if (shell && !strcmp(shell, "bash"))
		bash();
	else if (shell && !strcmp(shell, "fish"))
		fish();
	else if (shell && !strcmp(shell, "zsh"))
		zsh();
	else
		return err_set(e, ERR_CONFIG, "for which shell? muniment "
			       "completion bash|fish|zsh");
	return 0;
}

static const struct opt_group groups[] = { { 0 } };

const struct cmd cmd_completion = {
	.name = "completion",
	.synopsis = "bash|fish|zsh",
	.brief = "print a script that completes options in a shell",
	.text = "  eval \"$(muniment completion bash)\"\n",
	.groups = groups,
	.flags = CMD_ALONE,
	.keep = 1,
	.words_max = 1,
	.run = run
};
