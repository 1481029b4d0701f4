/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tools/config/config.h"
#include "tools/placeholder.h"

#define AT(member) offsetof(struct pick_args, member)
const struct opt_row pick_rows[] = {
	{ OPT_LIST, 'a', "glob-archives|match-archives", AT(match), "PATTERN",
	  "only archives whose name matches, like 'mail-*'; also re:REGEX, "
	  "id:NAME, host:HOST, user:USER, aid:ID", 0, NULL },
	{ OPT_STR, 'P', "prefix", AT(prefix), "PREFIX",
	  "only archives whose name begins like this", 0, NULL },
	{ OPT_STR, 0, "oldest", AT(oldest), "TIMESPAN",
	  "only the oldest, and what was made within this time after it",
	  0, NULL },
	{ OPT_STR, 0, "newest", AT(newest), "TIMESPAN",
	  "only the newest, and what was made within this time before it",
	  0, NULL },
	{ OPT_STR, 0, "older", AT(older), "TIMESPAN",
	  "only what is older than this, like 7d or 3m", 0, NULL },
	{ OPT_STR, 0, "newer", AT(newer), "TIMESPAN",
	  "only what is newer than this", 0, NULL },
	{ 0 }
};

const struct opt_row pick_order_rows[] = {
	{ OPT_STR, 0, "sort-by", AT(sort_by), "KEYS",
	  "timestamp, name, id, or several with commas", 0, NULL },
	{ OPT_COUNT, 0, "first", AT(first), "N", "only the first N", 0, NULL },
	{ OPT_COUNT, 0, "last", AT(last), "N", "only the last N", 0, NULL },
	{ 0 }
};

const struct opt_row pick_partial_rows[] = {
	{ OPT_BOOL, 0, "consider-checkpoints", AT(partial), NULL,
	  "partial archives, too", 0, NULL },
	{ 0 }
};

bool pick_given(const struct pick_args *p)
{
	return p->match.n || p->prefix || p->first || p->last || p->oldest ||
		p->newest || p->older || p->newer;
}

/* In a regular expression braces have a meaning of their own: only what is a
 * placeholder is replaced, and by a text that stands for itself. */
static int regex_expand(struct buf *out, const char *text, struct err *e)
{
	char *word, *value;
	const char *p;
	size_t len;
	int rc = 0;

	for (; rc == 0 && *text; text += len) {
		len = text[0] == '{' ? strcspn(text, "}") + 1 : 1;
		value = NULL;
		if (text[0] == '{' && text[1] >= 'a' && text[1] <= 'z' &&
		    text[len - 1] == '}') {
			word = mem_printf("%.*s", (int)len, text);
			if (!word)
				return err_nomem(e);
			if (placeholder_expand(&value, word, NULL) < 0)
				value = NULL;
			free(word);
		}
		if (!value)
			rc = buf_append(out, text, len = 1, e);
		for (p = value; rc == 0 && p && *p; p++)
			rc = buf_printf(out, e, "%s%c", (unsigned char)*p <
					0x80 && !isalnum((unsigned char)*p) ?
					"\\" : "", *p);
		free(value);
	}
	return rc;
}

static int expand(char **out, const char *text, struct err *e)
{
	const char *body = strncmp(text, "name:", 5) ? text : text + 5;
	struct buf b = BUF_INIT;
	int rc;

	if (strncmp(body, "re:", 3))
		return placeholder_expand(out, text, e);
	rc = regex_expand(&b, text, e);
	if (rc == 0)
		rc = buf_cstr(&b, e);
	if (rc == 0)
		*out = (char *)buf_take(&b, &(size_t){ 0 });
	buf_release(&b);
	return rc;
}

int pick_make(struct pick *p, const struct pick_args *a, struct err *e)
{
	char *text;
	size_t i;
	int rc = 0;

	memset(p, 0, sizeof(*p));
	for (i = 0; rc == 0 && i < a->match.n; i++) {
		rc = expand(&text, a->match.v[i], e);
		if (rc == 0)
			rc = strv_take(&p->match, text, e);
	}
	if (rc == 0 && a->prefix)
		rc = placeholder_expand(&p->prefix, a->prefix, e);
	p->o = (struct choice_opts){
		.match = &p->match, .prefix = p->prefix,
		.sort_by = a->sort_by, .oldest = a->oldest,
		.newest = a->newest, .older = a->older, .newer = a->newer,
		.first = a->first, .last = a->last, .partial = a->partial
	};
	return rc == 0 ? choice_check(&p->o, e) : rc;
}

void pick_release(struct pick *p)
{
	strv_release(&p->match);
	free(p->prefix);
	memset(p, 0, sizeof(*p));
}

int pick_run(struct choice *out, const struct catalog *c,
	     const struct pick_args *args, struct err *e)
{
	struct pick p;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = pick_make(&p, args, e);
	if (rc == 0)
		rc = choice_run(out, c, &p.o, e);
	pick_release(&p);
	return rc;
}

/* The length of a placeholder that differs from run to run, or 0. */
static size_t varying(const char *text)
{
	static const char *const key[] = { "now", "utcnow", "unixtime", "pid",
					   "uuid4" };
	size_t i, len;

	for (i = 0; *text == '{' && i < sizeof(key) / sizeof(key[0]); i++) {
		len = strlen(key[i]);
		if (strncmp(text + 1, key[i], len) ||
		    !strchr(":}", text[1 + len]))
			continue;
		len = strcspn(text, "}");
		return text[len] ? len + 1 : 0;
	}
	return 0;
}

int pick_glob_of_format(char **out, const char *format, struct err *e)
{
	struct buf b = BUF_INIT;
	size_t len;
	int rc = 0;

	*out = NULL;
	for (; rc == 0 && *format; format += len) {
		if (!strncmp(format, "{{", 2) || !strncmp(format, "}}", 2)) {
			rc = buf_append(&b, format, len = 2, e);
		} else if ((len = varying(format)) > 0) {
			rc = buf_append(&b, "*", 1, e);
		} else {
			rc = buf_append(&b, format, len = 1, e);
		}
	}
	if (rc == 0)
		rc = buf_cstr(&b, e);
	if (rc == 0 && !b.p)
		rc = err_nomem(e);
	if (rc == 0)
		*out = (char *)buf_take(&b, &(size_t){ 0 });
	buf_release(&b);
	return rc;
}

#define DEFAULT_FORMAT "{hostname}-{now:%Y-%m-%dT%H:%M:%S.%f}"

int pick_glob_of_config(char **out, const struct config *c, struct err *e)
{
	*out = NULL;
	if (c->match_archives && strcmp(c->match_archives, "*") != 0) {
		*out = mem_str(c->match_archives);
		return *out ? 0 : err_nomem(e);
	}
	if (c->match_archives || c->prefix)
		return 0;
	return pick_glob_of_format(out, c->archive_name_format ?
				   c->archive_name_format : DEFAULT_FORMAT, e);
}
