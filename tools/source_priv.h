/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SOURCE_PRIV_H
#define TOOLS_SOURCE_PRIV_H

/* The private part of source.h: source.c for the command line,
 * source_configure.c for a configuration. */
#include "tools/source.h"

#endif
