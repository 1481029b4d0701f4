/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_SOUND_H
#define MAINT_SOUND_H

#include "base/map.h"
#include "repo/idx.h"
#include "repo/reader.h"

/*
 * Can an object be read?  One that is listed in a pack that is there and was
 * not found damaged can; others are tried, once.  One thread.
 */
struct sound {
	struct idx *idx;	/* the caller's, like the reader */
	struct reader *rd;
	struct map bad;		/* packs that are damaged, missing, or not to
				 * be relied upon */
	struct map tried;	/* objects: enum sound_verdict */
};
enum sound_verdict { SOUND_YES = 1, SOUND_NO };

int sound_bad_pack(struct sound *s, const struct oid *pack, struct err *e);
bool sound_pack(const struct sound *s, const struct oid *pack);
/* 1: it can; 0: it is lost; < 0: the store failed, or no memory. */
int sound_object(struct sound *s, enum obj_type t, const struct oid *id,
		 struct err *e);
void sound_release(struct sound *s);

#endif
