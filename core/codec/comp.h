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
 * no content size, no dictionary, a window of at most 16 MiB), no context
 * shared between objects, deterministic for a level and library.  Stored raw
 * if that saves less than 3 %.
 */
#define COMP_MAX_BYTES (16u << 20)	/* plain */
enum comp_codec { COMP_RAW = 0, COMP_ZSTD = 1 };

struct comp_spec {
	int level;		/* zstd's, below 0 the fast ones; 0: never */
	bool try_first;		/* "auto": look at a sample before trying */
};
#define COMP_SPEC_DEFAULT { 3, true }

/*
 * Borg's names: none, lz4 (a fast level of zstd, *note says so), zstd[,1-22],
 * zlib[,0-9] and lzma[,0-9] (mapped to zstd levels, *note says so),
 * auto,C[,L], obfuscate,SPEC,C[,L] (accepted: sizes are hidden anyway, *note;
 * C may be auto,C).  *note (NULL ok) is NULL or a sentence for the user,
 * static storage.  ERR_CONFIG names what is wrong; *spec is then unchanged.
 */
int comp_parse(struct comp_spec *spec, const char *text, const char **note,
	       struct err *e);

/* A compressor with its scratch memory; one thread at a time.  NULL: memory. */
struct comp *comp_new(const struct comp_spec *spec);
void comp_free(struct comp *c);		/* NULL ok */

/*
 * Bytes that cannot shrink are not tried: Dovecot's CRYPTED, known compressed
 * magic (gzip, zstd, xz, bzip2, zip, jpeg, png, mp4 ...) at the start, or,
 * with 'sample', high entropy in a sample.  LZ4 is tried, Dovecot's too: it
 * leaves base64 as it is, and zstd saves a fifth of such mail.
 */
bool comp_hopeless(const void *p, size_t len, bool sample);

/*
 * Compress p[0..len), 1 <= len <= COMP_MAX_BYTES (a bug otherwise).  *out is
 * cleared first.  On COMP_ZSTD it has the frame, which was decompressed again
 * and compared; on COMP_RAW it is empty and the caller stores p.  Returns the
 * codec or an error (ERR_NOMEM; ERR_IO if the frame did not give the same
 * bytes back).
 */
int comp_pack(struct comp *c, const void *p, size_t len, struct buf *out,
	      struct err *e);

/*
 * Decompress exactly 'plain_len' bytes into 'out'.  ERR_CORRUPT: another
 * length, trailing bytes, a window above 16 MiB, not a frame as described
 * above, or damage; nothing in 'out' may be used then.  Safe from any
 * thread (contexts are thread-local and freed with the thread).
 */
int comp_unpack(enum comp_codec codec, const void *p, size_t len, void *out,
		size_t plain_len, struct err *e);

#endif
