/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/tarfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/shlex.h"
#include "tools/stop.h"

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

const char *tarfile_filter(const char *name, bool decompress)
{
	static const struct {
		const char *end, *pack, *unpack;
	} known[] = {
		{ ".tar.gz", "gzip", "gzip -d" }, { ".tgz", "gzip", "gzip -d" },
		{ ".tar.bz2", "bzip2", "bzip2 -d" },
		{ ".tbz", "bzip2", "bzip2 -d" },
		{ ".tar.xz", "xz", "xz -d" }, { ".txz", "xz", "xz -d" },
		{ ".tar.lz4", "lz4", "lz4 -d" },
		{ ".tar.zstd", "zstd", "zstd -d" },
		{ ".tar.zst", "zstd", "zstd -d" }
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (ends_with(name, known[i].end))
			return decompress ? known[i].unpack : known[i].pack;
	return NULL;
}

static int choose(struct tarfile *t, const char *name, const char *filter,
		  bool decompress, struct err *e)
{
	memset(t, 0, sizeof(*t));
	t->fd = -1;
	if (!filter || !strcmp(filter, "auto"))
		filter = tarfile_filter(name, decompress);
	return filter ? shlex_split(&t->filter, filter, e) : 0;
}

/* The file itself, not yet through the filter; its name is made later. */
static int create_file(struct tarfile *t, const char *name, int *fd,
		       struct err *e)
{
	struct stat st;
	mode_t mask;

	if (stat(name, &st) == 0 && !S_ISREG(st.st_mode)) {
		*fd = open(name, O_WRONLY | O_CLOEXEC);
		return *fd < 0 ? err_errno(e, errno, "cannot open '%s'",
					   name) : 0;
	}
	t->path = mem_str(name);
	t->tmp = mem_printf("%s.XXXXXX", name);
	if (!t->path || !t->tmp)
		return err_nomem(e);
	*fd = mkostemp(t->tmp, O_CLOEXEC);
	mask = umask(0);
	umask(mask);
	if (*fd < 0) {
		free(t->tmp);
		t->tmp = NULL;
		return err_errno(e, errno, "cannot make '%s'", name);
	}
	if (fchmod(*fd, 0666 & ~mask) < 0) {
		err_errno(e, errno, "cannot make '%s'", name);
		close(*fd);
		return e->code;
	}
	return 0;
}

int tarfile_create(struct tarfile *t, const char *name, const char *filter,
		   struct err *e)
{
	bool to_stdout = !strcmp(name, "-");
	int fd = STDOUT_FILENO, rc;

	if ((rc = choose(t, name, filter, false, e)) < 0)
		return rc;
	if (to_stdout && isatty(STDOUT_FILENO))
		return err_set(e, ERR_CONFIG, "a tar file is not written to a "
			       "terminal");
	if (!to_stdout && (rc = create_file(t, name, &fd, e)) < 0)
		return rc;
	if (t->filter.n == 0) {
		t->fd = fd;
		return 0;
	}
	rc = child_write_to(&t->child, t->filter.v, fd, &t->fd, e);
	if (rc < 0)
		t->fd = -1;
	if (!to_stdout)
		close(fd);
	return rc;
}

int tarfile_open(struct tarfile *t, const char *name, const char *filter,
		 struct err *e)
{
	int fd = STDIN_FILENO, rc;

	if ((rc = choose(t, name, filter, true, e)) < 0)
		return rc;
	t->reading = true;
	if (strcmp(name, "-")) {
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_errno(e, errno, "cannot open '%s'", name);
	}
	if (t->filter.n == 0) {
		t->fd = fd;
		return 0;
	}
	rc = child_read_from(&t->child, t->filter.v, fd, &t->fd, e);
	if (rc < 0)
		t->fd = -1;
	if (fd != STDIN_FILENO)
		close(fd);
	return rc;
}

/* What stands behind the end of the archive: a filter must get rid of it. */
static void drain(int fd)
{
	char buf[65536];
	ssize_t n;

	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0 || (n < 0 && errno == EINTR &&
			   !cancel_wanted(stop_cancel())));
}

int tarfile_finish(struct tarfile *t, struct err *e)
{
	int fd = t->fd, rc = 0;

	t->fd = -1;
	if (fd == STDOUT_FILENO || fd == STDIN_FILENO)
		return 0;
	if (t->reading)
		drain(fd);
	if (t->tmp && !t->child.pid && fsync(fd) < 0)
		rc = err_errno(e, errno, "cannot write '%s'", t->path);
	if (close(fd) < 0 && rc == 0)
		rc = err_errno(e, errno, "cannot write the tar file");
	if (rc == 0)
		rc = child_wait(&t->child, e);
	if (rc == 0 && t->tmp && rename(t->tmp, t->path) < 0)
		rc = err_errno(e, errno, "cannot make '%s'", t->path);
	if (rc == 0) {
		free(t->tmp);
		t->tmp = NULL;
	}
	return rc;
}

void tarfile_release(struct tarfile *t)
{
	if (t->fd > STDERR_FILENO)
		close(t->fd);
	child_kill(&t->child);
	if (t->tmp)
		unlink(t->tmp);
	free(t->tmp);
	free(t->path);
	strv_release(&t->filter);
	memset(t, 0, sizeof(*t));
	t->fd = -1;
}
