/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/served_priv.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define JOURNAL "journal"
#define JOURNAL_OLD "journal.1"
#define JOURNAL_MAX (16 << 20)
#define JOURNAL_LINE 512

static void journal_time(struct tm *tm, int64_t ago_secs)
{
	time_t t = (time_t)(clock_wall_nsec() / 1000000000 - ago_secs);

	memset(tm, 0, sizeof(*tm));
	gmtime_r(&t, tm);
}

void served_journal_day(char *out, unsigned ago)
{
	struct tm tm;

	journal_time(&tm, (int64_t)ago * 86400);
	if (strftime(out, 16, "%Y-%m-%d", &tm) == 0)
		out[0] = '\0';
}

static void journal_line(struct served *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void journal_line(struct served *s, const char *fmt, ...)
{
	char line[JOURNAL_LINE], text[JOURNAL_LINE - 128], when[32];
	ssize_t ignored;
	struct tm tm;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_info("serve", "%s%s%s", s->o->client, *s->o->client ? ": " : "",
		text);
	if (s->journal_fd < 0)
		return;
	journal_time(&tm, 0);
	if (strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		when[0] = '\0';
	snprintf(line, sizeof(line), "%s %s %s\n", when,
		*s->o->client ? s->o->client : "-", text);
	/* One write a line, at the end of the file: lines of several servers
	 * do not mix.  A full disk costs the line. */
	ignored = write(s->journal_fd, line, strlen(line));
	(void)ignored;
}

void served_journal_open(struct served *s)
{
	struct stat st;

	if (fstatat(s->dir, JOURNAL, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size > JOURNAL_MAX)
		renameat(s->dir, JOURNAL, s->dir, JOURNAL_OLD);
	s->journal_fd = openat(s->dir, JOURNAL, O_WRONLY | O_APPEND | O_CREAT |
		O_CLOEXEC | O_NOFOLLOW, 0600);
	journal_line(s, "connected%s", s->o->append_only ?
		", append-only" : "");
}

/* What changes more than the sizes of things has a line of its own. */
static bool journal_tells(enum store_kind k)
{
	return k == STORE_ROOT || k == STORE_KEYS || k == STORE_ARCHIVES ||
		k == STORE_TOMBSTONES || k == STORE_GENERATIONS;
}

void served_journal_put(struct served *s, const struct serve_name *n,
			uint64_t bytes)
{
	pthread_mutex_lock(&s->journal_mtx);
	s->n_put++;
	s->bytes_put += bytes;
	if (journal_tells(n->kind))
		journal_line(s, "put %s/%s %" PRIu64,
			store_kind_name(n->kind), n->name, bytes);
	pthread_mutex_unlock(&s->journal_mtx);
}

void served_journal_del(struct served *s, const struct serve_name *n)
{
	pthread_mutex_lock(&s->journal_mtx);
	s->n_del++;
	if (journal_tells(n->kind))
		journal_line(s, "delete %s/%s", store_kind_name(n->kind),
			n->name);
	pthread_mutex_unlock(&s->journal_mtx);
}

void served_journal_refused(struct served *s, const char *why)
{
	pthread_mutex_lock(&s->journal_mtx);
	journal_line(s, "refused: %s", why);
	pthread_mutex_unlock(&s->journal_mtx);
}

void served_journal_close(struct served *s)
{
	journal_line(s, "gone: %" PRIu64 " files put, %" PRIu64 " bytes, %"
		PRIu64 " deleted", s->n_put, s->bytes_put, s->n_del);
	if (s->journal_fd >= 0)
		close(s->journal_fd);
	s->journal_fd = -1;
}
