/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_CONTENT_H
#define FORMAT_CONTENT_H

#include "format/entry.h"

/*
 * Contents and directories without kind and ids, for nodes, which keep ids
 * together at their end because they do not compress.  Private to format/.
 *
 * content: nothing for NONE and ONE; INLINE varint length, bytes; PIECES u8
 * count, pieces without ids; LIST u8 level.
 * directory: nothing for EMPTY; INLINE varint length, bytes; ROOT u8 level;
 * then for both varint entries, files, bytes.
 */
void piece_put_body(struct wr *w, const struct piece *p);
void piece_get_body(struct rd *r, struct piece *p);
bool piece_sane(const struct piece *p);

void content_put_body(struct wr *w, const struct content *c);
void content_get_body(struct rd *r, struct content *c);	/* c->kind is set */
void content_put_ids(struct wr *w, const struct content *c);
void content_get_ids(struct rd *r, struct content *c);
/* NULL, or why this cannot be the content of a file of that size. */
const char *content_bad(const struct content *c, uint64_t size);

void dir_ref_put_body(struct wr *w, const struct dir_ref *d);
void dir_ref_get_body(struct rd *r, struct dir_ref *d);	/* d->kind is set */
const char *dir_ref_bad(const struct dir_ref *d);

#endif
