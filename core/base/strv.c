/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/strv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int strv_take(struct strv *s, char *str, struct err *e)
{
	char **v;

	if (!str)
		return err_nomem(e);
	if (s->n + 1 >= s->cap) {
		v = mem_resize(s->v, s->cap ? s->cap * 2 : 8, sizeof(*v));
		if (!v) {
			free(str);
			return err_nomem(e);
		}
		s->v = v;
		s->cap = s->cap ? s->cap * 2 : 8;
	}
	s->v[s->n++] = str;
	s->v[s->n] = NULL;
	return 0;
}

int strv_add(struct strv *s, const char *str, struct err *e)
{
	return strv_take(s, mem_str(str), e);
}

ptrdiff_t strv_find(const struct strv *s, const char *str)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->v[i], str) == 0)
			return (ptrdiff_t)i;
	return -1;
}

void strv_drop(struct strv *s, const char *str)
{
	ptrdiff_t i;

	while ((i = strv_find(s, str)) >= 0) {
		free(s->v[i]);
		memmove(s->v + i, s->v + i + 1,
			(s->n - (size_t)i) * sizeof(*s->v));
		s->n--;
	}
}

static int strv_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), strv_cmp);
}

void strv_release(struct strv *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct strv)STRV_INIT;
}
