/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/tmpdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>


void tmpdir_make(char *out, size_t bytes)
{
	const char *top = getenv("TMPDIR");
	int n = snprintf(out, bytes, "%s/muniment.XXXXXX", top ? top : "/tmp");

	if (n < 0 || (size_t)n >= bytes || !mkdtemp(out)) {
		perror("cannot make a folder for the test");
		abort();
	}
}

static int tmpdir_remove_one(const char *path, const struct stat *st,
			     int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

void tmpdir_remove(const char *path)
{
	nftw(path, tmpdir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static size_t tmpdir_found;

static int tmpdir_count_one(const char *path, const struct stat *st,
			    int type, struct FTW *f)
{
	(void)path;
	(void)st;
	(void)type;
	tmpdir_found += f->level > 0;
	return 0;
}

size_t tmpdir_count(const char *path)
{
	tmpdir_found = 0;
	nftw(path, tmpdir_count_one, 16, FTW_PHYS);
	return tmpdir_found;
}
