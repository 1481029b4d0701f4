/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/item.h"

#include <string.h>
#include <strings.h>

static bool means_else(const char *s)
{
	static const char *const word[] = { "null", "true", "false", "yes",
		"no", "on", "off", "y", "n", "~" };
	size_t i;

	for (i = 0; i < sizeof(word) / sizeof(*word); i++)
		if (!strcasecmp(s, word[i]))
			return true;
	return !s[strspn(s, "0123456789+-._eExobBaAcCdDfF:")];
}

/* Characters beyond ASCII that end lines, or that no text may begin with. */
static const struct {
	const char *bytes, *escape;
} odd[] = {
	{ "\xc2\x85", "\\N" }, { "\xe2\x80\xa8", "\\L" },
	{ "\xe2\x80\xa9", "\\P" }, { "\xef\xbb\xbf", "\\uFEFF" }
};

static const char *odd_at(const char *s, size_t *len)
{
	size_t i;

	for (i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		*len = strlen(odd[i].bytes);
		if (!strncmp(s, odd[i].bytes, *len))
			return odd[i].escape;
	}
	return NULL;
}

static bool has_control(const char *s)
{
	size_t len;

	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || odd_at(s, &len))
			return true;
	return false;
}

static bool needs_quotes(const struct item *it)
{
	const char *s = it->text;
	size_t len = strlen(s);

	if (len == 0 || strchr("-?:,[]{}#&*!|>'\"%@` \t", *s) ||
	    s[len - 1] == ' ' || s[len - 1] == ':' || strstr(s, ": ") ||
	    strstr(s, " #"))
		return true;
	if (it->quoted && means_else(s))
		return true;
	return has_control(s);
}

static int put(struct buf *out, const char *s, struct err *e)
{
	return buf_append(out, s, strlen(s), e);
}

static int double_quoted(struct buf *out, const char *s, struct err *e)
{
	int rc = put(out, "\"", e);
	const char *escape;
	size_t len;

	for (; rc == 0 && *s; s++) {
		escape = odd_at(s, &len);
		if (escape) {
			rc = put(out, escape, e);
			s += len - 1;
		} else if (*s == '"' || *s == '\\') {
			rc = buf_printf(out, e, "\\%c", *s);
		} else if (*s == '\n') {
			rc = put(out, "\\n", e);
		} else if ((unsigned char)*s < 0x20 || *s == 0x7f) {
			rc = buf_printf(out, e, "\\x%02x",
					(unsigned)(unsigned char)*s);
		} else {
			rc = buf_append(out, s, 1, e);
		}
	}
	return rc == 0 ? put(out, "\"", e) : rc;
}

int item_write_text(struct buf *out, const struct item *it, struct err *e)
{
	const char *s = it->text;
	int rc;

	if (!needs_quotes(it))
		return put(out, s, e);
	if (has_control(s))
		return double_quoted(out, s, e);
	rc = put(out, "'", e);
	for (; rc == 0 && *s; s++)
		rc = *s == '\'' ? put(out, "''", e) : buf_append(out, s, 1, e);
	return rc == 0 ? put(out, "'", e) : rc;
}

static int new_line(struct buf *out, unsigned column, struct err *e)
{
	return buf_printf(out, e, "\n%*s", (int)column, "");
}

static int write_key(struct buf *out, const struct item *it, struct err *e)
{
	struct item key = { .kind = ITEM_TEXT, .text = it->key,
		.quoted = true };
	int rc = item_write_text(out, &key, e);

	return rc == 0 ? put(out, ":", e) : rc;
}

static int write_at(struct buf *out, const struct item *it, unsigned column,
		    bool dash, struct err *e);

/* 'dash': "- " is before the first key. */
static int write_entries(struct buf *out, const struct item *it,
			 unsigned column, bool dash, struct err *e)
{
	bool map = it->kind == ITEM_MAP;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < it->n; i++) {
		rc = i == 0 && dash ? put(out, " ", e) :
			new_line(out, column, e);
		if (rc == 0)
			rc = map ? write_key(out, it->v[i], e) :
				put(out, "-", e);
		if (rc == 0)
			rc = write_at(out, it->v[i], column + (map ? 4 : 2),
				      !map, e);
	}
	return rc;
}

static int write_at(struct buf *out, const struct item *it, unsigned column,
		    bool dash, struct err *e)
{
	int rc;

	if (it->kind == ITEM_NULL)
		return 0;
	if (it->kind == ITEM_TEXT) {
		rc = put(out, " ", e);
		return rc == 0 ? item_write_text(out, it, e) : rc;
	}
	if (it->n == 0)
		return put(out, it->kind == ITEM_LIST ? " []" : " {}", e);
	return write_entries(out, it, column, dash && it->kind == ITEM_MAP, e);
}

int item_write(struct buf *out, const struct item *it, unsigned column,
	       struct err *e)
{
	return write_at(out, it, column, false, e);
}
