/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/fdcache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/os.h"

#define FDCACHE_AGE_NSEC ((int64_t)60 * 1000000000)
#define FDCACHE_NAME_BYTES 65

struct fdslot {
	/*
	 * 1. fd < 0: free, and users is 0.
	 * 2. stale: not found any more, closed by the last user.
	 */
	int fd;
	unsigned users;
	bool stale;
	uint64_t size;
	uint64_t used;			/* clock of the cache at the last use */
	int64_t opened_nsec;
	char name[FDCACHE_NAME_BYTES];
};

struct fdcache {
	pthread_mutex_t mtx;		/* a leaf */
	uint64_t clock;			/* mtx, as all below */
	int64_t age_nsec;
	/* What a search looks at: kind and the first digits; 0: free. */
	uint64_t key[FDCACHE_SLOTS];
	struct fdslot slot[FDCACHE_SLOTS];
};

struct fdcache *fdcache_new(void)
{
	struct fdcache *c = mem_zero(1, sizeof(*c));
	unsigned i;

	if (!c)
		return NULL;
	pthread_mutex_init(&c->mtx, NULL);
	c->age_nsec = FDCACHE_AGE_NSEC;
	for (i = 0; i < FDCACHE_SLOTS; i++)
		c->slot[i].fd = -1;
	return c;
}

/* Names are hex digits, so never all bits of a byte are used: the kind goes
 * there, and the key is not 0. */
static uint64_t fdcache_key(enum store_kind k, const char *name)
{
	uint64_t key;

	memcpy(&key, name, sizeof(key));
	return key | (k == STORE_DATA ? 0x80 : 0);
}

static unsigned fdcache_search(const struct fdcache *c, uint64_t key,
			       const char *name)
{
	unsigned i;

	for (i = 0; i < FDCACHE_SLOTS; i++)
		if (c->key[i] == key && strcmp(c->slot[i].name, name) == 0)
			break;
	return i;
}

/* Not to be found any more; the descriptor to close now, or -1. */
static int fdcache_retire(struct fdcache *c, unsigned i)
{
	struct fdslot *s = &c->slot[i];
	int fd = s->fd;

	c->key[i] = 0;
	s->stale = true;
	if (s->users > 0)
		return -1;
	s->fd = -1;
	return fd;
}

static void fdcache_close(int fd)
{
	if (fd >= 0)
		os_now->close(fd);
}

bool fdcache_find(struct fdcache *c, enum store_kind k, const char *name,
		  struct fdcache_file *f)
{
	uint64_t key = fdcache_key(k, name);
	int64_t now = clock_mono_nsec();
	struct fdslot *s;
	bool found = false;
	int close_fd = -1;
	unsigned i;

	pthread_mutex_lock(&c->mtx);
	i = fdcache_search(c, key, name);
	if (i < FDCACHE_SLOTS) {
		s = &c->slot[i];
		found = now - s->opened_nsec <= c->age_nsec;
		if (found) {
			s->users++;
			s->used = ++c->clock;
			*f = (struct fdcache_file){ s->fd, s->size, i };
		} else {
			close_fd = fdcache_retire(c, i);
		}
	}
	pthread_mutex_unlock(&c->mtx);
	fdcache_close(close_fd);
	return found;
}

/* A free slot, or the one that was not used for longest. */
static unsigned fdcache_victim(const struct fdcache *c)
{
	unsigned i, best = FDCACHE_SLOTS;

	for (i = 0; i < FDCACHE_SLOTS; i++) {
		const struct fdslot *s = &c->slot[i];

		if (s->fd < 0)
			return i;
		if (s->users == 0 && (best == FDCACHE_SLOTS ||
		    s->used < c->slot[best].used))
			best = i;
	}
	return best;
}

void fdcache_add(struct fdcache *c, enum store_kind k, const char *name,
		 struct fdcache_file *f)
{
	uint64_t key = fdcache_key(k, name);
	int64_t now = clock_mono_nsec();
	int close_fd = -1;
	struct fdslot *s;

	pthread_mutex_lock(&c->mtx);
	f->slot = fdcache_search(c, key, name);
	/* Two threads opened it at once: the second keeps its own. */
	f->slot = f->slot < FDCACHE_SLOTS ? FDCACHE_SLOTS : fdcache_victim(c);
	if (f->slot < FDCACHE_SLOTS) {
		s = &c->slot[f->slot];
		close_fd = s->fd;
		*s = (struct fdslot){ .fd = f->fd, .users = 1,
			.size = f->size, .used = ++c->clock,
			.opened_nsec = now };
		memcpy(s->name, name, strlen(name) + 1);
		c->key[f->slot] = key;
	}
	pthread_mutex_unlock(&c->mtx);
	fdcache_close(close_fd);
}

void fdcache_done(struct fdcache *c, const struct fdcache_file *f)
{
	int close_fd = -1;
	struct fdslot *s;

	if (f->slot == FDCACHE_NONE) {
		fdcache_close(f->fd);
		return;
	}
	pthread_mutex_lock(&c->mtx);
	s = &c->slot[f->slot];
	BUG_ON(s->users == 0);
	s->users--;
	if (s->stale)
		close_fd = fdcache_retire(c, f->slot);
	pthread_mutex_unlock(&c->mtx);
	fdcache_close(close_fd);
}

void fdcache_drop(struct fdcache *c, enum store_kind k, const char *name)
{
	uint64_t key = fdcache_key(k, name);
	int close_fd = -1;
	unsigned i;

	pthread_mutex_lock(&c->mtx);
	i = fdcache_search(c, key, name);
	if (i < FDCACHE_SLOTS)
		close_fd = fdcache_retire(c, i);
	pthread_mutex_unlock(&c->mtx);
	fdcache_close(close_fd);
}

/* Close what nobody has borrowed and was opened before that time. */
static unsigned fdcache_close_older(struct fdcache *c, int64_t before_nsec)
{
	unsigned i, n = 0;
	int fd[FDCACHE_SLOTS];

	pthread_mutex_lock(&c->mtx);
	for (i = 0; i < FDCACHE_SLOTS; i++)
		if (c->slot[i].fd >= 0 && c->slot[i].users == 0 &&
		    c->slot[i].opened_nsec < before_nsec)
			fd[n++] = fdcache_retire(c, i);
	pthread_mutex_unlock(&c->mtx);
	for (i = 0; i < n; i++)
		fdcache_close(fd[i]);
	return n;
}

unsigned fdcache_clear(struct fdcache *c)
{
	return fdcache_close_older(c, INT64_MAX);
}

void fdcache_expire(struct fdcache *c)
{
	int64_t age_nsec;

	pthread_mutex_lock(&c->mtx);
	age_nsec = c->age_nsec;
	pthread_mutex_unlock(&c->mtx);
	fdcache_close_older(c, clock_mono_nsec() - age_nsec);
}

void fdcache_set_age(struct fdcache *c, int64_t nsec)
{
	pthread_mutex_lock(&c->mtx);
	c->age_nsec = nsec;
	pthread_mutex_unlock(&c->mtx);
}

void fdcache_free(struct fdcache *c)
{
	unsigned i;

	if (!c)
		return;
	fdcache_clear(c);
	for (i = 0; i < FDCACHE_SLOTS; i++)
		BUG_ON(c->slot[i].users > 0);
	pthread_mutex_destroy(&c->mtx);
	free(c);
}
