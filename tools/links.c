/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/links.h"

#include <string.h>

int links_first(struct links *l, uint64_t group, const char *path,
		const char **first, struct err *e)
{
	/* Group numbers are small; the map wants them spread. */
	uint64_t mixed[2] = { group * 0x9e3779b97f4a7c15, group };
	uint8_t key[16];
	uint64_t *place;
	bool was;
	int rc;

	*first = NULL;
	if (!group)
		return 0;
	memcpy(key, mixed, sizeof(key));
	if ((rc = map_put(&l->map, key, &place, &was, e)) < 0)
		return rc;
	if (was) {
		*first = l->path.v[*place];
		return 0;
	}
	*place = l->path.n;
	return strv_add(&l->path, path, e);
}

void links_release(struct links *l)
{
	map_release(&l->map);
	strv_release(&l->path);
}
