/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_HEALTH_OUT_H
#define TOOLS_HEALTH_OUT_H

#include "tools/health.h"

/* Answers about several, on stdout. */
enum health_level health_out_worst(const struct health *h, size_t n);
int health_out_text(const struct health *h, size_t n, const struct app *a,
		    struct err *e);
int health_out_json(const struct health *h, size_t n, struct err *e);
/* One line of state, with performance data, and a line for each problem. */
int health_out_nagios(const struct health *h, size_t n, struct err *e);

#endif
