/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/shlex.h"

#include <string.h>

/* What is inside quotes, from behind the opening one to behind the closing. */
static int quoted(struct buf *word, const char **p, struct err *e)
{
	char quote = *(*p)++;
	int rc = 0;

	for (; rc == 0 && **p && **p != quote; (*p)++) {
		if (quote == '"' && **p == '\\' && (*p)[1] &&
		    strchr("\"\\", (*p)[1]))
			(*p)++;
		rc = buf_append(word, *p, 1, e);
	}
	if (rc < 0)
		return rc;
	if (!**p)
		return err_set(e, ERR_CONFIG, "the command has a quote (%c) "
			       "that is not closed", quote);
	(*p)++;
	return 0;
}

static int next_word(struct buf *word, const char **p, struct err *e)
{
	int rc = 0;

	while (rc == 0 && **p && !strchr(" \t\r\n", **p)) {
		if (**p == '\'' || **p == '"') {
			rc = quoted(word, p, e);
			continue;
		}
		if (**p == '\\' && !*++(*p))
			return err_set(e, ERR_CONFIG, "the command ends in a "
				       "backslash");
		rc = buf_append(word, (*p)++, 1, e);
	}
	return rc < 0 ? rc : buf_cstr(word, e);
}

int shlex_split(struct strv *out, const char *text, struct err *e)
{
	struct buf word = BUF_INIT;
	size_t before = out->n;
	int rc = 0;

	for (;;) {
		text += strspn(text, " \t\r\n");
		if (rc < 0 || !*text)
			break;
		buf_clear(&word);
		rc = next_word(&word, &text, e);
		if (rc == 0)
			rc = strv_add(out, (const char *)word.p, e);
	}
	buf_release(&word);
	if (rc == 0 && out->n == before)
		rc = err_set(e, ERR_CONFIG, "the command is empty");
	return rc;
}

int shlex_quote(struct buf *out, const char *word, struct err *e)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";
	int rc;

	if (*word && !word[strspn(word, plain)])
		return buf_append(out, word, strlen(word), e);
	rc = buf_append(out, "'", 1, e);
	for (; rc == 0 && *word; word++)
		rc = *word == '\'' ? buf_append(out, "'\"'\"'", 5, e) :
			buf_append(out, word, 1, e);
	return rc == 0 ? buf_append(out, "'", 1, e) : rc;
}
