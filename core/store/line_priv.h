/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LINE_PRIV_H
#define STORE_LINE_PRIV_H

#include "store/line_proto.h"

/* line_io.c: the thread; arg is its line. */
void *line_main(void *arg);

#endif
