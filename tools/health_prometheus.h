/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_HEALTH_PROMETHEUS_H
#define TOOLS_HEALTH_PROMETHEUS_H

#include "tools/health.h"

/* node_exporter's text format. */
int health_prometheus_put(struct buf *b, const struct health *h, size_t n,
			  struct err *e);
/* A file for its textfile collector, replaced as a whole, that others can
 * read. */
int health_prometheus_write(const char *path, const struct health *h, size_t n,
			    struct err *e);

#endif
