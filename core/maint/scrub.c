/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/scrub.h"

#include "format/pack.h"
#include "format/segment.h"

int scrub_file(enum store_kind k, const char *name, const uint8_t *p,
	       size_t len, struct err *e)
{
	struct segment_name segment;
	struct oid id;

	if (k == STORE_DATA || k == STORE_META) {
		if (!oid_parse(&id, name))
			return err_set(e, ERR_CORRUPT, "that is no name of a "
				"pack");
		return pack_scrub(&id, p, len, e);
	}
	if (k != STORE_INDEX)
		return 1;
	if (!segment_name_get(&segment, name))
		return err_set(e, ERR_CORRUPT, "that is no name of an index "
			"segment");
	return segment_scrub(&segment, p, len, e);
}
