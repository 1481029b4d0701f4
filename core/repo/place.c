/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/place.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/oid.h"
#include "codec/key.h"
#include "repo/home.h"

#define PLACE_LINE_MAX 8192
#define PLACE_NAME_BYTES 16

/* One place, however it is written; malloc'ed. */
static char *plain(const char *url)
{
	char *path = NULL;

	if (!strncmp(url, "file://", 7))
		url += 7;
	if (url[0] == '/')
		path = realpath(url, NULL);
	return path ? path : mem_str(url);
}

static char *folder(void)
{
	char *base = home_config();
	char *path = base ? mem_printf("%s/places", base) : NULL;

	free(base);
	return path;
}

static char *path_of(const char *dir, const char *url)
{
	char hex[2 * PLACE_NAME_BYTES + 1];
	struct oid h;

	key_hash(&h, NULL, "place   ", 8, url, strlen(url), NULL, 0);
	hex_put(hex, h.b, PLACE_NAME_BYTES);
	return mem_printf("%s/%s", dir, hex);
}

/* The repository, and its place (malloc'ed) unless 'url' is NULL; false: not
 * such a file. */
static bool read_one(const char *path, struct sid *repo, char **url)
{
	struct buf b = { NULL, 0, 0, PLACE_LINE_MAX };
	const size_t at = SID_HEX_BYTES;	/* behind id and blank */
	bool ok = false;

	if (io_read_file(AT_FDCWD, path, &b, NULL) == 0 && b.len > at + 1 &&
	    b.p[at - 1] == ' ' && b.p[b.len - 1] == '\n') {
		b.p[at - 1] = b.p[b.len - 1] = '\0';
		ok = sid_parse(repo, (const char *)b.p) &&
			!memchr(b.p + at, '\0', b.len - 1 - at);
		if (ok && url)
			ok = (*url = mem_str((const char *)b.p + at)) != NULL;
	}
	buf_release(&b);
	return ok;
}

/* Any place where the repository was. */
static char *place_of(const char *dir, const struct sid *repo)
{
	DIR *d = opendir(dir);
	char *was = NULL, *path;
	struct dirent *de;
	struct sid id;

	while (d && !was && (de = readdir(d))) {
		path = de->d_name[0] == '.' ? NULL :
			mem_printf("%s/%s", dir, de->d_name);
		if (path && read_one(path, &id, &was) && !sid_eq(&id, repo)) {
			free(was);
			was = NULL;
		}
		free(path);
	}
	if (d)
		closedir(d);
	return was;
}

int place_check(enum place_state *out, char **was, const char *url,
		const struct sid *repo, struct err *e)
{
	char *dir = folder(), *here = plain(url);
	char *path = dir && here ? path_of(dir, here) : NULL;
	struct sid id;
	int rc = 0;

	*out = PLACE_NEW;
	*was = NULL;
	if (dir && !path) {
		rc = err_nomem(e);
		goto out;
	}
	if (!path)
		goto out;
	if (read_one(path, &id, NULL))
		*out = sid_eq(&id, repo) ? PLACE_SAME : PLACE_OTHER;
	else if ((*was = place_of(dir, repo)))
		*out = PLACE_MOVED;
out:
	free(path);
	free(here);
	free(dir);
	return rc;
}

int place_keep(const char *url, const struct sid *repo, struct err *e)
{
	char hex[SID_HEX_BYTES];
	char *dir = folder(), *here = plain(url);
	char *path = dir && here ? path_of(dir, here) : NULL;
	char *line = here ? mem_printf("%s %s\n", sid_hex(repo, hex), here) :
		NULL;
	int rc;

	if (!path || !line)
		rc = err_set(e, ERR_CONFIG, "no home directory to note the "
			"repository's place in");
	else if ((rc = io_make_dirs(dir, e)) == 0)
		rc = io_publish(AT_FDCWD, path, line, strlen(line), 0600, e);
	free(line);
	free(path);
	free(here);
	free(dir);
	return rc;
}
