/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/base64.h"

#include <sodium.h>

#define VARIANT sodium_base64_VARIANT_ORIGINAL

int base64_put(struct buf *out, const void *p, size_t len, struct err *e)
{
	size_t room = sodium_base64_encoded_len(len, VARIANT);
	int rc = buf_reserve(out, room, e);

	if (rc < 0)
		return rc;
	sodium_bin2base64((char *)out->p + out->len, room, p, len, VARIANT);
	out->len += room - 1;
	return 0;
}

int base64_get(struct buf *out, const char *text, size_t len, struct err *e)
{
	size_t got = 0;
	int rc = buf_reserve(out, len / 4 * 3 + 3, e);

	if (rc < 0)
		return rc;
	if (sodium_base642bin(out->p + out->len, out->cap - out->len, text,
			      len, " \t\r\n", &got, NULL, VARIANT) < 0)
		return err_set(e, ERR_CORRUPT, "it is no base64");
	out->len += got;
	return 0;
}
