/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_BASE64_H
#define TESTS_BASE64_H

#include <stddef.h>
#include <stdint.h>

#define BASE64_CHARS(bytes) (((bytes) + 2) / 3 * 4)

/* BASE64_CHARS(len) characters into 'out', without newline or NUL; returns
 * their number. */
size_t base64_put(char *out, const uint8_t *p, size_t len);

#endif
