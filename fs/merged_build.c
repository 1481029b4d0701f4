/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building: the layers are gone through oldest first, each for what is new in
 * it, and every name notes where it was another than before.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/merged.h"

#define BUILD_NONE UINT32_MAX

/* A name while it is looked for.  [0]: as a version, [1]: as a directory. */
struct build_item {
	uint64_t place;
	size_t name_at;
	uint64_t digest[2];	/* of what it was last */
	uint32_t last[2];	/* its last note, or BUILD_NONE */
	uint32_t count[2];
	uint32_t at;		/* in the end: of its first note */
	uint16_t name_len;
	bool regular;
};
struct build_note {
	uint32_t item, layer, type;
};
struct build {
	struct merged *md;
	const struct merged_opts *o;
	struct key other;	/* for the second half of a map's key */
	struct map by_name;
	struct buf names, digest;
	struct build_item *item;
	struct build_note *note;
	size_t n, cap, n_notes, cap_notes;
	uint32_t layer;
};

/* Its item, with the name if that is new.  NULL: failed. */
static struct build_item *build_item(struct build *b, const struct entry *en,
				     struct err *e)
{
	size_t cap = b->cap ? b->cap * 2 : 64;
	struct build_item *it;
	uint64_t *value, half[2];
	uint8_t key[16];
	bool was;

	half[0] = key_siphash(b->o->place, en->name, en->name_len);
	half[1] = key_siphash(&b->other, en->name, en->name_len);
	memcpy(key, half, sizeof(key));
	if (map_put(&b->by_name, key, &value, &was, e) < 0)
		return NULL;
	if (was)
		return &b->item[*value];
	if (b->n == BUILD_NONE) {
		err_set(e, ERR_CORRUPT, "too many names");
		return NULL;
	}
	if (b->n == b->cap) {
		it = mem_resize(b->item, cap, sizeof(*it));
		if (!it) {
			err_nomem(e);
			return NULL;
		}
		b->item = it;
		b->cap = cap;
	}
	*value = b->n;
	it = &b->item[b->n++];
	memset(it, 0, sizeof(*it));
	it->place = half[0] & MERGED_PLACE_MAX;
	it->name_at = b->names.len;
	it->name_len = en->name_len;
	it->last[0] = it->last[1] = BUILD_NONE;
	if (buf_append(&b->names, en->name, en->name_len, e) < 0)
		return NULL;
	return it;
}

/* What makes one version another: content, not metadata. */
static int build_digest(struct build *b, const struct entry *en,
			uint64_t *out, struct err *e)
{
	struct wr w;
	int rc;

	buf_clear(&b->digest);
	wr_init(&w, &b->digest);
	wr_le32(&w, en->mode & S_IFMT);
	if (S_ISDIR(en->mode)) {
		dir_ref_put(&w, &en->dir);
	} else {
		wr_le64(&w, en->size);
		wr_le32(&w, en->rdev_major);
		wr_le32(&w, en->rdev_minor);
		wr_bytes(&w, en->target, en->target_len);
		content_put(&w, &en->content);
	}
	rc = wr_done(&w, e);
	if (rc == 0)
		*out = key_siphash(&b->other, b->digest.p, b->digest.len);
	return rc;
}

static int build_note(struct build *b, uint32_t item, uint32_t type,
		      struct err *e)
{
	size_t cap = b->cap_notes ? b->cap_notes * 2 : 64;
	struct build_note *n;

	if (b->n_notes == BUILD_NONE)
		return err_set(e, ERR_CORRUPT, "too many versions");
	if (b->n_notes == b->cap_notes) {
		n = mem_resize(b->note, cap, sizeof(*n));
		if (!n)
			return err_nomem(e);
		b->note = n;
		b->cap_notes = cap;
	}
	b->note[b->n_notes++] = (struct build_note){ item, b->layer, type };
	return 0;
}

static int build_entry(const struct entry *en, void *ctx, struct err *e)
{
	struct build *b = ctx;
	unsigned k = S_ISDIR(en->mode) ? 1 : 0;
	struct build_item *it;
	uint64_t digest = 0;
	int rc = 1;

	if (b->o->wants)
		rc = b->o->wants(&b->md->layer[b->layer], en, b->o->ctx, e);
	if (rc <= 0)
		return rc;
	it = build_item(b, en, e);
	if (!it)
		return e->code;
	rc = build_digest(b, en, &digest, e);
	if (rc < 0)
		return rc;
	it->regular = it->regular || S_ISREG(en->mode);
	if (it->last[k] != BUILD_NONE && it->digest[k] == digest) {
		b->note[it->last[k]].layer = b->layer;
		return 0;
	}
	it->digest[k] = digest;
	it->count[k]++;
	it->last[k] = (uint32_t)b->n_notes;
	return build_note(b, (uint32_t)(it - b->item), en->mode & S_IFMT, e);
}

static int build_layers(struct build *b, struct err *e)
{
	struct tree_delta *d = tree_delta_new(b->o->rd);
	const struct merged_layer *l;
	int rc = d ? 0 : err_nomem(e);

	for (; rc == 0 && b->layer < b->md->n_layers; b->layer++) {
		l = &b->md->layer[b->layer];
		rc = tree_delta_next(d, &l->dir.ref, build_entry, b, e);
		if (rc == ERR_CORRUPT && e) {
			b->o->damaged(l, e, b->o->ctx);
			err_clear(e);
			rc = 0;
		}
	}
	tree_delta_free(d);
	return rc;
}

static int build_cmp(const void *a, const void *b)
{
	const struct merged_item *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->name_len != y->name_len)
		return x->name_len < y->name_len ? -1 : 1;
	return memcmp(x->name, y->name, x->name_len);
}

/* Each item's versions, then its directories, in the order of the layers. */
static void build_seen(struct build *b, struct merged_seen *seen)
{
	struct build_item *it;
	uint32_t fill[2], at = 0;
	size_t i;

	for (i = 0; i < b->n; i++) {
		it = &b->item[i];
		it->at = at;
		at += it->count[0] + it->count[1];
		it->last[0] = it->last[1] = 0;	/* from now on: how many */
	}
	for (i = 0; i < b->n_notes; i++) {
		it = &b->item[b->note[i].item];
		fill[0] = it->at;
		fill[1] = it->at + it->count[0];
		seen[S_ISDIR(b->note[i].type) ?
		     fill[1] + it->last[1]++ : fill[0] + it->last[0]++] =
			(struct merged_seen){ b->note[i].layer,
					      b->note[i].type };
	}
}

static int build_finish(struct build *b, struct err *e)
{
	struct merged *md = b->md;
	struct build_item *it;
	size_t i, len;

	md->item = mem_array(b->n, sizeof(*md->item));
	md->seen = mem_array(b->n_notes, sizeof(*md->seen));
	if (!md->item || !md->seen)
		return err_nomem(e);
	build_seen(b, md->seen);
	md->names = buf_take(&b->names, &len);
	md->n = b->n;
	for (i = 0; i < b->n; i++) {
		it = &b->item[i];
		md->item[i] = (struct merged_item){
			.place = it->place, .name = md->names + it->name_at,
			.name_len = it->name_len, .regular = it->regular,
			.n_versions = it->count[0], .n_dirs = it->count[1],
			.version = md->seen + it->at,
			.dir = md->seen + it->at + it->count[0]
		};
	}
	if (md->n > 1)
		qsort(md->item, md->n, sizeof(*md->item), build_cmp);
	md->bytes += len + b->n * sizeof(*md->item) +
		     b->n_notes * sizeof(*md->seen);
	return 0;
}

int merged_build(struct merged *md, const struct merged_opts *o,
		 struct err *e)
{
	struct err own = { ERR_OK, "" };
	struct build b = { .md = md, .o = o };
	int rc;

	if (!e)
		e = &own;
	key_random(&b.other, sizeof(b.other));
	rc = build_layers(&b, e);
	if (rc == 0)
		rc = build_finish(&b, e);
	map_release(&b.by_name);
	buf_release(&b.names);
	buf_release(&b.digest);
	free(b.item);
	free(b.note);
	return rc;
}
