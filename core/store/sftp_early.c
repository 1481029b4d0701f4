/* SPDX-License-Identifier: BSD-2-Clause */
/* The folders that whoever opens a repository lists next, listed while the
 * first files are read and the passphrase is tried. */
#include "store/sftp_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

/* Older ones are of no use to a person at a terminal. */
#define EARLY_NSEC ((int64_t)10 * 1000000000)

/* Tombstones before archives, as whoever lists both wants them. */
static const enum store_kind early_kinds[] = { STORE_KEYS,
	STORE_TOMBSTONES, STORE_ARCHIVES, STORE_GENERATIONS, STORE_INDEX };

struct early_entry {
	enum store_kind k;
	uint64_t size;
	char name[STORE_NAME_MAX + 1];
};

struct sftp_early {
	struct sftp *s;
	pthread_mutex_t mtx;		/* of all below */
	pthread_t tid;
	bool running;			/* the thread's, until it is joined */
	int rc;
	int64_t at_nsec;
	struct early_entry *entry;
	size_t n, cap;
	unsigned kinds;			/* bits of those that may be given */
};

static int early_add(enum store_kind k, const char *name, uint64_t size,
		     void *ctx)
{
	struct sftp_early *g = ctx;
	struct early_entry *p;

	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 64;
		p = mem_resize(g->entry, g->cap, sizeof(*p));
		if (!p)
			return ERR_NOMEM;
		g->entry = p;
	}
	p = &g->entry[g->n++];
	p->k = k;
	p->size = size;
	memcpy(p->name, name, strlen(name) + 1);
	return 0;
}

static void *early_main(void *arg)
{
	struct sftp_early *g = arg;

	g->at_nsec = clock_mono_nsec();
	g->rc = sftp_list_many(&g->s->store, early_kinds,
		sizeof(early_kinds) / sizeof(*early_kinds), early_add, g,
		NULL);
	return NULL;
}

struct sftp_early *sftp_early_new(struct sftp *s)
{
	struct sftp_early *g = mem_zero(1, sizeof(*g));
	size_t i;

	if (!g)
		return NULL;
	g->s = s;
	pthread_mutex_init(&g->mtx, NULL);
	for (i = 0; i < sizeof(early_kinds) / sizeof(*early_kinds); i++)
		g->kinds |= 1u << early_kinds[i];
	g->running = thread_start(&g->tid, early_main, g) == 0;
	if (!g->running)
		g->kinds = 0;
	return g;
}

static void early_join(struct sftp_early *g)
{
	if (g->running)
		pthread_join(g->tid, NULL);
	g->running = false;
}

void sftp_early_free(struct sftp_early *g)
{
	if (!g)
		return;
	early_join(g);
	pthread_mutex_destroy(&g->mtx);
	free(g->entry);
	free(g);
}

void sftp_early_forget(struct sftp_early *g, enum store_kind k)
{
	if (!g)
		return;
	pthread_mutex_lock(&g->mtx);
	g->kinds &= ~(1u << k);
	pthread_mutex_unlock(&g->mtx);
}

/* Once only: who lists again wants to see what is new. */
static bool early_may(struct sftp_early *g, const enum store_kind *k,
		      size_t n)
{
	unsigned want = 0;
	bool may;
	size_t i;

	for (i = 0; i < n; i++)
		want |= 1u << k[i];
	pthread_mutex_lock(&g->mtx);
	may = (g->kinds & want) == want;
	if (may)
		early_join(g);
	may = may && g->rc == 0 &&
		clock_mono_nsec() - g->at_nsec < EARLY_NSEC;
	g->kinds &= ~want;
	pthread_mutex_unlock(&g->mtx);
	return may;
}

int sftp_list_opened(struct store *store, const enum store_kind *k, size_t n,
		     store_list_many_fn *fn, void *ctx, struct err *e)
{
	struct sftp *s = (struct sftp *)(void *)store;
	struct sftp_early *g = s->early;
	size_t i, j;
	int rc = 0;

	if (!g || !early_may(g, k, n))
		return sftp_list_many(store, k, n, fn, ctx, e);
	for (i = 0; rc == 0 && i < g->n; i++)
		for (j = 0; rc == 0 && j < n; j++)
			if (g->entry[i].k == k[j])
				rc = fn(k[j], g->entry[i].name,
					g->entry[i].size, ctx);
	return rc;
}
