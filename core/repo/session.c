/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer's side of the collector's protocol, up to the commit
 * (session_commit.c); its steps carry the names of DESIGN section 5.
 */
#include "repo/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/mark.h"
#include "repo/home.h"
#include "repo/repo.h"
#include "repo/session_priv.h"

#define SESSION_FLUSH_SECS 300
#define SESSION_FLUSH_OBJECTS 200000
#define SESSION_HEARTBEAT_SECS 300
#define NSEC 1000000000ll

int session_die(struct session *s, struct err *e)
{
	if (s->dead.code == ERR_OK) {
		if (e && e->code != ERR_OK)
			s->dead = *e;
		else
			err_set(&s->dead, ERR_IO, "the session failed");
	} else if (e) {
		*e = s->dead;
	}
	return s->dead.code;
}

int session_note_file(struct session *s, const struct session_file *f,
		      struct err *e)
{
	if (s->n_files == s->cap_files) {
		size_t cap = s->cap_files ? s->cap_files * 2 : 64;
		struct session_file *p = mem_resize(s->files, cap, sizeof(*p));

		if (!p)
			return err_nomem(e);
		s->files = p;
		s->cap_files = cap;
	}
	s->files[s->n_files++] = *f;
	return 0;
}

/* The name of a heartbeat; number 0 is the session's own. */
static char *session_mark_name(const struct session *s, uint64_t n,
			       char out[STORE_NAME_MAX])
{
	char hex[SID_HEX_BYTES];

	sid_hex(&s->id, hex);
	if (n == 0)
		snprintf(out, STORE_NAME_MAX, "%s", hex);
	else
		snprintf(out, STORE_NAME_MAX, "%s.%" PRIu64, hex, n);
	return out;
}

/* W0, and the heartbeats after it: a new name each time. */
static int session_put_mark(struct session *s, uint64_t n, struct err *e)
{
	struct mark_session m = {
		.session = s->id,
		.start_nsec = clock_wall_nsec(),
		.pid = (uint32_t)getpid(),
		.pid_start = home_pid_start(),
		.pid_ns = home_pid_ns(),
	};
	char name[STORE_NAME_MAX];
	struct buf b = BUF_INIT;
	int rc;

	if ((rc = home_client_id(&m.client, e)) < 0)
		return rc;
	m.host = mem_str(home_host_name());
	m.boot_id = mem_str(home_boot_id());
	if (!m.host || !m.boot_id)
		rc = err_nomem(e);
	if (rc == 0)
		rc = mark_put_session(repo_ctx(s->repo), &m, &b, e);
	if (rc == 0)
		rc = store_put_buf(repo_store(s->repo), STORE_SESSIONS,
			session_mark_name(s, n, name), &b, 0, e);
	s->heartbeat_nsec = clock_mono_nsec();
	buf_release(&b);
	free(m.host);
	free(m.boot_id);
	return rc;
}

static void session_del_mark(struct session *s, uint64_t n)
{
	struct err e = { ERR_OK, "" };
	char name[STORE_NAME_MAX];

	if (store_del(repo_store(s->repo), STORE_SESSIONS,
		      session_mark_name(s, n, name), &e) < 0)
		log_debug("session", "%s", e.msg);
}

int session_tick(struct session *s, struct err *e)
{
	int64_t due = s->heartbeat_nsec +
		(int64_t)s->opts.heartbeat_secs * NSEC;
	int rc;

	if (s->dead.code)
		return session_die(s, e);
	if (clock_mono_nsec() < due)
		return 0;
	if ((rc = session_put_mark(s, s->heartbeats + 1, e)) < 0)
		return session_die(s, e);
	if (s->heartbeats++ > 0)
		session_del_mark(s, s->heartbeats - 1);
	return rc;
}

static int session_make_keys(struct session *s, struct err *e)
{
	struct key secret;

	s->keys = key_alloc(sizeof(*s->keys));
	if (!s->keys)
		return err_nomem(e);
	key_random(&secret, sizeof(secret));
	s->key.id = s->id;
	s->key.epoch = repo_epoch(s->repo);
	s->key.level = (int8_t)s->opts.comp.level;
	key_box_seal(s->key.sealed, &secret, sizeof(secret),
		repo_box_public(s->repo));
	object_keys(s->keys, &secret, repo_psk(s->repo), &s->id);
	key_wipe(&secret, sizeof(secret));
	return 0;
}

int session_begin(struct session **out, struct repo *r,
		  const struct session_opts *o, struct err *e)
{
	struct session *s;
	int rc;

	*out = NULL;
	if ((rc = repo_require(r, KEY_APPEND, e)) < 0)
		return rc;
	s = mem_zero(1, sizeof(*s));
	if (!s)
		return err_nomem(e);
	s->repo = r;
	s->opts = *o;
	s->mille = -1;
	if (!s->opts.flush_secs)
		s->opts.flush_secs = SESSION_FLUSH_SECS;
	if (!s->opts.flush_objects)
		s->opts.flush_objects = SESSION_FLUSH_OBJECTS;
	if (!s->opts.heartbeat_secs)
		s->opts.heartbeat_secs = SESSION_HEARTBEAT_SECS;
	pthread_mutex_init(&s->mtx, NULL);
	pthread_mutex_init(&s->up_mtx, NULL);
	pthread_cond_init(&s->up_cv, NULL);
	key_random(&s->id, sizeof(s->id));
	s->flush_nsec = clock_mono_nsec();
	if ((rc = session_make_keys(s, e)) < 0)
		goto out;
	s->worker = session_worker_new(s);
	if (!s->worker) {
		rc = err_nomem(e);
		goto out;
	}
	if ((rc = session_put_mark(s, 0, e)) < 0)	/* W0 */
		goto out;
	s->opened = true;
	if ((rc = idx_open(&s->idx, r, IDX_WRITER, e)) < 0)	/* W1 */
		goto out;
	rc = session_pack_start(s, e);
out:
	if (rc < 0) {
		session_free(s);
		s = NULL;
	}
	*out = s;
	return rc;
}

const struct sid *session_id(const struct session *s)
{
	return &s->id;
}

uint32_t session_generation(const struct session *s)
{
	return idx_generation(s->idx);
}

struct session_worker {
	struct comp *comp;
	struct buf packed;
};

struct session_worker *session_worker_new(struct session *s)
{
	struct session_worker *w = mem_zero(1, sizeof(*w));

	if (w && !(w->comp = comp_new(&s->opts.comp))) {
		free(w);
		w = NULL;
	}
	return w;
}

void session_worker_free(struct session_worker *w)
{
	if (!w)
		return;
	comp_free(w->comp);
	buf_release(&w->packed);
	free(w);
}

bool session_find(struct session *s, const struct oid *id,
		  uint32_t *stored_len)
{
	struct idx_loc loc;
	uint64_t *value;
	bool claimed;

	pthread_mutex_lock(&s->mtx);
	value = map_get(&s->claimed, id->b);
	claimed = value != NULL;
	*stored_len = claimed ? (uint32_t)*value : 0;
	pthread_mutex_unlock(&s->mtx);
	if (claimed)
		return true;
	if (!idx_find(s->idx, id, &loc))
		return false;
	*stored_len = loc.obj.stored_len;
	return true;
}

bool session_has(struct session *s, const struct oid *id)
{
	uint32_t stored_len;

	return session_find(s, id, &stored_len);
}

/* True: the id is new and now ours to seal. */
static int session_claim(struct session *s, const struct oid *id, size_t len,
			 bool *fresh, struct err *e)
{
	bool listed = idx_has(s->idx, id);
	uint64_t *value;
	bool was = true;
	int rc = 0;

	pthread_mutex_lock(&s->mtx);
	s->seen_objects++;
	s->seen_bytes += len;
	if (!listed)
		rc = map_put(&s->claimed, id->b, &value, &was, e);
	pthread_mutex_unlock(&s->mtx);
	*fresh = rc == 0 && !was;
	return rc;
}

int session_seal(struct session *s, struct session_worker *w, enum obj_type t,
		 const void *p, size_t len, struct buf *arena,
		 struct session_sealed *out, struct err *e)
{
	int rc;

	BUG_ON(len == 0 || len > OBJ_MAX_BYTES);
	memset(out, 0, sizeof(*out));
	out->head.type = t;
	out->head.plain_len = (uint32_t)len;
	object_id(&out->head.id, repo_id_key(s->repo, t), p, len);
	rc = session_claim(s, &out->head.id, len, &out->fresh, e);
	if (rc < 0 || !out->fresh)
		return rc;
	rc = comp_pack(w->comp, p, len, &w->packed, e);
	if (rc < 0)
		return rc;
	out->head.codec = (enum comp_codec)rc;
	if (rc == COMP_ZSTD) {
		p = w->packed.p;
		len = w->packed.len;
	}
	rc = buf_reserve(arena, len + AEAD_TAG_BYTES, e);
	if (rc < 0)
		return rc;
	out->at = arena->len;
	object_seal(&out->head, repo_ctx(s->repo), s->keys, p, len,
		arena->p + arena->len);
	arena->len += out->head.stored_len;
	return 0;
}

int session_put(struct session *s, enum obj_type t, const void *p, size_t len,
		struct oid *id, struct err *e)
{
	struct session_sealed o;
	int rc;

	if (s->dead.code)
		return session_die(s, e);
	buf_clear(&s->arena);
	rc = session_seal(s, s->worker, t, p, len, &s->arena, &o, e);
	if (rc < 0)
		return session_die(s, e);
	*id = o.head.id;
	return session_add(s, &o, &s->arena, e);
}

/* --- W3: the index segment --- */

static int session_entry_cmp(const void *a, const void *b)
{
	return memcmp(a, b, SEGMENT_PREFIX_BYTES);
}

static void session_segment(struct session *s, struct segment *g)
{
	memset(g, 0, sizeof(*g));
	qsort(s->entries, s->n_entries, SEGMENT_ENTRY_BYTES,
		session_entry_cmp);
	g->kind = SEGMENT_SESSION;
	g->generation = idx_generation(s->idx);
	g->entries = s->entries;
	g->n_entries = s->n_entries;
	g->packs = s->packs;
	g->n_packs = s->n_packs;
	s->entries = NULL;
	s->packs = NULL;
	s->n_entries = s->cap_entries = s->n_packs = s->cap_packs = 0;
}

static int session_put_segment(struct session *s, struct err *e)
{
	struct store *st = repo_store(s->repo);
	struct session_file f = { .kind = STORE_INDEX };
	char text[SEGMENT_NAME_BYTES];
	struct buf file = BUF_INIT;
	struct segment g;
	int rc;

	session_segment(s, &g);
	g.sessions = mem_dup(&s->key, sizeof(s->key));
	g.n_sessions = 1;
	rc = g.sessions ? segment_seal(repo_ctx(s->repo), &g, &file,
		&f.segment, e) : err_nomem(e);
	if (rc == 0) {
		f.bytes = file.len;
		rc = store_put_buf(st, STORE_INDEX,
			segment_name_put(&f.segment, text), &file, 0, e);
	}
	if (rc == 0)
		rc = store_sync(st, e);
	buf_release(&file);
	if (rc == 0)
		rc = session_note_file(s, &f, e);
	if (rc == 0)
		rc = idx_add(s->idx, &f.segment, &g, e);
	segment_release(&g);
	return rc;
}

bool session_flush_due(const struct session *s)
{
	return s->n_entries >= s->opts.flush_objects ||
		((s->n_entries > 0 || s->open[0] || s->open[1]) &&
		 clock_mono_nsec() - s->flush_nsec >
		 (int64_t)s->opts.flush_secs * NSEC);
}

/*
 * W2 and W3.  The segment is closed: the owner has drained its workers, so
 * whatever a node in these packs refers to is in them, in an earlier segment,
 * or was found in the view.
 */
int session_flush(struct session *s, struct err *e)
{
	int rc;

	if (s->dead.code)
		return session_die(s, e);
	if ((rc = session_pack_drain(s, e)) < 0)
		return rc;
	s->flush_nsec = clock_mono_nsec();
	if (s->n_entries == 0)
		return 0;
	if ((rc = store_sync(repo_store(s->repo), e)) < 0 ||
	    (rc = session_put_segment(s, e)) < 0)
		return session_die(s, e);
	pthread_mutex_lock(&s->mtx);
	map_clear(&s->claimed);
	pthread_mutex_unlock(&s->mtx);
	return 0;
}

void session_stats(struct session *s, struct session_stats *out)
{
	*out = s->stats;
	pthread_mutex_lock(&s->mtx);
	out->seen_objects = s->seen_objects;
	out->seen_bytes = s->seen_bytes;
	pthread_mutex_unlock(&s->mtx);
}

/* W5: the marks of the session go. */
void session_end(struct session *s)
{
	session_pack_stop(s);
	if (s->opened && !s->ended) {
		if (s->heartbeats)
			session_del_mark(s, s->heartbeats);
		session_del_mark(s, 0);
	}
	s->ended = true;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	session_end(s);
	idx_close(s->idx);
	session_worker_free(s->worker);
	buf_release(&s->arena);
	map_release(&s->claimed);
	free(s->packs);
	free(s->entries);
	free(s->files);
	key_free(s->keys);
	pthread_mutex_destroy(&s->mtx);
	pthread_mutex_destroy(&s->up_mtx);
	pthread_cond_destroy(&s->up_cv);
	free(s);
}
