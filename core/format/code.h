/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_CODE_H
#define FORMAT_CODE_H

#include <stdbool.h>

#include "base/err.h"
#include "codec/key.h"

/*
 * Bytes as words that can be spoken and typed: proquints (D. S. Wilkerson,
 * arXiv:0901.4016), five letters for 16 bits, consonants and vowels in turn,
 * from "babab" to "zuzuz".
 */
#define CODE_WORD_LETTERS 5
/* 'n' bytes, even; 'out' gets n / 2 words with single spaces and a NUL, that
 * is n * 3 bytes. */
void code_words(char *out, const void *p, size_t n);

/* Back again: exactly n / 2 words; blanks, hyphens and the case of letters make
 * no difference.  false: it is not that. */
bool code_words_get(void *out, size_t n, const char *text);

/*
 * A recovery code: 256 bits in four rows of four words, each row with a fifth
 * word that checks it: the first 16 bits, little-endian, of
 * BLAKE2b-256("muniment code" || u8 row || the row's 8 bytes); rows count from
 * 0.
 */
#define CODE_ROWS 4
#define CODE_BYTES (CODE_ROWS * 5 * (CODE_WORD_LETTERS + 1) + 1)
/* Each row ends with a newline. */
void code_put(char out[CODE_BYTES], const struct key *secret);
/* Is it a code, by its looks: twenty words of five letters? */
bool code_like(const char *text);
/*
 * Spaces, line ends, hyphens and the case of letters make no difference.
 * ERR_AUTH: it is none, or has a mistake; says in which row.
 */
int code_get(struct key *secret, const char *text, struct err *e);

#endif
