/* SPDX-License-Identifier: BSD-2-Clause */
/* One line: client id, sequence number, record id. */
#include "repo/pin.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "repo/home.h"
#include "repo/repo.h"

#define PIN_DELETED_MAX (64u << 20)
#define PIN_LINE_BYTES (SID_HEX_BYTES + 21 + OID_HEX_BYTES)

static char *pin_path(const char *name)
{
	char *base = home_config();
	char *path = base ? mem_printf("%s/pins%s%s", base, *name ? "/" : "",
		name) : NULL;

	free(base);
	return path;
}

static void pin_parse(struct pin *p, const char *line)
{
	char client[SID_HEX_BYTES], record[OID_HEX_BYTES];
	uint64_t seq;

	if (sscanf(line, "%32s %20" SCNu64 " %64s", client, &seq,
		   record) != 3 ||
	    !sid_parse(&p->client, client) || !oid_parse(&p->record, record))
		return;
	p->seq = seq;
}

void pin_load(struct pin *p, const struct repo *r)
{
	struct buf b = { NULL, 0, 0, PIN_LINE_BYTES };
	char hex[SID_HEX_BYTES];
	char *path = pin_path(sid_hex(repo_id(r), hex));

	memset(p, 0, sizeof(*p));
	if (path && io_read_file(AT_FDCWD, path, &b, NULL) == 0 &&
	    b.len > 0) {
		char line[PIN_LINE_BYTES + 1];

		memcpy(line, b.p, b.len);
		line[b.len] = '\0';
		pin_parse(p, line);
	}
	buf_release(&b);
	free(path);
}

int pin_save(const struct pin *p, const struct repo *r, struct err *e)
{
	char line[PIN_LINE_BYTES + 1];
	char client[SID_HEX_BYTES], record[OID_HEX_BYTES], hex[SID_HEX_BYTES];
	char *dir = pin_path(""), *path;
	int rc;

	path = dir ? pin_path(sid_hex(repo_id(r), hex)) : NULL;
	if (!path) {
		free(dir);
		return err_set(e, ERR_CONFIG, "no home directory to keep the "
			"newest archive's id in");
	}
	snprintf(line, sizeof(line), "%s %" PRIu64 " %s\n",
		sid_hex(&p->client, client), p->seq,
		oid_hex(&p->record, record));
	rc = io_make_dirs(dir, e);
	if (rc == 0)
		rc = io_publish(AT_FDCWD, path, line, strlen(line), 0600, e);
	free(path);
	free(dir);
	return rc;
}

static char *pin_deleted_path(const struct repo *r)
{
	char name[SID_HEX_BYTES + 8], hex[SID_HEX_BYTES];

	snprintf(name, sizeof(name), "%s.deleted", sid_hex(repo_id(r), hex));
	return pin_path(name);
}

void pin_note_deleted(const struct repo *r, const struct sid *session)
{
	char line[SID_HEX_BYTES + 1];
	char *dir = pin_path(""), *path = pin_deleted_path(r);
	struct iovec iov = { line, SID_HEX_BYTES };
	int fd = -1;

	sid_hex(session, line);
	line[SID_HEX_BYTES - 1] = '\n';
	if (dir && path && io_make_dirs(dir, NULL) == 0)
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
			O_NOFOLLOW, 0600);
	if (fd >= 0) {
		io_writev(fd, &iov, 1, path, NULL);
		close(fd);
	}
	free(path);
	free(dir);
}

int pin_deleted(const struct repo *r, struct strv *out, struct err *e)
{
	struct buf b = { NULL, 0, 0, PIN_DELETED_MAX };
	char *path = pin_deleted_path(r);
	size_t at;
	int rc = 0;

	if (!path || io_read_file(AT_FDCWD, path, &b, NULL) < 0)
		b.len = 0;
	for (at = 0; rc == 0 && at + SID_HEX_BYTES <= b.len;
	     at += SID_HEX_BYTES) {
		b.p[at + SID_HEX_BYTES - 1] = '\0';
		rc = strv_add(out, (const char *)b.p + at, e);
	}
	buf_release(&b);
	free(path);
	return rc;
}

void pin_forget_deleted(const struct repo *r, const struct sid *session)
{
	struct buf b = { NULL, 0, 0, PIN_DELETED_MAX };
	char *path = pin_deleted_path(r);
	char hex[SID_HEX_BYTES];
	size_t at, keep = 0;

	sid_hex(session, hex);
	if (path && io_read_file(AT_FDCWD, path, &b, NULL) == 0) {
		for (at = 0; at + SID_HEX_BYTES <= b.len; at += SID_HEX_BYTES)
			if (memcmp(b.p + at, hex, SID_HEX_BYTES - 1)) {
				memmove(b.p + keep, b.p + at, SID_HEX_BYTES);
				keep += SID_HEX_BYTES;
			}
		if (keep < b.len)
			io_publish(AT_FDCWD, path, b.p, keep, 0600, NULL);
	}
	buf_release(&b);
	free(path);
}

static char *pin_exported_path(const struct sid *repo)
{
	char name[SID_HEX_BYTES + 9], hex[SID_HEX_BYTES];

	snprintf(name, sizeof(name), "%s.exported", sid_hex(repo, hex));
	return pin_path(name);
}

void pin_note_exported(const struct sid *repo)
{
	char *dir = pin_path(""), *path = pin_exported_path(repo);

	if (dir && path && io_make_dirs(dir, NULL) == 0)
		io_publish(AT_FDCWD, path, "", 0, 0600, NULL);
	free(path);
	free(dir);
}

int64_t pin_exported(const struct sid *repo)
{
	char *path = pin_exported_path(repo);
	struct stat st;
	int64_t when = 0;

	if (path && stat(path, &st) == 0)
		when = (int64_t)st.st_mtim.tv_sec * 1000000000 +
			st.st_mtim.tv_nsec;
	free(path);
	return when;
}
