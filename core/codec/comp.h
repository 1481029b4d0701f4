/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CODEC_COMP_H
#define CODEC_COMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Compression of one object at a time: one standard zstd frame (no checksum,
 * no content size), no context shared between objects, deterministic for a
 * level and library.  Stored raw if that saves less than 3 %.
 */
enum comp_codec { COMP_RAW = 0, COMP_ZSTD = 1 };

struct comp_spec {
	int level;		/* zstd's; 0: never compress */
	bool try_first;		/* "auto": look at a sample before trying */
};
#define COMP_SPEC_DEFAULT { 3, true }

/*
 * Borg's names: none, lz4 (zstd's fastest, *note says so), zstd[,1-22],
 * zlib[,0-9] and lzma[,0-9] (mapped to zstd levels, *note says so),
 * auto,C[,L], obfuscate,SPEC,C[,L] (accepted: sizes are hidden anyway, *note).
 * *note is NULL or a sentence for the user, static storage.
 * ERR_CONFIG names what is wrong.
 */
int comp_parse(struct comp_spec *spec, const char *text, const char **note,
	       struct err *e);

/* A compressor with its scratch memory; one thread at a time.  NULL: memory. */
struct comp *comp_new(const struct comp_spec *spec);
void comp_free(struct comp *c);		/* NULL ok */

/*
 * Bytes that cannot shrink are not tried: Dovecot's CRYPTED, known compressed
 * magic (gzip, zstd, xz, bzip2, zip, jpeg, png, mp4, Dovecot-LZ4 ...) at the
 * start, or, with try_first, high entropy in a sample.
 */
bool comp_hopeless(const void *p, size_t len, bool sample);

/*
 * Compress p[0..len), len > 0.  On COMP_ZSTD *out has the frame, was
 * decompressed again and compared; on COMP_RAW *out is cleared and the caller
 * stores p.  *out is cleared first.  Returns the codec or an error
 * (ERR_NOMEM; ERR_IO if the frame did not give the same bytes back).
 */
int comp_pack(struct comp *c, const void *p, size_t len, struct buf *out,
	      struct err *e);

/*
 * Decompress exactly 'plain_len' bytes into 'out'.  ERR_CORRUPT: another
 * length, trailing bytes, a window above 16 MiB, or damage.  Safe from any
 * thread (contexts are thread-local and freed with the thread).
 */
int comp_unpack(enum comp_codec codec, const void *p, size_t len, void *out,
		size_t plain_len, struct err *e);

#endif
