/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/entry.h"

#include <string.h>

#include "format/node.h"

void xattr_iter_init(struct xattr_iter *it, const void *set, size_t len)
{
	memset(it, 0, sizeof(*it));
	rd_init(&it->r, set, len);
	if (len > XATTR_SET_MAX)
		rd_fail(&it->r);
	/* An attribute has three bytes at least; a set one attribute. */
	it->left = rd_varint_max(&it->r, len / 3);
	if (it->left == 0)
		rd_fail(&it->r);
}

bool xattr_iter_next(struct xattr_iter *it, struct xattr_item *out)
{
	const char *last = it->last;
	size_t last_len = it->last_len;

	if (it->left == 0 || it->r.bad)
		return false;
	it->left--;
	out->name_len = (size_t)rd_varint_max(&it->r, XATTR_NAME_BYTES);
	out->name = (const char *)rd_bytes(&it->r, out->name_len);
	out->value_len = (size_t)rd_varint_max(&it->r, XATTR_VALUE_BYTES);
	out->value = rd_bytes(&it->r, out->value_len);
	if (!out->value || !out->name || out->name_len == 0 ||
	    memchr(out->name, 0, out->name_len) ||
	    (last && node_name_cmp(last, last_len, out->name,
				   out->name_len) >= 0)) {
		rd_fail(&it->r);
		return false;
	}
	it->last = out->name;
	it->last_len = out->name_len;
	return true;
}
