/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int tty_fd(void)
{
	return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

bool tty_present(void)
{
	int fd;

	if (!isatty(STDIN_FILENO) && !isatty(STDERR_FILENO))
		return false;
	fd = tty_fd();
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void put(int fd, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));

	(void)n;
}

void tty_say(const char *text)
{
	int fd = tty_fd();

	if (fd < 0)
		return;
	put(fd, text);
	put(fd, "\n");
	close(fd);
}

/* Looks at 'cancel' five times a second: a signal between the look and the
 * read must not be lost. */
static int read_line(int fd, char *out, size_t size, struct cancel *cancel,
		     struct err *e)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;
	char c;

	for (;;) {
		if (cancel_wanted(cancel))
			return err_set(e, ERR_CANCEL, "interrupted");
		if (poll(&pfd, 1, 200) <= 0)
			continue;
		n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, errno,
					 "cannot read from the terminal");
		if (n == 0)
			return err_set(e, ERR_AUTH,
				       "no passphrase was typed");
		if (c == '\n')
			break;
		if (len + 1 >= size)
			return err_set(e, ERR_CONFIG, "the passphrase is "
				       "longer than %zu bytes", size - 1);
		out[len++] = c;
	}
	out[len] = 0;
	return 0;
}

static int ask(const char *prompt, char *out, size_t size, bool echo,
	       struct cancel *cancel, struct err *e)
{
	struct termios old, quiet;
	int fd = tty_fd(), rc;

	if (fd < 0)
		return err_errno(e, errno, "cannot open the terminal");
	if (tcgetattr(fd, &old) < 0) {
		rc = err_errno(e, errno, "cannot use the terminal");
		close(fd);
		return rc;
	}
	quiet = old;
	if (!echo)
		quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ICANON | ISIG;
	tcsetattr(fd, TCSAFLUSH, &quiet);
	put(fd, prompt);
	rc = read_line(fd, out, size, cancel, e);
	tcsetattr(fd, TCSAFLUSH, &old);
	if (!echo)
		put(fd, "\n");
	close(fd);
	if (rc < 0)
		key_wipe(out, size);
	return rc;
}

int tty_ask(const char *prompt, char *out, size_t size, struct cancel *cancel,
	    struct err *e)
{
	return ask(prompt, out, size, false, cancel, e);
}

int tty_question(const char *prompt, char *out, size_t size,
		 struct cancel *cancel, struct err *e)
{
	return ask(prompt, out, size, true, cancel, e);
}
