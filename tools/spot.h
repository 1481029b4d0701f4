/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SPOT_H
#define TOOLS_SPOT_H

#include "tools/config/config.h"
#include "tools/task.h"

/*
 * borgmatic's check "spot": is the latest archive what the sources are?  The
 * numbers of files may differ by count_tolerance_percentage; of a sample of
 * data_sample_percentage of the files, chosen anew each time,
 * data_tolerance_percentage may be missing or have another content.
 * Each of these is named.  ERR_FAILED: it is more.
 */
int spot_check(struct task *t, struct app *a, const struct config_check *row,
	       struct err *e);

#endif
