/* SPDX-License-Identifier: BSD-2-Clause */
/* A dump as a stream: of its client, of a file, of another archive. */
#include "tools/hook/db_dump_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/talk.h"

int db_dump_failed(const struct db_dump *d, struct err *e)
{
	if (e->code == ERR_CANCEL || e->code == ERR_NOMEM)
		return e->code;
	return err_ctx(e, "the dump of the %s failed", d->words);
}

static int start(struct db_dump *d, struct err *e)
{
	struct db_conn c;
	struct db_cmd cmd = DB_CMD_INIT;
	int rc;

	d->began_nsec = clock_wall_nsec();
	rc = db_open(&c, d->db, NULL, d->all->a->cancel, e);
	if (rc == 0)
		rc = d->kind->dump(&c, d->name, &cmd, &d->lacks, e);
	if (rc == 0)
		rc = db_proc_start(&d->proc, &cmd, DB_PROC_OUT,
				   d->db->timeout, d->all->a->cancel, e);
	db_cmd_release(&cmd);
	db_close(&c);
	return rc < 0 ? db_dump_failed(d, e) : 0;
}

/* These cannot be made in the middle of a session. */
static bool has_folders(const struct db_dumps *all)
{
	const struct db_dump *d;

	for (d = all->first; d && !d->folder; d = d->next)
		;
	return d != NULL;
}

/* It is in an archive of this run, which can be read. */
static int open_copy(struct db_dump *d, struct err *e)
{
	struct db_dumps *all = d->all;
	int rc = db_copy_open(&all->copy, all->a, &all->from->at, d->path,
			      d->bytes, e);

	if (rc == 0 || rc == ERR_CANCEL || rc == ERR_NOMEM)
		return rc;
	if (has_folders(all))
		return db_dump_failed(d, e);
	talk_info("dumps are made anew, because those in the archive '%s' of "
		  "%s cannot be read: %s", all->from->at.archive,
		  all->from->at.url, e->msg);
	db_copy_close(&all->copy);
	all->from = NULL;
	return 0;
}

static void close_file(struct db_dump *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static int open_file(struct db_dump *d, struct err *e)
{
	close_file(d);
	d->fd = open(d->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return d->fd < 0 ? err_errno(e, errno, "cannot open '%s'", d->file) :
		0;
}

static int read_file(struct db_dump *d, void *to, size_t len, size_t *got,
		     struct err *e)
{
	ssize_t n;

	do {
		n = read(d->fd, to, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(e, errno, "cannot read '%s'", d->file);
	*got = (size_t)n;
	return 0;
}

static int stream_open(void *ctx, int *fd, struct err *e)
{
	struct db_dump *d = ctx;
	int rc = 0;

	db_proc_release(&d->proc);
	memset(&d->seen, 0, sizeof(d->seen));
	if (d->all->from)
		rc = open_copy(d, e);
	if (rc == 0 && !d->all->from)
		rc = d->file ? open_file(d, e) : start(d, e);
	if (d->lacks)
		d->all->a->warned = true;
	*fd = d->proc.out;
	return rc;
}

/* The session begins once more, with dumps of its own. */
static int no_copy(struct db_dump *d, struct err *e)
{
	if (e->code == ERR_CANCEL || e->code == ERR_NOMEM)
		return e->code;
	if (has_folders(d->all))
		return db_dump_failed(d, e);
	db_copy_close(&d->all->copy);
	d->all->from = NULL;
	return err_set(e, ERR_RETRY, "the %s is dumped anew, because the dump "
		       "in another repository cannot be read: %s", d->words,
		       e->msg);
}

static int stream_read(void *ctx, void *to, size_t len, size_t *got,
		       struct err *e)
{
	struct db_dump *d = ctx;
	int rc;

	if (d->all->from) {
		rc = db_copy_read(&d->all->copy, to, len, got, e);
		if (rc < 0)
			return no_copy(d, e);
	} else if (d->file) {
		if ((rc = read_file(d, to, len, got, e)) < 0)
			return rc;
	} else {
		rc = db_proc_read(&d->proc, to, len, got, e);
		if (rc < 0)
			return db_dump_failed(d, e);
	}
	db_seen_add(&d->seen, to, *got);
	return 0;
}

static int stream_finish(void *ctx, struct err *e)
{
	struct db_dump *d = ctx;
	const char *lacks;
	int rc;

	if (d->all->from) {
		if (!d->next)
			db_copy_close(&d->all->copy);
		return 0;
	}
	if (d->file) {
		close_file(d);
		return 0;
	}
	rc = db_proc_finish(&d->proc, e);
	if (rc < 0)
		return db_dump_failed(d, e);
	lacks = d->kind->judge(d->db, &d->seen);
	if (lacks) {
		err_set(e, ERR_FAILED, "%s", lacks);
		return db_dump_failed(d, e);
	}
	d->ended_nsec = clock_wall_nsec();
	return 0;
}

void db_dump_stream(struct db_dump *d, struct create_stream *st)
{
	*st = (struct create_stream){
		.open = stream_open, .read = stream_read,
		.finish = stream_finish, .name = d->path, .mode = 0600,
		.uid = geteuid(), .gid = getegid(),
		.mtime_nsec = &d->began_nsec, .ctx = d
	};
}

void db_dump_free(struct db_dump *d)
{
	if (!d)
		return;
	db_proc_release(&d->proc);
	close_file(d);
	free(d->file);
	free(d->name);
	free(d->path);
	free(d->words);
	free(d);
}
