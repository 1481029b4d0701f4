/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/idmap.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

struct idmap_row {
	uint32_t from, to;
	const char *name;
};
struct idmap {
	enum idmap_kind kind;
	uint32_t n;
	struct idmap_row row[];		/* sorted by 'from' */
};

#define IDMAP_SCRATCH_BYTES (64u << 10)	/* a group's members are in it, too */

static int idmap_cmp(const void *a, const void *b)
{
	const struct idmap_row *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

struct idmap *idmap_new(enum idmap_kind kind, const struct record_name *name,
			uint32_t n)
{
	size_t bytes = sizeof(struct idmap) +
		       (size_t)n * sizeof(struct idmap_row);
	struct idmap *m;
	size_t len;
	char *at;
	uint32_t i;

	for (i = 0; i < n; i++)
		bytes += strlen(name[i].name) + 1;
	m = mem_alloc(bytes);
	if (!m)
		return NULL;
	m->kind = kind;
	m->n = n;
	at = (char *)&m->row[n];
	for (i = 0; i < n; i++) {
		m->row[i] = (struct idmap_row){ name[i].id, name[i].id, at };
		len = strlen(name[i].name) + 1;
		memcpy(at, name[i].name, len);
		at += len;
	}
	qsort(m->row, n, sizeof(m->row[0]), idmap_cmp);
	return m;
}

static void idmap_resolve_user(struct idmap_row *row, char *scratch)
{
	struct passwd pw, *got = NULL;

	if (getpwnam_r(row->name, &pw, scratch, IDMAP_SCRATCH_BYTES, &got) ==
	    0 && got)
		row->to = pw.pw_uid;
}

static void idmap_resolve_group(struct idmap_row *row, char *scratch)
{
	struct group gr, *got = NULL;

	if (getgrnam_r(row->name, &gr, scratch, IDMAP_SCRATCH_BYTES, &got) ==
	    0 && got)
		row->to = gr.gr_gid;
}

void idmap_resolve(struct idmap *m)
{
	char *scratch = mem_alloc(IDMAP_SCRATCH_BYTES);
	uint32_t i;

	for (i = 0; scratch && i < m->n; i++) {
		if (m->kind == IDMAP_USERS)
			idmap_resolve_user(&m->row[i], scratch);
		else
			idmap_resolve_group(&m->row[i], scratch);
	}
	free(scratch);
}

uint32_t idmap_get(const struct idmap *m, uint32_t id)
{
	struct idmap_row key = { id, 0, NULL };
	const struct idmap_row *row;

	row = bsearch(&key, m->row, m->n, sizeof(key), idmap_cmp);
	return row ? row->to : id;
}

void idmap_free(struct idmap *m)
{
	free(m);
}
