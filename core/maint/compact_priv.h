/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_COMPACT_PRIV_H
#define MAINT_COMPACT_PRIV_H

#include "base/map.h"
#include "format/mark.h"
#include "maint/compact.h"
#include "repo/alive.h"
#include "repo/catalog.h"
#include "repo/idx_census.h"
#include "repo/reader.h"

/*
 * One collection.  Names are those of the protocol and of its model
 * (tests/model): n, X, base(n).
 */
enum pack_state {
	PACK_LISTED = 1 << 0,	/* a segment names it */
	PACK_YOUNG = 1 << 1,	/* of a session that is at work, or put since
				 * this collection began: never condemned */
	PACK_OLD = 1 << 2,	/* condemned by an older generation (RULE C):
				 * what is found only there is copied */
	PACK_DEAD = 1 << 3,	/* X: nothing in it is live */
	PACK_SPARSE = 1 << 4,	/* X: what is live in it is copied */
	PACK_RESCUED = 1 << 5,	/* left X again (G4) */
	PACK_SOURCE = 1 << 6,	/* OLD, and has something to copy */
	PACK_SPOILT = 1 << 7,	/* has an object that does not open: stays */
	PACK_RENEW = 1 << 8,	/* is damaged, and shall be replaced */
	PACK_STALE = 1 << 9	/* sealed for an older master key, and those
				 * are to go */
};
struct compact_pack {
	struct oid name;
	uint64_t bytes, live_bytes;
	uint32_t live_n;
	enum pack_kind kind;
	unsigned state;			/* enum pack_state */
};

/* An object that was copied. */
struct compact_copy {
	uint8_t prefix[SEGMENT_PREFIX_BYTES];
	uint32_t pack;			/* place in copy_pack */
	uint32_t session;		/* place in copy_sessions */
	uint32_t off, stored_len, plain_len;
	enum obj_type type;
	enum comp_codec codec;
	bool late;			/* copied in G4 */
};

/* What one collection tells the next one of the same run. */
#define ROUNDS_LOST_MAX 16
struct rounds {
	bool more;		/* another one would free more */
	/* Deleted archives that cannot be read in full.  That a mount has
	 * pinned them keeps nothing: it did so when it was too late, and will
	 * see that they are deleted. */
	struct sid lost[ROUNDS_LOST_MAX];
	unsigned n_lost;
	struct sid unreadable;	/* found in the last one, or zero */
};

struct collect {
	struct repo *r;
	struct rounds *rounds;
	const struct compact_opts *o;
	struct compact_result *res;
	struct err *e;

	/* G0 */
	uint32_t n;
	struct mark_generation before;	/* generation n - 1, if there is one */
	/* G1 */
	struct alive sessions;		/* at work when it began, or dead */
	struct catalog *cat;		/* with deleted ones */
	struct map seen;		/* names of archives/: sizes + 1 */
	struct map dead;		/* deleted, unpinned archives: by id */
	struct sid *buried;		/* tombstones whose record is gone */
	size_t n_buried;
	struct compact_pack *pack;
	uint32_t n_pack, cap_pack;
	struct map by_name;		/* pack -> place in 'pack' */
	bool *working;			/* by census session number */
	uint32_t n_working;
	struct idx_census *census;
	struct map have;		/* prefix -> place in 'copy' */
	struct compact_copy *copy;
	uint32_t n_copy, cap_copy;
	struct segment_pack *copy_pack;
	uint32_t n_copy_pack, cap_copy_pack;
	struct pack_session *copy_sessions;
	uint32_t n_copy_sessions;
	struct map copy_session;	/* id -> place in copy_sessions */
	int mille;			/* parity of copies; -1: not known */
	bool must;			/* puts may use up the reserve */
	bool full;			/* no room for copies */
	bool more;			/* another round would free more */
	bool adopted;
	struct segment_name *base;	/* base(n); after G4 base'(n) */
	uint32_t n_base, cap_base;
	uint64_t n_late;		/* objects of late archives only */
	/* G3 */
	struct sid *waits;		/* at work when it began */
	size_t n_waits;
	bool listed;			/* waits is complete */
	uint64_t left;			/* of those still at work */
};

/* compact_list.c: what is in the store. */
int compact_generation(struct collect *c);	/* G0 */
int compact_list(struct collect *c);		/* the listings of G1 */
int compact_list_late(struct collect *c);	/* of G4 */
int compact_list_packs(struct collect *c, unsigned state);
/* Which of the census's sessions are at work; and the packs of those. */
int compact_workers(struct collect *c);
int compact_young(struct collect *c);
/* Is there anything to collect? */
int compact_wanted(struct collect *c, bool *wanted);
/* Is it deleted, and pinned by no mount? */
bool compact_deleted(struct collect *c, const struct catalog_item *it);
/* The place of a pack, or NULL: it is not in the store. */
struct compact_pack *compact_pack(struct collect *c, const struct oid *name);

/* compact_mark.c: every object that an archive reaches. */
int compact_mark(struct collect *c, bool late);

/* compact_pack.c: which packs go. */
/* The table of a pack, authenticated. */
int compact_table(struct collect *c, const struct compact_pack *p,
		  struct pack_table *t, struct err *e);
/* The same of one that 'file' has all bytes of. */
int compact_table_of(struct collect *c, const struct oid *name,
		     const struct buf *file, struct pack_table *t,
		     struct err *e);
/* Count what is live, in each pack; 'all': as if everything were. */
int compact_account(struct collect *c, bool all);
int compact_choose(struct collect *c);
/* Is it enough for a generation of its own?  *bytes: of garbage. */
bool compact_enough(struct collect *c, uint64_t *bytes);
/* Which packs are stale. */
int compact_stale(struct collect *c);
/* A session of a pack's own, so that it gets a name of its own; 'keys', unless
 * NULL: to seal with. */
void compact_own_session(struct pack_session *s, struct object_keys *keys,
			 struct repo *r);
bool compact_in_x(const struct compact_pack *p);
/* The first of the places of an object that will stay, or NULL. */
const struct idx_loc *compact_place(struct collect *c,
				    const struct idx_loc *loc, unsigned n);

/* compact_copy.c: copy what is live in packs that go, and only there. */
int compact_copy(struct collect *c, bool late);

/* compact_base.c */
int compact_base(struct collect *c);		/* base(n) */
/* Put segments that list the objects of packs that none lists, for readers;
 * *packs: how many.  A repair's. */
int compact_relist(struct collect *c, uint64_t *packs);
/* G4: packs that late archives use leave X.  base'(n): what is late. */
int compact_rescue(struct collect *c);
int compact_addition(struct collect *c);

/* compact_end.c */
int compact_condemn(struct collect *c);		/* G2 */
int compact_wait(struct collect *c, unsigned secs);	/* G3 */
int compact_delete(struct collect *c);		/* G5 */

/* compact_put.c */
/* Put; on a full disk the reserve is given up first. */
int compact_put(struct collect *c, enum store_kind kind, const char *name,
		const struct iovec *iov, int n, unsigned flags);
/* A pack with its parity, read back before anything relies on it; where and how
 * large it is: *sp.  ERR_RETRY: to another collector it was garbage. */
int compact_put_pack(struct collect *c, enum pack_kind kind,
		     struct pack_table *t, const struct iovec *objects,
		     struct segment_pack *sp);

/* compact_parity.c: the parity of what went. */
int compact_parity(struct collect *c);

/* compact.c */
void compact_release(struct collect *c);
void compact_tell(struct collect *c, const char *what, uint64_t done,
		  uint64_t total);

#endif
