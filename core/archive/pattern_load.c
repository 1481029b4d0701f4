/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <string.h>

#include "archive/pattern_priv.h"
#include "base/io.h"

/* Rules as text: option values, operands, lines of files. */

#define FILE_MAX_BYTES (64u << 20)
#define SPACE " \t\n\v\f\r"

static int add_text(struct pattern_set *s, const char *text,
		    enum pattern_style style, enum pattern_verdict verdict,
		    bool operand, struct err *e)
{
	struct pattern_rule *r;
	int rc = pattern_rule_new(&r, text, style, verdict, e);

	return rc < 0 ? rc : pattern_add_rule(s, r, operand, e);
}

int pattern_add_exclude(struct pattern_set *s, const char *text,
			struct err *e)
{
	return add_text(s, text, PATTERN_FM, PATTERN_EXCLUDE_TREE, false, e);
}

int pattern_add_path(struct pattern_set *s, const char *text, struct err *e)
{
	return add_text(s, text, PATTERN_PP, PATTERN_INCLUDE, true, e);
}

static int load_line(struct pattern_set *s, const char *line,
		     enum pattern_style *style, struct err *e)
{
	const char *rest = *line ? line + 1 : line;
	enum pattern_verdict verdict;

	rest += strspn(rest, SPACE);
	switch (*line) {
	case '+':
		verdict = PATTERN_INCLUDE;
		break;
	case '-':
		verdict = PATTERN_EXCLUDE;
		break;
	case '!':
		verdict = PATTERN_EXCLUDE_TREE;
		break;
	case 'R':
	case 'r':
	case 'P':
	case 'p':
		verdict = PATTERN_NONE;
		break;
	default:
		return err_set(e, ERR_CONFIG, "pattern line '%s' begins with "
			       "none of + - ! R P", line);
	}
	if (!*rest)
		return err_set(e, ERR_CONFIG,
			       "pattern line '%s' has nothing after '%c'",
			       line, *line);
	if (verdict != PATTERN_NONE)
		return add_text(s, rest, *style, verdict, false, e);
	if (*line == 'R' || *line == 'r')
		return strv_add(&s->roots, rest, e);
	if (strlen(rest) != 2 || !pattern_style_parse(style, rest))
		return err_set(e, ERR_CONFIG, "unknown pattern style '%s' "
			       "(fm, sh, re, pp, pf)", rest);
	return 0;
}

int pattern_add_line(struct pattern_set *s, const char *line, struct err *e)
{
	return load_line(s, line, &s->style, e);
}

/* The next line of *p, trimmed, ended in place; NULL: no more. */
static char *load_next(char **p, char *end)
{
	char *line = *p, *stop;

	if (line == end)
		return NULL;
	stop = memchr(line, '\n', (size_t)(end - line));
	*p = stop ? stop + 1 : end;
	if (!stop)
		stop = end;
	while (line < stop && memchr(SPACE, *line, sizeof(SPACE) - 1))
		line++;
	while (stop > line && memchr(SPACE, stop[-1], sizeof(SPACE) - 1))
		stop--;
	*stop = '\0';
	return line;
}

int pattern_add_file(struct pattern_set *s, const char *path, bool excludes,
		     struct err *e)
{
	struct buf b = { .max = FILE_MAX_BYTES };
	enum pattern_style style = PATTERN_SH;
	char *p, *end, *line;
	size_t number = 0;
	int rc = io_read_file(AT_FDCWD, path, &b, e);

	if (rc == 0 && b.len && memchr(b.p, '\0', b.len))
		rc = err_set(e, ERR_CONFIG, "'%s' is no text", path);
	if (rc == 0)
		rc = buf_cstr(&b, e);
	if (rc < 0)
		goto out;
	p = (char *)b.p;
	end = p + b.len;
	while (rc == 0 && (line = load_next(&p, end))) {
		number++;
		if (!*line || *line == '#')
			continue;
		rc = excludes ? pattern_add_exclude(s, line, e) :
			load_line(s, line, &style, e);
	}
	if (rc < 0)
		err_ctx(e, "%s, line %zu", path, number);
out:
	buf_release(&b);
	return rc;
}
