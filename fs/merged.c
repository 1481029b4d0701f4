/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/merged.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct merged *merged_new(void)
{
	return mem_zero(1, sizeof(struct merged));
}

static void merged_layer_release(struct merged_layer *l)
{
	union { const uint8_t *c; void *v; } u = { .c = l->dir.ref.data };

	if (l->dir.ref.kind == DIR_INLINE)
		free(u.v);
}

void merged_free(struct merged *md)
{
	size_t i;

	if (!md)
		return;
	for (i = 0; i < md->n_layers; i++)
		merged_layer_release(&md->layer[i]);
	free(md->layer);
	free(md->item);
	free(md->names);
	free(md->seen);
	free(md);
}

static bool merged_same(const struct merged_layer *l,
			const struct dir_layer *dir)
{
	const struct dir_ref *a = &l->dir.ref, *b = &dir->ref;

	if (a->kind != b->kind || l->dir.root != dir->root)
		return false;
	if (a->kind == DIR_INLINE)
		return a->data_len == b->data_len &&
		       memcmp(a->data, b->data, a->data_len) == 0;
	return a->kind == DIR_EMPTY ||
	       (a->level == b->level && oid_eq(&a->id, &b->id));
}

int merged_add(struct merged *md, struct arch *a, const struct dir_layer *dir,
	       struct err *e)
{
	size_t cap = md->cap_layers ? md->cap_layers * 2 : 4;
	struct merged_layer *l;

	if (md->n_layers &&
	    merged_same(&md->layer[md->n_layers - 1], dir)) {
		md->layer[md->n_layers - 1].arch = a;
		return 0;
	}
	if (md->n_layers == md->cap_layers) {
		l = mem_resize(md->layer, cap, sizeof(*l));
		if (!l)
			return err_nomem(e);
		md->layer = l;
		md->cap_layers = cap;
	}
	l = &md->layer[md->n_layers];
	*l = (struct merged_layer){ a, *dir };
	if (dir->ref.kind == DIR_INLINE) {
		l->dir.ref.data = mem_dup(dir->ref.data, dir->ref.data_len);
		if (!l->dir.ref.data)
			return err_nomem(e);
		md->bytes += dir->ref.data_len;
	}
	md->n_layers++;
	md->bytes += sizeof(*l);
	return 0;
}

uint64_t merged_place(const struct key *place, const void *name, size_t len)
{
	return key_siphash(place, name, len) & MERGED_PLACE_MAX;
}

static size_t merged_lower(const struct merged *md, uint64_t from)
{
	size_t low = 0, high = md->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (md->item[mid].place < from)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct merged_item *merged_find(const struct merged *md,
				      const struct key *place,
				      const void *name, size_t len)
{
	uint64_t want = merged_place(place, name, len);
	size_t i = merged_lower(md, want);

	for (; i < md->n && md->item[i].place == want; i++)
		if (md->item[i].name_len == len &&
		    memcmp(md->item[i].name, name, len) == 0)
			return &md->item[i];
	return NULL;
}

const struct merged_item *merged_next(const struct merged *md, uint64_t from)
{
	size_t i = merged_lower(md, from);

	return i < md->n ? &md->item[i] : NULL;
}

bool merged_is_dir(const struct merged_item *it)
{
	return it->n_dirs > 0 || it->regular;
}

/* Where the extension begins, as os.path.splitext has it: dots that the name
 * begins with are none. */
static size_t merged_stem(const uint8_t *name, size_t len)
{
	size_t lead = 0, at = len;

	while (lead < len && name[lead] == '.')
		lead++;
	while (at > lead && name[at - 1] != '.')
		at--;
	return at > lead ? at - 1 : len;
}

void merged_name(char out[ENTRY_NAME_MAX + 1], const struct merged_item *it,
		 uint32_t no)
{
	size_t stem = merged_stem(it->name, it->name_len), ext, n;
	char number[16];

	n = (size_t)snprintf(number, sizeof(number), ".%05u", no);
	ext = it->name_len - stem;
	if (ext > ENTRY_NAME_MAX / 2)
		ext = 0;		/* not what one calls an extension */
	if (ext == 0)
		stem = it->name_len;
	if (stem > ENTRY_NAME_MAX - n - ext)
		stem = ENTRY_NAME_MAX - n - ext;
	memcpy(out, it->name, stem);
	memcpy(out + stem, number, n);
	if (ext)
		memcpy(out + stem + n, it->name + it->name_len - ext, ext);
	out[stem + n + ext] = '\0';
}

uint32_t merged_version(const struct merged_item *it, const char *name)
{
	char own[ENTRY_NAME_MAX + 1];
	uint32_t no;

	for (no = 1; no <= it->n_versions; no++) {
		merged_name(own, it, no);
		if (strcmp(own, name) == 0)
			return no;
	}
	return 0;
}
