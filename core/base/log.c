/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static log_sink_fn *log_sink;
static void *log_ctx;
static enum log_level log_min = LOG_LEVEL_WARN;

void log_set_sink(log_sink_fn *sink, void *ctx, enum log_level min)
{
	log_sink = sink;
	log_ctx = ctx;
	log_min = min;
}

static void __attribute__((format(printf, 3, 0)))
log_line(enum log_level level, const char *topic, const char *fmt, va_list ap)
{
	char line[4096 + 256];

	if (!log_sink || level < log_min)
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	log_sink(level, topic, line, log_ctx);
}

void log_debug(const char *topic, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_DEBUG, topic, fmt, ap);
	va_end(ap);
}

void log_info(const char *topic, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_INFO, topic, fmt, ap);
	va_end(ap);
}

void log_warn(const char *topic, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_WARN, topic, fmt, ap);
	va_end(ap);
}
