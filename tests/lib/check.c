/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/check.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void check_rc(int rc, enum err_code want, const struct err *e,
	      const char *file, int line)
{
	if (rc != (int)want) {
		print_error("%d, expected %d: %s\n", rc, (int)want,
			rc < 0 && e ? e->msg : "no words");
		_fail(file, line);
	}
	if (rc < 0 && e && ((int)e->code != rc || strlen(e->msg) == 0)) {
		print_error("code %d, words '%s'\n", (int)e->code, e->msg);
		_fail(file, line);
	}
}

void check_aborts(void (*fn)(void *), void *arg, const char *file, int line)
{
	pid_t pid = fork();
	int status = 0, null;

	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		null = open("/dev/null", O_WRONLY);
		if (null >= 0)
			dup2(null, STDERR_FILENO);
		fn(arg);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		_fail(file, line);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
		print_error("status %#x, expected SIGABRT\n",
			(unsigned)status);
		_fail(file, line);
	}
}
