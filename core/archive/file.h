/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_FILE_H
#define ARCHIVE_FILE_H

#include "base/err.h"
#include "format/entry.h"
#include "repo/reader.h"

/*
 * The content of one archived regular file.  A struct file belongs to one
 * thread at a time.
 */
struct file;

/* Copies what it needs of the content. */
int file_open(struct file **out, struct reader *rd, const struct content *c,
	      uint64_t size, struct err *e);
void file_close(struct file *f);		/* NULL ok */
const struct content *file_content(const struct file *f);

/*
 * The bytes at 'off': *p and *len give what is at hand there (up to the end of
 * the piece; *len 0 at the end of the file); *hole: they are a hole, *p is
 * NULL and *len its rest.  Valid until the next call.
 */
int file_at(struct file *f, uint64_t off, const uint8_t **p, uint64_t *len,
	    bool *hole, struct err *e);
/* Copy up to 'len' bytes at 'off' (holes as zeroes); returns the number
 * through *got: less than len only at the end. */
int file_read(struct file *f, uint64_t off, void *out, size_t len,
	      size_t *got, struct err *e);

/* The bytes before 'end' have been handed on and are not wanted again soon. */
void file_used(struct file *f, uint64_t end);
/* Nothing of it is wanted for now: hold no object. */
void file_rest(struct file *f);
/* The piece at 'off' < size and where it begins; only the list is read. */
int file_piece(struct file *f, uint64_t off, const struct piece **p,
	       uint64_t *begin, struct err *e);

/* Every piece in order (INLINE: one raw piece with a zero id). */
typedef int file_piece_fn(const struct piece *p, uint64_t off, void *ctx);
int file_each(struct reader *rd, const struct content *c, uint64_t size,
	      file_piece_fn *fn, void *ctx, struct err *e);

#endif
