/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/talk.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/json.h"
#include "tools/log_file.h"
#include "tools/log_system.h"
#include "tools/status.h"

#define LINE_BYTES 8192		/* longer than any path */

/* Order: mtx is a leaf, but for the locks inside stdio. */
static pthread_mutex_t mtx = PTHREAD_MUTEX_INITIALIZER;
static struct talk_opts opts = TALK_OPTS_INIT;
static enum talk_level min_level = TALK_ANSWER;	/* of any place */
static bool terminal, color;
static bool no_stderr;			/* of a daemon */
static bool one_stream;			/* stdout and stderr are one file */
static bool priorities;			/* "<4>" before lines on stderr */
static bool transient;			/* mtx; one is shown */
static char prefix[256];		/* mtx */
static struct log_file *file;		/* mtx */

static void sink(enum log_level level, const char *topic, const char *line,
		 void *ctx);

enum talk_level talk_level_of(int64_t verbosity)
{
	static const enum talk_level level[] = {
		TALK_OFF, TALK_ERROR, TALK_ANSWER, TALK_INFO, TALK_DEBUG
	};

	return level[verbosity < -2 ? 0 : verbosity > 2 ? 4 : verbosity + 2];
}

static enum talk_level least(enum talk_level a, enum talk_level b)
{
	return a < b ? a : b;
}

static void set_levels(void)
{
	min_level = least(opts.level, opts.syslog_level);
	if (file)
		min_level = least(min_level, opts.file_level);
	log_set_sink(sink, NULL, min_level <= TALK_DEBUG ? LOG_LEVEL_DEBUG :
		     min_level == TALK_INFO ? LOG_LEVEL_INFO :
		     LOG_LEVEL_WARN);
}

static bool same_file(int a, int b)
{
	struct stat one, two;

	return fstat(a, &one) == 0 && fstat(b, &two) == 0 &&
		one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

int talk_setup(const struct talk_opts *o, struct err *e)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
	struct err why;
	int rc = 0;

	opts = *o;
	terminal = !no_stderr && isatty(STDERR_FILENO) && !o->json;
	color = terminal && !o->no_color && !(no && *no) && term &&
		strcmp(term, "dumb") != 0;
	one_stream = same_file(STDOUT_FILENO, STDERR_FILENO);
	pthread_mutex_lock(&mtx);
	log_file_close(file);
	file = NULL;
	if (o->file && o->file_level < TALK_OFF)
		rc = log_file_open(&file, o->file, o->file_format, e);
	pthread_mutex_unlock(&mtx);
	if (o->syslog_level < TALK_OFF && log_system_open(&why) < 0) {
		opts.syslog_level = TALK_OFF;
		if (rc == 0)
			rc = err_set(e, why.code, "%s", why.msg);
	}
	priorities = !o->json && log_system_reads_stderr();
	opts.file = opts.file_format = NULL;	/* they were the caller's */
	set_levels();
	return rc;
}

void talk_to_syslog(void)
{
	opts.syslog_level = least(opts.syslog_level, opts.level);
	no_stderr = true;
	terminal = color = false;
	log_system_open(NULL);	/* without one there is nobody to tell */
	set_levels();
}

void talk_set_prefix(const char *label)
{
	pthread_mutex_lock(&mtx);
	snprintf(prefix, sizeof(prefix), "%s", label ? label : "");
	pthread_mutex_unlock(&mtx);
}

bool talk_is_json(void)
{
	return opts.json;
}

bool talk_is_terminal(void)
{
	return terminal;
}

unsigned talk_columns(void)
{
	struct winsize ws;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col >= 20)
		return ws.ws_col;
	return 80;
}

/* Under mtx: one write, so that lines of two processes do not mix. */
static void put(const char *line, size_t len)
{
	char small[1024];
	struct buf b = BUF_INIT;
	ssize_t n;

	if (one_stream)
		fflush(stdout);	/* in the order of what happened */
	if (transient)
		buf_append(&b, "\r\033[K", 4, NULL);
	transient = false;
	if (buf_append(&b, line, len, NULL) == 0 &&
	    buf_append(&b, "\n", 1, NULL) == 0) {
		n = write(STDERR_FILENO, b.p, b.len);
	} else {
		snprintf(small, sizeof(small), "%.*s\n", (int)len, line);
		n = write(STDERR_FILENO, small, strlen(small));
	}
	(void)n;	/* there is nobody left to tell */
	buf_release(&b);
}

/* A name may have anything in it, also what moves a terminal's cursor. */
static int escape(struct buf *out, const char *s)
{
	int rc = 0;

	for (; rc == 0 && *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\n' && s[1])
			rc = buf_append(out, " ", 1, NULL);
		else if (c < 0x20 || c == 0x7f)
			rc = c == '\n' ? 0 :
				buf_printf(out, NULL, "\\%03o", c);
		else
			rc = buf_append(out, s, 1, NULL);
	}
	return rc;
}

void talk_json(json_t *obj)
{
	char *text = obj ? json_dumps(obj, JSON_PRESERVE_ORDER) : NULL;

	json_decref(obj);
	if (!text)
		return;
	pthread_mutex_lock(&mtx);
	put(text, strlen(text));
	pthread_mutex_unlock(&mtx);
	free(text);
}

static void message_json(const struct log_entry *x, const char *text)
{
	char name[64];
	json_t *v;

	snprintf(name, sizeof(name), "muniment.%s", x->topic);
	v = json_pack("{s:s, s:f, s:o, s:s, s:s}",
		"type", "log_message",
		"time", (double)clock_wall_nsec() / 1e9,
		"message", json_text(text),
		"levelname", log_file_level(x->level), "name", name);
	if (v && x->msgid)
		json_object_set_new(v, "msgid", json_string(x->msgid));
	if (v && *x->prefix)
		json_object_set_new(v, "prefix", json_text(x->prefix));
	talk_json(v);
}

/* "muniment: LABEL: text", with its colour. */
static void to_stderr(const struct log_entry *x, bool plain)
{
	bool loud = x->level >= TALK_WARNING && !plain;
	struct buf b = BUF_INIT;

	if (priorities)
		buf_printf(&b, NULL, "<%d>", log_system_priority(x->level));
	if (color && loud)
		buf_printf(&b, NULL, "\033[%sm", x->level == TALK_WARNING ?
			   "33" : "31");
	if (loud)
		buf_printf(&b, NULL, "muniment: ");
	if (*x->prefix && !plain)
		buf_printf(&b, NULL, "%s: ", x->prefix);
	if (x->level == TALK_DEBUG)
		buf_printf(&b, NULL, "%s: ", x->topic);
	buf_printf(&b, NULL, "%s", x->text);
	if (color && loud)
		buf_printf(&b, NULL, "\033[m");
	pthread_mutex_lock(&mtx);
	put(b.p ? (const char *)b.p : x->text, b.p ? b.len : strlen(x->text));
	pthread_mutex_unlock(&mtx);
	buf_release(&b);
}

/* A log that fails is told of on stderr, whatever its level is. */
static void to_logs(const struct log_entry *x)
{
	struct log_entry trouble = { TALK_WARNING, "program", "", NULL, NULL };
	struct err e;
	int rc = 0;

	if (x->level >= opts.syslog_level)
		log_system_write(x);
	pthread_mutex_lock(&mtx);
	if (file && x->level >= opts.file_level)
		rc = log_file_write(file, x, &e);
	pthread_mutex_unlock(&mtx);
	if (rc < 0 && !no_stderr) {
		trouble.text = e.msg;
		to_stderr(&trouble, false);
	}
}

/* In both logs and on stderr a line is the same: cleaned. */
enum emit_flags {
	EMIT_ALWAYS = 1 << 0,	/* on stderr, whatever the level is */
	EMIT_PLAIN = 1 << 1,	/* without label */
	EMIT_LOGS = 1 << 2	/* not on stderr */
};
static void emit(enum talk_level level, const char *topic, const char *msgid,
		 const char *text, unsigned flags)
{
	char label[sizeof(prefix)];
	struct log_entry x = { level, topic, label, msgid, text };
	struct buf b = BUF_INIT;

	pthread_mutex_lock(&mtx);
	memcpy(label, prefix, sizeof(label));
	pthread_mutex_unlock(&mtx);
	if (escape(&b, text) == 0 && buf_cstr(&b, NULL) == 0)
		x.text = (const char *)b.p;
	to_logs(&x);
	if ((flags & EMIT_LOGS) || no_stderr ||
	    (level < opts.level && !(flags & EMIT_ALWAYS)) ||
	    (level >= opts.syslog_level && log_system_is_stderr())) {
		buf_release(&b);
		return;
	}
	if (opts.json)
		message_json(&x, text);
	else
		to_stderr(&x, flags & EMIT_PLAIN);
	buf_release(&b);
}

static void sink(enum log_level level, const char *topic, const char *line,
		 void *ctx)
{
	enum talk_level l = level == LOG_LEVEL_WARN ? TALK_WARNING :
		level == LOG_LEVEL_INFO ? TALK_INFO : TALK_DEBUG;

	(void)ctx;
	if (l >= min_level)
		emit(l, topic, NULL, line, 0);
}

static void __attribute__((format(printf, 3, 0)))
vmessage(enum talk_level level, unsigned flags, const char *fmt, va_list ap)
{
	char text[LINE_BYTES];

	if (level < min_level)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	emit(level, "program", NULL, text, flags);
}

void talk_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmessage(TALK_DEBUG, 0, fmt, ap);
	va_end(ap);
}

void talk_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmessage(TALK_INFO, 0, fmt, ap);
	va_end(ap);
}

void talk_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmessage(TALK_WARNING, 0, fmt, ap);
	va_end(ap);
}

void talk_say(enum talk_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmessage(level, EMIT_PLAIN, fmt, ap);
	va_end(ap);
}

void talk_error(const struct err *e)
{
	if (min_level <= TALK_ERROR)
		emit(TALK_ERROR, "program", status_msgid(e->code), e->msg, 0);
}

/* One line, without its end. */
static void answer_line(const char *line, size_t len)
{
	char text[LINE_BYTES], label[sizeof(prefix)];

	pthread_mutex_lock(&mtx);
	memcpy(label, prefix, sizeof(label));
	pthread_mutex_unlock(&mtx);
	snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len :
		 sizeof(text) - 1), line);
	if (opts.level <= TALK_ANSWER && !no_stderr)
		printf("%s%s%s\n", label, *label ? ": " : "", text);
	if (min_level <= TALK_ANSWER)
		emit(TALK_ANSWER, "output", NULL, text, EMIT_LOGS);
}

void talk_answer(const char *lines)
{
	const char *end;

	talk_transient("");
	for (; *lines; lines = *end ? end + 1 : end) {
		end = lines + strcspn(lines, "\n");
		answer_line(lines, (size_t)(end - lines));
	}
	if (one_stream)
		fflush(stdout);
}

void talk_line(const char *fmt, ...)
{
	char text[LINE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	emit(TALK_INFO, "output", NULL, text, EMIT_ALWAYS | EMIT_PLAIN);
}

void talk_transient(const char *text)
{
	struct buf b = BUF_INIT;
	ssize_t n = 0;

	pthread_mutex_lock(&mtx);
	if (terminal && (transient || *text) &&
	    buf_append(&b, "\r", 1, NULL) == 0 && escape(&b, text) == 0 &&
	    buf_append(&b, "\033[K", 3, NULL) == 0)
		n = write(STDERR_FILENO, b.p, b.len);
	(void)n;
	transient = terminal && *text;
	pthread_mutex_unlock(&mtx);
	buf_release(&b);
}

void talk_file(char status, const char *path)
{
	char letter[2] = { status, 0 };

	if (!opts.json) {
		talk_line("%c %s", status, path);
		return;
	}
	talk_json(json_pack("{s:s, s:s, s:o}", "type", "file_status",
			    "status", letter, "path", json_text(path)));
}
