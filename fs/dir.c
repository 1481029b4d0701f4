/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/dir.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct dir *dir_new(const struct dir_layer *layer, unsigned n,
		    const uint8_t *name, uint16_t name_len)
{
	size_t bytes = sizeof(struct dir) + n * sizeof(*layer) + name_len;
	struct dir *d;
	uint8_t *at;
	unsigned i;

	for (i = 0; i < n; i++)
		if (layer[i].ref.kind == DIR_INLINE)
			bytes += layer[i].ref.data_len;
	d = mem_alloc(bytes);
	if (!d)
		return NULL;
	at = (uint8_t *)&d->layer[n];
	d->n = n;
	d->name = at;
	d->name_len = name_len;
	if (name_len)
		memcpy(at, name, name_len);
	at += name_len;
	for (i = 0; i < n; i++) {
		d->layer[i] = layer[i];
		if (layer[i].ref.kind != DIR_INLINE)
			continue;
		memcpy(at, layer[i].ref.data, layer[i].ref.data_len);
		d->layer[i].ref.data = at;
		at += layer[i].ref.data_len;
	}
	return d;
}

uint64_t dir_place(unsigned layer, uint64_t ordinal)
{
	return (uint64_t)layer << 56 | (ordinal & DIR_ORDINAL_MAX);
}

unsigned dir_place_layer(uint64_t place)
{
	return (unsigned)(place >> 56);
}

uint64_t dir_place_ordinal(uint64_t place)
{
	return place & DIR_ORDINAL_MAX;
}

void dir_hit_release(struct dir_hit *hit)
{
	tree_iter_release(&hit->it);
	memset(hit, 0, sizeof(*hit));
}

/* In one layer.  ERR_NOENT. */
static int dir_lookup_layer(const struct dir *d, unsigned layer,
			    const struct dir_reader *r, const void *name,
			    size_t len, struct dir_hit *hit, struct err *e)
{
	int rc;

	memset(hit, 0, sizeof(*hit));
	rc = tree_lookup(&hit->it, r->rd, &d->layer[layer].ref, name, len,
			 &hit->en, e);
	if (rc < 0)
		return rc;
	hit->place = dir_place(layer, hit->it.pos - 1);
	rc = r->wants ? r->wants(hit->place, hit->en, r->ctx, e) : 1;
	if (rc == 0)
		rc = err_set(e, ERR_NOENT, "it is not wanted");
	return rc < 0 ? rc : 0;
}

/* In the layers before 'end'. */
static int dir_lookup_before(const struct dir *d, unsigned end,
			     const struct dir_reader *r, const void *name,
			     size_t len, struct dir_hit *hit, struct err *e)
{
	unsigned i;
	int rc;

	memset(hit, 0, sizeof(*hit));
	for (i = 0; i < end; i++) {
		rc = dir_lookup_layer(d, i, r, name, len, hit, e);
		if (rc != ERR_NOENT)
			return rc;
		dir_hit_release(hit);
	}
	return err_set(e, ERR_NOENT, "there is no such entry");
}

int dir_lookup(const struct dir *d, const struct dir_reader *r,
	       const void *name, size_t len, struct dir_hit *hit,
	       struct err *e)
{
	return dir_lookup_before(d, d->n, r, name, len, hit, e);
}

int dir_hidden(const struct dir *d, const struct dir_reader *r,
	       uint64_t place, const struct entry *en, struct err *e)
{
	struct dir_hit hit;
	int rc;

	rc = dir_lookup_before(d, dir_place_layer(place), r, en->name,
			       en->name_len, &hit, e);
	dir_hit_release(&hit);
	if (rc != ERR_NOENT)
		return rc < 0 ? rc : 1;
	err_clear(e);
	return 0;
}

static int dir_child_merged(struct dir **out, const struct dir *d,
			    const struct dir_reader *r, uint64_t place,
			    const struct entry *en, struct err *e)
{
	unsigned i = dir_place_layer(place), n = 0;
	struct dir_hit *hit = mem_zero(d->n, sizeof(*hit));
	struct dir_layer *layer = mem_array(d->n, sizeof(*layer));
	int rc = 0;

	*out = NULL;
	if (!hit || !layer) {
		rc = err_nomem(e);
		goto out;
	}
	layer[n++] = (struct dir_layer){ en->dir, d->layer[i].root };
	for (i++; i < d->n; i++) {
		rc = dir_lookup_layer(d, i, r, en->name, en->name_len,
				      &hit[i], e);
		if (rc == ERR_NOENT) {
			err_clear(e);
			continue;
		}
		if (rc < 0)
			goto out;
		if (S_ISDIR(hit[i].en->mode))
			layer[n++] = (struct dir_layer){ hit[i].en->dir,
							 d->layer[i].root };
	}
	rc = 0;
	*out = dir_new(layer, n, en->name, en->name_len);
	if (!*out)
		rc = err_nomem(e);
out:
	for (i = 0; hit && i < d->n; i++)
		dir_hit_release(&hit[i]);
	free(hit);
	free(layer);
	return rc;
}

int dir_child(struct dir **out, const struct dir *d,
	      const struct dir_reader *r, uint64_t place,
	      const struct entry *en, struct err *e)
{
	struct dir_layer one = { en->dir,
				 d->layer[dir_place_layer(place)].root };

	if (d->n > 1)
		return dir_child_merged(out, d, r, place, en, e);
	*out = dir_new(&one, 1, en->name, en->name_len);
	return *out ? 0 : err_nomem(e);
}
