/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * Words for the operator.  core/ and fs/ never print: they hand a line to the
 * sink that the program has set.  A log line never replaces an error return.
 */
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN };

typedef void log_sink_fn(enum log_level level, const char *topic,
			 const char *line, void *ctx);

/* Called once, before the first thread starts; the sink must be thread-safe.
 * Lines below 'min' are not even formatted. */
void log_set_sink(log_sink_fn *sink, void *ctx, enum log_level min);

/* Safe from any thread.  'topic' is a word such as "index" or "walk". */
void log_debug(const char *topic, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_info(const char *topic, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void log_warn(const char *topic, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
