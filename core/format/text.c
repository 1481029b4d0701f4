/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/text.h"

#include <string.h>

#include "base/mem.h"

void text_put(struct wr *w, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	wr_varint(w, len);
	wr_bytes(w, s, len);
}

int text_get(struct rd *r, char **s, size_t max, struct err *e)
{
	size_t len = (size_t)rd_varint_max(r, max);
	const uint8_t *p = rd_bytes(r, len);

	*s = NULL;
	if (!p || memchr(p, '\0', len)) {
		rd_fail(r);
		return 0;
	}
	*s = mem_alloc(len + 1);
	if (!*s)
		return err_nomem(e);
	memcpy(*s, p, len);
	(*s)[len] = '\0';
	return 0;
}

void text_put_list(struct wr *w, const struct strv *v)
{
	size_t i;

	wr_varint(w, v->n);
	for (i = 0; i < v->n; i++)
		text_put(w, v->v[i]);
}

int text_get_list(struct rd *r, struct strv *v, size_t max_count, size_t max,
	struct err *e)
{
	uint64_t n = rd_varint_max(r, max_count);
	char *s;
	int rc;

	for (; n > 0 && !r->bad; n--) {
		if ((rc = text_get(r, &s, max, e)) < 0)
			return rc;
		if (s && (rc = strv_take(v, s, e)) < 0)
			return rc;
	}
	return 0;
}

bool text_fits(const char *s, size_t max)
{
	return !s || strlen(s) <= max;
}

bool text_list_fits(const struct strv *v, size_t max_count, size_t max)
{
	size_t i;

	if (v->n > max_count)
		return false;
	for (i = 0; i < v->n; i++)
		if (!text_fits(v->v[i], max))
			return false;
	return true;
}
