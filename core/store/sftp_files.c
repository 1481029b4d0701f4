/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sftp_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define FILES_AGE_NSEC ((int64_t)120 * 1000000000)

struct files_slot {
	uint64_t no;			/* of the connection; 0: free */
	enum store_kind kind;
	char name[STORE_NAME_MAX + 1];
	struct sftp_handle h;
	uint64_t size, used;
	int64_t opened_nsec;
	unsigned users;
	bool gone;			/* not to be found any more */
};

struct sftp_files {
	pthread_mutex_t mtx;		/* order: before the connection's */
	uint64_t clock;
	struct files_slot slot[SFTP_FILES];
};

struct sftp_files *sftp_files_new(void)
{
	struct sftp_files *f = mem_zero(1, sizeof(*f));

	if (f)
		pthread_mutex_init(&f->mtx, NULL);
	return f;
}

void sftp_files_free(struct sftp_files *f)
{
	unsigned i;

	if (!f)
		return;
	for (i = 0; i < SFTP_FILES; i++)
		BUG_ON(f->slot[i].users > 0);
	pthread_mutex_destroy(&f->mtx);
	free(f);
}

/* Under mtx.  Handles of a connection that is gone are gone with it. */
static void files_close(struct files_slot *s, uint64_t no,
			struct sftp_conn *c)
{
	if (s->no == no && no != 0)
		sftp_close_later(c, &s->h);
	s->no = 0;
}

static struct files_slot *files_look(struct sftp_files *f, uint64_t no,
				     enum store_kind k, const char *name)
{
	unsigned i;

	for (i = 0; i < SFTP_FILES; i++)
		if (f->slot[i].no == no && !f->slot[i].gone &&
		    f->slot[i].kind == k &&
		    strcmp(f->slot[i].name, name) == 0)
			return &f->slot[i];
	return NULL;
}

bool sftp_files_find(struct sftp_files *f, uint64_t no, enum store_kind k,
		     const char *name, struct sftp_file *out)
{
	struct files_slot *s;

	pthread_mutex_lock(&f->mtx);
	s = files_look(f, no, k, name);
	if (s && clock_mono_nsec() - s->opened_nsec > FILES_AGE_NSEC) {
		s->gone = true;
		s = NULL;
	}
	if (s) {
		s->users++;
		s->used = ++f->clock;
		out->h = s->h;
		out->size = s->size;
		out->slot = (unsigned)(s - f->slot);
	}
	pthread_mutex_unlock(&f->mtx);
	return s != NULL;
}

/* The one that is wanted least, of those that nobody uses. */
static struct files_slot *files_victim(struct sftp_files *f, uint64_t no)
{
	struct files_slot *best = NULL, *s;
	unsigned i;

	for (i = 0; i < SFTP_FILES; i++) {
		s = &f->slot[i];
		if (s->users > 0)
			continue;
		if (s->no != no)
			return s;
		if (!best || s->gone || s->used < best->used)
			best = s;
		if (s->gone)
			break;
	}
	return best;
}

void sftp_files_add(struct sftp_files *f, uint64_t no, struct sftp_conn *c,
		    enum store_kind k, const char *name,
		    struct sftp_file *file)
{
	struct files_slot *s;

	file->slot = SFTP_FILE_LOOSE;
	pthread_mutex_lock(&f->mtx);
	s = files_look(f, no, k, name) ? NULL : files_victim(f, no);
	if (s) {
		files_close(s, no, c);
		s->no = no;
		s->kind = k;
		memcpy(s->name, name, strlen(name) + 1);
		s->h = file->h;
		s->size = file->size;
		s->opened_nsec = clock_mono_nsec();
		s->used = ++f->clock;
		s->gone = false;
		s->users = 1;
		file->slot = (unsigned)(s - f->slot);
	}
	pthread_mutex_unlock(&f->mtx);
}

void sftp_files_done(struct sftp_files *f, struct sftp_conn *c,
		     const struct sftp_file *file)
{
	if (file->slot == SFTP_FILE_LOOSE) {
		sftp_close_later(c, &file->h);
		return;
	}
	pthread_mutex_lock(&f->mtx);
	BUG_ON(f->slot[file->slot].users == 0);
	f->slot[file->slot].users--;
	pthread_mutex_unlock(&f->mtx);
}

void sftp_files_drop(struct sftp_files *f, uint64_t no, struct sftp_conn *c,
		     enum store_kind k, const char *name)
{
	struct files_slot *s;

	pthread_mutex_lock(&f->mtx);
	s = files_look(f, no, k, name);
	if (s && s->users == 0)
		files_close(s, no, c);
	else if (s)
		s->gone = true;
	pthread_mutex_unlock(&f->mtx);
}

void sftp_files_expire(struct sftp_files *f, uint64_t no,
		       struct sftp_conn *c)
{
	int64_t now = clock_mono_nsec();
	struct files_slot *s;
	unsigned i;

	pthread_mutex_lock(&f->mtx);
	for (i = 0; i < SFTP_FILES; i++) {
		s = &f->slot[i];
		if (s->no != 0 && s->users == 0 && (s->gone ||
		    now - s->opened_nsec > FILES_AGE_NSEC))
			files_close(s, no, c);
	}
	pthread_mutex_unlock(&f->mtx);
}
