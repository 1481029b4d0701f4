/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/sound.h"

int sound_bad_pack(struct sound *s, const struct oid *pack, struct err *e)
{
	uint64_t *value;
	bool was;

	return map_put(&s->bad, pack->b, &value, &was, e);
}

bool sound_pack(const struct sound *s, const struct oid *pack)
{
	return !map_get(&s->bad, pack->b);
}

int sound_object(struct sound *s, enum obj_type t, const struct oid *id,
		 struct err *e)
{
	struct err why = { ERR_OK, "" };
	struct buf plain = BUF_INIT;
	struct idx_loc loc;
	unsigned at = 0;
	uint64_t *value;
	bool was;
	int rc;

	while (idx_find_next(s->idx, id, &at, &loc))
		if (sound_pack(s, &loc.pack))
			return 1;
	if ((rc = map_put(&s->tried, id->b, &value, &was, e)) < 0)
		return rc;
	if (was)
		return *value == SOUND_YES;
	rc = reader_fetch(s->rd, t, id, &plain, &why);
	buf_release(&plain);
	*value = rc == 0 ? SOUND_YES : SOUND_NO;
	if (rc == 0 || rc == ERR_CORRUPT || rc == ERR_NOENT)
		return rc == 0;
	map_release(&s->tried);		/* this one was not tried */
	if (e)
		*e = why;
	return rc;
}

void sound_release(struct sound *s)
{
	map_release(&s->bad);
	map_release(&s->tried);
}
