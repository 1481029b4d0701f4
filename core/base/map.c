/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool map_key_zero(const uint8_t key[16])
{
	static const uint8_t zero[16];

	return memcmp(key, zero, sizeof(zero)) == 0;
}

static bool map_vacant(const struct map_entry *t)
{
	return map_key_zero(t->key);
}

static struct map_entry *map_place(const struct map *m, const uint8_t key[16])
{
	uint64_t h;
	size_t i;

	memcpy(&h, key, sizeof(h));
	for (i = (size_t)h & (m->size - 1);; i = (i + 1) & (m->size - 1))
		if (map_vacant(&m->tab[i]) ||
		    memcmp(m->tab[i].key, key, 16) == 0)
			return &m->tab[i];
}

uint64_t *map_get(const struct map *m, const uint8_t key[16])
{
	struct map_entry *t;

	if (m->size == 0)
		return NULL;
	t = map_place(m, key);
	return map_vacant(t) ? NULL : &t->value;
}

static int map_grow(struct map *m, struct err *e)
{
	struct map bigger = { NULL, m->count, m->size ? m->size * 2 : 64 };
	size_t i;

	bigger.tab = mem_zero(bigger.size, sizeof(*bigger.tab));
	if (!bigger.tab)
		return err_nomem(e);
	for (i = 0; i < m->size; i++)
		if (!map_vacant(&m->tab[i]))
			*map_place(&bigger, m->tab[i].key) = m->tab[i];
	free(m->tab);
	*m = bigger;
	return 0;
}

int map_put(struct map *m, const uint8_t key[16], uint64_t **value, bool *was,
	    struct err *e)
{
	struct map_entry *t;
	int rc;

	if (map_key_zero(key))
		return err_set(e, ERR_CORRUPT, "an id of nothing but zeros");
	if (m->count >= m->size / 4 * 3 && (rc = map_grow(m, e)) < 0)
		return rc;
	t = map_place(m, key);
	*was = !map_vacant(t);
	if (!*was) {
		memcpy(t->key, key, 16);
		t->value = 0;
		m->count++;
	}
	*value = &t->value;
	return 0;
}

void map_clear(struct map *m)
{
	if (m->size)
		memset(m->tab, 0, m->size * sizeof(*m->tab));
	m->count = 0;
}

void map_release(struct map *m)
{
	free(m->tab);
	*m = (struct map)MAP_INIT;
}
