/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MAINT_REPAIR_H
#define MAINT_REPAIR_H

#include "maint/check.h"

/*
 * Repair: what is damaged is left behind, what is not is made usable again.
 * Nothing is deleted and nothing replaced; backups may run meanwhile.
 *
 * 1. Every pack is read in full; of a damaged one that its parity mends a sound
 *    one is put beside it.  The index is made anew from packs where it is
 *    damaged or incomplete.
 * 2. A generation (DESIGN section 5) condemns the damaged packs, and its base
 *    lists only what is whole with all below it: so the next backup stores
 *    again whatever of its files is lost, and with that older archives are
 *    whole again, too.
 * 3. What can still be read in the other damaged packs is stored again.
 * 4. Of each archive that is not whole an archive "NAME.repaired" is put
 *    beside it: files whose content is lost in part have holes there (and
 *    ENTRY_LOST), each is a finding with its ranges.
 *
 * Damaged packs go with a compaction, once no archive needs them.
 * COMMIT POINTS: the generation; each repaired archive's record.
 */
struct repair_opts {
	unsigned threads;
	bool verify_data;	/* look at every object, too */
	struct cancel *cancel;
	void (*finding)(const struct check_finding *f, void *ctx);
	void (*progress)(const struct check_progress *p, void *ctx);
	void *ctx;
};
struct repair_result {
	struct check_result check;	/* of the packs */
	uint64_t packs_bad;		/* damaged or missing */
	uint64_t packs_rescued;		/* mended by their parity */
	uint64_t packs_listed;		/* that the index did not name */
	uint32_t generation;		/* that was put; 0: none was needed */
	uint64_t moved;			/* objects of damaged packs */
	uint64_t archives_damaged, archives_repaired;
	uint64_t files, dirs;		/* in which something is lost */
	uint64_t lost_bytes;
};
/* 0: also when something is lost, res says what.  ERR_RETRY: other
 * collections were faster each time. */
int repair_run(struct repo *r, const struct repair_opts *o,
	       struct repair_result *res, struct err *e);

#endif
