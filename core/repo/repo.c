/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening and making a repository.  COMMIT POINT of making one: putting
 * REPOSITORY, after all else is durable.
 */
#include "repo/repo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "codec/key.h"
#include "repo/home.h"
#include "repo/kdf_ahead.h"
#include "repo/meta_local.h"
#include "repo/parity_store.h"
#include "repo/repo_priv.h"
#include "repo/reserve.h"
#include "repo/witness.h"

#define REPO_FILE "REPOSITORY"

static const char repo_readme[] =
"This is a muniment repository: encrypted, deduplicated backups.\n"
"\n"
"To see what is in it:\n"
"    muniment list PATH-OF-THIS-FOLDER\n"
"    muniment mount PATH-OF-THIS-FOLDER /mnt\n"
"You need the passphrase, and, if it was made with a keyfile mode, the key\n"
"file too.  Do not change, rename or delete anything in here by hand.\n"
"The format of every file is described in muniment-format(5).\n"
"\n"
"Without any key, rot can be found: the name of each file in data/ and meta/\n"
"is the BLAKE2b-256 of its first 256 bytes, and those hold an XXH3-128 of the\n"
"rest.\n";

void repo_derive(struct repo *r)
{
	struct repo_secrets *s = r->sec;
	const struct slot_bundle *b = &s->bundle;
	struct key seed;
	uint32_t i;

	for (i = 0; i < OBJ_TYPES; i++)
		key_derive(&s->id[i], &b->dedup, i + 1, "objectid");
	key_derive(&s->chunker, &b->dedup, 1, "chunker ");
	key_derive(&s->tree, &b->dedup, 1, "tree    ");
	key_derive(&s->loc, &b->dedup, 1, "location");
	key_sign_pair(&s->signer, &b->sign_seed);
	s->keeper = slot_bundle_adds_only(b) ? b->keeper : s->signer.pub;
	s->box_pub[0] = b->box_public;
	for (i = 0; (b->rights & KEY_READ) && i <= b->n_old; i++) {
		key_derive(&seed, i ? &b->old[i - 1] : &b->master, 1,
			"x25519  ");
		key_box_pair(&s->box_pub[i], &s->box_sec[i], &seed);
	}
	key_wipe(&seed, sizeof(seed));
	r->ctx.repo = r->info.id;
	r->ctx.loc = &s->loc;
	r->ctx.signer = &s->signer;
	r->ctx.keeper = &s->keeper;
}

static int repo_alloc(struct repo **out, struct store *s,
		      const struct repo_opts *o, struct err *e)
{
	struct repo *r = NULL;
	int rc;

	*out = NULL;
	if ((rc = key_setup(e)) < 0)
		goto fail;
	r = mem_zero(1, sizeof(*r));
	if (!r || !(r->sec = key_alloc(sizeof(*r->sec)))) {
		rc = err_nomem(e);
		goto fail;
	}
	r->store = s;
	r->cancel = o->cancel;
	if (o->alarm && !(r->witness = witness_new(o->alarm, o->alarm_ctx))) {
		rc = err_nomem(e);
		key_free(r->sec);
		goto fail;
	}
	*out = r;
	return 0;
fail:
	free(r);
	store_close(s);
	return rc;
}

void repo_close(struct repo *r)
{
	if (!r)
		return;
	witness_close(r);
	meta_local_free(r->meta);
	key_free(r->sec);
	free(r->key_path);
	store_close(r->store);
	free(r);
}

int repo_read_info(struct store *s, struct slot_repo *info,
			  struct err *e)
{
	struct buf b = BUF_INIT;
	int rc;

	rc = store_get_all(s, STORE_ROOT, REPO_FILE, SLOT_REPO_BYTES, &b, e);
	if (rc == ERR_NOENT)
		rc = err_set(e, ERR_NOREPO,
			"'%s' is not a muniment repository", s->url);
	else if (rc == 0)
		rc = slot_get_repo(info, b.p, b.len, e);
	if (rc < 0 && rc != ERR_NOREPO)
		rc = err_ctx(e, "'%s'", s->url);
	buf_release(&b);
	return rc;
}

static int repo_open_ahead(struct repo **out, struct store *s,
			   const struct repo_opts *o, struct kdf_ahead *ahead,
			   struct err *e)
{
	struct repo *r;
	int rc;

	if ((rc = repo_alloc(&r, s, o, e)) < 0) {
		*out = NULL;
		return rc;
	}
	rc = repo_read_info(s, &r->info, e);
	if (rc == 0)
		rc = repo_unlock(r, o, ahead, e);
	if (rc == 0) {
		r->meta = meta_local_new(r);
	} else {
		repo_close(r);
		r = NULL;
	}
	*out = r;
	return rc;
}

int repo_open_on(struct repo **out, struct store *s,
		 const struct repo_opts *o, struct err *e)
{
	return repo_open_ahead(out, s, o, NULL, e);
}

int repo_open(struct repo **out, const char *url, const struct repo_opts *o,
	      struct err *e)
{
	struct kdf_ahead *ahead = kdf_ahead_new(url, o);
	struct store *s;
	int rc;

	*out = NULL;
	rc = store_open_with(&s, url, 0, o->store, e);
	if (rc == 0)
		rc = repo_open_ahead(out, s, o, ahead, e);
	kdf_ahead_free(ahead);
	return rc;
}

int repo_probe(const char *url, const struct store_opts *o,
	       struct slot_repo *info, struct err *e)
{
	struct store *s;
	int rc;

	if ((rc = store_open_with(&s, url, 0, o, e)) < 0)
		return rc;
	rc = repo_read_info(s, info, e);
	store_close(s);
	return rc;
}

/* Wrap the bundle with a new passphrase; keep the slot where the mode says. */
static int repo_make_slot(struct repo *r, const struct repo_init *init,
			  const struct repo_opts *o, struct buf *slot,
			  struct err *e)
{
	struct slot_info info = {
		.kind = SLOT_PASSPHRASE,
		.rights = r->sec->bundle.rights,
		.created_secs = r->info.created_secs,
		.label = "init",
		.repo = r->info.id,
	};
	char *pass = NULL;
	int rc;

	info.kdf.passes = KEY_KDF_PASSES;
	info.kdf.mem_kib = init->kdf_mem_kib ? init->kdf_mem_kib :
		init->strong_kdf ? KEY_KDF_STRONG_MEM_KIB : KEY_KDF_MEM_KIB;
	if (!o->pass)
		return err_set(e, ERR_CONFIG, "no passphrase was given");
	rc = o->pass(&pass, r->store->url, 0, true, o->pass_ctx, e);
	if (rc == 0 && !*pass && init->mode == SLOT_REPOKEY)
		rc = err_set(e, ERR_CONFIG,
			"the passphrase is empty: whoever reads the repository "
			"could open it (a keyfile mode allows that)");
	if (rc == 0)
		rc = slot_seal(&info, &r->sec->bundle, pass, strlen(pass),
			slot, e);
	r->kdf = info.kdf;
	key_free(pass);
	return rc;
}

static int repo_keep_key_file(struct repo *r, const struct buf *slot,
			      struct err *e)
{
	char *dir, *slash;
	int rc = 0;

	r->key_path = home_key_file(&r->info.id);
	if (!r->key_path)
		return err_set(e, ERR_CONFIG,
			"no home directory to keep the key file in");
	dir = mem_str(r->key_path);
	if (!dir)
		return err_nomem(e);
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		rc = io_make_dirs(dir, e);
	}
	if (rc == 0)
		rc = io_publish(AT_FDCWD, r->key_path, slot->p, slot->len,
			0600, e);
	free(dir);
	return rc;
}

/* A store that overwrites would let two commits replace each other. */
static int repo_test_put(struct repo *r, const struct buf *any,
			 unsigned flags, struct err *e)
{
	char hex[SID_HEX_BYTES];
	struct sid name;
	int rc;

	key_random(&name, sizeof(name));
	sid_hex(&name, hex);
	rc = store_put_buf(r->store, STORE_PINS, hex, any, flags, e);
	if (rc < 0)
		return rc;
	rc = store_put_buf(r->store, STORE_PINS, hex, any, flags, e);
	if (rc == 0)
		rc = err_set(e, ERR_CONFIG,
			"'%s' overwrites files that exist: not safe for a "
			"repository", r->store->url);
	else if (rc == ERR_EXIST)
		rc = 0;
	if (rc == 0)
		rc = store_del(r->store, STORE_PINS, hex, e);
	return rc;
}

/* There may be one way for names that decide a race and one for others. */
static int repo_test_store(struct repo *r, const struct buf *any,
			   struct err *e)
{
	int rc = repo_test_put(r, any, STORE_PUT_RACE, e);

	return rc == 0 ? repo_test_put(r, any, 0, e) : rc;
}

static int repo_put_files(struct repo *r, const struct buf *slot,
			  struct err *e)
{
	struct buf b = BUF_INIT;
	struct iovec readme = { (void *)(uintptr_t)repo_readme,
				sizeof(repo_readme) - 1 };
	char hex[SID_HEX_BYTES];
	struct sid name;
	int rc;

	key_random(&name, sizeof(name));
	rc = r->info.mode == SLOT_REPOKEY ?
		store_put_buf(r->store, STORE_KEYS, sid_hex(&name, hex), slot,
			0, e) :
		repo_keep_key_file(r, slot, e);
	if (rc < 0)
		goto out;
	rc = store_put(r->store, STORE_ROOT, "README", &readme, 1, 0, e);
	if (rc < 0 && rc != ERR_EXIST)
		goto out;
	if ((rc = reserve_fill(r, 0, 0, e)) < 0 ||
	    (rc = slot_put_repo(&r->info, &b, e)) < 0 ||
	    (rc = repo_test_store(r, &b, e)) < 0 ||
	    (rc = store_sync(r->store, e)) < 0)
		goto out;
	rc = store_put_buf(r->store, STORE_ROOT, REPO_FILE, &b,
		STORE_PUT_RACE, e);
	if (rc == ERR_EXIST)
		rc = err_set(e, ERR_EXIST,
			"there is a repository at '%s' already",
			r->store->url);
	if (rc == 0)
		rc = store_sync(r->store, e);
out:
	buf_release(&b);
	return rc;
}

int repo_create_on(struct repo **out, struct store *s,
		   const struct repo_init *init, const struct repo_opts *o,
		   struct err *e)
{
	struct buf slot = BUF_INIT;
	struct repo *r;
	uint64_t size;
	int rc;

	*out = NULL;
	if ((rc = repo_alloc(&r, s, o, e)) < 0)
		return rc;
	rc = store_stat(s, STORE_ROOT, REPO_FILE, &size, e);
	if (rc == 0)
		rc = err_set(e, ERR_EXIST,
			"there is a repository at '%s' already", s->url);
	if (rc != ERR_NOENT)
		goto out;
	key_random(&r->info.id, sizeof(r->info.id));
	r->info.created_secs = clock_wall_nsec() / 1000000000;
	r->info.mode = init->mode;
	slot_bundle_make(&r->sec->bundle);
	repo_derive(r);
	if ((rc = repo_make_slot(r, init, o, &slot, e)) < 0 ||
	    (rc = parity_store_choose(r, init->parity_mille, e)) < 0)
		goto out;
	rc = repo_put_files(r, &slot, e);
out:
	buf_release(&slot);
	if (rc < 0) {
		repo_close(r);
		r = NULL;
	}
	*out = r;
	return rc;
}

int repo_create(struct repo **out, const char *url,
		const struct repo_init *init, const struct repo_opts *o,
		struct err *e)
{
	unsigned flags = STORE_CREATE | (init->make_parents ?
		STORE_PARENTS : 0);
	struct store *s;
	int rc;

	*out = NULL;
	if ((rc = store_open_with(&s, url, flags, o->store, e)) < 0 ||
	    (rc = repo_create_on(out, s, init, o, e)) < 0)
		return rc;
	kdf_ahead_made(url, &(*out)->kdf);
	return 0;
}

struct store *repo_store(const struct repo *r)
{
	return r->store;
}

const char *repo_url(const struct repo *r)
{
	return r->store->url;
}

const struct sid *repo_id(const struct repo *r)
{
	return &r->info.id;
}

enum slot_mode repo_mode(const struct repo *r)
{
	return r->info.mode;
}

int64_t repo_created_secs(const struct repo *r)
{
	return r->info.created_secs;
}

const struct fmt_ctx *repo_ctx(const struct repo *r)
{
	return &r->ctx;
}

uint32_t repo_rights(const struct repo *r)
{
	return r->sec->bundle.rights;
}

struct witness *repo_witness(const struct repo *r)
{
	return r->witness;
}

struct meta_local *repo_meta_local(const struct repo *r)
{
	return r->meta;
}

int repo_client_id(const struct repo *r, struct sid *out, struct err *e)
{
	const struct key *mine = &r->sec->signer.pub;

	if (key_equal(mine, &r->sec->keeper, sizeof(*mine)))
		return home_client_id(out, e);
	repo_writer_client(out, mine);
	return 0;
}

void repo_writer_client(struct sid *out, const struct key *writer)
{
	struct oid h;

	key_hash(&h, NULL, "muniment writer ", 16, writer->b,
		sizeof(writer->b), NULL, 0);
	memcpy(out->b, h.b, sizeof(out->b));
}

int repo_check_writer(const struct repo *r, const struct key *writer,
		      const struct sid *client, struct err *e)
{
	struct sid own;

	if (key_equal(writer, &r->sec->keeper, sizeof(*writer)))
		return 0;
	repo_writer_client(&own, writer);
	return sid_eq(&own, client) ? 0 : err_set(e, ERR_AUTH, "it is forged: "
		"it was signed with a key that is not its machine's");
}

struct cancel *repo_cancel(const struct repo *r)
{
	return r->cancel;
}

char *repo_key_path(const struct repo *r)
{
	return r->key_path ? mem_str(r->key_path) : NULL;
}

int repo_require(const struct repo *r, unsigned need, struct err *e)
{
	unsigned missing = need & ~repo_rights(r);

	if (missing & KEY_READ)
		return err_set(e, ERR_DENIED, "this key can only add archives, "
			"it cannot read them");
	if (missing & KEY_DELETE)
		return err_set(e, ERR_DENIED,
			"this key cannot delete archives");
	if (missing)
		return err_set(e, ERR_DENIED, "this key cannot add archives");
	return 0;
}

const struct key *repo_id_key(const struct repo *r, enum obj_type t)
{
	return &r->sec->id[t - 1];
}

const struct key *repo_chunker_key(const struct repo *r)
{
	return &r->sec->chunker;
}

const struct key *repo_tree_key(const struct repo *r)
{
	return &r->sec->tree;
}

const struct key *repo_psk(const struct repo *r)
{
	return &r->sec->bundle.psk;
}

const struct key *repo_box_public(const struct repo *r)
{
	return &r->sec->box_pub[0];
}

uint32_t repo_epoch(const struct repo *r)
{
	return r->sec->bundle.epoch;
}

int repo_unseal(const struct repo *r, const struct pack_session *s,
		struct key *secret, struct err *e)
{
	const struct repo_secrets *sec = r->sec;
	uint32_t back = sec->bundle.epoch - s->epoch;
	int rc;

	if ((rc = repo_require(r, KEY_READ, e)) < 0)
		return rc;
	if (s->epoch > sec->bundle.epoch || back > sec->bundle.n_old)
		return err_set(e, ERR_AUTH, "this was written after the "
			"repository got a new master key (number %u), which "
			"this key does not have", s->epoch);
	rc = key_box_open(secret, s->sealed, sizeof(s->sealed),
		&sec->box_pub[back], &sec->box_sec[back], e);
	return rc == ERR_AUTH ? err_set(e, ERR_CORRUPT,
		"the key of a session is damaged") : rc;
}
