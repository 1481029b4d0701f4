/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/stop.h"

#include <signal.h>
#include <string.h>

static struct cancel cancel;
static volatile sig_atomic_t where;

static void on_stop(int sig)
{
	(void)sig;
	cancel_set(&cancel);
}

static void on_where(int sig)
{
	(void)sig;
	where = 1;
}

static void set(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = fn;
	sa.sa_flags = flags;
	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

void stop_setup(void)
{
	struct sigaction old;

	set(SIGINT, on_stop, (int)SA_RESETHAND);
	set(SIGTERM, on_stop, 0);
	/* nohup(1) has it ignored, and means it. */
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		set(SIGHUP, on_stop, 0);
	set(SIGUSR1, on_where, SA_RESTART);
	set(SIGPIPE, SIG_IGN, 0);
}

struct cancel *stop_cancel(void)
{
	return &cancel;
}

bool stop_where(void)
{
	bool was = where;

	if (was)
		where = 0;
	return was;
}

void stop_reset(void)
{
	static const int sig[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE };
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(sig) / sizeof(sig[0]); i++)
		set(sig[i], SIG_DFL, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
