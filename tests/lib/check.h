/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_CHECK_H
#define TESTS_LIB_CHECK_H

/* cmocka with what its header forgets to include, and what we add. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* rc is 0; otherwise the words of the error are shown. */
#define check_ok(rc, e) check_rc((rc), ERR_OK, (e), __FILE__, __LINE__)
/* rc and e->code are 'code', and e has words. */
#define check_err(rc, code, e) \
	check_rc((rc), (code), (e), __FILE__, __LINE__)
void check_rc(int rc, enum err_code want, const struct err *e,
	      const char *file, int line);

/* fn(arg) ends its process with SIGABRT, in a process of its own. */
#define check_bug(fn, arg) check_aborts((fn), (arg), __FILE__, __LINE__)
void check_aborts(void (*fn)(void *), void *arg, const char *file, int line);

#endif
