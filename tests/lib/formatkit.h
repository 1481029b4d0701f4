/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_FORMATKIT_H
#define TESTS_LIB_FORMATKIT_H

#include "format/object.h"
#include "format/pack.h"
#include "format/segment.h"

/*
 * A repository that is always the same, for tests and fuzz targets of
 * core/format: keys are BLAKE2b of a name, nothing is random.
 */
const struct fmt_ctx *formatkit_ctx(void);	/* calls key_setup */
struct key formatkit_key(const char *name);
struct sid formatkit_sid(const char *name);
struct oid formatkit_oid(const char *name, uint32_t n);
struct pack_session formatkit_session(const char *name);
/* Keys of the session, and of objects of a type. */
struct object_keys formatkit_object_keys(const char *session);
struct key formatkit_id_key(enum obj_type t);

/* n small raw objects, sealed: entries of t, and their bytes.  Release with
 * pack_table_release and buf_release. */
void formatkit_objects(struct pack_table *t, struct buf *objects, uint32_t n);
/* Whole pack of them. */
void formatkit_pack(struct buf *file, struct oid *name, uint32_t n);
/* A plain segment of n entries in one pack; release with segment_release. */
void formatkit_segment(struct segment *s, uint32_t n);

#endif
