/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_PACK_H
#define FORMAT_PACK_H

#include <stdint.h>

#include "base/buf.h"
#include "format/fmt.h"
#include "format/object.h"

/*
 * A pack: many sealed objects in one file, built in memory.
 *
 *   0 256  header (sealed.h), salt = BLAKE2b-256(K_loc, "packsalt" || counts
 *          plaintext || table plaintext)
 * 256 ...  table
 *  ..  ..  objects, back to back
 *  ..  ..  padding to fmt_padme()
 *
 * Counts plaintext: le32 objects | le16 sessions | u8 kind | u8 zero.
 * Table plaintext: sessions * 104 { id 16, le32 epoch, i8 level, 3 zero,
 * sealed 80 }, then objects * 44 { id 32, u8 type, u8 codec, le16 session,
 * le32 stored, le32 plain }.  Offsets are sums.
 *
 * Name: BLAKE2b-256 of the 256 header bytes.  So without a key one can verify
 * name, signature and checksum of all that follows, and read nothing about
 * number, sizes or borders of objects.
 */
#define PACK_HEADER_BYTES 256
#define PACK_SESSION_BYTES 104
#define PACK_ENTRY_BYTES 44
#define PACK_MAX_OBJECTS (1u << 18)
#define PACK_MAX_SESSIONS 4096

enum pack_kind { PACK_DATA = 1, PACK_META = 2 };

#define PACK_SEALED_BYTES KEY_SEALED_BYTES(32)
struct pack_session {
	struct sid id;
	uint32_t epoch;		/* of the key pair it is sealed to */
	int8_t level;		/* compression level, for information */
	uint8_t sealed[PACK_SEALED_BYTES];	/* the session's secret */
};
void pack_session_put(struct wr *w, const struct pack_session *s);
void pack_session_get(struct rd *r, struct pack_session *s);
struct pack_entry {
	struct object_head obj;
	uint16_t session;	/* place in the sessions array */
	uint32_t off;		/* of the sealed bytes, in the file */
};
struct pack_head {
	enum pack_kind kind;
	struct key writer;
	uint32_t n_entries;
	uint16_t n_sessions;
	uint64_t file_bytes;
	uint32_t table_bytes;	/* ciphertext with tag, at PACK_HEADER_BYTES */
	struct oid table_hash;
	struct key_sum sum;
	uint8_t salt[32];
};
struct pack_table {
	struct pack_session *sessions;
	struct pack_entry *entries;
	uint32_t n_entries;
	uint16_t n_sessions;
};

/*
 * Make header, table and padding for objects[0..objects_len), which are the
 * sealed bytes of the entries in order (their 'off' is set here).  The file
 * is head || objects || pad.  ERR_NOMEM.
 */
int pack_seal(const struct fmt_ctx *ctx, enum pack_kind kind,
	      struct pack_table *t, const uint8_t *objects, size_t objects_len,
	      struct buf *head, struct buf *pad, struct oid *name,
	      struct err *e);

/* From the first PACK_HEADER_BYTES.  Verifies name, signature, counts,
 * repository id. */
int pack_open_head(struct pack_head *h, const struct fmt_ctx *ctx,
		   const struct oid *name, const uint8_t *p, size_t len,
		   struct err *e);
/* From table_bytes bytes at PACK_HEADER_BYTES.  Free with pack_table_release.
 * Verifies the hash, the tag, and that all objects lie inside the file. */
int pack_open_table(struct pack_table *t, const struct pack_head *h,
		    const struct fmt_ctx *ctx, const uint8_t *p, size_t len,
		    struct err *e);
void pack_table_release(struct pack_table *t);

/* Without any key: name, signature, size, checksum of a whole file. */
int pack_scrub(const struct oid *name, const uint8_t *p, size_t len,
	       struct err *e);

#endif
