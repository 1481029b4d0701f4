/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_WORDS_H
#define TESTS_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/wr.h"

#define WORDS_COUNT 4096

/* A made-up vocabulary; common words are the ones with low numbers. */
struct words {
	struct {
		uint8_t len;
		char text[23];
	} word[WORDS_COUNT];
};

void words_init(struct words *w, uint64_t seed);
/* About 'len' bytes (exactly, if len >= 80) of sentences in lines of at most
 * 'cols' columns, ending in a newline.  Compresses like prose. */
void words_prose(const struct words *w, uint64_t key, size_t len,
		 unsigned cols, struct wr *out);
/* 'count' words with blanks between, no newline. */
void words_title(const struct words *w, uint64_t key, unsigned count,
		 struct wr *out);

#endif
