/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/clean.h"

#include <unistd.h>

/* Length of the UTF-8 character at p, or 0. */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i, n;
	uint32_t c;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n > left)
		return 0;
	c = p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

int clean_text(struct buf *out, const char *s, size_t len, enum clean_for how,
	       struct err *e)
{
	static int terminal = -1;
	const uint8_t *p = (const uint8_t *)s;
	size_t i = 0, n;
	int rc = 0;

	if (terminal < 0)
		terminal = isatty(STDOUT_FILENO);
	while (rc == 0 && i < len) {
		n = utf8_len(p + i, len - i);
		if (how == CLEAN_STDOUT && terminal && (p[i] < 0x20 ||
							p[i] == 0x7f))
			n = 0;
		rc = n ? buf_append(out, p + i, n, e) :
			buf_append(out, "?", 1, e);
		i += n ? n : 1;
	}
	return rc;
}
