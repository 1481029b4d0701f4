/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void err_mark_cut(struct err *e, int would_be)
{
	if (would_be >= (int)sizeof(e->msg))
		memcpy(e->msg + sizeof(e->msg) - 4, "...", 4);
}

static void err_vset(struct err *e, enum err_code code, const char *fmt,
		     va_list ap)
{
	if (!e)
		return;
	e->code = code;
	err_mark_cut(e, vsnprintf(e->msg, sizeof(e->msg), fmt, ap));
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
	char words[128];
	size_t n;
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	err_vset(e, code, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	err_mark_cut(e, (int)n + snprintf(e->msg + n, sizeof(e->msg) - n,
		": %s", strerror_r(errnum, words, sizeof(words))));
	return code;
}

int err_ctx(struct err *e, const char *fmt, ...)
{
	char old[ERR_MSG_BYTES];
	size_t n;
	va_list ap;

	if (!e)
		return ERR_IO;
	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	err_vset(e, e->code, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	err_mark_cut(e, (int)n + snprintf(e->msg + n, sizeof(e->msg) - n,
		": %s", old));
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

	if (n > 0 && write(STDERR_FILENO, line_buf,
	    (size_t)n < sizeof(line_buf) ? (size_t)n : sizeof(line_buf)) < 0)
		abort();
	abort();
}
