/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/pass.h"
#include "tools/stop.h"

/* Between fork and exec. */
static bool prepare(const struct child *p)
{
	size_t i;

	for (i = 0; p->env && i < p->env->n; i++)
		if (putenv(p->env->v[i]))
			return false;
	return (p->pass == 0 || fcntl(p->pass, F_SETFD, 0) == 0) &&
		(p->err == 0 || dup2(p->err, STDERR_FILENO) >= 0);
}

static _Noreturn void run_command(const struct child *p, char *const *argv,
				  int in, int out, int report)
{
	int errnum;
	ssize_t n;

	setpgid(0, 0);
	stop_reset();
	pass_clear_env();
	if (in < 0)
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (prepare(p) && (in < 0 || dup2(in, STDIN_FILENO) >= 0) &&
	    (out < 0 || dup2(out, STDOUT_FILENO) >= 0))
		execvp(argv[0], argv);
	errnum = errno;
	n = write(report, &errnum, sizeof(errnum));
	_exit(n < 0 ? 126 : 127);
}

int child_start(struct child *p, char *const *argv, int in, int out,
	       struct err *e)
{
	int report[2], errnum = 0;
	ssize_t n;

	p->pid = 0;
	p->name = argv[0];
	if (pipe2(report, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot run '%s'", argv[0]);
	p->pid = fork();
	if (p->pid == 0)
		run_command(p, argv, in, out, report[1]);
	errnum = p->pid < 0 ? errno : 0;
	close(report[1]);
	if (p->pid > 0) {
		setpgid(p->pid, p->pid);
		/* Nothing comes once exec has closed the other end. */
		do {
			n = read(report[0], &errnum, sizeof(errnum));
		} while (n < 0 && errno == EINTR);
		if (n > 0)
			waitpid(p->pid, NULL, 0);
	}
	close(report[0]);
	if (!errnum)
		return 0;
	p->pid = 0;
	return err_set(e, ERR_FAILED, "cannot run '%s': %s", argv[0],
		       strerror(errnum));
}

int child_read_from(struct child *p, char *const *argv, int in, int *fd,
		   struct err *e)
{
	int pipefd[2], rc;

	p->pid = 0;
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot run '%s'", argv[0]);
	rc = child_start(p, argv, in, pipefd[1], e);
	close(pipefd[1]);
	if (rc < 0)
		close(pipefd[0]);
	else
		*fd = pipefd[0];
	return rc;
}

int child_write_to(struct child *p, char *const *argv, int out, int *fd,
		  struct err *e)
{
	int pipefd[2], rc;

	p->pid = 0;
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot run '%s'", argv[0]);
	rc = child_start(p, argv, pipefd[0], out, e);
	close(pipefd[0]);
	if (rc < 0)
		close(pipefd[1]);
	else
		*fd = pipefd[1];
	return rc;
}

/* 0, or what became of it. */
static int ended(struct child *p, int status, struct err *e)
{
	p->pid = 0;
	p->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
		WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		return err_set(e, ERR_FAILED, "the command '%s' was ended by "
			       "signal %d (%s)", p->name, WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		return err_set(e, ERR_FAILED, "the command '%s' failed with "
			       "status %d", p->name, WEXITSTATUS(status));
	return 0;
}

int child_wait(struct child *p, struct err *e)
{
	int status;

	if (p->pid <= 0)
		return 0;
	while (waitpid(p->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_errno(e, errno, "cannot wait for '%s'",
					 p->name);
		if (cancel_wanted(stop_cancel()))
			kill(-p->pid, SIGTERM);
	}
	return ended(p, status, e);
}

#define CHILD_GRACE_NSEC (10 * INT64_C(1000000000))
#define CHILD_LOOK_NSEC 250000		/* at first */
#define CHILD_LOOK_MAX_NSEC 20000000

int child_wait_secs(struct child *p, unsigned secs,
		    const struct cancel *cancel, struct err *e)
{
	int64_t begun = clock_mono_nsec(), asked = 0, now;
	struct timespec look = { 0, CHILD_LOOK_NSEC };
	bool late = false;
	int status, rc;
	pid_t got;

	if (p->pid <= 0)
		return 0;
	while ((got = waitpid(p->pid, &status, WNOHANG)) <= 0) {
		if (got < 0 && errno != EINTR)
			return err_errno(e, errno, "cannot wait for '%s'",
					 p->name);
		now = clock_mono_nsec();
		late = late || (secs && (now - begun) / 1000000000 >= secs);
		if (asked && now - asked > CHILD_GRACE_NSEC)
			kill(-p->pid, SIGKILL);
		if (!asked && (late || cancel_wanted(cancel))) {
			kill(-p->pid, SIGTERM);
			asked = now;
		}
		nanosleep(&look, NULL);
		if (look.tv_nsec < CHILD_LOOK_MAX_NSEC)
			look.tv_nsec *= 2;
	}
	/* What it left behind in the background goes with it. */
	if (asked)
		kill(-p->pid, SIGKILL);
	rc = ended(p, status, e);
	if (late)
		return err_set(e, ERR_FAILED, "the command '%s' took longer "
			       "than %u seconds and was ended", p->name, secs);
	return asked ? err_set(e, ERR_CANCEL, "interrupted") : rc;
}

void child_kill(struct child *p)
{
	if (p->pid <= 0)
		return;
	kill(-p->pid, SIGTERM);
	child_wait(p, NULL);
}
