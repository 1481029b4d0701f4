/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_KEYSHEET_H
#define TOOLS_KEYSHEET_H

#include "core/core.h"

/*
 * Keys as something to keep: a file, a sheet of paper, a page with QR codes
 * to print.  All hold the slots, still locked by their passphrases.
 */
enum keysheet_form { KEYSHEET_FILE, KEYSHEET_PAPER, KEYSHEET_HTML };

int keysheet_make(struct buf *out, enum keysheet_form form, const char *url,
		  const struct sid *repo, const struct buf *slots,
		  struct err *e);

#endif
