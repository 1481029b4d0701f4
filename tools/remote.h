/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_REMOTE_H
#define TOOLS_REMOTE_H

#include "tools/app.h"

/*
 * How repositories over ssh are reached: --rsh, MUNIMENT_RSH, BORG_RSH; the
 * questions about unknown servers and locked keys.
 */
/* From a->o into a->store; again whenever the options have changed. */
int remote_setup(struct app *a, struct err *e);
void remote_release(struct app *a);

#endif
