/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/barrier.h"

#include <string.h>

void barrier_init(struct barrier *b)
{
	memset(b, 0, sizeof(*b));
	pthread_mutex_init(&b->run_mtx, NULL);
	pthread_mutex_init(&b->mtx, NULL);
}

void barrier_release(struct barrier *b)
{
	strv_release(&b->fresh);
	strv_release(&b->running);
	pthread_mutex_destroy(&b->run_mtx);
	pthread_mutex_destroy(&b->mtx);
}

/* Under mtx. */
static bool barrier_dirty(const struct barrier *b)
{
	size_t i;

	for (i = 0; i < sizeof(b->todo.dirty) / sizeof(*b->todo.dirty); i++)
		if (b->todo.dirty[i] != 0)
			return true;
	return false;
}

int barrier_touch(struct barrier *b, unsigned folder, uint64_t no,
		  const char *name, struct err *e)
{
	int rc = 0;

	BUG_ON(folder >= LAYOUT_FOLDERS);
	pthread_mutex_lock(&b->mtx);
	if (!barrier_dirty(b))
		b->todo.no = no;
	b->todo.dirty[folder / 64] |= (uint64_t)1 << folder % 64;
	if (name)
		rc = strv_add(&b->fresh, name, e);
	pthread_mutex_unlock(&b->mtx);
	return rc;
}

void barrier_forget(struct barrier *b, const char *name)
{
	pthread_mutex_lock(&b->mtx);
	strv_drop(&b->fresh, name);
	strv_drop(&b->running, name);
	pthread_mutex_unlock(&b->mtx);
}

/* What there is to do, and nothing from now on. */
static bool barrier_take(struct barrier *b, struct barrier_todo *todo)
{
	bool dirty;

	pthread_mutex_lock(&b->mtx);
	dirty = barrier_dirty(b);
	if (dirty) {
		*todo = b->todo;
		memset(&b->todo, 0, sizeof(b->todo));
		b->running = b->fresh;
		b->fresh = (struct strv)STRV_INIT;
	}
	pthread_mutex_unlock(&b->mtx);
	return dirty;
}

int barrier_run(struct barrier *b, barrier_fn *fn, void *ctx, struct err *e)
{
	struct barrier_todo todo;
	int rc = 0;

	pthread_mutex_lock(&b->run_mtx);
	if (b->lost) {
		rc = err_set(e, ERR_IO, "what was written cannot be trusted "
			"to be on the disk, because a barrier failed before");
	} else if (barrier_take(b, &todo)) {
		rc = fn(&todo, ctx, e);
		b->lost = rc < 0;
		pthread_mutex_lock(&b->mtx);
		strv_release(&b->running);
		pthread_mutex_unlock(&b->mtx);
	}
	pthread_mutex_unlock(&b->run_mtx);
	return rc;
}

int barrier_names(struct barrier *b, struct strv *out, struct err *e)
{
	size_t i;
	int rc = 0;

	pthread_mutex_lock(&b->mtx);
	for (i = 0; rc == 0 && i < b->running.n; i++)
		rc = strv_add(out, b->running.v[i], e);
	pthread_mutex_unlock(&b->mtx);
	return rc;
}

bool barrier_wants(struct barrier *b, const char *name)
{
	bool wants;

	pthread_mutex_lock(&b->mtx);
	wants = strv_find(&b->running, name) >= 0;
	pthread_mutex_unlock(&b->mtx);
	return wants;
}
