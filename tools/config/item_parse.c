/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/item.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "tools/config/item_priv.h"

/* Item by its anchor, for aliases. */
struct anchor {
	char *name;
	struct item *item;	/* a copy: a merge may change the first one */
};
struct parse {
	yaml_parser_t yaml;
	const char *name, *text;
	size_t len, count;
	unsigned depth;
	struct anchor *anchor;
	size_t nanchor, cap;
	struct err *e;
};

static struct item here(const struct parse *p, const yaml_mark_t *m)
{
	struct item it = { .file = p->name };

	it.line = (unsigned)m->line + 1;
	it.column = (unsigned)m->column + 1;
	return it;
}

static int next_event(struct parse *p, yaml_event_t *ev)
{
	if (!yaml_parser_parse(&p->yaml, ev))
		return item_explain(p->name, p->text, p->len, &p->yaml, p->e);
	return 0;
}

static int set_tag(struct item *it, const yaml_char_t *tag, struct err *e)
{
	const char *t = (const char *)tag;

	if (!t)
		return 0;
	if (!strcmp(t, "!include"))
		it->tag = ITEM_INCLUDE;
	else if (!strcmp(t, "!retain"))
		it->tag = ITEM_RETAIN;
	else if (!strcmp(t, "!omit"))
		it->tag = ITEM_OMIT;
	else if (t[0] == '!' || !strcmp(t, "tag:yaml.org,2002:binary"))
		return item_error(it, e, "'%s' is no tag that is known here: "
				  "!include, !retain and !omit are", t);
	if (it->tag == ITEM_RETAIN && it->kind != ITEM_LIST &&
	    it->kind != ITEM_MAP)
		return item_error(it, e, "!retain is for lists and mappings; "
				  "a single value replaces an included one "
				  "without it");
	if (it->tag == ITEM_OMIT && it->kind != ITEM_TEXT)
		return item_error(it, e, "!omit is for the single values of a "
				  "list");
	return 0;
}

static bool is_null(const char *s, size_t len)
{
	return len == 0 || (len == 1 && *s == '~') ||
		(len == 4 && (!memcmp(s, "null", 4) || !memcmp(s, "Null", 4) ||
			      !memcmp(s, "NULL", 4)));
}

static int new_item(struct parse *p, const yaml_event_t *ev,
		    enum item_kind kind, const yaml_char_t *tag,
		    struct item **out)
{
	struct item at = here(p, &ev->start_mark);

	if (++p->count > ITEM_COUNT_MAX)
		return item_error(&at, p->e, "more than %u values, counting "
				  "what aliases repeat", ITEM_COUNT_MAX);
	*out = item_new(kind, &at);
	if (!*out)
		return err_nomem(p->e);
	return set_tag(*out, tag, p->e);
}

static int scalar(struct parse *p, const yaml_event_t *ev, struct item **out)
{
	const char *s = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	int rc;

	rc = new_item(p, ev, plain && is_null(s, len) ? ITEM_NULL : ITEM_TEXT,
		      ev->data.scalar.tag, out);
	if (rc < 0)
		return rc;
	if (memchr(s, 0, len))
		return item_error(*out, p->e, "a text with a zero byte in it");
	(*out)->quoted = !plain;
	(*out)->text = mem_str(s);
	return (*out)->text ? 0 : err_nomem(p->e);
}

static int keep_anchor(struct parse *p, const yaml_char_t *name,
		       const struct item *it)
{
	struct anchor *grown;
	size_t cap;

	if (!name)
		return 0;
	p->count += item_count(it);
	if (p->nanchor == p->cap) {
		cap = p->cap ? p->cap * 2 : 8;
		grown = mem_resize(p->anchor, cap, sizeof(*grown));
		if (!grown)
			return err_nomem(p->e);
		p->anchor = grown;
		p->cap = cap;
	}
	p->anchor[p->nanchor].name = mem_str((const char *)name);
	p->anchor[p->nanchor].item = item_copy(it);
	p->nanchor++;
	if (!p->anchor[p->nanchor - 1].name || !p->anchor[p->nanchor - 1].item)
		return err_nomem(p->e);
	return 0;
}

static int alias(struct parse *p, const yaml_event_t *ev, struct item **out)
{
	const char *name = (const char *)ev->data.alias.anchor;
	struct item at = here(p, &ev->start_mark);
	size_t i;

	for (i = p->nanchor; i > 0; i--) {
		if (strcmp(p->anchor[i - 1].name, name) != 0)
			continue;
		p->count += item_count(p->anchor[i - 1].item);
		if (p->count > ITEM_COUNT_MAX)
			return item_error(&at, p->e, "more than %u values, "
					  "counting what aliases like '*%s' "
					  "repeat", ITEM_COUNT_MAX, name);
		*out = item_copy(p->anchor[i - 1].item);
		if (!*out)
			return err_nomem(p->e);
		(*out)->line = at.line;
		(*out)->column = at.column;
		return 0;
	}
	return item_error(&at, p->e, "'*%s' repeats something, but nothing "
			  "before it is marked with '&%s'", name, name);
}

static int value(struct parse *p, yaml_event_t *ev, struct item **out);

static int list(struct parse *p, struct item *it)
{
	struct item *child;
	yaml_event_t ev;
	int rc;

	for (;;) {
		if ((rc = next_event(p, &ev)) < 0)
			return rc;
		if (ev.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&ev);
			return 0;
		}
		child = NULL;
		rc = value(p, &ev, &child);
		if (rc < 0) {
			item_free(child);
			return rc;
		}
		if ((rc = item_add(it, child, NULL, p->e)) < 0)
			return rc;
	}
}

static int new_key(struct parse *p, const struct item *map, yaml_event_t *ev,
		   struct item *at, char **key)
{
	const struct item *old;
	int rc = 0;

	*at = here(p, &ev->start_mark);
	*key = NULL;
	if (ev->type != YAML_SCALAR_EVENT) {
		rc = item_error(at, p->e, "a key is a name, not a list, "
				"mapping or alias");
	} else if (memchr(ev->data.scalar.value, 0, ev->data.scalar.length)) {
		rc = item_error(at, p->e, "a key with a zero byte in it");
	} else {
		*key = mem_str((const char *)ev->data.scalar.value);
		if (!*key)
			rc = err_nomem(p->e);
	}
	yaml_event_delete(ev);
	if (rc == 0 && map->n >= ITEM_KEYS_MAX)
		rc = item_error(at, p->e, "more than %u keys in one mapping",
				ITEM_KEYS_MAX);
	if (rc == 0 && (old = item_get(map, *key))) {
		if (!strcmp(*key, "<<"))
			rc = item_error(at, p->e, "'<<' stands here for the "
					"second time, after line %u: write "
					"'<<: [one, other]'", old->key_line);
		else
			rc = item_error(at, p->e, "'%s' stands here for the "
					"second time, after line %u: keep one "
					"of them", *key, old->key_line);
	}
	return rc;
}

static int map(struct parse *p, struct item *it)
{
	struct item *child, at;
	char *key = NULL;
	yaml_event_t ev;
	int rc;

	for (;;) {
		child = NULL;
		if ((rc = next_event(p, &ev)) < 0)
			break;
		if (ev.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&ev);
			break;
		}
		if ((rc = new_key(p, it, &ev, &at, &key)) < 0 ||
		    (rc = next_event(p, &ev)) < 0 ||
		    (rc = value(p, &ev, &child)) < 0)
			break;
		child->key_line = at.line;
		child->key_column = at.column;
		rc = item_add(it, child, key, p->e);
		child = NULL;
		if (rc < 0)
			break;
		free(key);
		key = NULL;
	}
	item_free(child);
	free(key);
	return rc;
}

/* Uses up the event. */
static int value(struct parse *p, yaml_event_t *ev, struct item **out)
{
	const yaml_char_t *anchor = NULL;
	int rc;

	*out = NULL;
	p->depth++;
	if (ev->type == YAML_ALIAS_EVENT) {
		rc = alias(p, ev, out);
	} else if (ev->type == YAML_SCALAR_EVENT) {
		anchor = ev->data.scalar.anchor;
		rc = scalar(p, ev, out);
	} else if (ev->type == YAML_SEQUENCE_START_EVENT) {
		anchor = ev->data.sequence_start.anchor;
		rc = new_item(p, ev, ITEM_LIST, ev->data.sequence_start.tag,
			      out);
	} else {
		BUG_ON(ev->type != YAML_MAPPING_START_EVENT);
		anchor = ev->data.mapping_start.anchor;
		rc = new_item(p, ev, ITEM_MAP, ev->data.mapping_start.tag, out);
	}
	if (rc == 0 && p->depth > ITEM_DEPTH_MAX)
		rc = item_error(*out, p->e, "nested deeper than %u levels",
				ITEM_DEPTH_MAX);
	if (rc == 0 && ev->type == YAML_SEQUENCE_START_EVENT)
		rc = list(p, *out);
	else if (rc == 0 && ev->type == YAML_MAPPING_START_EVENT)
		rc = map(p, *out);
	if (rc == 0)
		rc = keep_anchor(p, anchor, *out);
	p->depth--;
	yaml_event_delete(ev);
	return rc;
}

/* Until the document's end, or that of an empty stream. */
static int document(struct parse *p, struct item **out)
{
	struct item at;
	yaml_event_t ev;
	bool seen = false, end;
	int rc;

	for (;;) {
		if ((rc = next_event(p, &ev)) < 0)
			return rc;
		switch ((int)ev.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
		case YAML_STREAM_END_EVENT:
			end = ev.type == YAML_STREAM_END_EVENT;
			yaml_event_delete(&ev);
			if (end)
				return 0;
			continue;
		case YAML_DOCUMENT_START_EVENT:
			at = here(p, &ev.start_mark);
			yaml_event_delete(&ev);
			if (seen)
				return item_error(&at, p->e, "a second "
						  "document begins here: a "
						  "configuration is one");
			seen = true;
			continue;
		default:
			if ((rc = value(p, &ev, out)) < 0)
				return rc;
		}
	}
}

int item_parse(struct item **out, const char *name, const char *text,
	       size_t len, struct err *e)
{
	struct parse p = { .name = name, .text = text, .len = len, .e = e };
	size_t i;
	int rc;

	*out = NULL;
	if (!yaml_parser_initialize(&p.yaml))
		return err_nomem(e);
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, len);
	rc = document(&p, out);
	if (rc < 0) {
		item_free(*out);
		*out = NULL;
	} else if (*out && (*out)->kind == ITEM_NULL && !(*out)->tag) {
		item_free(*out);
		*out = NULL;
	}
	for (i = 0; i < p.nanchor; i++) {
		free(p.anchor[i].name);
		item_free(p.anchor[i].item);
	}
	free(p.anchor);
	yaml_parser_delete(&p.yaml);
	return rc;
}
