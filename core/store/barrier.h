/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_BARRIER_H
#define STORE_BARRIER_H

#include <pthread.h>

#include "base/strv.h"
#include "store/layout.h"

/*
 * What a far store has changed that no barrier has made durable yet: folders,
 * and the names that were put, as text.  On another connection the server may
 * be one that has crashed meanwhile, and such names are gone: a barrier there
 * has to look at them.  Safe from any thread.
 */
struct barrier_todo {
	/* One bit a folder: names in it came or went. */
	uint64_t dirty[(LAYOUT_FOLDERS + 63) / 64];
	uint64_t no;			/* the connection of the first */
};
struct barrier {
	pthread_mutex_t run_mtx;	/* order: first */
	bool lost;			/* run_mtx: one failed */
	pthread_mutex_t mtx;		/* of all below; a leaf */
	struct barrier_todo todo;
	struct strv fresh;		/* names put since the last one */
	struct strv running;		/* before one under way */
};
void barrier_init(struct barrier *b);
void barrier_release(struct barrier *b);

/* After a change on connection 'no'; name: what was put, or NULL, with which
 * nothing can fail. */
int barrier_touch(struct barrier *b, unsigned folder, uint64_t no,
		  const char *name, struct err *e);
/* Before its deletion: no barrier looks for it any more. */
void barrier_forget(struct barrier *b, const char *name);

/* Make 'todo' durable, and look at the names if that is to be.  Failures stay:
 * what was written before cannot be trusted any more. */
typedef int barrier_fn(const struct barrier_todo *todo, void *ctx,
		       struct err *e);
/* One at a time; without a change since the last one fn is not called. */
int barrier_run(struct barrier *b, barrier_fn *fn, void *ctx, struct err *e);
/* For fn: copies of the names; is it still one of them? */
int barrier_names(struct barrier *b, struct strv *out, struct err *e);
bool barrier_wants(struct barrier *b, const char *name);

#endif
