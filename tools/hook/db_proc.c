/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/talk.h"

#define SAID_BYTES 16384
#define CAPTURE_BYTES (1u << 20)
#define LOOK_MSEC 200
#define PIPE_BYTES (1 << 20)	/* what Linux lets everybody have */

/* A pipe with the secret in it, whose name stands in argv.  The other end is
 * closed: it is read to its end without us. */
static int open_secret(struct db_cmd *c, int *fd, struct err *e)
{
	char **word = &c->argv.v[c->secret_at], *text;
	size_t len = strlen(c->secret);
	int ends[2], rc = 0;
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	n = write(ends[1], c->secret, len);
	close(ends[1]);
	if (n != (ssize_t)len || fcntl(ends[0], F_SETFL, 0) < 0)
		rc = err_set(e, ERR_IO, "the password is too long for a pipe");
	text = rc == 0 ? mem_printf("%s/dev/fd/%d", *word, ends[0]) : NULL;
	if (rc == 0 && !text)
		rc = err_nomem(e);
	if (rc < 0) {
		close(ends[0]);
		return rc;
	}
	free(*word);
	*word = text;
	*fd = ends[0];
	return 0;
}

struct ends {
	int in[2], out[2], err[2], secret;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int make_pipe(int fd[2], bool wanted, struct err *e)
{
	if (wanted && pipe2(fd, O_CLOEXEC) < 0) {
		fd[0] = fd[1] = -1;
		return err_errno(e, errno, "cannot make a pipe");
	}
	return 0;
}

/* Our end of a pipe, which is made as large as it can be, so that neither side
 * waits for the other so often. */
static int prepare_end(struct db_proc *p, int fd, struct err *e)
{
	if (fd < 0)
		return 0;
	p->large = fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES) >= PIPE_BYTES;
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ?
		err_errno(e, errno, "cannot make a pipe") : 0;
}

int db_proc_start(struct db_proc *p, struct db_cmd *c, unsigned ends,
		  int64_t secs, struct cancel *cancel, struct err *e)
{
	struct ends x = { { -1, -1 }, { -1, -1 }, { -1, -1 }, 0 };
	int rc;

	*p = (struct db_proc)DB_PROC_INIT;
	p->cancel = cancel;
	p->secs = secs;
	p->deadline = secs ? clock_mono_nsec() + secs * 1000000000 : 0;
	if ((rc = make_pipe(x.in, ends & DB_PROC_IN, e)) < 0 ||
	    (rc = make_pipe(x.out, ends & DB_PROC_OUT, e)) < 0 ||
	    (rc = make_pipe(x.err, true, e)) < 0 ||
	    (c->secret && (rc = open_secret(c, &x.secret, e)) < 0))
		goto out;
	db_cmd_tell(c);
	p->child.env = &c->env;
	p->child.pass = x.secret;
	p->child.err = x.err[1];
	rc = child_start(&p->child, c->argv.v, x.in[0],
			 x.out[1] >= 0 ? x.out[1] : x.err[1], e);
	p->child.name = NULL;
	p->in = x.in[1];
	p->out = x.out[0];
	p->err = x.err[0];
	x.in[1] = x.out[0] = x.err[0] = -1;
	if (rc == 0)
		rc = prepare_end(p, p->in, e);
	if (rc == 0)
		rc = prepare_end(p, p->out, e);
out:
	if (x.secret > 0)
		close(x.secret);
	close_fd(&x.in[0]);
	close_fd(&x.in[1]);
	close_fd(&x.out[0]);
	close_fd(&x.out[1]);
	close_fd(&x.err[0]);
	close_fd(&x.err[1]);
	return rc;
}

/* What is on stderr now. */
static void listen(struct db_proc *p)
{
	char text[4096];
	ssize_t n = read(p->err, text, sizeof(text));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close_fd(&p->err);
		return;
	}
	/* The last words count: before them may be the statement. */
	if (p->said.len + (size_t)n > SAID_BYTES) {
		memmove(p->said.p, p->said.p + p->said.len - SAID_BYTES / 2,
			SAID_BYTES / 2);
		p->said.len = SAID_BYTES / 2;
	}
	buf_append(&p->said, text, (size_t)n, NULL);
}

/* What is in the pipe; others may hold its end open. */
static void listen_rest(struct db_proc *p)
{
	struct pollfd v = { .fd = p->err, .events = POLLIN };

	while (p->err >= 0 && poll(&v, 1, 0) > 0)
		listen(p);
}

/* May it go on? */
static int look(const struct db_proc *p, struct err *e)
{
	if (cancel_wanted(p->cancel))
		return err_set(e, ERR_CANCEL, "interrupted");
	if (p->deadline && clock_mono_nsec() > p->deadline)
		return err_set(e, ERR_FAILED, "it took longer than %lld "
			       "seconds (timeout) and was ended",
			       (long long)p->secs);
	return 0;
}

/* Until 'fd' (-1: only stderr) can be used, or stderr has been heard: 1 if it
 * can. */
static int wait_for(struct db_proc *p, int fd, short events, struct err *e)
{
	struct pollfd v[2] = { { .fd = fd, .events = events },
			       { .fd = p->err, .events = POLLIN } };
	int n = poll(v, 2, LOOK_MSEC), rc = look(p, e);

	if (rc < 0)
		return rc;
	if (n < 0 && errno != EINTR)
		return err_errno(e, errno, "cannot wait for a command");
	if (n > 0 && v[1].revents)
		listen(p);
	return n > 0 && v[0].revents;
}

/* Clients write in small parts: to wake up for each costs more than all else
 * here.  So when there is something, it is left a moment to become more, if the
 * pipe has room for what comes meanwhile. */
int db_proc_read(struct db_proc *p, void *to, size_t len, size_t *got,
		 struct err *e)
{
	static const struct timespec moment = { 0, 1000000 };
	ssize_t n;
	int rc;

	while ((rc = look(p, e)) == 0) {
		n = read(p->out, to, len);
		if (n >= 0) {
			*got = (size_t)n;
			return 0;
		}
		if (errno != EINTR && errno != EAGAIN)
			return err_errno(e, errno, "cannot read from a "
					 "command");
		while ((rc = wait_for(p, p->out, POLLIN, e)) == 0)
			;
		if (rc < 0)
			break;
		if (p->large)
			nanosleep(&moment, NULL);
	}
	return rc;
}

int db_proc_write(struct db_proc *p, const void *from, size_t len,
		  struct err *e)
{
	const char *at = from;
	ssize_t n;
	int rc;

	while (len > 0) {
		while ((rc = wait_for(p, p->in, POLLOUT, e)) == 0)
			;
		if (rc < 0)
			return rc;
		n = write(p->in, at, len);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return err_set(e, ERR_FAILED, "it reads no more: %s",
				       strerror(errno));
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static bool has_ended(const struct db_proc *p)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)p->child.pid, &info,
		      WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

/* Its words as one line, without those that every client says. */
static void trim(struct buf *b)
{
	uint8_t *at;
	size_t i;

	if (b->len == 0)
		return;
	at = memmem(b->p, b->len, "\nERROR ", 7);
	if (at) {
		b->len -= (size_t)(at + 1 - b->p);
		memmove(b->p, at + 1, b->len);
	}
	while (b->len && (b->p[b->len - 1] == '\n' ||
			  b->p[b->len - 1] == ' '))
		b->len--;
	for (i = 0; i < b->len; i++)
		if (b->p[i] == '\n' || b->p[i] == '\r' || b->p[i] == '\t')
			b->p[i] = ' ';
}

int db_proc_finish(struct db_proc *p, struct err *e)
{
	int rc = 0, status;

	close_fd(&p->in);
	close_fd(&p->out);
	while (rc >= 0 && p->err >= 0) {
		rc = wait_for(p, -1, 0, e);
		if (rc >= 0 && has_ended(p)) {
			listen_rest(p);
			break;
		}
	}
	if (rc < 0)
		return rc;
	p->child.name = "it";
	rc = child_wait_secs(&p->child, 0, p->cancel, e);
	status = p->child.status;
	trim(&p->said);
	if (rc == ERR_FAILED && p->said.len)
		return err_set(e, ERR_FAILED, "%.*s", (int)p->said.len,
			       (const char *)p->said.p);
	if (rc == ERR_FAILED)
		return err_set(e, ERR_FAILED, status > 128 ?
			       "it was ended by signal %d" :
			       "it failed with status %d", status > 128 ?
			       status - 128 : status);
	if (rc == 0 && p->said.len)
		talk_info("%.*s", (int)p->said.len, (const char *)p->said.p);
	return rc;
}

void db_proc_release(struct db_proc *p)
{
	child_kill(&p->child);
	close_fd(&p->in);
	close_fd(&p->out);
	close_fd(&p->err);
	buf_release(&p->said);
}

int db_proc_capture(struct db_cmd *c, struct buf *out, int64_t secs,
		    struct cancel *cancel, struct err *e)
{
	struct db_proc p;
	size_t got = 1;
	int rc;

	rc = db_proc_start(&p, c, DB_PROC_OUT, secs, cancel, e);
	while (rc == 0 && got > 0) {
		if (out->len > CAPTURE_BYTES)
			rc = err_set(e, ERR_FAILED, "it writes without end");
		else if ((rc = buf_reserve(out, 4096, e)) == 0)
			rc = db_proc_read(&p, out->p + out->len, 4096, &got,
					  e);
		if (rc == 0)
			out->len += got;
	}
	if (rc == 0)
		rc = db_proc_finish(&p, e);
	if (rc == 0)
		rc = buf_cstr(out, e);
	db_proc_release(&p);
	return rc;
}
