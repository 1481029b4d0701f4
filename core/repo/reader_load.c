/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/reader_priv.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/object.h"
#include "repo/parity_store.h"

/* Each time somebody else has got on. */
#define READER_TRIES 100

struct scratch *reader_scratch_get(struct reader *rd)
{
	struct scratch *s;

	pthread_mutex_lock(&rd->mtx);
	s = rd->scratch;
	if (s)
		rd->scratch = s->next;
	pthread_mutex_unlock(&rd->mtx);
	return s ? s : mem_zero(1, sizeof(*s));
}

void reader_scratch_put(struct reader *rd, struct scratch *s)
{
	/* One large object must not pin its size for ever. */
	if (s->sealed.cap > (2u << 20))
		buf_release(&s->sealed);
	if (s->packed.cap > (2u << 20))
		buf_release(&s->packed);
	pthread_mutex_lock(&rd->mtx);
	s->next = rd->scratch;
	rd->scratch = s;
	pthread_mutex_unlock(&rd->mtx);
}

static int reader_keys_grow(struct reader *rd, uint32_t no, struct err *e)
{
	uint32_t n = rd->n_keys ? rd->n_keys : 16;
	struct object_keys **p;

	while (n <= no)
		n *= 2;
	p = mem_resize(rd->keys, n, sizeof(struct object_keys *));
	if (!p)
		return err_nomem(e);
	memset(p + rd->n_keys, 0, (n - rd->n_keys) * sizeof(*p));
	rd->keys = p;
	rd->n_keys = n;
	return 0;
}

/* The keys of a session; opening its secret is dear, so they are kept. */
static int reader_keys(struct reader *rd, const struct idx_loc *loc,
		       const struct object_keys **out, struct err *e)
{
	struct object_keys *k = NULL;
	struct key secret;
	int rc = 0;

	pthread_mutex_lock(&rd->mtx);
	if (loc->session_no < rd->n_keys)
		k = rd->keys[loc->session_no];
	pthread_mutex_unlock(&rd->mtx);
	*out = k;
	if (k)
		return 0;
	rc = repo_unseal(rd->repo, loc->session, &secret, e);
	if (rc < 0)
		return rc;
	k = key_alloc(sizeof(*k));
	if (!k) {
		key_wipe(&secret, sizeof(secret));
		return err_nomem(e);
	}
	object_keys(k, &secret, repo_psk(rd->repo), &loc->session->id);
	key_wipe(&secret, sizeof(secret));
	pthread_mutex_lock(&rd->mtx);
	if (loc->session_no >= rd->n_keys)
		rc = reader_keys_grow(rd, loc->session_no, e);
	if (rc == 0 && !rd->keys[loc->session_no]) {
		rd->keys[loc->session_no] = k;
		k = NULL;
	}
	if (rc == 0)
		*out = rd->keys[loc->session_no];
	pthread_mutex_unlock(&rd->mtx);
	key_free(k);
	return rc;
}

int reader_open_at(struct reader *rd, enum obj_type t,
		   const struct idx_loc *loc, const uint8_t *sealed,
		   struct buf *packed, struct buf *out, struct err *e)
{
	const struct object_keys *keys;
	char hex[OID_HEX_BYTES];
	int rc;

	if ((rc = reader_keys(rd, loc, &keys, e)) < 0)
		return rc;
	buf_clear(out);
	if ((rc = buf_resize(out, loc->obj.plain_len, e)) < 0)
		return rc;
	rc = object_open(&loc->obj, repo_ctx(rd->repo), keys,
		repo_id_key(rd->repo, t), sealed, packed, out->p, e);
	if (rc < 0)
		err_ctx(e, "pack %s", oid_hex(&loc->pack, hex));
	return rc;
}

int reader_sealed(struct reader *rd, const struct idx_loc *loc, size_t len,
		  struct buf *out, struct err *e)
{
	char hex[OID_HEX_BYTES];

	if (loc->kind == PACK_META &&
	    meta_local_get(rd->local, &loc->pack, loc->pack_bytes, loc->off,
			   len, out))
		return 0;
	return store_get(repo_store(rd->repo), loc->kind == PACK_META ?
		STORE_META : STORE_DATA, oid_hex(&loc->pack, hex), loc->off,
		len, out, e);
}

/* Its bytes are not what was written (a damaged head seems to be of another
 * version), or cannot be read. */
static bool reader_damage(int rc)
{
	return rc == ERR_CORRUPT || rc == ERR_AUTH || rc == ERR_CONFIG ||
		rc == ERR_IO;
}

static int reader_load_at(struct reader *rd, enum obj_type t,
			  const struct idx_loc *loc, struct scratch *s,
			  struct buf *out, struct err *e)
{
	bool again = false;
	int rc;

	if (loc->obj.type != t)
		return err_set(e, ERR_CORRUPT, "the index has another type");
	do {
		buf_clear(&s->sealed);
		rc = reader_sealed(rd, loc, loc->obj.stored_len, &s->sealed,
			e);
		if (rc == 0)
			rc = reader_open_at(rd, t, loc, s->sealed.p,
				&s->packed, out, e);
		/* Was it only what this machine has of it? */
		again = !again && reader_damage(rc) &&
			loc->kind == PACK_META &&
			meta_local_drop(rd->local, &loc->pack);
	} while (again);
	return rc;
}

bool reader_find(struct reader *rd, const struct oid *id, struct idx_loc *loc)
{
	bool found;

	pthread_rwlock_rdlock(&rd->idx_lock);
	found = idx_find(rd->idx, id, loc);
	pthread_rwlock_unlock(&rd->idx_lock);
	return found;
}

/* Every place that the index knows, until one gives the bytes.  One who may
 * only add may have listed it in a pack of his own, of any kind of damage: a
 * place that is no good never hides another. */
static int reader_load_any(struct reader *rd, enum obj_type t,
			   const struct oid *id, struct scratch *s,
			   struct buf *out, struct err *e)
{
	struct idx_loc loc;
	unsigned at = 0;
	bool found;
	int rc = ERR_NOENT;

	for (;;) {
		pthread_rwlock_rdlock(&rd->idx_lock);
		found = idx_find_next(rd->idx, id, &at, &loc);
		pthread_rwlock_unlock(&rd->idx_lock);
		if (!found)
			break;
		rc = reader_load_at(rd, t, &loc, s, out, e);
		if (rc == 0 || rc == ERR_IO || rc == ERR_NOMEM ||
		    rc == ERR_CANCEL)
			break;
	}
	return rc;
}

/* It is told once of each pack, and tried once if it cannot be done.  A store
 * that is out of reach says nothing about the pack. */
static void reader_mend_note(struct reader *rd, const struct oid *pack,
			     const char *file, int rc, const struct err *why)
{
	uint64_t *mendable;
	bool was;

	if (rc != 0 && rc != ERR_NOENT && rc != ERR_CORRUPT &&
	    rc != ERR_CONFIG)
		return;
	if (map_put(&rd->mendable, pack->b, &mendable, &was, NULL) < 0 || was)
		return;
	*mendable = rc == 0;
	if (rc == 0)
		log_warn("reader", "%s is damaged and is read by its parity: "
			"'muniment repair' replaces it", file);
	else if (rc != ERR_NOENT)
		log_warn("reader", "%s is damaged, and its parity is of no "
			"help: %s", file, why->msg);
}

/* The pack, mended by its parity, in rd->mended; under mend_mtx. */
static int reader_mend(struct reader *rd, const struct idx_loc *loc)
{
	enum store_kind kind = loc->kind == PACK_META ? STORE_META :
		STORE_DATA;
	uint64_t *mendable = map_get(&rd->mendable, loc->pack.b);
	char hex[OID_HEX_BYTES], file[OID_HEX_BYTES + 16];
	struct err why = { ERR_OK, "" };
	int rc;

	if (rd->mended.len && oid_eq(&rd->mended_name, &loc->pack))
		return 0;
	if (mendable && !*mendable)
		return ERR_CORRUPT;
	oid_hex(&loc->pack, hex);
	snprintf(file, sizeof(file), "%s/%s", store_kind_name(kind), hex);
	rc = parity_store_mend(repo_store(rd->repo), kind, hex, &rd->mended,
		NULL, &why);
	rd->mended_name = loc->pack;
	reader_mend_note(rd, &loc->pack, file, rc, &why);
	return rc;
}

static int reader_load_mended(struct reader *rd, enum obj_type t,
			      const struct oid *id, struct scratch *s,
			      struct buf *out)
{
	struct idx_loc loc;
	unsigned at = 0;
	int rc = ERR_NOENT;
	bool found;

	while (rc != 0) {
		pthread_rwlock_rdlock(&rd->idx_lock);
		found = idx_find_next(rd->idx, id, &at, &loc);
		pthread_rwlock_unlock(&rd->idx_lock);
		if (!found)
			break;
		if (loc.obj.type != t)
			continue;
		pthread_mutex_lock(&rd->mend_mtx);
		buf_clear(&s->sealed);
		rc = reader_mend(rd, &loc);
		if (rc == 0 && (rd->mended.len < loc.off ||
		    rd->mended.len - loc.off < loc.obj.stored_len))
			rc = ERR_CORRUPT;
		if (rc == 0)
			rc = buf_append(&s->sealed, rd->mended.p + loc.off,
				loc.obj.stored_len, NULL);
		pthread_mutex_unlock(&rd->mend_mtx);
		if (rc == 0)
			rc = reader_open_at(rd, t, &loc, s->sealed.p,
				&s->packed, out, NULL);
	}
	return rc;
}

int reader_look(struct reader *rd, bool *news, struct err *e)
{
	uint64_t was;
	int rc;

	pthread_rwlock_wrlock(&rd->idx_lock);
	was = idx_inserted(rd->idx);
	rc = idx_refresh(rd->idx, e);
	*news = idx_inserted(rd->idx) != was;
	pthread_rwlock_unlock(&rd->idx_lock);
	return rc;
}

/* What is not there was written, merged or compacted since the index was read,
 * or a local copy of that is damaged: after another look at the index, and
 * again as long as that has news: a compaction may be faster once more. */
static int reader_load_again(struct reader *rd, enum obj_type t,
			     const struct oid *id, struct scratch *s,
			     struct buf *out, struct err *e)
{
	int rc = reader_load_any(rd, t, id, s, out, e), looked;
	unsigned tries;
	bool news;

	for (tries = 0; tries < READER_TRIES; tries++) {
		if (rc != ERR_NOENT && rc != ERR_CORRUPT)
			break;
		if ((looked = reader_look(rd, &news, e)) < 0)
			return looked;
		/* Another thread may have had the news. */
		if (!news && tries > 0)
			break;
		rc = reader_load_any(rd, t, id, s, out, e);
	}
	return rc;
}

int reader_load(struct reader *rd, enum obj_type t, const struct oid *id,
		struct buf *out, struct err *e)
{
	struct scratch *s = reader_scratch_get(rd);
	char hex[OID_HEX_BYTES];
	struct err why = { ERR_OK, "" };
	int rc;

	if (!s)
		return err_nomem(e);
	rc = reader_load_again(rd, t, id, s, out, &why);
	if (reader_damage(rc) && reader_load_mended(rd, t, id, s, out) == 0)
		rc = 0;
	if (rc == 0) {
		pthread_mutex_lock(&rd->mtx);
		rd->stats.misses++;
		rd->stats.read_bytes += s->sealed.len;
		rd->stats.plain_bytes += out->len;
		pthread_mutex_unlock(&rd->mtx);
	} else if (why.code != ERR_OK) {
		if (e)
			*e = why;
		err_ctx(e, "%s object %.16s", fmt_type_name(t),
			oid_hex(id, hex));
	}
	/* Who asks has it from a node or a record, so it must be there: to say
	 * "no such thing" would make damage look like an empty folder. */
	if (rc == ERR_NOENT)
		rc = err_set(e, ERR_CORRUPT, "%s object %.16s is missing from "
			"the repository", fmt_type_name(t), oid_hex(id, hex));
	reader_scratch_put(rd, s);
	return rc;
}
