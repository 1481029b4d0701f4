/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LETTER_H
#define TESTS_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a message consists of: sizes and content keys, without any content.
 * The distributions are those of a business mail server: median 11 KB, mean
 * 65 KB, half of the bytes in less than one per cent of the parts, and half
 * of the bytes a repetition of others.
 */
#define LETTER_FILES 12		/* attachments of one message, at most */
#define LETTER_FILE_BYTES (18u << 20)
#define LETTER_YEARS_SECS (3 * 365 * 86400LL)	/* age of the first mail */

/* The population that a message is drawn from. */
struct letter_pool {
	uint64_t seed;
	unsigned users, domains;
	uint64_t mails;			/* at the start */
	double scale;			/* of all but the header lines */
	int64_t start_secs;		/* end of the first three years */
};

enum letter_shape { LETTER_TEXT, LETTER_ALTERNATIVE, LETTER_MIXED };
enum letter_stuff { LETTER_DENSE, LETTER_HALF, LETTER_TABLE };

struct letter_file {
	uint64_t id;		/* key of the bytes: equal ids, equal bytes */
	uint32_t raw_bytes;	/* before base64 */
	enum letter_stuff stuff;
	bool inline_logo;
};

struct letter {
	uint64_t id;		/* key of the content: shared by all copies */
	uint64_t self;		/* key of this copy: header lines, tracking */
	enum letter_shape shape;
	bool tracked;		/* newsletter: links differ per reader */
	unsigned sender;	/* decides header style and template */
	uint32_t head_bytes, text_bytes, html_bytes;
	unsigned nfile;
	struct letter_file file[LETTER_FILES];
};

/* Message 'msg' of 'user', which arrived at 'arrived_secs'. */
void letter_plan(struct letter *l, const struct letter_pool *p, unsigned user,
		 uint32_t msg, int64_t arrived_secs);
/* About as long as the message will be. */
uint64_t letter_bytes(const struct letter *l);
/* Base64 with a newline after each 76 columns. */
uint64_t letter_encoded(uint64_t raw_bytes);

#endif
