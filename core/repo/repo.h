/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_REPO_H
#define REPO_REPO_H

#include "base/cancel.h"
#include "base/err.h"
#include "format/fmt.h"
#include "format/pack.h"
#include "format/slot.h"
#include "store/store.h"

/*
 * A repository that is unlocked.  Everything behind the getters is fixed
 * after repo_open and safe to use from any thread.
 */
struct repo;
struct meta_local;
struct witness;
struct witness_finding;

/*
 * Gives a passphrase: *out is from key_alloc and becomes the repository's.
 * 'attempt' counts from 0; a source that cannot ask again returns ERR_AUTH
 * for attempt 1, and that ends the opening.  'confirm': a new passphrase, to
 * be typed twice.
 */
typedef int repo_pass_fn(char **out, const char *url, unsigned attempt,
			 bool confirm, void *ctx, struct err *e);

struct repo_opts {
	repo_pass_fn *pass;
	/* The same where that bothers nobody, before it is known whether it is
	 * of use (kdf_ahead.h); may be NULL. */
	repo_pass_fn *pass_unasked;
	void *pass_ctx;
	struct cancel *cancel;		/* NULL: cannot be interrupted */
	const struct store_opts *store;	/* of repo_open, repo_create; or NULL */
	/* Watched (witness.h): called for each finding.  NULL: it is not. */
	void (*alarm)(const struct witness_finding *f, void *ctx);
	void *alarm_ctx;
};

struct repo_init {
	enum slot_mode mode;
	bool strong_kdf;
	bool make_parents;
	uint32_t kdf_mem_kib;		/* 0: the default (tests) */
	unsigned parity_mille;		/* parity_store_choose; 0: none */
};

/*
 * Make a repository at 'url'.  COMMIT POINT: putting REPOSITORY, last.  Before
 * it there is a folder that the next init takes over.  ERR_EXIST: there is a
 * repository already.  A store that overwrites an existing name is found out
 * and refused with ERR_CONFIG.
 */
int repo_create(struct repo **out, const char *url,
		const struct repo_init *init, const struct repo_opts *o,
		struct err *e);

/* ERR_NOREPO, ERR_CONFIG (newer format), ERR_AUTH (wrong passphrase, after
 * the source gave up), ERR_CORRUPT. */
int repo_open(struct repo **out, const char *url, const struct repo_opts *o,
	      struct err *e);
/* The same on a store that is open already (and becomes the repository's,
 * also on failure); 'url' of the store names it. */
int repo_create_on(struct repo **out, struct store *s,
		   const struct repo_init *init, const struct repo_opts *o,
		   struct err *e);
int repo_open_on(struct repo **out, struct store *s,
		 const struct repo_opts *o, struct err *e);
void repo_close(struct repo *r);		/* NULL ok */
/* Is there a repository?  0, or ERR_NOREPO, ERR_CONFIG, ERR_CORRUPT ...  'o'
 * may be NULL. */
int repo_probe(const char *url, const struct store_opts *o,
	       struct slot_repo *info, struct err *e);

struct store *repo_store(const struct repo *r);
const char *repo_url(const struct repo *r);
const struct sid *repo_id(const struct repo *r);
enum slot_mode repo_mode(const struct repo *r);
int64_t repo_created_secs(const struct repo *r);
const struct fmt_ctx *repo_ctx(const struct repo *r);
uint32_t repo_rights(const struct repo *r);	/* enum key_rights */
/*
 * Who writes with this key: the machine, or, with a key that only adds, that
 * key.  So nobody who has another such key can write in its name.
 */
int repo_client_id(const struct repo *r, struct sid *out, struct err *e);
struct witness *repo_witness(const struct repo *r);	/* NULL: not watched */
struct meta_local *repo_meta_local(const struct repo *r);	/* or NULL */
/* Can this writer have made a record of this client?  ERR_AUTH: it cannot. */
int repo_check_writer(const struct repo *r, const struct key *writer,
		      const struct sid *client, struct err *e);
struct cancel *repo_cancel(const struct repo *r);
char *repo_key_path(const struct repo *r);	/* keyfile mode; malloc'ed */

/* ERR_DENIED, in words, unless the key has all of 'need'. */
int repo_require(const struct repo *r, unsigned need, struct err *e);

/* Keys made from the bundle. */
const struct key *repo_id_key(const struct repo *r, enum obj_type t);
const struct key *repo_chunker_key(const struct repo *r);
const struct key *repo_tree_key(const struct repo *r);
const struct key *repo_psk(const struct repo *r);
const struct key *repo_box_public(const struct repo *r);
uint32_t repo_epoch(const struct repo *r);
/* The secret of a session, from its sealed form.  ERR_DENIED: this key cannot
 * read.  ERR_AUTH: sealed for an epoch the bundle does not have.
 * ERR_CORRUPT: it is damaged. */
int repo_unseal(const struct repo *r, const struct pack_session *s,
		struct key *secret, struct err *e);

#endif
