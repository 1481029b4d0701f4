/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_HUMAN_H
#define TOOLS_HUMAN_H

#include <stdbool.h>
#include <stdint.h>

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
/* "-rw-r--r--", as ls(1) */
char *human_mode(char out[HUMAN_BYTES], uint32_t mode);

#endif
