/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_MOUNT_PIN_H
#define REPO_MOUNT_PIN_H

#include <stddef.h>

#include "base/err.h"
#include "base/sid.h"

/*
 * The archives that a mount reads, so that a collector counts them as live
 * though they are deleted meanwhile (alive.h is its side).
 *
 * pins/PIN.N has archives that were opened together, and stays until the last
 * of them is dropped; or it has none and is a heartbeat, of which the older
 * goes when the newer is there.
 *
 * A mark with archives is never replaced by another, so a collector that
 * lists while marks come and go sees each archive's.  It lists tombstones,
 * then pins; here the pin is put, then the tombstone looked for: one of the
 * two sees the other.
 *
 * Safe from any thread.
 */
struct mount_pin;
struct repo;

struct mount_pin *mount_pin_new(struct repo *r);	/* NULL: no memory */
/* Take all marks away, as far as that goes. */
void mount_pin_free(struct mount_pin *p);		/* NULL ok */

/*
 * Before anything below the roots of these archives is read.  gone[i]: it was
 * deleted, nothing of it may be read, and it is not pinned.  A store that
 * cannot be written to pins nothing: that is logged once, and no error.
 * ERR_NOMEM; ERR_IO and such: it cannot be seen whether they are deleted.
 */
int mount_pin_add(struct mount_pin *p, const struct sid *archive, size_t n,
		  bool *gone, struct err *e);
/* It is not read any more; unknown ones are passed over. */
void mount_pin_drop(struct mount_pin *p, const struct sid *archive);
size_t mount_pin_count(struct mount_pin *p);

/* Now and then: puts a heartbeat when one is due. */
void mount_pin_tick(struct mount_pin *p);
/* Tests: how often that is; 0: every 300 seconds. */
void mount_pin_pace(struct mount_pin *p, unsigned beat_secs);

#endif
