/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_SUBST_PRIV_H
#define CONFIG_SUBST_PRIV_H

/* Its half that finds credentials is a file of its own. */
#include "tools/config/subst.h"

#endif
