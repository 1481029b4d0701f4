/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_FMT_H
#define FORMAT_FMT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/sid.h"
#include "base/wr.h"
#include "codec/key.h"

/*
 * What all stored files share: magics, version, limits, feature words.
 * muniment-format(5) is the law; integers are little-endian.
 */
#define FMT_VERSION 0		/* 0 until the first release freezes it as 1 */
#define FMT_SUITE 1		/* BLAKE2b-256, XChaCha20-Poly1305, X25519 */

enum obj_type { OBJ_DATA = 1, OBJ_NODE = 2, OBJ_LIST = 3 };
#define OBJ_TYPES 3
#define OBJ_MAX_BYTES (16u << 20)	/* plain, at least 1 */

#define FMT_PACK_MAX_BYTES (64u << 20)
#define FMT_PACK_DATA_BYTES (32u << 20)	/* a data pack is closed above this */
#define FMT_PACK_META_BYTES (8u << 20)
#define FMT_MIN_BYTES 4096u	/* no pack or segment is smaller */

/* Feature bits a file needs of the program that wants to read it, to write
 * beside it, to delete it.  Unknown ones refuse that. */
struct fmt_features {
	uint32_t read, write, del;
};
#define FMT_FEATURES_READ 0u
#define FMT_FEATURES_WRITE 0u
#define FMT_FEATURES_DELETE 0u

/* What encoding and decoding needs to know of the repository. */
struct fmt_ctx {
	struct sid repo;		/* repository id */
	const struct key *loc;		/* K_loc: tables, segments, heads */
	const struct key_signer *signer;	/* NULL: only reading */
	/* Public key of those who delete: no other's tombstones and
	 * generations count.  NULL: everybody's do. */
	const struct key *keeper;
};

/*
 * The 32 bytes every stored file begins with.
 *  0  8  magic 89 'M' 'U' kind 0D 0A 1A 0A      8  2  version
 * 10  1  suite   11  1  zero                   12 12  feature words
 * 24  8  zero
 */
#define FMT_PREFIX_BYTES 32
enum fmt_kind {
	FMT_REPOSITORY = 'R', FMT_SLOT = 'K', FMT_PACK = 'P',
	FMT_SEGMENT = 'I', FMT_RECORD = 'A', FMT_FENCE = 'F',
	FMT_TOMBSTONE = 'T', FMT_SESSION = 'S', FMT_GENERATION = 'G',
	FMT_PIN = 'L', FMT_PARITY = 'X', FMT_LEVEL = 'Y'
};
void fmt_put_prefix(struct wr *w, enum fmt_kind kind);
/* ERR_CORRUPT: not this kind.  ERR_CONFIG: a newer version or a feature this
 * program does not know, in plain words ("needs a newer muniment ..."). */
int fmt_get_prefix(struct rd *r, enum fmt_kind kind, struct err *e);
/* The same with feature words; the caller judges write and del ('f' may be
 * NULL on reading). */
void fmt_put_prefix_with(struct wr *w, enum fmt_kind kind,
			 const struct fmt_features *f);
int fmt_get_prefix_with(struct rd *r, enum fmt_kind kind,
			struct fmt_features *f, struct err *e);

/* Size after padding: PURBs' Padme (Nikitin et al., 2019), at least
 * FMT_MIN_BYTES.  It leaks O(log log) bits of the true size. */
uint64_t fmt_padme(uint64_t bytes);

const char *fmt_type_name(enum obj_type t);	/* "data", "node", "list" */

#endif
