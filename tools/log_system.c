/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/log_system.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "tools/log_file.h"

#define JOURNAL "/run/systemd/journal/socket"
#define SYSLOG "/dev/log"

static enum { NOWHERE, TO_JOURNAL, TO_SYSLOG } where;
static int journal_fd = -1;

int log_system_priority(enum talk_level level)
{
	switch (level) {
	case TALK_DEBUG: return LOG_DEBUG;
	case TALK_INFO: return LOG_INFO;
	case TALK_ANSWER: return LOG_NOTICE;
	case TALK_WARNING: return LOG_WARNING;
	case TALK_ERROR: return LOG_ERR;
	case TALK_CRITICAL: return LOG_CRIT;
	case TALK_OFF: break;
	}
	BUG_ON(true);
	return LOG_ERR;
}

static int open_journal(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int log_system_open(struct err *e)
{
	if (where != NOWHERE)
		return 0;
	journal_fd = open_journal();
	if (journal_fd >= 0) {
		where = TO_JOURNAL;
		return 0;
	}
	if (access(SYSLOG, F_OK) < 0)
		return err_set(e, ERR_IO, "there is no log of the system to "
			       "write to: neither " JOURNAL " nor " SYSLOG
			       " is there");
	openlog("muniment", LOG_PID, LOG_DAEMON);
	where = TO_SYSLOG;
	return 0;
}

bool log_system_reads_stderr(void)
{
	const char *id = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return id && sscanf(id, "%ju:%ju", &dev, &ino) == 2 &&
		fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
		st.st_ino == ino;
}

bool log_system_is_stderr(void)
{
	return where == TO_JOURNAL && log_system_reads_stderr();
}

/* A value with a newline in it has its length before it. */
static int put_field(struct buf *b, const char *name, const char *value)
{
	uint64_t len = htole64(strlen(value));
	int rc;

	if (!strchr(value, '\n'))
		return buf_printf(b, NULL, "%s=%s\n", name, value);
	rc = buf_printf(b, NULL, "%s\n", name);
	if (rc == 0)
		rc = buf_append(b, &len, sizeof(len), NULL);
	return rc < 0 ? rc : buf_printf(b, NULL, "%s\n", value);
}

static void to_journal(const struct log_entry *x)
{
	struct buf b = BUF_INIT, text = BUF_INIT;
	ssize_t n;
	int rc;

	rc = buf_printf(&text, NULL, "%s%s%s", x->prefix, *x->prefix ? ": " :
			"", x->text);
	if (rc == 0)
		rc = buf_cstr(&text, NULL);
	if (rc == 0)
		rc = put_field(&b, "MESSAGE", (const char *)text.p);
	if (rc == 0)
		rc = buf_printf(&b, NULL, "PRIORITY=%d\n"
				"SYSLOG_IDENTIFIER=muniment\n"
				"SYSLOG_PID=%ld\nMUNIMENT_LEVEL=%s\n",
				log_system_priority(x->level), (long)getpid(),
				log_file_level(x->level));
	if (rc == 0)
		rc = put_field(&b, "MUNIMENT_TOPIC", x->topic);
	if (rc == 0 && *x->prefix)
		rc = put_field(&b, "MUNIMENT_PREFIX", x->prefix);
	if (rc == 0 && x->msgid)
		rc = put_field(&b, "MUNIMENT_ERROR", x->msgid);
	if (rc == 0) {
		n = send(journal_fd, b.p, b.len, MSG_NOSIGNAL);
		/* It was started anew: its socket is another one. */
		if (n < 0 && (errno == ECONNREFUSED || errno == ENOTCONN)) {
			close(journal_fd);
			journal_fd = open_journal();
			if (journal_fd >= 0)
				n = send(journal_fd, b.p, b.len, MSG_NOSIGNAL);
		}
		(void)n;	/* there is nobody left to tell */
	}
	buf_release(&b);
	buf_release(&text);
}

void log_system_write(const struct log_entry *x)
{
	if (where == TO_JOURNAL)
		to_journal(x);
	else if (where == TO_SYSLOG)
		syslog(log_system_priority(x->level), "%s%s%s", x->prefix,
		       *x->prefix ? ": " : "", x->text);
}
