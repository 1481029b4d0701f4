/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/talk.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <syslog.h>
#include <unistd.h>

#include "tools/json.h"
#include "tools/status.h"

static pthread_mutex_t mtx = PTHREAD_MUTEX_INITIALIZER;	/* a leaf */
static struct talk_opts opts = { TALK_WARNING, false };
static bool terminal, color, daemon_log;
static bool transient;			/* mtx; one is shown */

static const char *const level_name[] = {
	"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"
};

static void sink(enum log_level level, const char *topic, const char *line,
		 void *ctx);

void talk_setup(const struct talk_opts *o)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	opts = *o;
	terminal = isatty(STDERR_FILENO) && !o->json;
	color = terminal && !(no && *no) && term && strcmp(term, "dumb");
	log_set_sink(sink, NULL, o->level <= TALK_DEBUG ? LOG_LEVEL_DEBUG :
		     o->level == TALK_INFO ? LOG_LEVEL_INFO : LOG_LEVEL_WARN);
}

void talk_to_syslog(void)
{
	openlog("muniment", LOG_PID, LOG_DAEMON);
	daemon_log = true;
	terminal = color = false;
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

static void message_json(enum talk_level level, const char *name,
			 const char *msgid, const char *text)
{
	json_t *v = json_pack("{s:s, s:f, s:o, s:s, s:s}",
		"type", "log_message",
		"time", (double)clock_wall_nsec() / 1e9,
		"message", json_text(text),
		"levelname", level_name[level], "name", name);

	if (v && msgid)
		json_object_set_new(v, "msgid", json_string(msgid));
	talk_json(v);
}

static void message(enum talk_level level, const char *topic,
		    const char *msgid, const char *text)
{
	struct buf b = BUF_INIT;
	char name[64];

	if (level < opts.level)
		return;
	if (daemon_log) {
		syslog(level >= TALK_ERROR ? LOG_ERR : level == TALK_WARNING ?
		       LOG_WARNING : level == TALK_INFO ? LOG_INFO : LOG_DEBUG,
		       "%s", text);
		return;
	}
	if (opts.json) {
		snprintf(name, sizeof(name), "muniment.%s", topic);
		message_json(level, name, msgid, text);
		return;
	}
	if (color && level >= TALK_WARNING)
		buf_printf(&b, NULL, "\033[%sm", level == TALK_WARNING ? "33" :
			   "31");
	if (level >= TALK_WARNING)
		buf_printf(&b, NULL, "muniment: ");
	else if (level == TALK_DEBUG)
		buf_printf(&b, NULL, "%s: ", topic);
	escape(&b, text);
	if (color && level >= TALK_WARNING)
		buf_printf(&b, NULL, "\033[m");
	pthread_mutex_lock(&mtx);
	put(b.p ? (const char *)b.p : text, b.p ? b.len : strlen(text));
	pthread_mutex_unlock(&mtx);
	buf_release(&b);
}

static void sink(enum log_level level, const char *topic, const char *line,
		 void *ctx)
{
	(void)ctx;
	message(level == LOG_LEVEL_WARN ? TALK_WARNING : level ==
		LOG_LEVEL_INFO ? TALK_INFO : TALK_DEBUG, topic, NULL, line);
}

static void __attribute__((format(printf, 2, 0)))
vmessage(enum talk_level level, const char *fmt, va_list ap)
{
	char text[8192];	/* longer than any path */

	if (level < opts.level)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	message(level, "program", NULL, text);
}

void talk_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmessage(TALK_INFO, fmt, ap);
	va_end(ap);
}

void talk_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmessage(TALK_WARNING, fmt, ap);
	va_end(ap);
}

void talk_error(const struct err *e)
{
	message(TALK_ERROR, "program", status_msgid(e->code), e->msg);
}

void talk_line(const char *fmt, ...)
{
	char text[8192];
	struct buf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (opts.json) {
		message_json(TALK_INFO, "muniment.output", NULL, text);
		return;
	}
	if (escape(&b, text) == 0) {
		pthread_mutex_lock(&mtx);
		put((const char *)b.p, b.len);
		pthread_mutex_unlock(&mtx);
	}
	buf_release(&b);
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

	if (opts.json)
		talk_json(json_pack("{s:s, s:s, s:o}", "type", "file_status",
				    "status", letter, "path",
				    json_text(path)));
	else
		talk_line("%c %s", status, path);
}
