/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Stands in for the code of a struct err that was not given. */
static _Thread_local enum err_code err_last;

static void err_mark_cut(struct err *e, size_t would_be)
{
	if (would_be >= sizeof(e->msg))
		memcpy(e->msg + sizeof(e->msg) - 4, "...", 4);
}

static void __attribute__((format(printf, 3, 0)))
err_vset(struct err *e, enum err_code code, const char *fmt, va_list ap)
{
	char msg[ERR_MSG_BYTES];
	int n;

	err_last = code;
	if (!e)
		return;
	n = vsnprintf(msg, sizeof(msg), fmt, ap);
	if (n < 0)
		n = snprintf(msg, sizeof(msg), "error without words");
	e->code = code;
	memcpy(e->msg, msg, strlen(msg) + 1);
	err_mark_cut(e, (size_t)n);
}

/* The reason must survive: a long beginning is cut to make room for it. */
static void err_append(struct err *e, const char *words)
{
	size_t n = strlen(e->msg), len = strlen(words);
	size_t room = sizeof(e->msg) - 1;

	if (len > room)
		len = room;
	if (n > room - len) {
		n = room - len;
		if (n >= 3)
			memcpy(e->msg + n - 3, "...", 3);
	}
	memcpy(e->msg + n, words, len);
	e->msg[n + len] = '\0';
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, code, fmt, ap);
	va_end(ap);
	return code;
}

enum err_code err_from_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOENT;
	case EEXIST:
	case ENOTEMPTY:
		return ERR_EXIST;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_FULL;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case ENOMEM:
		return ERR_NOMEM;
	case EBUSY:
		return ERR_BUSY;
	default:
		return ERR_IO;
	}
}

int err_errno(struct err *e, int errnum, const char *fmt, ...)
{
	enum err_code code = err_from_errno(errnum);
	char sys[128], words[160];
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, code, fmt, ap);
	va_end(ap);
	snprintf(words, sizeof(words), ": %s",
		strerror_r(errnum, sys, sizeof(sys)));
	if (e)
		err_append(e, words);
	return code;
}

int err_ctx(struct err *e, const char *fmt, ...)
{
	char old[ERR_MSG_BYTES];
	size_t n;
	va_list ap;

	BUG_ON((e ? e->code : err_last) == ERR_OK);
	if (!e)
		return err_last;
	memcpy(old, e->msg, strlen(e->msg) + 1);
	va_start(ap, fmt);
	err_vset(e, e->code, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	err_mark_cut(e, n + (size_t)snprintf(e->msg + n,
		sizeof(e->msg) - n, ": %s", old));
	return e->code;
}

int err_nomem(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

void err_clear(struct err *e)
{
	if (!e)
		return;
	e->code = ERR_OK;
	e->msg[0] = '\0';
}

_Noreturn void err_bug(const char *file, int line, const char *what)
{
	char line_buf[512];
	int n = snprintf(line_buf, sizeof(line_buf),
		"muniment: bug at %s:%d: %s\n", file, line, what);

	if (n >= (int)sizeof(line_buf))
		n = (int)sizeof(line_buf) - 1;
	if (n > 0 && write(STDERR_FILENO, line_buf, (size_t)n) < 0)
		abort();
	abort();
}
