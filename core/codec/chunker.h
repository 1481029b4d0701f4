/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CODEC_CHUNKER_H
#define CODEC_CHUNKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/key.h"

/*
 * Content-defined chunking: FastCDC (Xia et al., USENIX ATC 2016) over a gear
 * table drawn from a key, normalised level 2.  Cut points depend on the key
 * and on the bytes since the last cut only.
 */
#define CHUNKER_MIN_BYTES (512u << 10)
#define CHUNKER_TARGET_BYTES (1u << 20)
#define CHUNKER_MAX_BYTES (8u << 20)

struct chunker {
	uint64_t gear[256];
};

void chunker_init(struct chunker *c, const struct key *k);

/*
 * Length of the chunk at the start of p[0..len).  The caller gives at least
 * CHUNKER_MAX_BYTES unless the file ends with p[len).  Never 0 for len > 0.
 * Safe from any thread.
 */
size_t chunker_cut(const struct chunker *c, const void *p, size_t len);

#endif
