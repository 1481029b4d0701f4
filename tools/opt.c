/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/opt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


void opt_init(struct opt_parser *p, int argc, char *const *argv)
{
	memset(p, 0, sizeof(*p));
	p->argc = argc;
	p->argv = argv;
	p->at = 1;
}

void opt_push(struct opt_parser *p, struct opt_set *s)
{
	BUG_ON(p->nset >= 2);
	memmove(p->set + 1, p->set, p->nset * sizeof(p->set[0]));
	p->set[0] = s;
	p->nset++;
}

void opt_pop(struct opt_parser *p)
{
	BUG_ON(p->nset == 0);
	p->nset--;
	memmove(p->set, p->set + 1, p->nset * sizeof(p->set[0]));
	p->action = NULL;
}

bool opt_name(const struct opt_row *row, unsigned i, char out[OPT_NAME_MAX])
{
	const char *p = row->name;
	size_t len;

	for (; i > 0; i--) {
		p = strchr(p, '|');
		if (!p)
			return false;
		p++;
	}
	len = strcspn(p, "|");
	BUG_ON(len >= OPT_NAME_MAX);
	memcpy(out, p, len);
	out[len] = 0;
	return true;
}

struct hit {
	const struct opt_row *row;
	void *dst;
	bool *seen;
	bool negated;
	char shown[OPT_NAME_MAX + 2];	/* as in messages: "--list" */
};

static bool row_has_name(const struct opt_row *row, const char *name)
{
	char one[OPT_NAME_MAX];
	unsigned i;

	for (i = 0; opt_name(row, i, one); i++)
		if (!strcmp(one, name))
			return true;
	return false;
}

/* "--no-X" for a bool "X", and "--X" for one that is itself called "no-X". */
static bool row_negated(const struct opt_row *row, const char *name)
{
	if (row->type != OPT_BOOL)
		return false;
	if (!strncmp(name, "no-", 3) && row_has_name(row, name + 3))
		return true;
	return !strncmp(row->name, "no-", 3) && !strcmp(row->name + 3, name);
}

/* 'letter' 0: look for 'name'. */
static bool find_in_set(struct opt_set *s, char letter, const char *name,
			struct hit *h)
{
	const struct opt_group *g;
	const struct opt_row *row;
	unsigned n = 0;

	for (g = s->group; g->row; g++) {
		for (row = g->row; row->type != OPT_END; row++, n++) {
			BUG_ON(n >= OPT_ROWS_MAX);
			h->negated = !letter && row_negated(row, name);
			if (letter ? row->letter != letter :
			    !h->negated && !row_has_name(row, name))
				continue;
			h->row = row;
			h->dst = (char *)s->base + g->at + row->at;
			h->seen = &s->seen[n];
			return true;
		}
	}
	return false;
}

static bool find_row(const struct opt_parser *p, char letter, const char *name,
		     struct hit *h)
{
	unsigned i;

	for (i = 0; i < p->nset; i++)
		if (find_in_set(p->set[i], letter, name, h))
			return true;
	h->row = p->other ? p->other->find(p->other->ctx, letter, name) :
		NULL;
	h->dst = NULL;		/* the other's */
	return h->row != NULL;
}

void opt_suggest(struct suggest *s, const char *names,
		 char best[OPT_NAME_MAX])
{
	struct opt_row row = { .name = names };
	char one[OPT_NAME_MAX];
	unsigned i;

	for (i = 0; names && opt_name(&row, i, one); i++) {
		suggest_add(s, one);
		if (s->best != one)
			continue;
		memcpy(best, one, sizeof(one));
		s->best = best;
	}
}

static int unknown(const struct opt_parser *p, const char *name, struct err *e)
{
	const struct opt_group *g;
	const struct opt_row *row;
	struct suggest s = SUGGEST_INIT(name);
	char best[OPT_NAME_MAX];
	unsigned i;

	for (i = 0; i < p->nset; i++)
		for (g = p->set[i]->group; g->row; g++)
			for (row = g->row; row->type != OPT_END; row++)
				opt_suggest(&s, row->name, best);
	err_set(e, ERR_CONFIG, "unknown option '--%s'", name);
	if (p->action)
		err_set(e, ERR_CONFIG, "%s of '%s'", e->msg, p->action);
	if (suggest_best(&s))
		return err_set(e, ERR_CONFIG, "%s: did you mean '--%s'?",
			       e->msg, suggest_best(&s));
	return err_set(e, ERR_CONFIG, "%s: 'muniment %s%s' lists those it has",
		       e->msg, p->action ? "help " : "--help",
		       p->action ? p->action : "");
}

static int set_count(unsigned *dst, const char *shown, const char *value,
		     struct err *e)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || v > INT32_MAX)
		return err_set(e, ERR_CONFIG,
			       "option '%s' takes a number from 0 on, not '%s'",
			       shown, value);
	*dst = (unsigned)v;
	return 0;
}

int opt_set_octal(void *dst, const struct opt_row *row, const char *value,
		  struct err *e)
{
	unsigned long v;
	char *end;

	v = strtoul(value, &end, 8);
	if (*value < '0' || *value > '7' || *end || v > 0777)
		return err_set(e, ERR_CONFIG, "option '--%s' takes an octal "
			       "mode of at most 0777, not '%s'",
			       row->name, value);
	*(unsigned *)dst = (unsigned)v;
	return 0;
}

static int store(const struct hit *h, const char *value, struct err *e)
{
	const struct opt_row *row = h->row;

	if (*h->seen && row->type != OPT_LIST && !(row->flags & OPT_REPEAT))
		return err_set(e, ERR_CONFIG,
			       "option '%s' is given more than once",
			       h->shown);
	*h->seen = true;
	switch (row->type) {
	case OPT_BOOL:
		*(bool *)h->dst = !h->negated;
		return 0;
	case OPT_STR:
		*(const char **)h->dst = value;
		return 0;
	case OPT_LIST:
		return row->set ? row->set(h->dst, row, value, e) :
			strv_add(h->dst, value, e);
	case OPT_COUNT:
		return set_count(h->dst, h->shown, value, e);
	case OPT_FN:
		return row->set(h->dst, row, value, e);
	case OPT_END:
		break;
	}
	BUG_ON(true);
	return 0;
}

bool opt_takes(const struct opt_row *row)
{
	return row->type != OPT_BOOL && !(row->flags & OPT_PLAIN);
}

static bool is_level(const char *word)
{
	if (*word == '-')
		word++;
	return *word >= '0' && *word <= '2' && !word[1];
}

static bool is_number(const char *word)
{
	return word[0] == '-' && word[1] && !word[1 + strspn(word + 1,
							     "0123456789")];
}

/* The value that stands in the next word.  A word that looks like an option is
 * none, unless it has a space in it ("- *.o") or is a number. */
static int next_value(struct opt_parser *p, const struct hit *h,
		      const char **value, struct err *e)
{
	const char *word = p->at < p->argc ? p->argv[p->at] : NULL;

	if (h->row->flags & OPT_LEVEL) {
		*value = word && is_level(word) ? word : NULL;
		p->at += *value != NULL;
		return 0;
	}
	if (!word)
		return err_set(e, ERR_CONFIG,
			       "option '%s' needs a value: %s %s", h->shown,
			       h->shown, h->row->value);
	if (word[0] == '-' && word[1] && !strchr(word, ' ') &&
	    !is_number(word))
		return err_set(e, ERR_CONFIG, "option '%s' needs a value, and "
			       "'%s' looks like an option: if it is the value, "
			       "write --%.*s=%s", h->shown, word,
			       (int)strcspn(h->row->name, "|"), h->row->name,
			       word);
	*value = word;
	p->at++;
	return 0;
}

static int long_option(struct opt_parser *p, const char *word, struct err *e)
{
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : strlen(word);
	char name[OPT_NAME_MAX + 3];
	struct hit h;
	int rc;

	if (len >= sizeof(name))
		return err_set(e, ERR_CONFIG, "unknown option '--%.40s...'",
			       word);
	memcpy(name, word, len);
	name[len] = 0;
	if (len >= OPT_NAME_MAX || !find_row(p, 0, name, &h))
		return unknown(p, name, e);
	memcpy(h.shown, "--", 2);
	memcpy(h.shown + 2, name, len + 1);
	if (value && !opt_takes(h.row))
		return err_set(e, ERR_CONFIG, "option '%s' takes no value",
			       h.shown);
	if (value)
		value++;
	else if (opt_takes(h.row) && (rc = next_value(p, &h, &value, e)) < 0)
		return rc;
	if (!h.dst)
		return p->other->take(p->other->ctx, 0, name, value, e);
	return store(&h, value, e);
}

static int short_option(struct opt_parser *p, struct err *e)
{
	const char *value = NULL;
	struct hit h;
	int rc;

	if (!find_row(p, *p->bundle, NULL, &h)) {
		err_set(e, ERR_CONFIG, "unknown option '-%c'", *p->bundle);
		return err_set(e, ERR_CONFIG,
			       "%s%s%s%s: 'muniment %s%s' lists those it has",
			       e->msg, p->action ? " of '" : "",
			       p->action ? p->action : "",
			       p->action ? "'" : "",
			       p->action ? "help " : "--help",
			       p->action ? p->action : "");
	}
	h.shown[0] = '-';
	h.shown[1] = *p->bundle++;
	h.shown[2] = 0;
	if (opt_takes(h.row)) {
		if (*p->bundle && (!(h.row->flags & OPT_LEVEL) ||
				   is_level(p->bundle))) {
			value = p->bundle + (*p->bundle == '=');
			p->bundle = "";
		} else if (!*p->bundle &&
			   (rc = next_value(p, &h, &value, e)) < 0) {
			return rc;
		}
	}
	if (!h.dst)
		return p->other->take(p->other->ctx, h.shown[1], NULL, value,
				      e);
	return store(&h, value, e);
}

int opt_next(struct opt_parser *p, const char **word, struct err *e)
{
	int rc = 0;

	*word = NULL;
	while (rc == 0) {
		if (p->bundle && *p->bundle) {
			rc = short_option(p, e);
			continue;
		}
		if (p->at >= p->argc)
			return 0;
		*word = p->argv[p->at++];
		if (p->ended || (*word)[0] != '-' || !(*word)[1])
			return 1;
		if (!strcmp(*word, "--"))
			p->ended = true;
		else if ((*word)[1] == '-')
			rc = long_option(p, *word + 2, e);
		else
			p->bundle = *word + 1;
	}
	return rc;
}

const struct opt_row *opt_find(const struct opt_group *g, char letter,
			       const char *name, unsigned *index)
{
	struct opt_set set = { .group = g, .base = &set };
	struct hit h = { .row = NULL };

	if (!find_in_set(&set, letter, name, &h))
		return NULL;
	*index = (unsigned)(h.seen - set.seen);
	return h.row;
}

int opt_put(struct opt_set *s, char letter, const char *name,
	    const char *value, struct err *e)
{
	struct hit h = { .row = NULL };
	bool found = find_in_set(s, letter, name, &h);

	BUG_ON(!found);
	if (letter)
		snprintf(h.shown, sizeof(h.shown), "-%c", letter);
	else
		snprintf(h.shown, sizeof(h.shown), "--%s", name);
	if (value && !opt_takes(h.row))
		return err_set(e, ERR_CONFIG, "option '%s' takes no value",
			       h.shown);
	return store(&h, value, e);
}

int opt_own(const struct opt_group *g, void *base, struct err *e)
{
	const struct opt_row *row;
	struct strv *s, was;
	size_t i;
	int rc = 0;

	for (; g->row; g++)
		for (row = g->row; row->type != OPT_END; row++) {
			if (row->type != OPT_LIST)
				continue;
			s = (struct strv *)(void *)((char *)base + g->at +
						    row->at);
			was = *s;
			memset(s, 0, sizeof(*s));
			for (i = 0; rc == 0 && i < was.n; i++)
				rc = strv_add(s, was.v[i], e);
		}
	return rc;
}

void opt_release(const struct opt_group *g, void *base)
{
	const struct opt_row *row;

	for (; g->row; g++)
		for (row = g->row; row->type != OPT_END; row++)
			if (row->type == OPT_LIST)
				strv_release((struct strv *)(void *)
					((char *)base + g->at + row->at));
}
