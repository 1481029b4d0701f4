/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_REPO_KEYS_H
#define REPO_REPO_KEYS_H

#include "base/buf.h"
#include "base/err.h"
#include "format/slot.h"
#include "store/store.h"

/*
 * The keys of a repository: slots, each of which opens it with a secret of its
 * own.  They are in its folder keys/ or, in keyfile mode, in the key file.
 * Adding, removing and changing them touches nothing else.
 *
 * COMMIT POINT of everything here: the barrier after a new slot was put, or
 * the rename of the key file.  What a new slot replaces is deleted after that.
 */
struct repo;

#define REPO_KEY_NAME_BYTES 9		/* eight hex digits: of its hash */
struct repo_key {
	char name[REPO_KEY_NAME_BYTES];
	struct slot_info info;
	bool mine;		/* the repository was opened with it */
};
struct repo_keys {
	struct repo_key *item;		/* oldest first */
	size_t n;
};
int repo_keys_load(struct repo_keys *k, struct repo *r, struct err *e);
void repo_keys_release(struct repo_keys *k);

struct repo_key_new {
	const char *label;		/* 1 .. SLOT_LABEL_MAX bytes */
	enum slot_kind kind;
	const char *secret;		/* a passphrase, or a code (code.h) */
	uint32_t rights;		/* some of those of 'r' */
	uint32_t mem_kib;		/* of Argon2id; 0: the default */
};
/* ERR_EXIST: a key with this label is there.  ERR_CONFIG: a label or a secret
 * that cannot be; ERR_DENIED: only a key with all rights makes keys. */
int repo_keys_add(struct repo *r, const struct repo_key_new *n, struct err *e);
/* 'which': a label or a name.  ERR_NOENT; ERR_CONFIG: several are meant;
 * ERR_DENIED: the last one with all rights. */
int repo_keys_remove(struct repo *r, const char *which, struct err *e);
/*
 * The passphrase of one key ('which' NULL: of the one that opened it; if that
 * is no passphrase's, of the only one that is) becomes another; label and
 * rights stay.  An append key may do that with itself.
 */
int repo_keys_change(struct repo *r, const char *which, const char *secret,
		uint32_t mem_kib, struct err *e);
/*
 * A new master key: what is written from now on cannot be read with any key
 * of before.  'secret' is that of the key that opened the repository, which is
 * made anew; all others are removed.  'r' must be closed after it.
 * ERR_AUTH: not its secret.
 */
int repo_keys_rekey(struct repo *r, const char *secret, unsigned *removed,
	       struct err *e);

/*
 * The older master keys are forgotten: what only they open cannot be read any
 * more.  The caller knows that there is nothing of that.  'secret' as above;
 * 'r' must be closed after it.  ERR_DENIED: another key would still have them.
 */
int repo_keys_forget_old(struct repo *r, const char *secret, struct err *e);

/* Without a passphrase: all slots of the repository at 'url'.  'o' may be
 * NULL, here and below. */
int repo_keys_export(const char *url, const struct store_opts *o,
		struct buf *slots, struct sid *repo, struct err *e);
/*
 * Put slots where the repository at 'url' looks for them; those that are there
 * are left.  ERR_CONFIG: of another repository ('repo' is what the export
 * said).
 */
int repo_keys_import(const char *url, const struct store_opts *o,
		const struct sid *repo, const struct buf *slots,
		unsigned *added, struct err *e);

#endif
