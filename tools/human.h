/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_HUMAN_H
#define TOOLS_HUMAN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"

/* Figures for people, as borg writes them. */
#define HUMAN_BYTES 64

enum human_flags {
	HUMAN_IEC = 1 << 0,	/* KiB, not kB */
	HUMAN_SIGN = 1 << 1,	/* "+8 B" */
	HUMAN_SHORT = 1 << 2	/* one digit after the point, not two */
};
/* "0 B", "2.25 kB"; 'out' is returned. */
char *human_size(char out[HUMAN_BYTES], int64_t bytes, unsigned flags);
/* "2 minutes 0.15 seconds" */
char *human_duration(char out[HUMAN_BYTES], double secs);
/* "40 seconds", "3 hours", "5 days": how long ago, roughly. */
char *human_age(char out[HUMAN_BYTES], int64_t secs);
/* "-rw-r--r--", as ls(1) */
char *human_mode(char out[HUMAN_BYTES], uint32_t mode);

/* A number of bytes: "4096"; with K, M, G or T (or kB, MB ...) in powers of
 * 1000 as borg has it; with KiB, MiB, GiB or TiB in powers of 1024.
 * ERR_CONFIG; 'what' names the option. */
int human_bytes(uint64_t *out, const char *text, const char *what,
		struct err *e);

#endif
