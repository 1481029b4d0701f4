/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_PAPER_H
#define FORMAT_PAPER_H

#include "base/buf.h"
#include "base/sid.h"

/*
 * Keys as text: slots, one after the other, as they are in a repository or a
 * key file.  They stay locked by their passphrases.
 *
 * As a file:
 *   MUNIMENT_KEY 1 REPOSITORY-ID
 *   base64 in lines of 64 characters
 *
 * On paper, lines of 18 bytes, each with a check (CRC-16 with the polynomial
 * 0x1021 from 0xffff, over le32 line number || its bytes; the first line is
 * number 1), so that a line with a mistyped digit is always named:
 *   MUNIMENT PAPER KEY 1
 *   id: REPOSITORY-ID / lines: 40 / CHECK
 *     1: 6d756e 696d65 6e7400  000000 000000 000000 - 8414
 * The id line has number 0; its bytes are the 16 of the id and le32 of the
 * number of lines.
 */
#define PAPER_BYTES_A_LINE 18
#define PAPER_LINES_MAX 2560

int paper_put_file(const struct sid *repo, const struct buf *slots,
		   struct buf *out, struct err *e);
int paper_put(const struct sid *repo, const struct buf *slots,
	      struct buf *out, struct err *e);

/* Reading either, line by line, as a person types it. */
struct paper {
	struct sid repo;
	unsigned lines;		/* of a paper; 0: not yet known */
	unsigned have;
	bool file;		/* the base64 form */
	struct buf slots;	/* what came so far */
	struct buf base64;
};
#define PAPER_INIT { .slots = BUF_INIT, .base64 = BUF_INIT }
/*
 * Takes a line; empty ones and those that stand before a key's first line are
 * passed over.  ERR_CONFIG: it has a mistake (says which line), and may be
 * given again.
 */
int paper_line(struct paper *p, const char *line, struct err *e);
/* A paper whose last line was read. */
bool paper_complete(const struct paper *p);
/* The end: p->repo and p->slots are whole.  ERR_CONFIG: lines are missing. */
int paper_end(struct paper *p, struct err *e);
void paper_release(struct paper *p);

#endif
