/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * measure FILE COMMAND [ARG]...: run a command and write what it took into
 * FILE as one JSON object: wall and CPU seconds (with all its children), the
 * peak memory in KiB of the largest of its processes, and its exit status
 * (128 + the signal, if it died of one), which is ours too.
 *
 * A program of its own because a process that is forked from a large one
 * starts with the large one's peak: python's would hide the command's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static double seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + 1e-6 * (double)tv->tv_usec;
}

int main(int argc, char **argv)
{
	struct rusage ru;
	int64_t start;
	int status, code;
	FILE *out;
	pid_t pid;

	if (argc < 3) {
		fputs("measure FILE COMMAND [ARG]...\n", stderr);
		return 2;
	}
	start = clock_mono_nsec();
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		fprintf(stderr, "cannot run '%s': %s\n", argv[2],
			strerror(errno));
		_exit(127);
	}
	while (pid > 0 && wait4(pid, &status, 0, &ru) < 0)
		if (errno != EINTR)
			pid = -1;
	if (pid < 0) {
		perror("measure");
		return 2;
	}
	code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
		WEXITSTATUS(status);
	out = fopen(argv[1], "w");
	if (!out || fprintf(out, "{\"wall\": %.6f, \"user\": %.6f, "
		"\"sys\": %.6f, \"peak_kib\": %ld, \"status\": %d}\n",
		(double)(clock_mono_nsec() - start) * 1e-9,
		seconds(&ru.ru_utime), seconds(&ru.ru_stime), ru.ru_maxrss,
		code) < 0 || fclose(out) != 0) {
		perror("measure");
		return 2;
	}
	return code;
}
