/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/subst.h"

#include <stdlib.h>
#include <string.h>

#include "tools/shlex.h"

#define TEXT_MAX (1u << 16)	/* of one value, after everything */

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz0123456789_"

static int append(struct buf *out, const char *s, size_t len,
		  const struct item *it, struct err *e)
{
	if (out->len + len > TEXT_MAX)
		return item_error(it, e, "the value is longer than %u bytes "
				  "with all that it stands for", TEXT_MAX);
	return buf_append(out, s, len, e);
}

/* At "${": how long a variable is, and its parts; 0: it is none. */
struct variable {
	char name[256];
	const char *value;	/* its default; NULL: it has none */
	size_t value_len;
};
static size_t parse_variable(const char *p, struct variable *v)
{
	size_t n = strspn(p + 2, NAME_CHARS);
	const char *at = p + 2 + n, *end;

	if (n == 0 || n >= sizeof(v->name))
		return 0;
	memcpy(v->name, p + 2, n);
	v->name[n] = 0;
	v->value = NULL;
	if (*at == '}')
		return (size_t)(at + 1 - p);
	at += *at == ':';
	if (*at != '-')
		return 0;
	end = strchr(++at, '}');
	if (!end)
		return 0;
	v->value = at;
	v->value_len = (size_t)(end - at);
	return (size_t)(end + 1 - p);
}

static int put_variable(struct buf *out, const struct item *it,
			const struct variable *v, struct err *e)
{
	const char *value = getenv(v->name);

	if (value)
		return append(out, value, strlen(value), it, e);
	if (v->value)
		return append(out, v->value, v->value_len, it, e);
	return item_error(it, e, "the environment has no variable '%s': set "
			  "it, write ${%s:-DEFAULT}, or \\${%s} if the text "
			  "itself is meant", v->name, v->name, v->name);
}

static int put_env(struct buf *out, const struct item *it, struct err *e)
{
	const char *p = it->text;
	struct variable v;
	size_t len, escaped;
	int rc = 0;

	while (rc == 0 && *p) {
		escaped = p[0] == '\\' && p[1] == '$';
		len = p[escaped] == '$' && p[escaped + 1] == '{' ?
			parse_variable(p + escaped, &v) : 0;
		if (len && escaped)
			rc = append(out, ++p, len, it, e);
		else if (len)
			rc = put_variable(out, it, &v, e);
		else
			rc = append(out, p, len = 1, it, e);
		p += len;
	}
	return rc;
}

/* The constant whose "{name}" begins at p. */
static const struct item *constant_at(const struct item *constants,
				      const char *p, const char *close,
				      size_t *len)
{
	size_t i, n;

	for (i = 0; i < constants->n; i++) {
		n = strlen(constants->v[i]->key);
		if (strncmp(p, constants->v[i]->key, n) != 0 ||
		    strncmp(p + n, close, strlen(close)) != 0)
			continue;
		*len = n + strlen(close);
		return constants->v[i];
	}
	return NULL;
}

static int put_constants(struct buf *out, const struct item *it,
			 const struct item *constants, bool shell,
			 struct err *e)
{
	const struct item *c;
	const char *p = it->text;
	struct buf quoted = BUF_INIT;
	size_t len;
	int rc = 0;

	while (rc == 0 && *p) {
		if (p[0] == '\\' && p[1] == '{' &&
		    (c = constant_at(constants, p + 2, "\\}", &len))) {
			rc = append(out, "{", 1, it, e);
			if (rc == 0)
				rc = append(out, c->key, strlen(c->key), it, e);
			if (rc == 0)
				rc = append(out, "}", 1, it, e);
			p += 2 + len;
		} else if (*p == '{' &&
			   (c = constant_at(constants, p + 1, "}", &len))) {
			buf_clear(&quoted);
			rc = shell ? shlex_quote(&quoted, c->text, e) :
				buf_append(&quoted, c->text, strlen(c->text),
					   e);
			if (rc == 0)
				rc = append(out, (char *)quoted.p, quoted.len,
					    it, e);
			p += 1 + len;
		} else {
			rc = append(out, p++, 1, it, e);
		}
	}
	buf_release(&quoted);
	return rc;
}

static int set_text(struct item *it, struct buf *out, int rc, struct err *e)
{
	if (rc == 0)
		rc = buf_cstr(out, e);
	if (rc == 0) {
		explicit_bzero(it->text, strlen(it->text));
		free(it->text);
		it->text = (char *)buf_take(out, NULL);
	}
	if (out->p)
		explicit_bzero(out->p, out->len);
	buf_release(out);
	return rc;
}

struct subst {
	const struct item *constants;	/* NULL: none */
	bool env;
};

static bool is_command(const char *key)
{
	return key && (!strcmp(key, "commands") || !strcmp(key, "on_error") ||
		       !strncmp(key, "before_", 7) ||
		       !strncmp(key, "after_", 6));
}

static int apply(struct item *it, const struct subst *s, bool shell,
		 struct err *e)
{
	struct buf out = BUF_INIT;
	size_t i;
	int rc = 0;

	shell = shell || is_command(it->key);
	if (it->kind == ITEM_TEXT && s->constants && it != s->constants &&
	    strchr(it->text, '{'))
		rc = set_text(it, &out, put_constants(&out, it, s->constants,
						      shell, e), e);
	if (rc == 0 && it->kind == ITEM_TEXT && s->env &&
	    strstr(it->text, "${")) {
		rc = set_text(it, &out, put_env(&out, it, e), e);
		it->outside = true;
	}
	for (i = 0; rc == 0 && i < it->n; i++)
		rc = apply(it->v[i], s, shell, e);
	return rc;
}

int subst_apply(struct item *root, bool env, struct err *e)
{
	struct item *constants = item_detach(root, "constants");
	struct subst s = { .env = env };
	size_t i;
	int rc = 0;

	if (constants && constants->kind != ITEM_MAP)
		rc = item_error(constants, e, "constants: a mapping of names "
				"and values is wanted");
	for (i = 0; rc == 0 && constants && i < constants->n; i++)
		if (constants->v[i]->kind != ITEM_TEXT)
			rc = item_error(constants->v[i], e, "constants.%s: "
					"a single value is wanted",
					constants->v[i]->key);
	s.constants = constants;
	if (rc == 0)
		rc = apply(root, &s, false, e);
	item_free(constants);
	return rc;
}
