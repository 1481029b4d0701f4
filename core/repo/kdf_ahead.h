/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_KDF_AHEAD_H
#define REPO_KDF_AHEAD_H

#include "base/buf.h"
#include "codec/key.h"
#include "repo/repo.h"

/*
 * The hash of a passphrase takes as long as a login to a far repository, and
 * needs of it only a salt, which is no secret and is remembered from the last
 * time (CACHE/kdf/HASH-OF-URL): so it is made during the login.  What it is
 * made of is compared with what the repository has before it counts.
 * One thread uses it.
 */
struct kdf_ahead;

/* Begin.  NULL: the repository is near, or there is no memory.  The passphrase
 * is asked for only if there is something to make of it. */
struct kdf_ahead *kdf_ahead_new(const char *url, const struct repo_opts *o);
void kdf_ahead_free(struct kdf_ahead *a);	/* waits; NULL ok */

/* The passphrase, once: the caller's, of key_alloc.  NULL: there is none. */
char *kdf_ahead_pass(struct kdf_ahead *a);
/* What key_kdf makes of these.  Waits.  NULL: that was not made; else it lives
 * as long as 'a'. */
const struct key *kdf_ahead_hash(struct kdf_ahead *a, const char *pass,
				 const struct key_kdf *par);
/* These opened the repository: for the next time. */
void kdf_ahead_keep(struct kdf_ahead *a, const struct key_kdf *par);

/* The same of a repository that was made at 'url', near or far. */
void kdf_ahead_made(const char *url, const struct key_kdf *par);

void kdf_ahead_forget(const char *url);

/* What is remembered; false: not such a file (fuzzed). */
#define KDF_AHEAD_BYTES 64
int kdf_ahead_put(struct buf *out, const struct key_kdf *par, struct err *e);
bool kdf_ahead_get(struct key_kdf *par, const uint8_t *p, size_t len);

#endif
