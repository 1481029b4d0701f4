/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rd.h"
#include "base/wr.h"

#define SUM_BYTES 32
#define SEEN_DEAD 1u
#define SEEN_LIVE 2u			/* and on: the place in live */
#define ARCHIVE_BYTES (16 + 32 + 16 + 8 + 8 + 1)
#define DEAD_BYTES (16 + 16)
#define OWED_BYTES (32 + 16 + 16)
static const uint8_t seen_magic[8] = "MUseen\0\1";
static const uint8_t zero[16];

/* Room for one more: lists grow at 0, 1, 2, 4, ... */
static int grow(void *list, size_t n, size_t each, struct err *e)
{
	void **p = list;
	void *more;

	if (n & (n - 1))
		return 0;
	more = mem_resize(*p, n ? n * 2 : 1, each);
	if (!more)
		return err_nomem(e);
	*p = more;
	return 0;
}

static int note_record(struct seen *s, const uint8_t *record, struct err *e)
{
	uint64_t *value;
	bool was;

	if (!memcmp(record, zero, sizeof(zero)))
		return 0;
	return map_put(&s->at_record, record, &value, &was, e);
}

static uint64_t place_of(const struct seen *s, const struct sid *session)
{
	const uint64_t *at = map_get(&s->at_session, session->b);

	return at ? *at : 0;
}

const struct seen_archive *seen_live(const struct seen *s,
				     const struct sid *session)
{
	uint64_t at = place_of(s, session);

	return at >= SEEN_LIVE ? &s->live[at - SEEN_LIVE] : NULL;
}

bool seen_is_dead(const struct seen *s, const struct sid *session)
{
	return place_of(s, session) == SEEN_DEAD;
}

bool seen_knows(const struct seen *s, const struct oid *record)
{
	return map_get(&s->at_record, record->b) != NULL;
}

int seen_add(struct seen *s, const struct seen_archive *a, struct err *e)
{
	struct seen_archive copy = *a;
	uint64_t *at;
	bool was;
	int rc;

	if (sid_is_zero(&a->session) || place_of(s, &a->session))
		return 0;
	if ((rc = grow(&s->live, s->n_live, sizeof(*s->live), e)) < 0 ||
	    (rc = note_record(s, a->record.b, e)) < 0)
		return rc;
	copy.gone = false;
	copy.name = mem_printf("%.*s", SEEN_NAME_MAX, a->name ? a->name : "");
	if (!copy.name)
		return err_nomem(e);
	if ((rc = map_put(&s->at_session, a->session.b, &at, &was, e)) < 0) {
		free(copy.name);
		return rc;
	}
	*at = s->n_live + SEEN_LIVE;
	s->live[s->n_live++] = copy;
	return 0;
}

int seen_bury(struct seen *s, const struct sid *session,
	      const uint8_t *record, struct err *e)
{
	const struct seen_archive *a = seen_live(s, session);
	uint64_t *at;
	bool was;
	int rc;

	if (sid_is_zero(session) || seen_is_dead(s, session))
		return 0;
	if (a && !record)
		record = a->record.b;
	if (!record)
		record = zero;
	if ((rc = grow(&s->dead, s->n_dead, sizeof(*s->dead), e)) < 0 ||
	    (rc = note_record(s, record, e)) < 0 ||
	    (rc = map_put(&s->at_session, session->b, &at, &was, e)) < 0)
		return rc;
	if (a)
		s->live[*at - SEEN_LIVE].gone = true;
	*at = SEEN_DEAD;
	s->dead[s->n_dead].session = *session;
	memcpy(s->dead[s->n_dead++].record, record, 16);
	return 0;
}

void seen_forget(struct seen *s, const struct sid *session)
{
	uint64_t *at = map_get(&s->at_session, session->b);
	size_t i, keep = 0;

	if (!at)
		return;
	if (*at >= SEEN_LIVE)
		s->live[*at - SEEN_LIVE].gone = true;
	*at = 0;
	for (i = 0; i < s->n_dead; i++)
		if (!sid_eq(&s->dead[i].session, session))
			s->dead[keep++] = s->dead[i];
	s->n_dead = keep;
}

int seen_owe(struct seen *s, const struct seen_owed *o, struct err *e)
{
	size_t i;
	int rc;

	for (i = 0; i < s->n_owed; i++)
		if (oid_eq(&s->owed[i].record, &o->record))
			return 0;
	if ((rc = grow(&s->owed, s->n_owed, sizeof(*s->owed), e)) < 0)
		return rc;
	s->owed[s->n_owed++] = *o;
	return 0;
}

void seen_pay(struct seen *s, const struct oid *record)
{
	size_t i, keep = 0;

	for (i = 0; i < s->n_owed; i++)
		if (!oid_eq(&s->owed[i].record, record))
			s->owed[keep++] = s->owed[i];
	s->n_owed = keep;
}

int seen_merge(struct seen *s, const struct seen *more, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < more->n_dead; i++)
		rc = seen_bury(s, &more->dead[i].session,
			memcmp(more->dead[i].record, zero, 16) ?
			more->dead[i].record : NULL, e);
	for (i = 0; rc == 0 && i < more->n_live; i++)
		if (!more->live[i].gone)
			rc = seen_add(s, &more->live[i], e);
	for (i = 0; rc == 0 && i < more->n_owed; i++)
		rc = seen_owe(s, &more->owed[i], e);
	if (more->generation > s->generation)
		s->generation = more->generation;
	return rc;
}

void seen_release(struct seen *s)
{
	size_t i;

	for (i = 0; i < s->n_live; i++)
		free(s->live[i].name);
	free(s->live);
	free(s->dead);
	free(s->owed);
	map_release(&s->at_session);
	map_release(&s->at_record);
	memset(s, 0, sizeof(*s));
}

/* --- bytes --- */

static void seen_sum(struct oid *sum, const struct key *loc, const void *p,
		     size_t len)
{
	struct key key;
	struct oid h;

	key_hash(&h, loc, "seen    ", 8, NULL, 0, NULL, 0);
	memcpy(key.b, h.b, sizeof(key.b));
	key_hash(sum, &key, p, len, NULL, 0, NULL, 0);
	key_wipe(&key, sizeof(key));
	key_wipe(&h, sizeof(h));
}

static void put_live(struct wr *w, const struct seen *s)
{
	uint32_t n = 0;
	size_t i, len;

	for (i = 0; i < s->n_live; i++)
		n += !s->live[i].gone;
	wr_le32(w, n);
	for (i = 0; i < s->n_live; i++) {
		const struct seen_archive *a = &s->live[i];

		if (a->gone)
			continue;
		len = strlen(a->name);
		wr_bytes(w, a->session.b, 16);
		wr_bytes(w, a->record.b, 32);
		wr_bytes(w, a->client.b, 16);
		wr_le64(w, a->seq);
		wr_le64(w, (uint64_t)a->start_nsec);
		wr_varint(w, len);
		wr_bytes(w, a->name, len);
	}
}

int seen_put(struct buf *out, const struct seen *s, const struct key *loc,
	     struct err *e)
{
	size_t begin = out->len, i;
	struct oid sum;
	struct wr w;
	int rc;

	wr_init(&w, out);
	wr_bytes(&w, seen_magic, sizeof(seen_magic));
	wr_le32(&w, s->generation);
	put_live(&w, s);
	wr_le32(&w, (uint32_t)s->n_dead);
	for (i = 0; i < s->n_dead; i++) {
		wr_bytes(&w, s->dead[i].session.b, 16);
		wr_bytes(&w, s->dead[i].record, 16);
	}
	wr_le32(&w, (uint32_t)s->n_owed);
	for (i = 0; i < s->n_owed; i++) {
		wr_bytes(&w, s->owed[i].record.b, 32);
		wr_bytes(&w, s->owed[i].client.b, 16);
		wr_bytes(&w, s->owed[i].by.b, 16);
	}
	if ((rc = wr_done(&w, e)) < 0)
		return rc;
	seen_sum(&sum, loc, out->p + begin, out->len - begin);
	return buf_append(out, sum.b, SUM_BYTES, e);
}

static int get_live(struct seen *s, struct rd *r, struct err *e)
{
	uint32_t n = rd_le32(r), i;
	char name[SEEN_NAME_MAX + 1];
	size_t len;
	int rc = 0;

	if (n > rd_left(r) / ARCHIVE_BYTES)
		rd_fail(r);
	for (i = 0; rc == 0 && !r->bad && i < n; i++) {
		struct seen_archive a = { .name = name };

		rd_copy(r, a.session.b, 16);
		rd_copy(r, a.record.b, 32);
		rd_copy(r, a.client.b, 16);
		a.seq = rd_le64(r);
		a.start_nsec = (int64_t)rd_le64(r);
		len = (size_t)rd_varint_max(r, SEEN_NAME_MAX);
		rd_copy(r, name, len);
		name[len] = '\0';
		if (!r->bad)
			rc = seen_add(s, &a, e);
	}
	return rc;
}

static int get_dead(struct seen *s, struct rd *r, struct err *e)
{
	uint32_t n = rd_le32(r), i;
	uint8_t record[16];
	struct sid session;
	int rc = 0;

	if (n > rd_left(r) / DEAD_BYTES)
		rd_fail(r);
	for (i = 0; rc == 0 && !r->bad && i < n; i++) {
		rd_copy(r, session.b, 16);
		rd_copy(r, record, 16);
		if (!r->bad)
			rc = seen_bury(s, &session, record, e);
	}
	return rc;
}

static int get_owed(struct seen *s, struct rd *r, struct err *e)
{
	uint32_t n = rd_le32(r), i;
	struct seen_owed o;
	int rc = 0;

	if (n > rd_left(r) / OWED_BYTES)
		rd_fail(r);
	for (i = 0; rc == 0 && !r->bad && i < n; i++) {
		rd_copy(r, o.record.b, 32);
		rd_copy(r, o.client.b, 16);
		rd_copy(r, o.by.b, 16);
		if (!r->bad)
			rc = seen_owe(s, &o, e);
	}
	return rc;
}

int seen_get(struct seen *s, const uint8_t *p, size_t len,
	     const struct key *loc, struct err *e)
{
	const uint8_t *magic;
	struct oid sum;
	struct rd r;
	int rc = 0;

	memset(s, 0, sizeof(*s));
	if (len < sizeof(seen_magic) + SUM_BYTES)
		return err_set(e, ERR_CORRUPT, "is damaged");
	len -= SUM_BYTES;
	seen_sum(&sum, loc, p, len);
	rd_init(&r, p, len);
	magic = rd_bytes(&r, sizeof(seen_magic));
	if (!magic || memcmp(magic, seen_magic, sizeof(seen_magic)) ||
	    !key_equal(sum.b, p + len, SUM_BYTES))
		return err_set(e, ERR_CORRUPT, "is damaged");
	s->generation = rd_le32(&r);
	if ((rc = get_live(s, &r, e)) == 0 && (rc = get_dead(s, &r, e)) == 0)
		rc = get_owed(s, &r, e);
	if (rc == 0 && !rd_done(&r))
		rc = err_set(e, ERR_CORRUPT, "is damaged");
	if (rc < 0)
		seen_release(s);
	s->known = rc == 0;
	return rc;
}
