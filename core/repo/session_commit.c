/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a session.  COMMIT POINT: the put of archives/S in
 * session_put_record.  Everything before it is garbage that a collector
 * removes; after it comes only clearing up.
 */
#include "repo/session_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "repo/alive.h"
#include "repo/catalog.h"
#include "repo/parity_store.h"
#include "repo/pin.h"
#include "repo/repo.h"
#include "repo/witness.h"

static const char *session_file_name(const struct session_file *f,
				     char text[SEGMENT_NAME_BYTES])
{
	static_assert(OID_HEX_BYTES <= SEGMENT_NAME_BYTES, "names of packs");

	return f->kind == STORE_INDEX ? segment_name_put(&f->segment, text) :
		oid_hex(&f->hash, text);
}

/* What was found of a file. */
static int session_judge(struct session *s, const struct session_file *f,
			 const struct store_look *l, struct err *e)
{
	int rc = l->rc;

	if (rc == 0 && l->size != f->bytes)
		rc = err_set(e, ERR_IO, "has %" PRIu64 " bytes where %" PRIu64
			" were written", l->size, f->bytes);
	else if (rc == ERR_NOENT && f->kind == STORE_INDEX)
		rc = idx_merged(s->idx, &f->segment, e);
	else if (rc < 0)
		err_set(e, (enum err_code)rc, "it is not there");
	if (rc < 0)
		err_ctx(e, "%s/%s, written by this run",
			store_kind_name(f->kind), l->name);
	return rc;
}

static int session_fenced(struct err *e)
{
	return err_set(e, ERR_RETRY, "a collector has fenced this session: "
		"the archive was not made");
}

/* All files of the session, in one go. */
static int session_look(struct session *s, struct err *e)
{
	struct store_look *look = mem_zero(s->n_files, sizeof(*look));
	char (*name)[SEGMENT_NAME_BYTES] = mem_array(s->n_files,
		sizeof(*name));
	size_t i;
	int rc = look && name ? 0 : err_nomem(e);

	for (i = 0; rc == 0 && i < s->n_files; i++) {
		look[i].kind = s->files[i].kind;
		look[i].name = session_file_name(&s->files[i], name[i]);
	}
	if (rc == 0)
		rc = store_stat_many(repo_store(s->repo), look, s->n_files, e);
	for (i = 0; rc == 0 && i < s->n_files; i++)
		rc = session_judge(s, &s->files[i], &look[i], e);
	free(look);
	free(name);
	return rc;
}

/* Every file of the session is there, whole, before it is relied upon. */
static int session_look_again(void *arg, struct err *e)
{
	struct session *s = arg;
	struct err why = { ERR_OK, "" };
	char hex[SID_HEX_BYTES];
	uint64_t bytes;
	int rc = session_look(s, &why);

	/* What a fenced session wrote may be collected already. */
	if (rc == ERR_NOENT && store_stat(repo_store(s->repo), STORE_ARCHIVES,
			sid_hex(&s->id, hex), &bytes, NULL) == 0)
		return session_fenced(e);
	if (rc < 0 && e)
		*e = why;
	return rc;
}

static int session_saw(struct record *r, const struct catalog_item *it,
		       struct err *e)
{
	struct record_seen *p;
	uint32_t i;

	for (i = 0; i < r->n_seen; i++)
		if (sid_eq(&r->seen[i].client, &it->rec.client))
			break;
	if (i == r->n_seen) {
		p = mem_resize(r->seen, i + 1, sizeof(*p));
		if (!p)
			return err_nomem(e);
		r->seen = p;
		r->n_seen++;
		p[i] = (struct record_seen) { .client = it->rec.client };
	}
	if (it->rec.seq > r->seen[i].seq) {
		r->seen[i].seq = it->rec.seq;
		r->seen[i].hash = it->id;
	}
	return 0;
}

/*
 * This client's chain, what it has seen of the others, and that nobody took
 * the name meanwhile.  A record whose session has not ended may be lost yet, in
 * a power cut, and is not named: who names one says that it was there for good.
 */
static int session_chain(struct session *s, struct record *r, struct err *e)
{
	struct map at_work = MAP_INIT;
	struct catalog *c;
	struct pin pin;
	uint64_t last = 0;
	size_t i;
	int rc;

	if ((rc = repo_client_id(s->repo, &r->client, e)) < 0 ||
	    (rc = catalog_load_all(&c, s->repo, e)) < 0)
		return rc;
	rc = alive_names(&at_work, s->repo, STORE_SESSIONS, e);
	pin_load(&pin, s->repo);
	r->seq = sid_eq(&pin.client, &r->client) ? pin.seq + 1 : 1;
	for (i = 0; rc == 0 && i < c->n; i++) {
		const struct record *o = &c->item[i]->rec;

		if (!c->item[i]->deleted && o->name &&
		    strcmp(o->name, r->name) == 0 &&
		    !(s->opts.replaces &&
		      sid_eq(s->opts.replaces, &o->session))) {
			rc = err_set(e, ERR_EXIST, "there is an archive '%s' "
				"already", r->name);
			break;
		}
		if (sid_eq(&o->client, &r->client)) {
			if (o->seq >= last &&
			    !map_get(&at_work, o->session.b)) {
				last = o->seq;
				r->prev = c->item[i]->id;
			}
			if (o->seq >= r->seq)
				r->seq = o->seq + 1;
			continue;
		}
		if (!map_get(&at_work, o->session.b))
			rc = session_saw(r, c->item[i], e);
	}
	map_release(&at_work);
	catalog_free(c);
	return rc;
}

/* The archive is made: that its record gets no parity is no failure. */
static void session_record_parity(struct session *s, const char *hex,
				  const struct buf *b)
{
	struct iovec iov = { b->p, b->len };
	struct err e = { ERR_OK, "" };
	int rc = session_mille(s, &e);

	if (rc == 0 && s->mille > 0)
		rc = parity_store_put(s->repo, hex, (unsigned)s->mille, &iov,
			1, &e);
	if (rc < 0)
		log_warn("session", "the record of the archive has no parity: "
			"%s", e.msg);
}

static int session_put_record(struct session *s, struct record *r,
			      struct oid *id, struct err *e)
{
	struct store *st = repo_store(s->repo);
	struct buf b = BUF_INIT, there = BUF_INIT;
	char hex[SID_HEX_BYTES];
	int rc;

	sid_hex(&s->id, hex);
	if ((rc = record_seal(repo_ctx(s->repo), r, s->keys, &b, id, e)) < 0)
		goto out;
	rc = store_put_buf(st, STORE_ARCHIVES, hex, &b, STORE_PUT_RACE, e);
	if (rc == ERR_EXIST) {
		/* Our own put that got through before it failed, or a fence. */
		rc = store_get_all(st, STORE_ARCHIVES, hex, RECORD_MAX_BYTES,
			&there, e);
		if (rc == 0 && (there.len != b.len ||
				memcmp(there.p, b.p, b.len) != 0))
			rc = session_fenced(e);
	}
	if (rc == 0)
		rc = store_sync(st, e);
	if (rc == 0)
		session_record_parity(s, hex, &b);
out:
	buf_release(&b);
	buf_release(&there);
	return rc;
}

/* This machine remembers what it wrote last. */
static void session_pin(struct session *s, const struct record *r,
			const struct oid *id)
{
	struct pin p = { .client = r->client, .seq = r->seq, .record = *id };
	struct err e = { ERR_OK, "" };

	if (pin_save(&p, s->repo, &e) < 0)
		log_info("session", "not pinned: %s", e.msg);
	witness_made(s->repo, r, id);
	catalog_made(s->repo, r, id);
}

int session_commit(struct session *s, struct record *r, struct oid *id,
		   struct err *e)
{
	struct err merge = { ERR_OK, "" }, why;
	struct thread_aside look;
	int rc;

	BUG_ON(r->root.kind == DIR_INLINE || s->ended);
	if ((rc = session_flush(s, e)) < 0)		/* W2, W3 */
		goto out;
	if (r->root.kind == DIR_ROOT && !idx_has(s->idx, &r->root.id)) {
		rc = err_set(e, ERR_IO, "the archive's root is not listed");
		goto out;
	}
	r->session = s->id;
	r->key = s->key;
	r->generation = idx_generation(s->idx);
	thread_aside(&look, store_far(repo_store(s->repo)), session_look_again,
		s);
	rc = session_chain(s, r, e);
	if (thread_aside_end(&look, &why) < 0) {
		rc = look.rc;
		if (e)
			*e = why;
	}
	if (rc < 0)
		goto out;
	rc = session_put_record(s, r, id, e);		/* W4 */
	if (rc == 0)
		session_pin(s, r, id);
	/* Where nothing can be deleted a merge would only add. */
	if (rc == 0 && !store_appends_only(repo_store(s->repo)) &&
	    idx_merge(s->idx, &merge) < 0)
		log_info("index", "not merged: %s", merge.msg);
out:
	if (rc < 0)
		session_die(s, e);
	session_end(s);					/* W5 */
	return rc;
}
