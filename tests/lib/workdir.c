/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/workdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/check.h"

static char path[PATH_MAX];

static int setup_in(const char *where)
{
	snprintf(path, sizeof(path), "%s/work-XXXXXX", where);
	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
	return 0;
}

int workdir_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	return setup_in(tmp ? tmp : "/tmp");
}

int workdir_setup_memory(void **state)
{
	return access("/dev/shm", W_OK) == 0 ? setup_in("/dev/shm") :
		workdir_setup(state);
}

/* The first folder in 'd', whose files are removed; false: it is empty. */
static bool clear_level(DIR *d, char *folder, size_t bytes)
{
	struct dirent *de;

	while ((de = readdir(d))) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    unlinkat(dirfd(d), de->d_name, 0) == 0)
			continue;
		snprintf(folder, bytes, "%s", de->d_name);
		return true;
	}
	return false;
}

/* Down as far as it goes, then up; the name goes by way of the parent. */
int workdir_teardown(void **state)
{
	char folder[NAME_MAX + 1];
	size_t depth = 0;
	bool more;
	DIR *d;

	(void)state;
	assert_int_equal(chdir(path), 0);
	for (;;) {
		d = opendir(".");
		assert_non_null(d);
		more = clear_level(d, folder, sizeof(folder));
		closedir(d);
		if (more && unlinkat(AT_FDCWD, folder, AT_REMOVEDIR) == 0)
			continue;
		if (more) {
			assert_int_equal(chdir(folder), 0);
			depth++;
			continue;
		}
		if (depth-- == 0)
			break;
		assert_int_equal(chdir(".."), 0);
	}
	assert_int_equal(chdir("/"), 0);
	return rmdir(path);
}
