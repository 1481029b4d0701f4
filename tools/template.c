/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void template_init(struct template *t, const char *text)
{
	t->all = t->p = text;
}

static int unbalanced(const struct template *t, struct err *e)
{
	return err_set(e, ERR_CONFIG, "the braces in '%s' do not fit together "
		       "(a brace itself is written twice)", t->all);
}

static int next_key(struct template *t, struct template_part *part,
		    struct err *e)
{
	const char *end = strchr(t->p, '}'), *colon;
	size_t key_len, spec_len;

	if (!end)
		return unbalanced(t, e);
	colon = memchr(t->p, ':', (size_t)(end - t->p));
	key_len = (size_t)((colon ? colon : end) - t->p);
	spec_len = colon ? (size_t)(end - colon - 1) : 0;
	if (key_len >= sizeof(part->key) || spec_len >= sizeof(part->spec))
		return err_set(e, ERR_CONFIG, "'{%.*s}' in '%s' is too long",
			       (int)(end - t->p), t->p, t->all);
	memcpy(part->key, t->p, key_len);
	part->key[key_len] = 0;
	if (colon)
		memcpy(part->spec, colon + 1, spec_len);
	part->spec[spec_len] = 0;
	part->text = NULL;
	t->p = end + 1;
	return 1;
}

int template_next(struct template *t, struct template_part *part,
		  struct err *e)
{
	if (!*t->p)
		return 0;
	part->text = t->p;
	part->len = strcspn(t->p, "{}");
	if (part->len > 0) {
		t->p += part->len;
		return 1;
	}
	if (t->p[0] == t->p[1]) {
		part->len = 1;
		t->p += 2;
		return 1;
	}
	if (*t->p == '}')
		return unbalanced(t, e);
	t->p++;
	return next_key(t, part, e);
}

struct spec {
	char fill[5];		/* one character */
	char align;		/* < > ^ = or 0 */
	bool plus, comma;
	size_t width;
	bool has_precision;
	size_t precision;
	char type;
};

static size_t char_len(const char *p)
{
	size_t n = 1;

	while (((unsigned char)p[n] & 0xc0) == 0x80 && n < 4)
		n++;
	return n;
}

static size_t count_chars(const char *p, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += ((unsigned char)p[i] & 0xc0) != 0x80;
	return n;
}

static size_t get_number(const char **p)
{
	size_t v = 0;

	for (; **p >= '0' && **p <= '9' && v < 100000; (*p)++)
		v = v * 10 + (size_t)(**p - '0');
	return v;
}

static int parse_spec(struct spec *s, const struct template_part *part,
		      const char *types, struct err *e)
{
	const char *p = part->spec;
	size_t n = *p ? char_len(p) : 0;

	memset(s, 0, sizeof(*s));
	s->fill[0] = ' ';
	if (n && p[n] && strchr("<>^=", p[n])) {
		memcpy(s->fill, p, n);
		s->align = p[n];
		p += n + 1;
	} else if (*p && strchr("<>^=", *p)) {
		s->align = *p++;
	}
	if (*p == '+' || *p == '-' || *p == ' ')
		s->plus = *p++ == '+';
	if (*p == '0' && !s->align) {
		s->fill[0] = '0';
		s->align = '=';
		p++;
	}
	s->width = get_number(&p);
	if (*p == ',')
		s->comma = *p++ == ',';
	if (*p == '.') {
		p++;
		s->has_precision = true;
		s->precision = get_number(&p);
	}
	if (*p && strchr(types, *p))
		s->type = *p++;
	if (*p || s->width > 1000)
		return err_set(e, ERR_CONFIG,
			       "'{%s:%s}': this format cannot be used here",
			       part->key, part->spec);
	return 0;
}

static int put_fill(struct buf *out, const struct spec *s, size_t n,
		    struct err *e)
{
	int rc = 0;

	while (n-- > 0 && rc == 0)
		rc = buf_append(out, s->fill, strlen(s->fill), e);
	return rc;
}

static int put_padded(struct buf *out, const struct spec *s, const char *text,
		      size_t len, struct err *e)
{
	size_t have = count_chars(text, len);
	size_t pad = s->width > have ? s->width - have : 0, left = 0;
	size_t sign = s->align == '=' && len && strchr("+-", text[0]) ? 1 : 0;
	int rc;

	if (s->align == '>' || s->align == '=')
		left = pad;
	else if (s->align == '^')
		left = pad / 2;
	rc = buf_append(out, text, sign, e);
	if (rc == 0)
		rc = put_fill(out, s, left, e);
	if (rc == 0)
		rc = buf_append(out, text + sign, len - sign, e);
	return rc == 0 ? put_fill(out, s, pad - left, e) : rc;
}

int template_put_text(struct buf *out, const struct template_part *part,
		      const char *text, size_t len, struct err *e)
{
	struct spec s;
	size_t i, n = 0;
	int rc;

	if (!part->spec[0])
		return buf_append(out, text, len, e);
	if ((rc = parse_spec(&s, part, "s", e)) < 0)
		return rc;
	if (s.plus || s.comma)
		return err_set(e, ERR_CONFIG, "'{%s:%s}': this format is for "
			       "numbers", part->key, part->spec);
	if (s.has_precision)
		for (i = 0; i < len; i++) {
			n += ((unsigned char)text[i] & 0xc0) != 0x80;
			if (n > s.precision)
				len = i;
		}
	return put_padded(out, &s, text, len, e);
}

int template_put_number(struct buf *out, const struct template_part *part,
			int64_t v, struct err *e)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	char digits[32], text[64];
	size_t i, n, len = 0;
	struct spec s;
	int rc;

	if ((rc = parse_spec(&s, part, "dxo", e)) < 0)
		return rc;
	if (s.has_precision)
		return err_set(e, ERR_CONFIG, "'{%s:%s}': a number has no "
			       "precision", part->key, part->spec);
	if (!s.align)
		s.align = '>';
	n = (size_t)snprintf(digits, sizeof(digits),
			     s.type == 'x' ? "%" PRIx64 : s.type == 'o' ?
			     "%" PRIo64 : "%" PRIu64, u);
	if (v < 0)
		text[len++] = '-';
	else if (s.plus)
		text[len++] = '+';
	for (i = 0; i < n; i++) {
		if (s.comma && i > 0 && (n - i) % 3 == 0)
			text[len++] = ',';
		text[len++] = digits[i];
	}
	return put_padded(out, &s, text, len, e);
}
