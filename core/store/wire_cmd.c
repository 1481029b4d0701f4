/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server behind a command: CMD [-p PORT] [USER@]HOST -s sftp, or COMMAND
 * instead of that, with one end of a socket as its stdin and stdout.
 */
#include "store/wire_priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

struct wire_cmd {
	struct wire wire;
	pid_t pid;			/* 0: no process */
};

static ssize_t wire_cmd_read(struct wire *w, void *p, size_t len,
			     struct err *e)
{
	ssize_t n = recv(w->fd, p, len, MSG_DONTWAIT);

	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && errno != ECONNRESET)
		return err_set(e, ERR_IO, "cannot hear the server: %s",
			strerror(errno));
	return err_set(e, ERR_IO, "the server has hung up");
}

static ssize_t wire_cmd_write(struct wire *w, const void *p, size_t len,
			      struct err *e)
{
	ssize_t n = send(w->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return err_set(e, ERR_IO, "the server has hung up");
}

static short wire_cmd_events(struct wire *w, bool more)
{
	(void)w;
	return more ? POLLIN | POLLOUT : POLLIN;
}

/* It ends when its stdin does; one that does not is not waited for long. */
static void wire_cmd_reap(pid_t pid)
{
	const struct timespec nap = { 0, 10000000 };
	unsigned i;

	for (i = 0; i < 200; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		if (i == 100)
			kill(pid, SIGTERM);
		nanosleep(&nap, NULL);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void wire_cmd_close(struct wire *w)
{
	struct wire_cmd *c = (struct wire_cmd *)(void *)w;

	close(w->fd);
	if (c->pid > 0)
		wire_cmd_reap(c->pid);
	free(c);
}

static const struct wire_ops wire_cmd_ops = {
	.read = wire_cmd_read,
	.write = wire_cmd_write,
	.events = wire_cmd_events,
	.close = wire_cmd_close,
};

struct wire *wire_fd(int fd)
{
	struct wire_cmd *c = mem_zero(1, sizeof(*c));

	if (!c)
		return NULL;
	c->wire.ops = &wire_cmd_ops;
	c->wire.fd = fd;
	return &c->wire;
}

/* Passphrases are not for other programs. */
static bool wire_cmd_is_secret(const char *var)
{
	return (strncmp(var, "MUNIMENT_", 9) == 0 ||
		strncmp(var, "BORG_", 5) == 0) && strstr(var, "PASS") != NULL;
}

static char **wire_cmd_env(void)
{
	size_t n = 0, i;
	char **env;

	while (environ[n])
		n++;
	env = mem_zero(n + 1, sizeof(*env));
	for (i = n = 0; env && environ[i]; i++)
		if (!wire_cmd_is_secret(environ[i]))
			env[n++] = environ[i];
	return env;
}

static int wire_cmd_argv(struct strv *v, const struct wire_dial *d,
			 struct err *e)
{
	char *host = mem_printf("%s%s%s", d->u.user ? d->u.user : "",
		d->u.user ? "@" : "", d->u.host);
	char port[8];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < d->rsh.argv.n; i++)
		rc = strv_add(v, d->rsh.argv.v[i], e);
	if (rc == 0 && d->u.port) {
		snprintf(port, sizeof(port), "%u", d->u.port);
		rc = strv_add(v, "-p", e);
		if (rc == 0)
			rc = strv_add(v, port, e);
	}
	if (rc == 0)
		rc = strv_take(v, host, e);
	else
		free(host);
	if (rc == 0 && !d->command)
		rc = strv_add(v, "-s", e);
	if (rc == 0)
		rc = strv_add(v, d->command ? d->command : "sftp", e);
	return rc;
}

/* posix_spawn: the mask and the ignored signals of ours are not its. */
static int wire_cmd_spawn(pid_t *pid, char *const *argv, char *const *env,
			  int fd)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, dfl;
	int rc;

	if ((rc = posix_spawn_file_actions_init(&fa)) != 0)
		return rc;
	if ((rc = posix_spawnattr_init(&at)) != 0) {
		posix_spawn_file_actions_destroy(&fa);
		return rc;
	}
	sigemptyset(&none);
	sigemptyset(&dfl);
	sigaddset(&dfl, SIGPIPE);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawnattr_setsigdefault(&at, &dfl);
	posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGMASK |
		POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn_file_actions_adddup2(&fa, fd, STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&fa, fd, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawnp(pid, argv[0], &fa, &at, argv, env);
	posix_spawnattr_destroy(&at);
	posix_spawn_file_actions_destroy(&fa);
	return rc;
}

int wire_cmd_open(struct wire **out, struct wire_dial *d, struct err *e)
{
	struct strv argv = STRV_INIT;
	char **env = wire_cmd_env();
	struct wire *w = NULL;
	int fd[2] = { -1, -1 }, rc, errnum;
	pid_t pid = 0;

	rc = env ? wire_cmd_argv(&argv, d, e) : err_nomem(e);
	if (rc < 0)
		goto out;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0) {
		rc = err_errno(e, errno, "cannot start '%s'", argv.v[0]);
		goto out;
	}
	w = wire_fd(fd[0]);
	if (!w) {
		rc = err_nomem(e);
		goto out;
	}
	fd[0] = -1;
	errnum = wire_cmd_spawn(&pid, argv.v, env, fd[1]);
	if (errnum != 0)
		rc = err_set(e, ERR_CONFIG, "cannot run '%s': %s", argv.v[0],
			strerror(errnum));
	else
		((struct wire_cmd *)(void *)w)->pid = pid;
out:
	if (fd[0] >= 0)
		close(fd[0]);
	if (fd[1] >= 0)
		close(fd[1]);
	if (rc < 0) {
		wire_close(w);
		w = NULL;
	}
	strv_release(&argv);
	free(env);
	*out = w;
	return rc;
}
