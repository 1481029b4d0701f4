/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_SLOT_H
#define FORMAT_SLOT_H

#include "base/buf.h"
#include "format/fmt.h"

/*
 * The repository's own file, its key bundle, and the slots that wrap the
 * bundle.
 *
 * REPOSITORY, 256 bytes: prefix (FMT_REPOSITORY) 32, repository id 16,
 * created (le64 seconds) 8, u8 key mode, u8 chunker (1: gear), u8 id hash
 * (1: BLAKE2b-256), u8 zero, le32 chunk min, target, max; 152 zero;
 * BLAKE2b-256 of all that 32 (rot; the slots bind the rest to the key).
 */
#define SLOT_REPO_BYTES 256
enum slot_mode { SLOT_REPOKEY = 1, SLOT_KEYFILE = 2 };
struct slot_repo {
	struct sid id;
	int64_t created_secs;
	enum slot_mode mode;
	struct fmt_features features;
};
int slot_put_repo(const struct slot_repo *r, struct buf *out, struct err *e);
int slot_get_repo(struct slot_repo *r, const uint8_t *p, size_t len,
		  struct err *e);

/* What a key may do. */
enum key_rights { KEY_APPEND = 1, KEY_READ = 2, KEY_DELETE = 4 };

/*
 * The bundle, 512 bytes: what a slot wraps.
 * le32 rights | le32 epoch | dedup root 32 | psk 32 | box public 32 |
 * sign seed 32 | master 32 (without KEY_READ: keeper) | u8 old epochs n,
 * 7 zero | n * 32 older masters (KEY_READ only), newest first | zero.
 * Box pair of an epoch: key_box_pair(key_derive(master, 1, "x25519  ")).
 * From the dedup root by key_derive: 1..3 "objectid" (data, node, list),
 * 1 "chunker ", 1 "tree    ", 1 "location".
 */
#define SLOT_BUNDLE_BYTES 512
#define SLOT_OLD_MAX 9
struct slot_bundle {
	uint32_t rights;
	uint32_t epoch;			/* 1 at init */
	struct key dedup, psk, box_public, sign_seed;
	struct key master;		/* with KEY_READ */
	struct key keeper;		/* without it: public key of the keys
					 * that delete; zero: this one is, as
					 * in bundles of before */
	uint32_t n_old;
	struct key old[SLOT_OLD_MAX];
};
/* Fresh and random, all rights. */
void slot_bundle_make(struct slot_bundle *b);
void slot_bundle_wipe(struct slot_bundle *b);
/* Does it sign with a key of its own, because it only adds? */
bool slot_bundle_adds_only(const struct slot_bundle *b);
/* Cut down to 'rights'; without KEY_READ it gets a signature key of its own,
 * and who 'keeper' is. */
void slot_bundle_cut(struct slot_bundle *b, uint32_t rights,
		     const struct key *keeper);

enum slot_kind { SLOT_PASSPHRASE = 1, SLOT_KEY = 2 };
#define SLOT_LABEL_MAX 31
/*
 * A slot, 720 bytes: prefix (FMT_SLOT) 32 | repository id 16 | u8 kind,
 * u8 zero, le16 rights, le32 passes, le32 mem KiB, 4 zero | created le64 |
 * label 32 (zero-padded) | salt 32 | nonce 24 | bundle ciphertext 528 |
 * commitment 32 = BLAKE2b-256(commit key, all before).
 * The slot's secret is Argon2id of the passphrase (key_kdf), or for a key file
 * BLAKE2b-256(its 32 bytes, salt) and passes and mem are 0.  From it wrap key
 * and commit key by key_derive 1, 2 "slotwrap".  Associated data: all bytes
 * before the ciphertext.  The commitment is compared first.
 */
#define SLOT_BYTES 720
struct slot_info {
	enum slot_kind kind;
	uint32_t rights;
	struct key_kdf kdf;
	int64_t created_secs;
	char label[SLOT_LABEL_MAX + 1];
	struct sid repo;
};
/* secret: the passphrase, or for SLOT_KEY 32 random bytes of a key file
 * (ERR_AUTH: not 32).  info->kdf.salt is drawn and info->rights set here. */
int slot_seal(struct slot_info *info, const struct slot_bundle *b,
	      const void *secret, size_t secret_len, struct buf *out,
	      struct err *e);
int slot_get_info(struct slot_info *info, const uint8_t *p, size_t len,
		  struct err *e);
/* ERR_AUTH: wrong passphrase or key file, or damage that cannot be told from
 * that.  ERR_CORRUPT: other damage, or of another repository.  b is wiped on
 * failure; the caller keeps it in key_alloc memory. */
int slot_open(struct slot_bundle *b, const struct sid *repo, const uint8_t *p,
	      size_t len, const void *secret, size_t secret_len,
	      struct err *e);
/* The same of a SLOT_PASSPHRASE with what key_kdf made of the passphrase and
 * the slot's parameters. */
int slot_open_hash(struct slot_bundle *b, const struct sid *repo,
		   const uint8_t *p, size_t len, const struct key *hash,
		   struct err *e);

#endif
