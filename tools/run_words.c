/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the words of the command line to actions.  What a word means does not
 * depend on what there is on the disk.
 */
#include "tools/run_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX 32

static const struct opt_row *row_of(const struct opt_group *g, char letter,
				    const char *name)
{
	unsigned index;

	return opt_find(g, letter, name, &index);
}

/* Another action may have it, or the configuration. */
static const struct opt_row *find_option(void *ctx, char letter,
					 const char *name)
{
	static const struct opt_row
		plain = { .type = OPT_BOOL, .name = "", .help = "" },
		valued = { .type = OPT_STR, .name = "", .value = "VALUE",
			   .help = "" };
	const struct cmd *const *c;
	const struct opt_row *row;
	const char *implied;
	char *key;

	(void)ctx;
	for (c = cmd_table; *c; c++)
		if ((row = row_of((*c)->groups, letter, name)))
			return row;
	if (letter || config_option(&key, &implied, name, NULL) < 0)
		return NULL;
	free(key);
	return implied ? &plain : &valued;
}

static int take_option(void *ctx, char letter, const char *name,
		       const char *value, struct err *e)
{
	struct run *r = ctx;
	struct run_option *v, o = { .letter = letter, .value = value };

	if (name && !(o.copy = mem_str(name)))
		return err_nomem(e);
	o.name = o.copy;
	v = mem_resize(r->option, r->n_options + 1, sizeof(*v));
	if (!v) {
		free(o.copy);
		return err_nomem(e);
	}
	r->option = v;
	v[r->n_options++] = o;
	return 0;
}

/* Does this word begin the next action?  Where an operand can stand, it is
 * one; but an action that has none yet, and needs none, is complete. */
static bool begins_next(const struct call *c, const struct opt_parser *p,
			const char *word)
{
	const struct cmd *cmd = c->cmd, *next;
	unsigned keep = cmd->instead && call_given(c, cmd->instead) ? 0 :
		cmd->keep;

	if (p->ended || cmd_find(&next, word, NULL) < 0)
		return false;
	if (c->words.n <= cmd->verb)
		return c->words.n == cmd->verb && keep == 0;
	return cmd->words_max && c->words.n >= cmd->words_max;
}

static struct call *add_call(struct run *r, const char *name, struct err *e)
{
	const struct cmd *cmd;
	struct call *v;

	if (cmd_find(&cmd, name, e) < 0)
		return NULL;
	if (r->n_calls == CALLS_MAX) {
		err_set(e, ERR_CONFIG, "more than %d actions in one run",
			CALLS_MAX);
		return NULL;
	}
	v = &r->call[r->n_calls];
	if (call_init(v, cmd, e) < 0)
		return NULL;
	r->n_calls++;
	return v;
}

/* An action, its options, its operands.  1: and 'word' begins another. */
static int read_call(struct run *r, struct opt_parser *p, const char **word,
		     struct err *e)
{
	struct call *c = add_call(r, *word, e);
	int rc;

	if (!c)
		return e->code;
	opt_push(p, &c->opts);
	p->action = c->cmd->name;
	while ((rc = opt_next(p, word, e)) > 0 && !begins_next(c, p, *word)) {
		if (p->ended && !c->has_tail) {
			c->has_tail = true;
			c->tail = c->words.n;
		}
		if ((rc = strv_add(&c->words, *word, e)) < 0)
			break;
	}
	opt_pop(p);
	return rc;
}

/* --- who an option is for --- */

static int config_flag(struct run *r, const struct run_option *o,
		       struct err *e)
{
	const char *implied;
	char *key = NULL, *flag;
	int rc = o->name ? config_option(&key, &implied, o->name, e) :
		ERR_NOENT;

	if (rc < 0)
		return rc;
	flag = mem_printf("%s=%s", key, o->value ? o->value : implied);
	free(key);
	return flag ? strv_take(&r->flags, flag, e) : err_nomem(e);
}

static int nobody(const struct run_option *o, struct err *e)
{
	const struct cmd *const *c = cmd_table;
	char shown[OPT_NAME_MAX + 4];

	if (o->letter)
		snprintf(shown, sizeof(shown), "-%c", o->letter);
	else
		snprintf(shown, sizeof(shown), "--%s", o->name);
	while (*c && !row_of((*c)->groups, o->letter, o->name))
		c++;
	if (!*c)
		return err_set(e, ERR_CONFIG, "unknown option '%s': 'muniment "
			       "--help' lists what there is", shown);
	return err_set(e, ERR_CONFIG, "option '%s' is for the action '%s', "
		       "which is not in this run", shown, (*c)->name);
}

static int give_option(struct run *r, const struct run_option *o,
		       struct err *e)
{
	bool taken = false;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < r->n_calls; i++) {
		struct call *c = &r->call[i];

		if (!row_of(c->cmd->groups, o->letter, o->name))
			continue;
		taken = true;
		rc = opt_put(&c->opts, o->letter, o->name, o->value, e);
	}
	if (rc < 0 || taken)
		return rc;
	rc = config_flag(r, o, e);
	return rc == ERR_NOENT ? nobody(o, e) : rc;
}

/* What was given for one action and counts for all. */
static int share(struct run *r, const struct call *from, struct err *e)
{
	const struct opt_group *g = from->cmd->groups;
	const struct opt_row *row;
	char name[OPT_NAME_MAX];
	unsigned n = 0;
	size_t i;
	int rc = 0;

	for (; g->row; g++)
		for (row = g->row; row->type != OPT_END; row++, n++) {
			if (!(row->flags & OPT_SHARED) || !from->opts.seen[n])
				continue;
			opt_name(row, 0, name);
			for (i = 0; rc == 0 && i < r->n_calls; i++)
				rc = call_set(&r->call[i], name, NULL, e);
		}
	return rc;
}

/* borg's "create -c SECONDS" and borgmatic's "-c FILE". */
static int split_c(struct run *r, struct err *e)
{
	struct strv *files = &r->a->o.config;
	const char *word;
	size_t i, k;
	int rc;

	for (i = 0; i < files->n; i++) {
		word = files->v[i];
		if (!*word || word[strspn(word, "0123456789")])
			continue;
		for (k = 0; k < r->n_calls; k++) {
			rc = call_set(&r->call[k], "checkpoint-interval", word,
				      e);
			if (rc < 0)
				return rc;
		}
		free(files->v[i]);
		memmove(files->v + i, files->v + i + 1,
			(files->n - i) * sizeof(*files->v));
		files->n--;
		i--;
	}
	return 0;
}

static int settle(struct run *r, struct err *e)
{
	size_t i;
	int rc = split_c(r, e);

	for (i = 0; rc == 0 && i < r->n_options; i++)
		rc = give_option(r, &r->option[i], e);
	for (i = 0; rc == 0 && i < r->n_calls; i++)
		rc = share(r, &r->call[i], e);
	return rc;
}

/* --- borgmatic's actions as flags --- */

static const struct {
	const char *flag, *action;
} old_flag[] = {
	{ "-I", "init" }, { "--init", "init" }, { "-p", "prune" },
	{ "--prune", "prune" }, { "-C", "create" }, { "--create", "create" },
	{ "-k", "check" }, { "--check", "check" }, { "-x", "extract" },
	{ "--extract", "extract" }, { "-m", "mount" }, { "--mount", "mount" },
	{ "-u", "umount" }, { "--umount", "umount" }, { "-r", "restore" },
	{ "--restore", "restore" }, { "-l", "list" }, { "-i", "info" }
};

/* Where no word is an action's name, these flags are: "-p -C --stats". */
static int old_flags(struct strv *out, int argc, char *const *argv,
		     struct err *e)
{
	const struct cmd *c;
	bool named = false;
	size_t k, n = sizeof(old_flag) / sizeof(old_flag[0]);
	int i, rc = 0;

	for (i = 1; i < argc; i++)
		named = named || cmd_find(&c, argv[i], NULL) == 0;
	for (i = 0; rc == 0 && i < argc; i++) {
		for (k = 0; k < n && i > 0 && !named; k++)
			if (!strcmp(argv[i], old_flag[k].flag) &&
			    cmd_find(&c, old_flag[k].action, NULL) == 0)
				break;
		rc = strv_add(out, i == 0 || named || k == n ? argv[i] :
			      old_flag[k].action, e);
	}
	return rc;
}

static int usual_actions(struct run *r, struct err *e)
{
	static const char *const usual[] = {
		"create", "prune", "compact", "check"
	};
	const struct cmd *c;
	size_t i;

	if (r->n_calls || r->a->o.help || r->a->o.version || r->as_borg)
		return 0;
	for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (cmd_find(&c, usual[i], NULL) == 0 &&
		    !add_call(r, usual[i], e))
			return e->code;
	r->usual = true;
	return 0;
}

int run_read(struct run *r, struct app *a, int argc, char *const *argv,
	     struct err *e)
{
	const struct opt_other other = { find_option, take_option, r };
	struct opt_parser p;
	const char *word, *base;
	int rc;

	memset(r, 0, sizeof(*r));
	r->a = a;
	r->all.group = app_groups;
	r->all.base = &a->o;
	a->given = &r->all;
	base = argv[0] ? strrchr(argv[0], '/') : NULL;
	base = base ? base + 1 : argv[0] ? argv[0] : "";
	r->as_borg = !strcmp(base, "borg");
	r->as_borgmatic = !strcmp(base, "borgmatic");
	r->call = mem_zero(CALLS_MAX, sizeof(*r->call));
	if (!r->call)
		return err_nomem(e);
	for (rc = 0; rc == 0 && argv[a->command.n]; )
		rc = strv_add(&a->command, argv[a->command.n], e);
	if (rc < 0)
		return rc;
	if ((rc = old_flags(&r->argv, argc, argv, e)) < 0)
		return rc;
	opt_init(&p, (int)r->argv.n, r->argv.v);
	p.other = &other;
	opt_push(&p, &r->all);
	rc = opt_next(&p, &word, e);
	while (rc > 0)
		rc = read_call(r, &p, &word, e);
	if (rc == 0)
		rc = usual_actions(r, e);
	return rc == 0 ? settle(r, e) : rc;
}

void run_release(struct run *r)
{
	size_t i;

	for (i = 0; i < r->n_calls; i++)
		call_release(&r->call[i]);
	for (i = 0; i < r->n_options; i++)
		free(r->option[i].copy);
	free(r->call);
	free(r->option);
	run_file_release(r);
	strv_release(&r->flags);
	strv_release(&r->argv);
	opt_release(app_groups, &r->a->o);
	memset(r, 0, sizeof(*r));
}
