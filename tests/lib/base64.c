/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/base64.h"

static const char base64_digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	"abcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_put(char *out, const uint8_t *p, size_t len)
{
	const char *start = out;
	uint32_t v;

	for (; len >= 3; len -= 3, p += 3) {
		v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		*out++ = base64_digit[v >> 18];
		*out++ = base64_digit[v >> 12 & 63];
		*out++ = base64_digit[v >> 6 & 63];
		*out++ = base64_digit[v & 63];
	}
	if (len > 0) {
		v = (uint32_t)p[0] << 16 | (len > 1 ? (uint32_t)p[1] << 8 : 0);
		*out++ = base64_digit[v >> 18];
		*out++ = base64_digit[v >> 12 & 63];
		*out++ = len > 1 ? base64_digit[v >> 6 & 63] : '=';
		*out++ = '=';
	}
	return (size_t)(out - start);
}
