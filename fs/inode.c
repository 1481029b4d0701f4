/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/inode.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INODE_CHUNK 1024u		/* slots that are allocated together */
#define INODE_CHUNKS (1u << 16)

struct inode_tab {
	pthread_mutex_t mtx;	/* a leaf: nothing is called under it */
	struct inode **chunk;	/* mtx, as all below; inodes never move */
	uint32_t slots;		/* that ever were in use */
	struct inode *spare;	/* free slots */
	struct inode **bucket;
	size_t buckets;		/* a power of two */
	uint64_t count;
};

static uint64_t inode_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

static uint64_t inode_hash(const struct arch *arch, uint64_t group,
			  const struct inode *parent, uint64_t place,
			  uint8_t kind)
{
	if (group)
		return inode_mix(inode_mix(arch->serial) ^ group);
	return inode_mix(inode_mix(parent->id + kind) ^ place);
}

static size_t inode_hash_of(const struct inode *n)
{
	return (size_t)inode_hash(n->arch, n->group, n->parent, n->place,
				 n->kind);
}

static bool inode_same(const struct inode *n, const struct inode_make *m)
{
	if (n->group || m->group)
		return n->group == m->group && n->arch == m->arch;
	return n->parent == m->parent && n->place == m->place &&
	       n->kind == m->kind;
}

/* 1 <= slot <= t->slots */
static struct inode *inode_slot(const struct inode_tab *t, uint32_t slot)
{
	return &t->chunk[slot / INODE_CHUNK][slot % INODE_CHUNK];
}

static struct inode *inode_known(const struct inode_tab *t, uint64_t id)
{
	uint32_t slot = (uint32_t)id;
	struct inode *n;

	if (slot == 0 || slot > t->slots)
		return NULL;
	n = inode_slot(t, slot);
	return n->id == id ? n : NULL;
}

/* A zeroed slot with its new id; NULL: no memory, or no number. */
static struct inode *inode_alloc(struct inode_tab *t)
{
	struct inode *n = t->spare;
	uint64_t id;
	uint32_t slot;

	if (n) {
		t->spare = n->next;
		id = n->place;		/* kept there by inode_release */
	} else {
		slot = t->slots + 1;
		if (slot / INODE_CHUNK >= INODE_CHUNKS)
			return NULL;
		if (!t->chunk[slot / INODE_CHUNK])
			t->chunk[slot / INODE_CHUNK] =
				mem_zero(INODE_CHUNK, sizeof(*n));
		if (!t->chunk[slot / INODE_CHUNK])
			return NULL;
		t->slots = slot;
		n = inode_slot(t, slot);
		id = slot;
	}
	memset(n, 0, sizeof(*n));
	n->id = id;
	t->count++;
	return n;
}

static void inode_release(struct inode_tab *t, struct inode *n)
{
	n->place = n->id + (UINT64_C(1) << 32);	/* the next generation */
	n->id = 0;
	n->next = t->spare;
	t->spare = n;
	t->count--;
}

static void inode_grow(struct inode_tab *t)
{
	size_t n = t->buckets * 2, i;
	struct inode **bucket, *at, *next;

	bucket = mem_zero(n, sizeof(*bucket));
	if (!bucket)
		return;			/* longer chains will do */
	for (i = 0; i < t->buckets; i++)
		for (at = t->bucket[i]; at; at = next) {
			next = at->next;
			at->next = bucket[inode_hash_of(at) & (n - 1)];
			bucket[inode_hash_of(at) & (n - 1)] = at;
		}
	free(t->bucket);
	t->bucket = bucket;
	t->buckets = n;
}

struct inode_tab *inode_tab_new(enum inode_kind kind, struct arch *arch)
{
	struct inode_tab *t = mem_zero(1, sizeof(*t));
	struct inode *root;

	if (!t)
		return NULL;
	pthread_mutex_init(&t->mtx, NULL);
	t->buckets = 1024;
	t->bucket = mem_zero(t->buckets, sizeof(struct inode *));
	t->chunk = mem_zero(INODE_CHUNKS, sizeof(struct inode *));
	root = t->bucket && t->chunk ? inode_alloc(t) : NULL;
	if (!root) {
		inode_tab_free(t);
		return NULL;
	}
	root->ino = 1;
	root->kind = (uint8_t)kind;
	root->type = S_IFDIR;
	root->arch = arch;
	root->lookups = 1;
	return t;
}

void inode_tab_free(struct inode_tab *t)
{
	uint32_t i;

	if (!t)
		return;
	for (i = 1; i <= t->slots; i++)
		if (inode_slot(t, i)->id)
			free(inode_slot(t, i)->dir);
	for (i = 0; t->chunk && i <= t->slots / INODE_CHUNK; i++)
		free(t->chunk[i]);
	free(t->chunk);
	free(t->bucket);
	pthread_mutex_destroy(&t->mtx);
	free(t);
}

struct inode *inode_get(struct inode_tab *t, uint64_t id)
{
	struct inode *n;

	pthread_mutex_lock(&t->mtx);
	n = inode_known(t, id);
	pthread_mutex_unlock(&t->mtx);
	return n;
}

/* Under mtx; NULL: there is none. */
static struct inode *inode_find(const struct inode_tab *t,
				const struct inode_make *m, size_t hash)
{
	struct inode *n = t->bucket[hash & (t->buckets - 1)];

	while (n && !inode_same(n, m))
		n = n->next;
	return n;
}

uint64_t inode_tab_find(struct inode_tab *t, const struct inode_make *m)
{
	size_t hash = (size_t)inode_hash(m->arch, m->group, m->parent,
					m->place, m->kind);
	struct inode *n;
	uint64_t id;

	pthread_mutex_lock(&t->mtx);
	n = inode_find(t, m, hash);
	id = n ? n->id : 0;
	pthread_mutex_unlock(&t->mtx);
	return id;
}

uint64_t inode_tab_child(struct inode_tab *t, uint64_t parent, uint64_t place,
			 uint64_t group)
{
	struct inode_make m = { .place = place, .group = group,
				.kind = INODE_ENTRY };
	struct inode *n = NULL;
	uint64_t id;

	pthread_mutex_lock(&t->mtx);
	m.parent = inode_known(t, parent);
	if (m.parent && m.parent->arch) {
		m.arch = m.parent->arch;
		n = inode_find(t, &m, (size_t)inode_hash(m.arch, group,
				m.parent, place, m.kind));
	}
	id = n ? n->id : 0;
	pthread_mutex_unlock(&t->mtx);
	return id;
}

static struct inode *inode_make(struct inode_tab *t, const struct inode_make *m,
			      size_t hash)
{
	struct inode *n = inode_alloc(t);

	if (!n)
		return NULL;
	n->ino = m->ino;
	n->place = m->place;
	n->group = m->group;
	n->parent = m->parent;
	n->arch = m->arch;
	n->dir = m->dir;
	n->type = m->type;
	n->kind = m->kind;
	n->plain = m->plain;
	m->parent->children++;
	if (m->arch)
		m->arch->inodes++;
	if (t->count > t->buckets)
		inode_grow(t);
	n->next = t->bucket[hash & (t->buckets - 1)];
	t->bucket[hash & (t->buckets - 1)] = n;
	return n;
}

int inode_enter(struct inode_tab *t, const struct inode_make *m,
	       struct inode **out, struct err *e)
{
	size_t hash = (size_t)inode_hash(m->arch, m->group, m->parent,
					m->place, m->kind);
	struct dir *unused = m->dir;
	struct inode *n;

	pthread_mutex_lock(&t->mtx);
	n = inode_find(t, m, hash);
	if (!n) {
		n = inode_make(t, m, hash);
		if (n)
			unused = NULL;
	}
	if (n)
		n->lookups++;
	pthread_mutex_unlock(&t->mtx);
	free(unused);
	*out = n;
	return n ? 0 : err_nomem(e);
}

static void inode_unlink(struct inode_tab *t, const struct inode *n)
{
	struct inode **at = &t->bucket[inode_hash_of(n) & (t->buckets - 1)];

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
}

void inode_forget(struct inode_tab *t, uint64_t id, uint64_t lookups)
{
	struct inode *n, *parent;

	pthread_mutex_lock(&t->mtx);
	n = inode_known(t, id);
	BUG_ON(!n);
	if (!n->parent)			/* the root is never forgotten */
		goto out;
	BUG_ON(n->lookups < lookups);
	n->lookups -= lookups;
	while (n->parent && n->lookups == 0 && n->children == 0) {
		inode_unlink(t, n);
		parent = n->parent;
		free(n->dir);
		n->dir = NULL;
		if (n->arch)
			n->arch->inodes--;
		inode_release(t, n);
		parent->children--;
		n = parent;
	}
out:
	pthread_mutex_unlock(&t->mtx);
}

uint32_t inode_tab_of(struct inode_tab *t, const struct arch *a)
{
	uint32_t count;

	pthread_mutex_lock(&t->mtx);
	count = a->inodes;
	pthread_mutex_unlock(&t->mtx);
	return count;
}

uint64_t inode_tab_count(struct inode_tab *t)
{
	uint64_t count;

	pthread_mutex_lock(&t->mtx);
	count = t->count;
	pthread_mutex_unlock(&t->mtx);
	return count;
}

static bool inode_sane(const struct inode_tab *t, const struct inode *n)
{
	const struct inode *o;
	struct inode_make m = {
		.parent = n->parent, .arch = n->arch, .place = n->place,
		.group = n->group, .kind = n->kind
	};
	unsigned same = 0;

	if (!n->parent)
		return n->id == 1;
	if (n->lookups + n->children == 0 || n->parent->id == 0)
		return false;
	o = t->bucket[inode_hash_of(n) & (t->buckets - 1)];
	for (; o; o = o->next)
		same += inode_same(o, &m);
	return same == 1;
}

bool inode_tab_sane(struct inode_tab *t)
{
	uint64_t used = 0;
	bool sane = true;
	uint32_t i;

	pthread_mutex_lock(&t->mtx);
	for (i = 1; i <= t->slots; i++)
		if (inode_slot(t, i)->id) {
			used++;
			sane = sane && inode_sane(t, inode_slot(t, i));
		}
	sane = sane && used == t->count;
	pthread_mutex_unlock(&t->mtx);
	return sane;
}
