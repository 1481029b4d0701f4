/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the slots of a repository are, and unlocking it with one. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/strv.h"
#include "format/code.h"
#include "repo/home.h"
#include "repo/kdf_ahead.h"
#include "repo/repo_priv.h"

#define PASS_ATTEMPTS 3

static int name_cb(enum store_kind k, const char *name, uint64_t size,
		   void *ctx)
{
	(void)k;
	(void)size;
	return strv_add(ctx, name, NULL);
}

/* What costs least to try comes first (recovery codes cost nothing), then the
 * newest: of two with one secret it is the one that counts. */
static int by_cost(const void *a, const void *b)
{
	const struct repo_slot *x = a, *y = b;

	if (x->info.kdf.mem_kib != y->info.kdf.mem_kib)
		return x->info.kdf.mem_kib < y->info.kdf.mem_kib ? -1 : 1;
	return x->info.created_secs < y->info.created_secs ? 1 :
		x->info.created_secs > y->info.created_secs ? -1 :
		strcmp(x->name, y->name);
}

/* Whether 'p' is a slot of this repository; others are passed over. */
static void take(struct repo_slots *s, const struct slot_repo *info,
		 const char *name, const uint8_t *p, size_t len)
{
	struct repo_slot *slot = &s->v[s->n];

	if (len != SLOT_BYTES || s->n == REPO_SLOTS_MAX ||
	    slot_get_info(&slot->info, p, len, NULL) < 0 ||
	    !sid_eq(&slot->info.repo, &info->id))
		return;
	memcpy(slot->bytes, p, SLOT_BYTES);
	snprintf(slot->name, sizeof(slot->name), "%s", name);
	s->n++;
}

struct reading {
	struct repo_slots *s;
	const struct slot_repo *info;
	char **name;
	struct err *e;
};

static int got_slot(size_t i, int rc, const struct buf *b,
		    const struct err *why, void *ctx)
{
	struct reading *g = ctx;

	if (rc == 0)
		take(g->s, g->info, g->name[i], b->p, b->len);
	else if (rc != ERR_CORRUPT && rc != ERR_NOENT)
		return err_set(g->e, why->code, "%s", why->msg);
	return 0;
}

static int read_store(struct repo_slots *s, struct store *store,
		      const struct slot_repo *info, struct err *e)
{
	struct strv names = STRV_INIT;
	struct reading g = { .s = s, .info = info, .e = e };
	const enum store_kind kind = STORE_KEYS;
	int rc;

	rc = store_list_opened(store, &kind, 1, name_cb, &names, e);
	if (rc == ERR_NOMEM)
		err_nomem(e);
	strv_sort(&names);
	g.name = names.v;
	if (rc == 0)
		rc = store_get_many(store, STORE_KEYS, names.v, names.n,
			SLOT_BYTES, got_slot, &g, e);
	if (rc == 0 && s->n == 0)
		rc = err_set(e, ERR_CORRUPT,
			"the repository has no usable key in its folder keys/: "
			"'key import' brings back a copy of it");
	strv_release(&names);
	return rc;
}

/* Key files hold one or more slots, one after the other. */
static int read_file(struct repo_slots *s, const struct slot_repo *info,
		     struct err *e)
{
	struct buf b = { NULL, 0, 0, SLOT_BYTES * REPO_SLOTS_MAX };
	size_t at;
	int rc;

	s->key_path = home_key_file(&info->id);
	if (!s->key_path)
		return err_set(e, ERR_CONFIG,
			"no home directory to look for the key file in");
	rc = io_read_file(AT_FDCWD, s->key_path, &b, e);
	if (rc == ERR_NOENT)
		return err_set(e, ERR_AUTH, "the key file '%s' of this "
			"repository is not there ('muniment key import' "
			"brings one back)", s->key_path);
	if (rc == 0 && b.len % SLOT_BYTES == 0)
		for (at = 0; at < b.len; at += SLOT_BYTES)
			take(s, info, "", b.p + at, SLOT_BYTES);
	if (rc == 0 && s->n == 0)
		rc = err_set(e, ERR_CORRUPT, "'%s' is not a muniment key file "
			"of this repository", s->key_path);
	buf_release(&b);
	return rc;
}

int repo_slots_read(struct repo_slots *s, struct store *store,
		    const struct slot_repo *info, struct err *e)
{
	int rc;

	memset(s, 0, sizeof(*s));
	s->v = mem_zero(REPO_SLOTS_MAX + 1, sizeof(*s->v));
	if (!s->v)
		return err_nomem(e);
	rc = info->mode == SLOT_REPOKEY ? read_store(s, store, info, e) :
		read_file(s, info, e);
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), by_cost);
	return rc;
}

void repo_slots_release(struct repo_slots *s)
{
	free(s->v);
	free(s->key_path);
	memset(s, 0, sizeof(*s));
}

int repo_slot_open(struct slot_bundle *b, const struct repo_slot *s,
		   const char *secret, struct err *e)
{
	struct key *code;
	int rc;

	if (s->info.kind == SLOT_PASSPHRASE)
		return slot_open(b, &s->info.repo, s->bytes, SLOT_BYTES,
			secret, strlen(secret), e);
	code = key_alloc(sizeof(*code));
	if (!code)
		return err_nomem(e);
	rc = code_get(code, secret, e);
	if (rc == 0)
		rc = slot_open(b, &s->info.repo, s->bytes, SLOT_BYTES,
			code->b, sizeof(code->b), e);
	key_free(code);
	return rc;
}

/* Which answer says most of why a passphrase opens nothing? */
static bool says_more(const struct repo_slot *s, const char *pass, int rc,
		      int worst)
{
	if (code_like(pass) != (s->info.kind == SLOT_KEY))
		return worst == 0;
	return worst == 0 || rc == ERR_AUTH;
}

static int try_one(struct slot_bundle *b, const struct repo_slot *s,
		   const char *pass, struct kdf_ahead *ahead, struct err *e)
{
	const struct key *hash = s->info.kind == SLOT_PASSPHRASE ?
		kdf_ahead_hash(ahead, pass, &s->info.kdf) : NULL;
	int rc = hash ? slot_open_hash(b, &s->info.repo, s->bytes, SLOT_BYTES,
		hash, e) : repo_slot_open(b, s, pass, e);

	if (rc == 0 && s->info.kind == SLOT_PASSPHRASE)
		kdf_ahead_keep(ahead, &s->info.kdf);
	return rc;
}

/* Try one passphrase on every slot. */
static int try_all(struct repo *r, const struct repo_slots *s,
		   const char *pass, struct kdf_ahead *ahead, struct err *e)
{
	int rc, worst = 0;
	struct err last = { ERR_OK, "" };
	size_t i;

	for (i = 0; i < s->n; i++) {
		rc = try_one(&r->sec->bundle, &s->v[i], pass, ahead, &last);
		if (rc == 0) {
			key_hash(&r->opened, NULL, s->v[i].bytes, SLOT_BYTES,
				NULL, 0, NULL, 0);
			return 0;
		}
		if (says_more(&s->v[i], pass, rc, worst)) {
			worst = rc;
			*e = last;
		}
	}
	return worst;
}

int repo_unlock(struct repo *r, const struct repo_opts *o,
		struct kdf_ahead *ahead, struct err *e)
{
	struct err wrong = { ERR_OK, "" };
	struct repo_slots slots;
	char *pass = NULL;
	unsigned attempt;
	bool mistyped = false;
	int rc;

	rc = repo_slots_read(&slots, r->store, &r->info, e);
	if (slots.key_path && !(r->key_path = mem_str(slots.key_path)))
		rc = err_nomem(e);
	for (attempt = 0; rc == 0 && attempt < PASS_ATTEMPTS; attempt++) {
		if (!o->pass) {
			rc = err_set(e, ERR_AUTH, "no passphrase was given");
			break;
		}
		pass = kdf_ahead_pass(ahead);
		if (!pass)
			rc = o->pass(&pass, r->store->url, attempt, false,
				o->pass_ctx, e);
		/* Which row of a code is wrong says more. */
		if (rc == ERR_AUTH && mistyped && e)
			*e = wrong;
		if (rc < 0)
			break;
		mistyped = code_like(pass);
		rc = try_all(r, &slots, pass, ahead, &wrong);
		key_free(pass);
		pass = NULL;
		if (rc == 0)
			break;
		if (e)
			*e = wrong;
		if (rc == ERR_AUTH && attempt + 1 < PASS_ATTEMPTS)
			rc = 0;
	}
	if (rc == 0)
		repo_derive(r);
	repo_slots_release(&slots);
	return rc;
}
