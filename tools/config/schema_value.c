/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/config/schema_bind.h"

static int wrong_kind(struct bind *b, const struct schema_row *row,
		      const struct item *it)
{
	if (row->type == SCHEMA_LIST || row->type == SCHEMA_FLAGS ||
	    row->type == SCHEMA_DAYS)
		return schema_bind_error(b, it, it->kind == ITEM_TEXT ?
					 "a list is wanted: put '- ' before "
					 "the value, in a line of its own, or "
					 "[ ] around it" :
					 "a list of single values is wanted");
	if (row->type == SCHEMA_PAIRS)
		return schema_bind_error(b, it, "keys with values are wanted "
					 "here ('key: value')");
	return schema_bind_error(b, it, "a single value is wanted, not a %s",
				 it->kind == ITEM_LIST ? "list" :
				 "mapping of keys and values");
}

bool schema_bind_bool(bool *on, const char *text)
{
	*on = !strcasecmp(text, "true") || !strcasecmp(text, "yes") ||
		!strcasecmp(text, "on");
	return *on || !strcasecmp(text, "false") || !strcasecmp(text, "no") ||
		!strcasecmp(text, "off");
}

static bool to_int(int64_t *v, const char *text)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	*v = n;
	return !errno && *end == 0 && end > text &&
		strchr("-+0123456789", *text) && end[-1] >= '0';
}

static int bind_int(struct bind *b, void *at, const struct schema_row *row,
		    const struct item *it)
{
	bool count = row->type == SCHEMA_COUNT;
	int64_t v;

	if (!to_int(&v, it->text))
		return schema_bind_error(b, it, "'%s' is no whole number%s",
					 it->text, count ? ": write one such "
					 "as 7, or -1 for all" : "");
	if (!count && (v < row->min || v > row->max))
		return schema_bind_error(b, it, "%s is not between %" PRId64
					 " and %" PRId64, it->text, row->min,
					 row->max);
	if (count && v < 0)
		v = CONFIG_COUNT_UNLIMITED;
	if (at)
		memcpy(at, &v, sizeof(v));
	return 0;
}

static int bind_num(struct bind *b, void *at, const struct schema_row *row,
		    const struct item *it)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(it->text, &end);
	if (errno || *end || end == it->text || !isfinite(v) ||
	    v < (double)row->min || v > (double)row->max)
		return schema_bind_error(b, it, "'%s' is no number between %"
					 PRId64 " and %" PRId64, it->text,
					 row->min, row->max);
	if (at)
		memcpy(at, &v, sizeof(v));
	return 0;
}

static int bind_octal(struct bind *b, void *at, const struct schema_row *row,
		      const struct item *it)
{
	const char *text = it->text;
	unsigned long v;
	char *end;
	unsigned u;

	if (!strncmp(text, "0o", 2))
		text += 2;
	v = strtoul(text, &end, 8);
	if (*text < '0' || *text > '7' || *end ||
	    v > (unsigned long)row->max)
		return schema_bind_error(b, it, "'%s' is no octal mode such "
					 "as 0077", it->text);
	u = (unsigned)v;
	if (at)
		memcpy(at, &u, sizeof(u));
	return 0;
}

/* Which of "one|two"; -1: none. */
static int word_index(const char *words, const char *text)
{
	size_t n, len = strlen(text);
	int i;

	for (i = 0; *words; i++) {
		n = strcspn(words, "|");
		if (n == len && !strncmp(words, text, n))
			return i;
		words += n + (words[n] == '|');
	}
	return -1;
}

/* "one, two, three"; 'mask' 0: all of them. */
static const char *word_list(char *out, size_t size, const char *words,
			     unsigned mask)
{
	size_t n, len = 0;
	int i;

	*out = 0;
	for (i = 0; *words; i++) {
		n = strcspn(words, "|");
		if (!mask || mask & 1u << i)
			len += (size_t)snprintf(out + len, size - len,
						"%s%.*s", len ? ", " : "",
						(int)n, words);
		if (len >= size)
			break;
		words += n + (words[n] == '|');
	}
	return out;
}

static int bind_word(struct bind *b, void *at, const struct schema_row *row,
		     const struct item *it)
{
	int i = word_index(row->words, it->text);
	char list[256];
	unsigned u;
	bool is;

	if (i < 0)
		return schema_bind_error(b, it, "'%s' is none of: %s",
					 it->text, word_list(list, sizeof(list),
							     row->words, 0));
	u = (unsigned)i + (unsigned)row->min;
	is = i == 1;
	if (at && row->type == SCHEMA_IS)
		memcpy(at, &is, sizeof(is));
	else if (at)
		memcpy(at, &u, sizeof(u));
	return 0;
}

static int bind_bool(struct bind *b, void *at, const struct schema_row *row,
		     const struct item *it)
{
	unsigned tri;
	bool on;

	if (!schema_bind_bool(&on, it->text))
		return schema_bind_error(b, it, "'%s' is neither true nor "
					 "false", it->text);
	tri = on ? CONFIG_YES : CONFIG_NO;
	if (at && row->type == SCHEMA_TRI)
		memcpy(at, &tri, sizeof(tri));
	else if (at)
		memcpy(at, &on, sizeof(on));
	return 0;
}

/* "2 weeks"; as borgmatic, a month is 30 days and a year 365. */
static int bind_time(struct bind *b, void *at, const struct item *it)
{
	static const struct { const char *unit; int64_t secs; } unit[] = {
		{ "second", 1 }, { "minute", 60 }, { "hour", 3600 },
		{ "day", 86400 }, { "week", 604800 }, { "month", 2592000 },
		{ "year", 31536000 },
	};
	const char *text = it->text;
	size_t i, n = strspn(text, "0123456789"), len;
	int64_t v = 1;

	if (!strcmp(text, "always")) {
		v = 0;
		goto out;
	}
	for (i = 0, v = 0; i < n && v < 1000000; i++)
		v = v * 10 + (text[i] - '0');
	text += n;
	text += strspn(text, " ");
	len = strlen(text);
	if (len > 1 && text[len - 1] == 's')
		len--;
	for (i = 0; i < sizeof(unit) / sizeof(*unit); i++)
		if (n > 0 && v > 0 && v < 1000000 &&
		    strlen(unit[i].unit) == len &&
		    !strncmp(unit[i].unit, text, len))
			break;
	if (i == sizeof(unit) / sizeof(*unit))
		return schema_bind_error(b, it, "'%s' is no time such as "
					 "'2 weeks': a number and seconds, "
					 "minutes, hours, days, weeks, months "
					 "or years; or always", it->text);
	v *= unit[i].secs;
out:
	if (at)
		memcpy(at, &v, sizeof(v));
	return 0;
}

static int day_mask(const char *word, unsigned *mask)
{
	static const char days[] = "Sunday|Monday|Tuesday|Wednesday|Thursday|"
		"Friday|Saturday";
	int i = word_index(days, word);

	if (!strcmp(word, "weekday"))
		*mask |= 0x3e;
	else if (!strcmp(word, "weekend"))
		*mask |= 0x41;
	else if (i >= 0)
		*mask |= 1u << i;
	else
		return -1;
	return 0;
}

static int bind_mask(struct bind *b, void *at, const struct schema_row *row,
		     const struct item *it)
{
	const struct item *one;
	unsigned mask = 0;
	char list[256];
	size_t i;
	int n;

	for (i = 0; i < it->n; i++) {
		one = it->v[i];
		if (one->kind != ITEM_TEXT)
			return wrong_kind(b, row, it);
		if (row->type == SCHEMA_DAYS) {
			if (day_mask(one->text, &mask) < 0)
				return schema_bind_error(b, one, "'%s' is no "
					"day: Monday ... Sunday, weekday or "
					"weekend", one->text);
			continue;
		}
		n = word_index(row->words, one->text);
		if (n < 0 || !(row->min & 1 << n))
			return schema_bind_error(b, one, "'%s' is none of: %s",
				one->text, word_list(list, sizeof(list),
						     row->words,
						     (unsigned)row->min));
		mask |= 1u << n;
	}
	if (at)
		memcpy(at, &mask, sizeof(mask));
	return 0;
}

static int judge(struct bind *b, const struct schema_row *row,
		 const struct item *it)
{
	struct err why;

	if (row->judge && row->judge(it->text, &why) < 0)
		return schema_bind_error(b, it, "%s", why.msg);
	return 0;
}

static int bind_list(struct bind *b, struct strv *at,
		     const struct schema_row *row, const struct item *it)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < it->n; i++) {
		if (it->v[i]->kind == ITEM_NULL)
			return schema_bind_error(b, it->v[i], "an empty "
						 "entry: take the '-' away, "
						 "or write something behind "
						 "it");
		if (it->v[i]->kind != ITEM_TEXT)
			return schema_bind_error(b, it->v[i], "a single value "
						 "is wanted; one with ': ' in "
						 "it must stand in quotes");
		rc = judge(b, row, it->v[i]);
		if (rc == 0 && at)
			rc = strv_add(at, it->v[i]->text, b->e);
	}
	return rc;
}

static int bind_pairs(struct bind *b, struct config_pairs *at,
		      const struct item *it)
{
	struct config_pair *grown;
	size_t i;

	for (i = 0; i < it->n; i++) {
		if (it->v[i]->kind != ITEM_TEXT)
			return schema_bind_error(b, it->v[i], "'%s' needs a "
						 "single value",
						 it->v[i]->key);
		if (!at)
			continue;
		grown = mem_resize(at->v, at->n + 1, sizeof(*grown));
		if (!grown)
			return err_nomem(b->e);
		at->v = grown;
		grown += at->n++;
		grown->name = mem_str(it->v[i]->key);
		grown->value = mem_str(it->v[i]->text);
		if (!grown->name || !grown->value)
			return err_nomem(b->e);
	}
	return 0;
}

/* The text at "systemd: systemd_creds_command", or the usual one. */
static const char *place(const struct bind *b, const char *key,
			 const char *sub, const char *usual)
{
	const struct item *it = item_get(b->root, key);

	it = it ? item_get(it, sub) : NULL;
	return it && it->kind == ITEM_TEXT ? it->text : usual;
}

static int bind_str(struct bind *b, void *at, const struct schema_row *row,
		    const struct item *it)
{
	struct subst_places p = {
		.secrets_directory = place(b, "container",
					   "secrets_directory",
					   "/run/secrets"),
		.encrypted_directory = place(b, "systemd",
					     "encrypted_credentials_directory",
					     "/etc/credstore.encrypted"),
		.systemd_creds = place(b, "systemd", "systemd_creds_command",
				       "systemd-creds")
	};
	char *s = NULL;
	struct err why;
	int rc = 0;

	if (b->resolve) {
		rc = subst_credential(&s, it, &p, &why);
		if (rc < 0)
			return err_set(b->e, (enum err_code)rc, "%s", why.msg);
	}
	if (!s && (rc = judge(b, row, it)) < 0)
		return rc;
	if (!at) {
		if (s)
			explicit_bzero(s, strlen(s));
		free(s);
		return 0;
	}
	if (!s && !(s = mem_str(it->text)))
		return err_nomem(b->e);
	memcpy(at, &s, sizeof(s));
	return 0;
}

int schema_bind_value(struct bind *b, void *at, const struct schema_row *row,
		      const struct item *it)
{
	enum item_kind want = ITEM_TEXT;

	if (row->type == SCHEMA_LIST || row->type == SCHEMA_FLAGS ||
	    row->type == SCHEMA_DAYS)
		want = ITEM_LIST;
	if (row->type == SCHEMA_PAIRS)
		want = ITEM_MAP;
	if (it->kind != want)
		return wrong_kind(b, row, it);
	switch (row->type) {
	case SCHEMA_STR:
		return bind_str(b, at, row, it);
	case SCHEMA_BOOL:
	case SCHEMA_TRI:
		return bind_bool(b, at, row, it);
	case SCHEMA_INT:
	case SCHEMA_COUNT:
		return bind_int(b, at, row, it);
	case SCHEMA_NUM:
		return bind_num(b, at, row, it);
	case SCHEMA_OCTAL:
		return bind_octal(b, at, row, it);
	case SCHEMA_WORD:
	case SCHEMA_IS:
		return bind_word(b, at, row, it);
	case SCHEMA_FLAGS:
	case SCHEMA_DAYS:
		return bind_mask(b, at, row, it);
	case SCHEMA_TIME:
		return bind_time(b, at, it);
	case SCHEMA_LIST:
		return bind_list(b, at, row, it);
	case SCHEMA_PAIRS:
		return bind_pairs(b, at, it);
	case SCHEMA_OBJ:
	case SCHEMA_OBJS:
	case SCHEMA_END:
		break;
	}
	BUG_ON(true);
	return 0;
}
