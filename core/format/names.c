/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/dict.h"
#include "format/digits.h"
#include "format/entry.h"
#include "format/node.h"

#define PLAIN 0x00		/* in a shape: a number */
#define PADDED '/'		/* and one with leading zeroes */
#define DIGITS_MIN 2
#define DIGITS_MAX 18

static_assert(COLUMN_ROWS == NODE_MAX_ENTRIES, "a column is as long as a node");

#define TRY_SHAPES 8		/* before a name is split */
#define COPY_BYTES 16		/* texts are copied by so many at once */

/* A shape taken apart: text, number, text, number, ... text. */
struct shape {
	uint8_t p[ENTRY_NAME_MAX + COPY_BYTES];
	uint8_t len, fields;
	uint8_t width[NAMES_FIELDS];		/* 0: plain */
	uint8_t text[NAMES_FIELDS + 1];		/* where in p */
	uint8_t text_len[NAMES_FIELDS + 1];
};
struct names_work {
	struct dict dict;
	uint16_t at[COLUMN_ROWS];
	uint8_t of[COLUMN_ROWS];		/* the shape of each name */
	uint8_t all, some;			/* numbers that they have */
	struct shape shape[COLUMN_ROWS];
};

static bool is_digit(unsigned c)
{
	return c - '0' <= 9;
}

static bool is_hex_letter(unsigned c)
{
	return (c | 0x20) - 'a' <= 5;
}

/* Are the digits s[from..to) a number of the name or shape s? */
static bool is_number(const uint8_t *s, size_t len, size_t from, size_t to)
{
	if (to - from < DIGITS_MIN || to - from > DIGITS_MAX)
		return false;
	if (from > 0 && is_hex_letter(s[from - 1]))
		return false;
	return to == len || !is_hex_letter(s[to]);
}

static void shape_end_text(struct shape *s)
{
	s->text_len[s->fields] = (uint8_t)(s->len - s->text[s->fields]);
}

/* Split a name; its numbers go to v.  False: it has bytes that no name has. */
static bool shape_split(struct shape *s, uint64_t v[NAMES_FIELDS],
	const uint8_t *name, size_t len)
{
	size_t i = 0, to;
	uint64_t value;

	s->len = s->fields = 0;
	s->text[0] = 0;
	while (i < len) {
		if (!is_digit(name[i])) {
			if (name[i] == '\0' || name[i] == '/')
				return false;
			s->p[s->len++] = name[i++];
			continue;
		}
		to = i + digits_get(name + i, len - i, &value);
		if (s->fields == NAMES_FIELDS || !is_number(name, len, i, to)) {
			memcpy(s->p + s->len, name + i, to - i);
			s->len = (uint8_t)(s->len + (to - i));
			i = to;
			continue;
		}
		shape_end_text(s);
		s->width[s->fields] = name[i] == '0' ? (uint8_t)(to - i) : 0;
		s->p[s->len++] = name[i] == '0' ? PADDED : PLAIN;
		if (name[i] == '0')
			s->p[s->len++] = (uint8_t)(to - i);
		v[s->fields++] = value;
		s->text[s->fields] = s->len;
		i = to;
	}
	shape_end_text(s);
	return true;
}

static bool text_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (len > 8)
		return memcmp(a, b, len) == 0;
	while (len > 0 && *a == *b) {
		a++;
		b++;
		len--;
	}
	return len == 0;
}

/* Has the name this shape, but for its last text?  Most have that of the one
 * before, and this is faster than splitting them.  Returns the last text, or
 * NULL. */
static const uint8_t *shape_match(const struct shape *s,
	uint64_t v[NAMES_FIELDS], const uint8_t *name, size_t len)
{
	const uint8_t *p = name, *end = name + len;
	unsigned i, n;

	for (i = 0; i < s->fields; i++) {
		n = s->text_len[i];
		if (n > (size_t)(end - p) ||
		    !text_equal(p, s->p + s->text[i], n))
			return NULL;
		p += n;
		n = (unsigned)digits_get(p, (size_t)(end - p), &v[i]);
		if (n < DIGITS_MIN || n > DIGITS_MAX ||
		    s->width[i] != (*p == '0' ? n : 0))
			return NULL;
		p += n;
	}
	return p;
}

/* Are a and b the same up to their last text? */
static bool shape_alike(const struct shape *a, const struct shape *b)
{
	unsigned n = a->text[a->fields];

	return a->fields == b->fields && b->text[b->fields] == n &&
		memcmp(a->p, b->p, n) == 0;
}

/* One of the first shapes that the name has, or none: w->dict.n.  'last' is
 * the shape of the name before. */
static unsigned match_known(const struct names_work *w, unsigned last,
	uint64_t v[NAMES_FIELDS], const struct names_name *name)
{
	const struct shape *s = &w->shape[last];
	const uint8_t *tail = shape_match(s, v, name->p, name->len);
	unsigned i, n;

	if (!tail)
		return w->dict.n;
	n = (unsigned)(name->p + name->len - tail);
	if (n == s->text_len[s->fields] &&
	    text_equal(tail, s->p + s->text[s->fields], n))
		return last;
	for (i = 0; i < w->dict.n && i < TRY_SHAPES; i++) {
		s = &w->shape[i];
		if (n == s->text_len[s->fields] &&
		    text_equal(tail, s->p + s->text[s->fields], n) &&
		    shape_alike(s, &w->shape[last]))
			return i;
	}
	return w->dict.n;
}

/*
 * Take a stored shape apart.  False: no name has it.  Its digits must be none
 * that is_number() accepts, and a number must not touch digits, hexadecimal
 * letters or another number.
 */
static bool shape_parse(struct shape *s)
{
	size_t i = 0, to, len = s->len;
	const uint8_t *p = s->p;

	s->fields = 0;
	s->text[0] = 0;
	while (i < len) {
		if (p[i] == PLAIN || p[i] == PADDED) {
			to = i + (p[i] == PLAIN ? 1 : 2);
			if (s->fields == NAMES_FIELDS || to > len)
				return false;
			s->width[s->fields] = p[i] == PLAIN ? 0 : p[i + 1];
			if (p[i] == PADDED && (p[i + 1] < DIGITS_MIN ||
					       p[i + 1] > DIGITS_MAX))
				return false;
			if (i > 0 && (is_hex_letter(p[i - 1]) ||
				      (s->fields > 0 &&
				       s->text[s->fields] == i)))
				return false;
			if (to < len && (is_digit(p[to]) ||
					 is_hex_letter(p[to])))
				return false;
			s->text_len[s->fields] =
				(uint8_t)(i - s->text[s->fields]);
			s->text[++s->fields] = (uint8_t)to;
			i = to;
		} else if (is_digit(p[i])) {
			for (to = i + 1; to < len && is_digit(p[to]); to++)
				;
			if (s->fields < NAMES_FIELDS &&
			    is_number(p, len, i, to))
				return false;
			if (to < len && (p[to] == PLAIN || p[to] == PADDED))
				return false;
			i = to;
		} else {
			i++;
		}
	}
	shape_end_text(s);
	return true;
}

static unsigned shared_bytes(const struct shape *a, const struct shape *b)
{
	unsigned n = 0;

	while (n < a->len && n < b->len && a->p[n] == b->p[n])
		n++;
	return n;
}

/* The columns' rows: names with more than 'field' numbers. */
static void field_rows(struct column_rows *rows, struct names_work *w,
	unsigned n, unsigned field)
{
	unsigned i;

	rows->m = n;
	rows->at = NULL;
	if (field < w->all)
		return;
	rows->m = 0;
	rows->at = w->at;
	for (i = 0; i < n; i++)
		if (w->shape[w->of[i]].fields > field)
			w->at[rows->m++] = (uint16_t)i;
}

static void count_fields(struct names_work *w, unsigned shapes)
{
	unsigned i;

	w->all = NAMES_FIELDS;
	w->some = 0;
	for (i = 0; i < shapes; i++) {
		if (w->shape[i].fields < w->all)
			w->all = w->shape[i].fields;
		if (w->shape[i].fields > w->some)
			w->some = w->shape[i].fields;
	}
}

/* What of a name no shape tells. */
static bool name_follows(const struct names_name *name, unsigned i)
{
	const struct names_name *now = &name[i], *last = now - 1;

	if (now->len == 0 || now->len > ENTRY_NAME_MAX ||
	    (now->len <= 2 && !node_name_ok(now->p, now->len)))
		return false;
	return i == 0 ||
		node_name_cmp(last->p, last->len, now->p, now->len) < 0;
}

/* Find or add every name's shape; index[i] becomes what is stored.  Returns
 * the number of names that can be stored. */
static unsigned put_shapes(struct names_work *w, struct column_tab *t,
	uint8_t *index, const struct names_name *name, unsigned n)
{
	uint64_t v[NAMES_FIELDS];
	unsigned i, k, s = 0, place;
	struct shape *new;

	for (i = 0; i < n; i++) {
		if (!name_follows(name, i))
			return i;
		s = i ? match_known(w, s, v, &name[i]) : 0;
		index[i] = (uint8_t)(s + 1);
		if (s == w->dict.n) {
			new = &w->shape[w->dict.n];
			if (!shape_split(new, v, name[i].p, name[i].len))
				return i;
			s = dict_find(&w->dict, new->p, new->len, &place);
			index[i] = (uint8_t)(s + 1);
			if (s == w->dict.n) {
				dict_add(&w->dict, new->p, new->len, place);
				index[i] = 0;
			}
		}
		w->of[i] = (uint8_t)s;
		for (k = 0; k < NAMES_FIELDS; k++)
			t->v[k][i] = k < w->shape[s].fields ? v[k] : 0;
	}
	count_fields(w, w->dict.n);
	return n;
}

/* The shapes that are new, what they share with the one before left out. */
static uint8_t *put_new_shapes(uint8_t *p, const struct names_work *w)
{
	unsigned i, shared[COLUMN_ROWS];

	for (i = 0; i < w->dict.n; i++) {
		shared[i] = i ? shared_bytes(&w->shape[i - 1], &w->shape[i])
			      : 0;
		*p++ = (uint8_t)shared[i];
	}
	for (i = 0; i < w->dict.n; i++)
		*p++ = (uint8_t)(w->shape[i].len - shared[i]);
	for (i = 0; i < w->dict.n; i++) {
		memcpy(p, w->shape[i].p + shared[i],
			w->shape[i].len - shared[i]);
		p += w->shape[i].len - shared[i];
	}
	return p;
}

static uint8_t *put_columns(uint8_t *p, struct names_work *w,
	struct column_tab *t, unsigned n)
{
	struct column_rows rows;
	unsigned field;

	for (field = 0; field < w->some; field++) {
		field_rows(&rows, w, n, field);
		p = column_put(p, t, &rows);
	}
	return p;
}

int names_put(uint8_t **p, struct column_tab *t,
	const struct names_name *name, unsigned n, struct err *e)
{
	struct names_work *w = mem_alloc(sizeof(*w));
	size_t total = 0;
	unsigned i;
	int rc = 0;

	if (!w)
		return err_nomem(e);
	BUG_ON(n == 0 || n > COLUMN_ROWS || t->n != 0);
	for (i = 0; i < n; i++)
		total += name[i].len;
	dict_init(&w->dict);
	*p = column_put_varint(*p, total);
	i = put_shapes(w, t, *p, name, n);
	if (i < n) {
		rc = err_set(e, ERR_CORRUPT, "'%.*s' cannot be stored: bad "
			"name, or names not in order", (int)name[i].len,
			(const char *)name[i].p);
		goto out;
	}
	*p = put_new_shapes(*p + n, w);
	*p = put_columns(*p, w, t, n);
out:
	free(w);
	return rc;
}

/* Index column and shapes. */
static void get_shapes(struct rd *r, struct names_work *w, unsigned n)
{
	const uint8_t *index = rd_bytes(r, n), *shared, *more, *p;
	unsigned i, s = 0, place;

	for (i = 0; i < n && index; i++) {
		if (index[i] > s)
			rd_fail(r);
		w->of[i] = (uint8_t)(index[i] ? index[i] - 1u : s++);
	}
	shared = rd_bytes(r, s);
	more = rd_bytes(r, s);
	for (i = 0; i < s && shared && more && !r->bad; i++) {
		struct shape *sh = &w->shape[i];

		p = rd_bytes(r, more[i]);
		if (!p || shared[i] + more[i] > ENTRY_NAME_MAX ||
		    shared[i] + more[i] == 0 ||
		    shared[i] > (i ? sh[-1].len : 0)) {
			rd_fail(r);
			return;
		}
		sh->len = (uint8_t)(shared[i] + more[i]);
		if (i)
			memcpy(sh->p, sh[-1].p, shared[i]);
		memcpy(sh->p + shared[i], p, more[i]);
		if (!shape_parse(sh) ||
		    (i && shared_bytes(&sh[-1], sh) != shared[i]) ||
		    dict_find(&w->dict, sh->p, sh->len, &place) != i) {
			rd_fail(r);
			return;
		}
		dict_add(&w->dict, sh->p, sh->len, place);
	}
	count_fields(w, s);
}

#define SLACK (ENTRY_NAME_MAX + NAMES_FIELDS * DIGITS_MAX + COPY_BYTES)
/* Room at p: SLACK.  NULL: a number that the shape does not have. */
static uint8_t *put_name(uint8_t *p, const struct shape *s,
	const struct column_tab *t, unsigned row)
{
	unsigned i, n;
	uint64_t v;

	for (i = 0;; i++) {
		const uint8_t *text = s->p + s->text[i];

		n = s->text_len[i];
		memcpy(p, text, COPY_BYTES);
		if (n > COPY_BYTES)
			memcpy(p, text, n);
		p += n;
		if (i == s->fields)
			return p;
		v = t->v[i][row];
		if (s->width[i]) {
			if (v >= digits_power(s->width[i] - 1u))
				return NULL;
			n = s->width[i];
		} else {
			if (v < digits_power(DIGITS_MIN - 1) ||
			    v >= digits_power(DIGITS_MAX))
				return NULL;
			n = digits_count(v);
		}
		p = digits_put(p, v, n);
	}
}

/* false: a name that cannot be, or not above the one before it. */
static bool get_names(uint8_t *p, size_t total, const struct names_work *w,
	const struct column_tab *t, struct names_name *name, unsigned n)
{
	uint8_t *end = p + total, *next;
	unsigned i;

	for (i = 0; i < n; i++) {
		next = put_name(p, &w->shape[w->of[i]], t, i);
		if (!next || next > end || next - p > ENTRY_NAME_MAX)
			return false;
		name[i].p = p;
		name[i].len = (uint16_t)(next - p);
		if (!name_follows(name, i))
			return false;
		p = next;
	}
	return p == end;
}

int names_get(struct rd *r, struct column_tab *t, struct names_name *name,
	unsigned n, uint8_t **block, struct err *e)
{
	struct names_work *w = mem_alloc(sizeof(*w));
	struct column_rows rows;
	unsigned field;
	size_t total;
	int rc = 0;

	*block = NULL;
	if (!w)
		return err_nomem(e);
	BUG_ON(n == 0 || n > COLUMN_ROWS || t->n != 0);
	dict_init(&w->dict);
	total = (size_t)rd_varint_max(r, (uint64_t)n * ENTRY_NAME_MAX);
	get_shapes(r, w, n);
	for (field = 0; field < w->some && !r->bad; field++) {
		field_rows(&rows, w, n, field);
		column_get(r, t, &rows, n);
	}
	if (r->bad)
		goto out;
	*block = mem_alloc(total + SLACK);
	if (!*block)
		rc = err_nomem(e);
	else if (!get_names(*block, total, w, t, name, n))
		rd_fail(r);
out:
	free(w);
	return rc;
}
