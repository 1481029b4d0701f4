/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packs of a session.  The owner fills one data and one meta pack; a full one
 * goes to the uploader.  Where a store is far away several are under way at
 * once; a meta pack waits until all that were closed before it are there: data
 * before the metadata that names it (W2).
 */
#include "repo/session_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "repo/meta_local.h"
#include "repo/parity_store.h"
#include "repo/repo.h"

/* So many are being put while the next one fills. */
#define PACK_UPLOADS 1
#define PACK_UPLOADS_FAR 2
/* 8 MiB, then 16. */
#define PACK_SMALLER 2

static void session_pack_free(struct session_pack *p)
{
	if (!p)
		return;
	buf_release(&p->objects);
	free(p->entries);
	free(p);
}

int session_mille(struct session *s, struct err *e)
{
	unsigned mille;
	int rc;

	if (s->mille >= 0)
		return 0;
	if ((rc = parity_store_level(s->repo, &mille, e)) == 0)
		s->mille = (int)mille;
	return rc;
}

/* After the pack: without it, parity is garbage.  A store that does not let
 * this one put any gets none: the backup counts for more. */
static int session_pack_parity(struct session *s, const char *hex,
			       const struct iovec iov[3], struct err *e)
{
	int rc = session_mille(s, e);

	if (rc == 0 && s->mille > 0)
		rc = parity_store_put(s->repo, hex, (unsigned)s->mille, iov, 3,
			e);
	if (rc == ERR_DENIED) {
		log_warn("session", "this run makes no parity: %s", e->msg);
		err_clear(e);
		s->mille = 0;
		rc = 0;
	}
	return rc;
}

/* Those closed before this one are all put, or one of them failed. */
static int session_pack_turn(struct session *s, const struct session_pack *p,
			     struct err *e)
{
	bool failed;

	pthread_mutex_lock(&s->up_mtx);
	while (s->up_done < p->job.ticket && !s->up_failed)
		pthread_cond_wait(&s->up_cv, &s->up_mtx);
	failed = s->up_failed;
	pthread_mutex_unlock(&s->up_mtx);
	return failed ? err_set(e, ERR_IO, "a pack before it could not be "
		"put") : 0;
}

static void session_pack_ended(struct session *s, const struct session_pack *p)
{
	pthread_mutex_lock(&s->up_mtx);
	s->up_failed |= p->job.err.code != ERR_OK;
	s->up_ended |= (uint64_t)1 << (p->job.ticket - s->up_done);
	for (; s->up_ended & 1; s->up_ended >>= 1)
		s->up_done++;
	pthread_cond_broadcast(&s->up_cv);
	pthread_mutex_unlock(&s->up_mtx);
}

/* The uploader: seal, put. */
static void session_pack_work(struct job *j, unsigned worker, void *ctx)
{
	struct session_pack *p = (struct session_pack *)j;
	struct session *s = ctx;
	struct pack_table t = {
		.sessions = &s->key, .n_sessions = 1,
		.entries = p->entries, .n_entries = p->n,
	};
	struct buf head = BUF_INIT, pad = BUF_INIT;
	char hex[OID_HEX_BYTES];
	struct iovec iov[3];
	int rc;

	(void)worker;
	rc = pack_seal(repo_ctx(s->repo), p->kind, &t, p->objects.p,
		p->objects.len, &head, &pad, &p->name, &j->err);
	if (rc == 0 && p->kind == PACK_META)
		rc = session_pack_turn(s, p, &j->err);
	if (rc == 0) {
		iov[0] = (struct iovec) { head.p, head.len };
		iov[1] = (struct iovec) { p->objects.p, p->objects.len };
		iov[2] = (struct iovec) { pad.p, pad.len };
		p->file_bytes = head.len + p->objects.len + pad.len;
		rc = store_put(repo_store(s->repo), p->kind == PACK_META ?
			STORE_META : STORE_DATA, oid_hex(&p->name, hex), iov, 3,
			0, &j->err);
		/* The name is the hash of all of it under this session's keys:
		 * taken means that an earlier try got through. */
		if (rc == ERR_EXIST) {
			err_clear(&j->err);
			rc = 0;
		}
		if (rc == 0 && p->kind == PACK_META)
			meta_local_put(repo_meta_local(s->repo), &p->name, iov,
				3);
		if (rc == 0)
			session_pack_parity(s, hex, iov, &j->err);
	}
	session_pack_ended(s, p);
	buf_release(&head);
	buf_release(&pad);
}

static int session_pack_ask(void *arg, struct err *e)
{
	return session_mille(arg, e);
}

int session_pack_start(struct session *s, struct err *e)
{
	bool far = store_far(repo_store(s->repo));
	unsigned n = far ? PACK_UPLOADS_FAR : PACK_UPLOADS;

	/* A question less that somebody waits for later. */
	if (far)
		thread_aside(&s->asker, true, session_pack_ask, s);
	s->uploader = pool_new(n, n, session_pack_work, s);
	return s->uploader ? 0 : err_nomem(e);
}

static int session_pack_listed(struct session *s, struct session_pack *p,
			       struct err *e)
{
	uint32_t need = s->n_entries + p->n;
	uint32_t i;

	if (s->n_packs == s->cap_packs) {
		uint32_t cap = s->cap_packs ? s->cap_packs * 2 : 16;
		struct segment_pack *np = mem_resize(s->packs, cap,
			sizeof(*np));

		if (!np)
			return err_nomem(e);
		s->packs = np;
		s->cap_packs = cap;
	}
	if (need > s->cap_entries) {
		uint32_t cap = need + need / 2;
		uint8_t *ne = mem_resize(s->entries, cap, SEGMENT_ENTRY_BYTES);

		if (!ne)
			return err_nomem(e);
		s->entries = ne;
		s->cap_entries = cap;
	}
	for (i = 0; i < p->n; i++) {
		const struct pack_entry *pe = &p->entries[i];
		struct segment_entry en = {
			.pack = s->n_packs,
			.off = pe->off,
			.stored_len = pe->obj.stored_len,
			.plain_len = pe->obj.plain_len,
			.type = pe->obj.type,
			.codec = pe->obj.codec,
		};

		memcpy(en.prefix, pe->obj.id.b, sizeof(en.prefix));
		segment_entry_put(s->entries + (size_t)s->n_entries++ *
			SEGMENT_ENTRY_BYTES, &en);
	}
	s->packs[s->n_packs++] = (struct segment_pack) {
		.name = p->name, .bytes = (uint32_t)p->file_bytes,
		.kind = p->kind,
	};
	return 0;
}

/* Take the oldest upload back: list what is in it. */
static int session_pack_take(struct session *s, struct err *e)
{
	struct session_pack *p = (struct session_pack *)pool_take(s->uploader);
	struct session_file f;
	int rc = p->job.err.code;

	if (rc < 0 && e)
		*e = p->job.err;
	if (rc == 0)
		rc = session_pack_listed(s, p, e);
	if (rc == 0) {
		f = (struct session_file) {
			.kind = p->kind == PACK_META ? STORE_META : STORE_DATA,
			.hash = p->name, .bytes = p->file_bytes,
		};
		rc = session_note_file(s, &f, e);
	}
	if (rc == 0)
		s->stats.pack_bytes += p->file_bytes;
	session_pack_free(s->spare);
	s->spare = p;
	return rc < 0 ? session_die(s, e) : 0;
}

/* Hand the open pack of a kind to the uploader. */
static int session_pack_close(struct session *s, enum pack_kind kind,
			      struct err *e)
{
	struct session_pack **at = &s->open[kind == PACK_META];
	int rc;

	if (!*at || (*at)->n == 0)
		return 0;
	while (pool_full(s->uploader))
		if ((rc = session_pack_take(s, e)) < 0)
			return rc;
	s->n_closed += kind == PACK_DATA;
	pool_put(s->uploader, &(*at)->job);
	*at = NULL;
	return 0;
}

int session_pack_drain(struct session *s, struct err *e)
{
	int rc;

	if ((rc = session_pack_close(s, PACK_DATA, e)) < 0 ||
	    (rc = session_pack_close(s, PACK_META, e)) < 0)
		return rc;
	while (!pool_empty(s->uploader))
		if ((rc = session_pack_take(s, e)) < 0)
			return rc;
	return 0;
}

void session_pack_stop(struct session *s)
{
	thread_aside_end(&s->asker, NULL);
	if (s->uploader)
		while (!pool_empty(s->uploader))
			session_pack_free((struct session_pack *)
				pool_take(s->uploader));
	pool_free(s->uploader);
	s->uploader = NULL;
	session_pack_free(s->open[0]);
	session_pack_free(s->open[1]);
	session_pack_free(s->spare);
	s->open[0] = s->open[1] = s->spare = NULL;
}

/* The open pack of a kind; NULL: no memory. */
static struct session_pack *session_pack_open(struct session *s,
					      enum pack_kind kind)
{
	struct session_pack **at = &s->open[kind == PACK_META];

	if (*at)
		return *at;
	*at = s->spare ? s->spare : mem_zero(1, sizeof(**at));
	s->spare = NULL;
	if (*at) {
		(*at)->kind = kind;
		(*at)->n = 0;
		buf_clear(&(*at)->objects);
	}
	return *at;
}

/* How large a pack gets.  The first of a large backup are smaller where a line
 * would be idle until they are full. */
static uint32_t session_pack_target(const struct session *s,
				    enum pack_kind kind)
{
	if (kind == PACK_META)
		return FMT_PACK_META_BYTES;
	return s->n_closed < PACK_SMALLER && store_far(repo_store(s->repo)) ?
		FMT_PACK_DATA_BYTES >> (PACK_SMALLER - s->n_closed) :
		FMT_PACK_DATA_BYTES;
}

static int session_pack_append(struct session_pack *p, uint32_t target,
			       const struct object_head *h,
			       const uint8_t *sealed, struct err *e)
{
	int rc;

	if (p->n == p->cap) {
		uint32_t cap = p->cap ? p->cap * 2 : 256;
		struct pack_entry *ne = mem_resize(p->entries, cap,
			sizeof(*ne));

		if (!ne)
			return err_nomem(e);
		p->entries = ne;
		p->cap = cap;
	}
	/* Grow in two steps only: small sessions stay small, full packs are
	 * not copied again and again. */
	if (p->objects.cap - p->objects.len < h->stored_len &&
	    p->objects.len > target / 8 &&
	    (rc = buf_reserve(&p->objects, target - p->objects.len +
			      h->stored_len, e)) < 0)
		return rc;
	if ((rc = buf_append(&p->objects, sealed, h->stored_len, e)) < 0)
		return rc;
	p->entries[p->n++] = (struct pack_entry) { .obj = *h };
	return 0;
}

/* Who asks for the object from now on is told its size. */
static void session_sized(struct session *s, const struct object_head *h)
{
	uint64_t *value;

	pthread_mutex_lock(&s->mtx);
	value = map_get(&s->claimed, h->id.b);
	if (value)
		*value = h->stored_len;
	pthread_mutex_unlock(&s->mtx);
}

int session_add(struct session *s, const struct session_sealed *o,
		const struct buf *arena, struct err *e)
{
	enum pack_kind kind = o->head.type == OBJ_DATA ? PACK_DATA : PACK_META;
	struct session_pack *p;
	uint32_t target;
	int rc;

	if (s->dead.code)
		return session_die(s, e);
	if (!o->fresh)
		return 0;
	p = session_pack_open(s, kind);
	target = session_pack_target(s, kind);
	rc = p ? session_pack_append(p, target, &o->head, arena->p + o->at,
		e) : err_nomem(e);
	if (rc < 0)
		return session_die(s, e);
	session_sized(s, &o->head);
	s->stats.objects++;
	s->stats.plain_bytes += o->head.plain_len;
	s->stats.stored_bytes += o->head.stored_len;
	if (p->objects.len < target && p->n < PACK_MAX_OBJECTS)
		return 0;
	if (kind == PACK_META && (rc = session_pack_close(s, PACK_DATA, e)) < 0)
		return rc;
	return session_pack_close(s, kind, e);
}
