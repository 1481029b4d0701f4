/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_REPO_PRIV_H
#define REPO_REPO_PRIV_H

/* What repo.c, repo_slots.c and repo_keys.c share. */
#include "base/buf.h"
#include "codec/key.h"
#include "repo/repo.h"

#define REPO_SLOTS_MAX 64

/* Everything secret, in one locked page. */
struct repo_secrets {
	struct slot_bundle bundle;
	struct key id[OBJ_TYPES];
	struct key chunker, tree, loc;
	struct key_signer signer;
	struct key keeper;		/* public: signs deletions */
	/* box pairs by epoch: [0] the current one, then the older ones */
	struct key box_pub[1 + SLOT_OLD_MAX], box_sec[1 + SLOT_OLD_MAX];
};

struct kdf_ahead;
struct witness;
struct repo {
	struct store *store;
	struct slot_repo info;
	struct repo_secrets *sec;
	struct fmt_ctx ctx;
	struct cancel *cancel;
	char *key_path;			/* keyfile mode */
	struct oid opened;		/* hash of the slot that opened it */
	struct key_kdf kdf;		/* of the slot that was made with it */
	struct witness *witness;	/* NULL: it is not watched */
	struct meta_local *meta;	/* NULL: nothing is kept */
};

/* All keys from the bundle. */
void repo_derive(struct repo *r);
/* The client id that belongs to a key which only adds. */
void repo_writer_client(struct sid *out, const struct key *writer);
int repo_read_info(struct store *s, struct slot_repo *info, struct err *e);

/* A slot where it is kept. */
struct repo_slot {
	char name[STORE_NAME_MAX + 1];	/* in keys/; "" in a key file */
	struct slot_info info;
	uint8_t bytes[SLOT_BYTES];
};
struct repo_slots {
	struct repo_slot *v;		/* in the order to try them */
	size_t n;
	char *key_path;			/* keyfile mode */
};
/* Those that are damaged are left out; ERR_CORRUPT if none is left, ERR_AUTH:
 * there is no key file.  Release in any case. */
int repo_slots_read(struct repo_slots *s, struct store *store,
		    const struct slot_repo *info, struct err *e);
void repo_slots_release(struct repo_slots *s);
/* The secret of a slot from what was typed.  ERR_AUTH. */
int repo_slot_open(struct slot_bundle *b, const struct repo_slot *s,
		   const char *secret, struct err *e);
/* Ask for passphrases until one of the slots opens.  ahead: what is known of
 * that already, or NULL. */
int repo_unlock(struct repo *r, const struct repo_opts *o,
		struct kdf_ahead *ahead, struct err *e);

#endif
