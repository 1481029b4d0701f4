/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/wire_priv.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * What the server may send before it hears from us.  libssh opens the window
 * as far as a read asks for, which must not happen with each: only after a
 * part of it was used.
 */
#define WIRE_WINDOW (8u << 20)
#define WIRE_WINDOW_STEP (1u << 20)
#define WIRE_READ_SMALL (32u << 10)
#define WIRE_SAID_MOST 4096

/* A peer that is gone is noticed after about a minute, whatever sshd and the
 * server behind it are busy with. */
#define WIRE_DEAD_SECS 60

struct wire_ssh {
	struct wire wire;
	ssh_session s;
	ssh_channel ch;
	uint32_t used;			/* of the window */
	char said[128];			/* what it wrote to stderr first */
};

static struct wire_ssh *wire_ssh_of(struct wire *w)
{
	return (struct wire_ssh *)(void *)w;
}

static int wire_ssh_lost(struct wire_ssh *w, struct err *e)
{
	const char *why = ssh_get_error(w->s);

	return err_set(e, ERR_IO, "the connection is lost%s%s",
		*why ? ": " : "", why);
}

/* What it writes to stderr has to be read: libssh tells of no end before.  The
 * first words are kept; one that says ever more waits. */
static void wire_ssh_listen(struct wire_ssh *w)
{
	char text[WIRE_SAID_MOST];
	int n = ssh_channel_read_timeout(w->ch, text, sizeof(text), 1, 0), i;

	if (n <= 0 || w->said[0] != '\0')
		return;
	while (n > 0 && (unsigned char)text[n - 1] <= ' ')
		n--;
	if (n >= (int)sizeof(w->said))
		n = sizeof(w->said) - 1;
	for (i = 0; i < n; i++)
		w->said[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ?
			' ' : text[i];
	w->said[n] = '\0';
}

static ssize_t wire_ssh_read(struct wire *wire, void *p, size_t len,
			     struct err *e)
{
	struct wire_ssh *w = wire_ssh_of(wire);
	uint32_t want = len > WIRE_WINDOW ? WIRE_WINDOW : (uint32_t)len;
	int n;

	if (w->used < WIRE_WINDOW_STEP && want > WIRE_READ_SMALL)
		want = WIRE_READ_SMALL;
	else
		w->used = 0;
	n = ssh_channel_read_timeout(w->ch, p, want, 0, 0);
	if (n == 0) {
		wire_ssh_listen(w);
		/* That may have taken bytes off the socket, for which nobody
		 * would be woken up. */
		n = ssh_channel_read_timeout(w->ch, p, want, 0, 0);
	}
	if (n > 0) {
		w->used += (uint32_t)n;
		return n;
	}
	if (n == SSH_ERROR)
		return wire_ssh_lost(w, e);
	if (ssh_channel_is_eof(w->ch) || ssh_channel_is_closed(w->ch) ||
	    !ssh_is_connected(w->s))
		return err_set(e, ERR_IO, "the server has hung up%s%s",
			w->said[0] ? ", and says: " : "", w->said);
	return 0;
}

static ssize_t wire_ssh_write(struct wire *wire, const void *p, size_t len,
			      struct err *e)
{
	struct wire_ssh *w = wire_ssh_of(wire);
	int n = ssh_channel_write(w->ch, p, (uint32_t)len);

	if (n == SSH_ERROR || !ssh_is_connected(w->s))
		return wire_ssh_lost(w, e);
	return n < 0 ? 0 : n;
}

static short wire_ssh_events(struct wire *wire, bool more)
{
	/* Room in the window is told by a packet. */
	(void)more;
	return ssh_get_poll_flags(wire_ssh_of(wire)->s) & SSH_WRITE_PENDING ?
		POLLIN | POLLOUT : POLLIN;
}

static void wire_ssh_close(struct wire *wire)
{
	struct wire_ssh *w = wire_ssh_of(wire);

	ssh_set_blocking(w->s, 0);
	if (w->ch)
		ssh_channel_free(w->ch);
	ssh_disconnect(w->s);
	ssh_free(w->s);
	free(w);
}

static int wire_ssh_turn(struct wire *wire, const struct wire_dial *d,
			 struct err *e);

static const struct wire_ops wire_ssh_ops = {
	.read = wire_ssh_read,
	.write = wire_ssh_write,
	.events = wire_ssh_events,
	.turn = wire_ssh_turn,
	.close = wire_ssh_close,
};

static void wire_ssh_alive(int fd)
{
	int on = 1, idle = 15, each = 15, times = 3;
	unsigned ms = WIRE_DEAD_SECS * 1000;

	/* Behind a proxy it is no socket of TCP's, and these do nothing. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &each, sizeof(each));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

static int wire_ssh_set(ssh_session s, enum ssh_options_e what,
			const char *value, const char *name, struct err *e)
{
	if (!value || ssh_options_set(s, what, value) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, "ssh does not take %s '%s': %s", name,
		value, ssh_get_error(s));
}

/* Before the files: what those may say otherwise. */
static int wire_ssh_first(ssh_session s, const struct wire_dial *d,
			  struct err *e)
{
	static const char ciphers[] = "aes128-gcm@openssh.com,"
		"aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
		"aes256-ctr,aes192-ctr,aes128-ctr";
	const char *user = d->u.user ? d->u.user : d->rsh.user;
	bool no = false;
	int rc;

	if ((rc = wire_ssh_set(s, SSH_OPTIONS_HOST, d->u.host, "host", e)) < 0
	    || (rc = wire_ssh_set(s, SSH_OPTIONS_USER, user, "user", e)) < 0)
		return rc;
	ssh_options_set(s, SSH_OPTIONS_CIPHERS_C_S, ciphers);
	ssh_options_set(s, SSH_OPTIONS_CIPHERS_S_C, ciphers);
	ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &no);
	if (d->rsh.config && strcmp(d->rsh.config, "none") == 0)
		return 0;
	/* libssh takes a missing file for an empty one. */
	if ((d->rsh.config && access(d->rsh.config, R_OK) < 0) ||
	    ssh_options_parse_config(s, d->rsh.config) < 0)
		return err_set(e, ERR_CONFIG, "cannot read the configuration "
			"of ssh%s%s: %s", d->rsh.config ? " in " : "",
			d->rsh.config ? d->rsh.config : "", ssh_get_error(s));
	return 0;
}

/* OpenSSH's -J is what a ProxyJump in a file is. */
static int wire_ssh_jump(ssh_session s, const char *jump, struct err *e)
{
	char *cmd;
	int rc;

	if (!jump)
		return 0;
	if (*jump == '-' || strpbrk(jump, " \t\"'`$;&|<>\\\n"))
		return err_set(e, ERR_CONFIG, "'%s' is no host to jump over",
			jump);
	cmd = mem_printf("ssh -W '[%%h]:%%p' %s", jump);
	if (!cmd)
		return err_nomem(e);
	rc = wire_ssh_set(s, SSH_OPTIONS_PROXYCOMMAND, cmd, "jump", e);
	free(cmd);
	return rc;
}

/* After them: what was given with the repository counts. */
static int wire_ssh_last(ssh_session s, const struct wire_dial *d,
			 struct err *e)
{
	const struct {
		enum ssh_options_e what;
		const char *value, *name;
	} row[] = {
		{ SSH_OPTIONS_HOST, d->rsh.host_name, "HostName" },
		{ SSH_OPTIONS_USER, d->u.user ? d->u.user : d->rsh.user,
		  "user" },
		{ SSH_OPTIONS_KNOWNHOSTS, d->rsh.known_hosts,
		  "UserKnownHostsFile" },
		{ SSH_OPTIONS_CIPHERS_C_S, d->rsh.ciphers, "ciphers" },
		{ SSH_OPTIONS_CIPHERS_S_C, d->rsh.ciphers, "ciphers" },
		{ SSH_OPTIONS_HMAC_C_S, d->rsh.macs, "MACs" },
		{ SSH_OPTIONS_HMAC_S_C, d->rsh.macs, "MACs" },
		{ SSH_OPTIONS_KEY_EXCHANGE, d->rsh.kex, "KexAlgorithms" },
		{ SSH_OPTIONS_HOSTKEYS, d->rsh.host_keys,
		  "HostKeyAlgorithms" },
		{ SSH_OPTIONS_BINDADDR, d->rsh.bind, "BindAddress" },
		{ SSH_OPTIONS_PROXYCOMMAND, d->rsh.proxy, "ProxyCommand" },
		{ SSH_OPTIONS_COMPRESSION, d->rsh.compress ? "yes" : NULL,
		  "compression" },
	};
	unsigned port = d->u.port ? d->u.port : d->rsh.port;
	long secs = d->rsh.connect_secs ? (long)d->rsh.connect_secs :
		WIRE_CONNECT_SECS;
	int nodelay = 1, rc = 0;
	size_t i;

	for (i = 0; rc == 0 && i < sizeof(row) / sizeof(*row); i++)
		rc = wire_ssh_set(s, row[i].what, row[i].value, row[i].name,
			e);
	/* The last one set is tried first. */
	for (i = d->rsh.identities.n; rc == 0 && i > 0; i--)
		rc = wire_ssh_set(s, SSH_OPTIONS_ADD_IDENTITY,
			d->rsh.identities.v[i - 1], "identity", e);
	if (port)
		ssh_options_set(s, SSH_OPTIONS_PORT, &port);
	ssh_options_set(s, SSH_OPTIONS_TIMEOUT, &secs);
	ssh_options_set(s, SSH_OPTIONS_NODELAY, &nodelay);
	return rc == 0 ? wire_ssh_jump(s, d->rsh.jump, e) : rc;
}

static int wire_ssh_connect(ssh_session s, struct wire_dial *d, struct err *e)
{
	int rc;

	if ((rc = wire_ssh_first(s, d, e)) < 0 ||
	    (rc = wire_ssh_last(s, d, e)) < 0)
		return rc;
	if (ssh_connect(s) != SSH_OK)
		return err_set(e, ERR_IO, "cannot connect to '%s': %s",
			d->u.host, ssh_get_error(s));
	wire_ssh_alive(ssh_get_fd(s));
	if ((rc = wire_ssh_host(s, d, e)) < 0)
		return rc;
	return wire_ssh_auth(s, d, e);
}

static int wire_ssh_start(struct wire_ssh *w, const struct wire_dial *d,
			  struct err *e)
{
	w->ch = ssh_channel_new(w->s);
	if (!w->ch)
		return err_nomem(e);
	if (ssh_channel_open_session(w->ch) != SSH_OK)
		return err_set(e, ERR_IO, "'%s' opens no channel: %s",
			d->u.host, ssh_get_error(w->s));
	if (d->command && ssh_channel_request_exec(w->ch, d->command) != SSH_OK)
		return err_set(e, ssh_is_connected(w->s) ? ERR_CONFIG : ERR_IO,
			"'%s' runs no command: %s", d->u.host,
			ssh_get_error(w->s));
	if (!d->command && ssh_channel_request_sftp(w->ch) != SSH_OK)
		return err_set(e, ssh_is_connected(w->s) ? ERR_CONFIG : ERR_IO,
			"'%s' has no sftp: %s", d->u.host,
			ssh_get_error(w->s));
	ssh_set_blocking(w->s, 0);
	w->wire.fd = ssh_get_fd(w->s);
	return 0;
}

/* libssh writes without MSG_NOSIGNAL.  What came meanwhile is taken off. */
static void wire_ssh_pipe(sigset_t *was, bool begin)
{
	const struct timespec now = { 0, 0 };
	sigset_t pipe_only;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	if (begin) {
		pthread_sigmask(SIG_BLOCK, &pipe_only, was);
		return;
	}
	if (!sigismember(was, SIGPIPE))
		sigtimedwait(&pipe_only, NULL, &now);
	pthread_sigmask(SIG_SETMASK, was, NULL);
}

static int wire_ssh_turn(struct wire *wire, const struct wire_dial *d,
			 struct err *e)
{
	struct wire_ssh *w = wire_ssh_of(wire);
	sigset_t was;
	int rc;

	if (!ssh_is_connected(w->s))
		return wire_ssh_lost(w, e);
	wire_ssh_pipe(&was, true);
	ssh_channel_free(w->ch);
	w->ch = NULL;
	w->used = 0;
	w->said[0] = '\0';
	ssh_set_blocking(w->s, 1);
	rc = wire_ssh_start(w, d, e);
	wire_ssh_pipe(&was, false);
	return rc;
}

int wire_ssh_open(struct wire **out, struct wire_dial *d, struct err *e)
{
	struct wire_ssh *w = mem_zero(1, sizeof(*w));
	sigset_t was;
	int rc;

	if (!w)
		return err_nomem(e);
	w->wire.ops = &wire_ssh_ops;
	w->s = ssh_new();
	if (!w->s) {
		free(w);
		return err_nomem(e);
	}
	wire_ssh_pipe(&was, true);
	rc = wire_ssh_connect(w->s, d, e);
	if (rc == 0)
		rc = wire_ssh_start(w, d, e);
	wire_ssh_pipe(&was, false);
	if (rc < 0)
		wire_ssh_close(&w->wire);
	else
		*out = &w->wire;
	return rc;
}
