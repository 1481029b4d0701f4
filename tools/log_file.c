/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/template.h"

#define TELL_AGAIN_NSEC 60000000000

struct log_file {
	char *path, *format;
	int fd;			/* -1: it could not be opened */
	int64_t told_nsec;	/* monotonic; 0: all is well */
};

static const char *const level_name[] = {
	"DEBUG", "INFO", "ANSWER", "WARNING", "ERROR", "CRITICAL"
};

const char *log_file_level(enum talk_level level)
{
	BUG_ON(level >= TALK_OFF);
	return level_name[level];
}

static int put_asctime(struct buf *b, const struct template_part *part,
		       int64_t now, struct err *e)
{
	char text[64], all[80];
	time_t secs = (time_t)(now / 1000000000);
	struct tm tm;

	localtime_r(&secs, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(all, sizeof(all), "%s,%03d", text,
		 (int)(now / 1000000 % 1000));
	return template_put_text(b, part, all, strlen(all), e);
}

/* Python's names of what a line of a log can have. */
static int put_key(struct buf *b, const struct template_part *part,
		   const struct log_entry *x, struct err *e)
{
	int64_t now = clock_wall_nsec();
	char text[256];

	if (!strcmp(part->key, "asctime"))
		return put_asctime(b, part, now, e);
	if (!strcmp(part->key, "created"))
		return template_put_number(b, part, now / 1000000000, e);
	if (!strcmp(part->key, "msecs"))
		return template_put_number(b, part, now / 1000000 % 1000, e);
	if (!strcmp(part->key, "process"))
		return template_put_number(b, part, getpid(), e);
	if (!strcmp(part->key, "levelno"))
		return template_put_number(b, part, ((int)x->level + 1) * 10,
					   e);
	if (!strcmp(part->key, "levelname"))
		snprintf(text, sizeof(text), "%s", log_file_level(x->level));
	else if (!strcmp(part->key, "name"))
		snprintf(text, sizeof(text), "muniment.%s", x->topic);
	else if (!strcmp(part->key, "prefix"))
		snprintf(text, sizeof(text), "%s%s", x->prefix, *x->prefix ?
			 ": " : "");
	else if (!strcmp(part->key, "message"))
		return template_put_text(b, part, x->text, strlen(x->text), e);
	else
		return err_set(e, ERR_CONFIG, "{%s} is nothing that a line of "
			       "the log file can have: asctime created msecs "
			       "levelname levelno name process prefix message",
			       part->key);
	return template_put_text(b, part, text, strlen(text), e);
}

static int make_line(struct buf *b, const char *format,
		     const struct log_entry *x, struct err *e)
{
	struct template_part part;
	struct template t;
	int rc;

	template_init(&t, format);
	while ((rc = template_next(&t, &part, e)) > 0) {
		rc = part.text ? buf_append(b, part.text, part.len, e) :
			put_key(b, &part, x, e);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : buf_append(b, "\n", 1, e);
}

/* Under its name, and still the file that is open? */
static bool is_named(const struct log_file *f)
{
	struct stat open_st, named;

	return f->fd >= 0 && fstat(f->fd, &open_st) == 0 &&
		stat(f->path, &named) == 0 && open_st.st_dev == named.st_dev &&
		open_st.st_ino == named.st_ino;
}

static int open_named(struct log_file *f, struct err *e)
{
	struct stat st;
	int fd;

	if (is_named(f))
		return 0;
	/* A FIFO without a reader would keep us here for ever. */
	fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
		  O_NOCTTY | O_NONBLOCK, 0600);
	if (fd < 0)
		return err_errno(e, errno, "cannot write the log file '%s'",
				 f->path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		fcntl(fd, F_SETFL, O_APPEND);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd;
	return 0;
}

int log_file_open(struct log_file **out, const char *path, const char *format,
		  struct err *e)
{
	static const struct log_entry sample = { TALK_INFO, "", "", NULL, "" };
	struct log_file *f = mem_zero(1, sizeof(*f));
	struct buf b = BUF_INIT;
	int rc = f ? 0 : err_nomem(e);

	*out = NULL;
	if (rc == 0) {
		f->fd = -1;
		f->path = mem_str(path);
		f->format = mem_str(format ? format : LOG_FILE_FORMAT);
		if (!f->path || !f->format)
			rc = err_nomem(e);
	}
	if (rc == 0 && (rc = make_line(&b, f->format, &sample, e)) < 0)
		err_ctx(e, "the format of the log file");
	if (rc == 0)
		rc = open_named(f, e);
	buf_release(&b);
	if (rc < 0) {
		log_file_close(f);
		return rc;
	}
	*out = f;
	return 0;
}

/* The same trouble is worth a word a minute. */
static int tell(struct log_file *f, int rc)
{
	int64_t now = clock_mono_nsec();

	if (f->told_nsec && now - f->told_nsec < TELL_AGAIN_NSEC)
		return 0;
	f->told_nsec = now;
	return rc;
}

int log_file_write(struct log_file *f, const struct log_entry *entry,
		   struct err *e)
{
	struct buf b = BUF_INIT;
	ssize_t n;
	int rc;

	rc = open_named(f, e);
	if (rc == 0)
		rc = make_line(&b, f->format, entry, e);
	if (rc == 0) {
		n = write(f->fd, b.p, b.len);
		if (n < 0)
			rc = err_errno(e, errno, "cannot write the log file "
				       "'%s'", f->path);
		else if ((size_t)n != b.len)
			rc = err_set(e, ERR_FULL, "the log file '%s' takes no "
				     "more", f->path);
		else
			f->told_nsec = 0;
	}
	buf_release(&b);
	return rc < 0 ? tell(f, rc) : 0;
}

void log_file_close(struct log_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f->format);
	free(f);
}
