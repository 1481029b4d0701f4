/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "tools/config/item_priv.h"

/* A line of the text, without its end. */
struct line {
	const char *p;
	size_t len;
	size_t indent;		/* spaces that it begins with */
	size_t key;		/* column behind these and behind "- " */
	bool blank;		/* or a comment */
};

static bool get_line(struct line *l, const char *text, size_t len, size_t n)
{
	const char *p = text, *end = text + len, *nl;

	for (; n > 0; n--) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			return false;
		p = nl + 1;
	}
	nl = memchr(p, '\n', (size_t)(end - p));
	l->p = p;
	l->len = (size_t)((nl ? nl : end) - p);
	for (l->indent = 0; l->indent < l->len && p[l->indent] == ' ';)
		l->indent++;
	l->key = l->indent;
	while (l->key + 1 < l->len && p[l->key] == '-' && p[l->key + 1] == ' ')
		for (l->key++; l->key < l->len && p[l->key] == ' ';)
			l->key++;
	l->blank = l->indent == l->len || p[l->indent] == '#' ||
		p[l->indent] == '\r';
	return p < end || n == 0;
}

/* The length of "key" if the line is "key: ..." behind its indentation. */
static size_t key_len(const struct line *l)
{
	size_t i = l->key;

	while (i < l->len && l->p[i] != ':' && l->p[i] != ' ')
		i++;
	return i < l->len && l->p[i] == ':' ? i - l->key : 0;
}

static struct item at_mark(const char *name, yaml_mark_t m)
{
	struct item it = { .file = name };

	it.line = (unsigned)m.line + 1;
	it.column = (unsigned)m.column + 1;
	return it;
}

/*
 *     - name: mailcow
 *         username: mailcow
 * as a well-known guide has it: deeper than the key that it belongs beside.
 */
static bool too_deep(const char *name, const char *text, size_t len,
		     size_t n, struct err *e)
{
	struct line bad, above, more;
	struct item at = { .file = name };
	size_t prev = n, last = n;
	char upto[64] = "";

	if (!get_line(&bad, text, len, n) || !key_len(&bad))
		return false;
	do {
		if (prev == 0 || !get_line(&above, text, len, --prev))
			return false;
	} while (above.blank);
	if (!key_len(&above) || bad.indent <= above.key)
		return false;
	while (get_line(&more, text, len, last + 1) && !more.blank &&
	       more.indent == bad.indent)
		last++;
	if (last > n)
		snprintf(upto, sizeof(upto), " (as lines %zu to %zu are)",
			 n + 1, last + 1);
	at.line = (unsigned)n + 1;
	at.column = (unsigned)bad.indent + 1;
	item_error(&at, e, "'%.*s:' is indented by %zu spaces%s, deeper than "
		   "'%.*s:' in line %zu, which it belongs beside: indent it by "
		   "%zu spaces", (int)key_len(&bad), bad.p + bad.key,
		   bad.indent, upto, (int)key_len(&above), above.p + above.key,
		   prev + 1, above.key);
	return true;
}

static int unstartable(const struct item *at, const struct line *l,
		       struct err *e)
{
	size_t col = at->column - 1;
	char c = col < l->len ? l->p[col] : 0;

	if (c == '\t')
		return item_error(at, e, "a tab: YAML is indented with spaces "
				  "only");
	if (c > ' ' && c < 0x7f)
		return item_error(at, e, "a value that begins with '%c' must "
				  "stand in quotes", c);
	return item_error(at, e, "a character that no value can begin with: "
			  "put the value in quotes");
}

static bool has(const char *s, const char *part)
{
	return s && strstr(s, part);
}

static int scanner(const char *name, const char *text, size_t len,
		   const yaml_parser_t *y, struct err *e)
{
	struct item at = at_mark(name, y->problem_mark);
	struct item from = at_mark(name, y->context_mark);
	struct line l = { 0 };
	const char *why = y->problem;
	bool known = get_line(&l, text, len, y->problem_mark.line);

	if (has(why, "mapping values are not allowed")) {
		if (too_deep(name, text, len, y->problem_mark.line, e))
			return ERR_CONFIG;
		return item_error(&at, e, "a ':' where none can be: a value "
				  "with ': ' in it must stand in quotes");
	}
	if (known && (has(why, "cannot start any token") ||
		      has(why, "found a tab")))
		return unstartable(&at, &l, e);
	if (known && memchr(l.p, '\t', l.indent < l.len ? l.indent + 1 : 0))
		return item_error(&at, e, "a tab: YAML is indented with spaces "
				  "only");
	if (has(y->context, "scanning an alias") ||
	    has(y->context, "scanning an anchor"))
		return item_error(&from, e, "a value that begins with '%c' "
				  "must stand in quotes",
				  has(y->context, "alias") ? '*' : '&');
	if (has(why, "unexpected end of stream"))
		return item_error(&from, e, "the quote that is opened here is "
				  "never closed");
	if (has(why, "could not find expected ':'"))
		return item_error(&from, e, "a key without its ':', or text "
				  "that is not indented as what it belongs to");
	if (has(y->context, "scanning a directive"))
		return item_error(&from, e, "a value that begins with '%%' "
				  "must stand in quotes");
	return item_error(&at, e, "no valid YAML: %s%s%s: look at the "
			  "indentation and the quotes of this line and of the "
			  "one before", y->context ? y->context : "",
			  y->context ? ", " : "", why ? why : "unknown");
}

static int parser(const char *name, const yaml_parser_t *y, struct err *e)
{
	struct item at = at_mark(name, y->problem_mark);
	struct item from = at_mark(name, y->context_mark);

	if (has(y->problem, "did not find expected key"))
		return item_error(&at, e, "this line is not indented as those "
				  "it belongs to (which begin in line %u, with "
				  "%u spaces)", from.line, from.column - 1);
	if (has(y->problem, "did not find expected '-' indicator"))
		return item_error(&at, e, "an entry of the list that begins "
				  "in line %u must begin with '- ', in column "
				  "%u", from.line, from.column);
	if (has(y->problem, "did not find expected ',' or"))
		return item_error(&from, e, "the bracket that is opened here "
				  "is never closed, or a ',' is missing before "
				  "line %u, column %u", at.line, at.column);
	return item_error(&at, e, "no valid YAML: %s%s%s: look at the "
			  "indentation and the quotes of this line and of the "
			  "one before", y->context ? y->context : "",
			  y->context ? ", " : "",
			  y->problem ? y->problem : "unknown");
}

int item_explain(const char *name, const char *text, size_t len,
		 const yaml_parser_t *y, struct err *e)
{
	struct item at = { .file = name, .line = 1, .column = 1 };
	const char *p, *bad;

	switch ((int)y->error) {
	case YAML_MEMORY_ERROR:
		return err_nomem(e);
	case YAML_READER_ERROR:
		bad = text + (y->problem_offset < len ? y->problem_offset :
			      len);
		for (p = text; p < bad; p++) {
			at.column++;
			if (*p == '\n') {
				at.line++;
				at.column = 1;
			}
		}
		return item_error(&at, e, "no text in UTF-8: %s", y->problem ?
				  y->problem : "unknown");
	case YAML_SCANNER_ERROR:
		return scanner(name, text, len, y, e);
	default:
		return parser(name, y, e);
	}
}
