/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/item.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct item *item_new(enum item_kind kind, const struct item *like)
{
	struct item *it = mem_zero(1, sizeof(*it));

	if (!it)
		return NULL;
	it->kind = kind;
	if (like) {
		it->file = like->file;
		it->line = it->key_line = like->line;
		it->column = it->key_column = like->column;
	}
	return it;
}

struct item *item_new_text(const char *text, const struct item *like)
{
	struct item *it = item_new(ITEM_TEXT, like);

	if (!it)
		return NULL;
	it->text = mem_str(text);
	if (!it->text) {
		item_free(it);
		return NULL;
	}
	return it;
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void item_free(struct item *it)
{
	size_t i;

	if (!it)
		return;
	for (i = 0; i < it->n; i++)
		item_free(it->v[i]);
	wipe(it->text);
	free(it->key);
	free(it->v);
	free(it);
}

struct item *item_copy(const struct item *it)
{
	struct item *c = mem_dup(it, sizeof(*it));
	struct item *child;
	size_t i;

	if (!c)
		return NULL;
	c->key = c->text = NULL;
	c->v = NULL;
	c->n = c->cap = 0;
	if ((it->key && !(c->key = mem_str(it->key))) ||
	    (it->text && !(c->text = mem_str(it->text))))
		goto fail;
	for (i = 0; i < it->n; i++) {
		child = item_copy(it->v[i]);
		if (!child || item_add(c, child, NULL, NULL) < 0)
			goto fail;
	}
	return c;
fail:
	item_free(c);
	return NULL;
}

int item_add(struct item *it, struct item *child, const char *key,
	     struct err *e)
{
	struct item **grown;
	char *copy;
	size_t cap;

	if (key) {
		copy = mem_str(key);	/* 'key' may be the child's own */
		if (!copy)
			goto nomem;
		free(child->key);
		child->key = copy;
	}
	if (it->n == it->cap) {
		cap = it->cap ? it->cap * 2 : 4;
		grown = mem_resize(it->v, cap, sizeof(*grown));
		if (!grown)
			goto nomem;
		it->v = grown;
		it->cap = cap;
	}
	it->v[it->n++] = child;
	return 0;
nomem:
	item_free(child);
	return err_nomem(e);
}

static bool find(const struct item *it, const char *key, size_t *i)
{
	if (it->kind != ITEM_MAP)
		return false;
	for (*i = 0; *i < it->n; ++*i)
		if (!strcmp(it->v[*i]->key, key))
			return true;
	return false;
}

struct item *item_get(const struct item *it, const char *key)
{
	size_t i;

	return find(it, key, &i) ? it->v[i] : NULL;
}

struct item *item_detach(struct item *it, const char *key)
{
	struct item *child;
	size_t i;

	if (!find(it, key, &i))
		return NULL;
	child = it->v[i];
	it->n--;
	memmove(it->v + i, it->v + i + 1, (it->n - i) * sizeof(it->v[0]));
	return child;
}

void item_replace(struct item *it, size_t i, struct item *child)
{
	struct item *old = it->v[i];

	if (!child->key) {
		child->key = old->key;
		old->key = NULL;
		child->key_line = old->key_line;
		child->key_column = old->key_column;
	}
	it->v[i] = child;
	item_free(old);
}

bool item_equal(const struct item *a, const struct item *b)
{
	const struct item *other;
	size_t i;

	if (a->kind != b->kind || a->n != b->n)
		return false;
	if (a->kind == ITEM_TEXT)
		return !strcmp(a->text, b->text);
	for (i = 0; i < a->n; i++) {
		other = a->kind == ITEM_MAP ? item_get(b, a->v[i]->key) :
			b->v[i];
		if (!other || !item_equal(a->v[i], other))
			return false;
	}
	return true;
}

size_t item_count(const struct item *it)
{
	size_t n = 1, i;

	for (i = 0; i < it->n; i++)
		n += item_count(it->v[i]);
	return n;
}

static int error_at(const struct item *it, unsigned line, unsigned column,
		    struct err *e, const char *fmt, va_list ap)
	__attribute__((format(printf, 5, 0)));

static int error_at(const struct item *it, unsigned line, unsigned column,
		    struct err *e, const char *fmt, va_list ap)
{
	char words[ERR_MSG_BYTES];

	vsnprintf(words, sizeof(words), fmt, ap);
	if (!line)
		return err_set(e, ERR_CONFIG, "%s: %s",
			       it->file ? it->file : "configuration", words);
	return err_set(e, ERR_CONFIG, "%s, line %u, column %u: %s", it->file,
		       line, column, words);
}

int item_error(const struct item *it, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = error_at(it, it->line, it->column, e, fmt, ap);
	va_end(ap);
	return rc;
}

int item_key_error(const struct item *it, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	if (it->key_line)
		rc = error_at(it, it->key_line, it->key_column, e, fmt, ap);
	else
		rc = error_at(it, it->line, it->column, e, fmt, ap);
	va_end(ap);
	return rc;
}
