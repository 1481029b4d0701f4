/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/forget.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/runstate.h"

#define OPEN_DIRS 16

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return flag == FTW_DP || flag == FTW_DNR ? rmdir(path) : unlink(path);
}

int forget_tree(const char *path, struct err *e)
{
	if (nftw(path, remove_one, OPEN_DIRS,
		 FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 || errno == ENOENT)
		return 0;
	return err_errno(e, errno, "cannot remove '%s'", path);
}

/* BASE/SUB; 'base' is taken. */
static int remove_tree(char *base, const char *sub, struct err *e)
{
	char *path = base ? mem_printf("%s/%s", base, sub) : NULL;
	int rc = 0;

	if (base && !path)
		rc = err_nomem(e);
	if (path)
		rc = forget_tree(path, e);
	free(path);
	free(base);
	return rc;
}

int forget_cache(const struct sid *repo, struct err *e)
{
	char hex[SID_HEX_BYTES];

	return remove_tree(home_cache(), sid_hex(repo, hex), e);
}

/* CONFIG/pins/REPO-ID, REPO-ID.deleted, ... */
static int forget_pins(const struct sid *repo, struct err *e)
{
	char *base = home_config(), *path;
	char hex[SID_HEX_BYTES];
	struct dirent *d;
	DIR *list = NULL;
	int rc = 0;

	sid_hex(repo, hex);
	path = base ? mem_printf("%s/pins", base) : NULL;
	if (path)
		list = opendir(path);
	while (rc == 0 && list && (d = readdir(list)))
		if (!strncmp(d->d_name, hex, SID_HEX_BYTES - 1) &&
		    unlinkat(dirfd(list), d->d_name, 0) < 0)
			rc = err_errno(e, errno, "cannot remove '%s/%s'", path,
				       d->d_name);
	if (list)
		closedir(list);
	free(path);
	free(base);
	return rc;
}

int forget_security(const struct sid *repo, const char *url, struct err *e)
{
	char hex[SID_HEX_BYTES], checks[SID_HEX_BYTES + 8];
	int rc = forget_pins(repo, e);

	snprintf(checks, sizeof(checks), "checks/%s", sid_hex(repo, hex));
	if (rc == 0)
		rc = remove_tree(home_state(), checks, e);
	return rc < 0 ? rc : runstate_forget(url, e);
}
