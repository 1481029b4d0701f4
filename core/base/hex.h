/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 2 * len digits and a NUL into 'out', which is returned. */
char *hex_put(char *out, const uint8_t *p, size_t len);
/* Exactly 2 * len lower-case digits, then the end of the string. */
bool hex_get(uint8_t *p, size_t len, const char *hex);

#endif
