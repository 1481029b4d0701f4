/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

/*
 * Errors.  The code says what the caller can do, the message is one sentence
 * for an administrator: lower case, no full stop, naming the file or the key.
 * A function that can fail returns 0 or one of these (all are negative) and
 * fills the struct err that it was given; a NULL struct err is allowed and
 * loses only the words.
 */
enum err_code {
	ERR_OK = 0,
	ERR_NOENT = -1,		/* what was asked for is not there */
	ERR_EXIST = -2,		/* the name is taken */
	ERR_CORRUPT = -3,	/* it is there and is not what was written */
	ERR_AUTH = -4,		/* wrong key or passphrase */
	ERR_BUSY = -5,		/* somebody else holds it: wait */
	ERR_RETRY = -6,		/* start the whole operation again */
	ERR_FULL = -7,		/* no space or quota left */
	ERR_DENIED = -8,	/* the system or the key's rights forbid it */
	ERR_NOMEM = -9,
	ERR_CONFIG = -10,	/* usage, configuration, or a newer format */
	ERR_CANCEL = -11,	/* the user asked to stop */
	ERR_IO = -12,		/* the store or a file failed */
	ERR_NOREPO = -13,	/* no repository at this place */
	ERR_ROLLBACK = -14,	/* the repository went back in time */
	ERR_FAILED = -15	/* a command that was run for the user failed */
};

#define ERR_MSG_BYTES 1024

struct err {
	enum err_code code;
	char msg[ERR_MSG_BYTES];	/* cut, with "...", if longer */
};

/* Set the error; return 'code', so that failing is one line.  The arguments
 * may point into 'e', for another code with the same words. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same from errno: picks the code, appends ": " and the system's words. */
int err_errno(struct err *e, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "FMT: " before the message of a failure; return its code.  Without a
 * struct err that is the code which this thread set last.  A bug if there was
 * no failure. */
int err_ctx(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ERR_NOMEM with its sentence. */
int err_nomem(struct err *e);

/* Back to "no error". */
void err_clear(struct err *e);

/* The code that stands for 'errnum'. */
enum err_code err_from_errno(int errnum);

/*
 * A bug of ours stops the program, in release builds too; data from disk,
 * wire, configuration or user never gets here.  'cond' has no side effects.
 */
#define BUG_ON(cond) \
	((cond) ? err_bug(__FILE__, __LINE__, #cond) : (void)0)
_Noreturn void err_bug(const char *file, int line, const char *what);

#endif
