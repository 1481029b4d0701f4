/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for libFuzzer: hands each file (of each folder) named on the
 * command line to the target once.  Every target is built with it, so that
 * the corpus is an ordinary test with any compiler.
 *
 * A target is tests/fuzz/fuzz_NAME.c with LLVMFuzzerTestOneInput and no main;
 * its corpus is the folder tests/fuzz/corpus/NAME, small files that are only
 * read.  A crash that was mended leaves its input there.  A target must free
 * what it allocates, keep no state from one input to the next, and judge more
 * than "no crash" where it can (decode, encode, compare).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/strv.h"

#define INPUT_MAX_BYTES (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static unsigned long count;

/* A copy of just the right size, so that a sanitizer sees one byte too far. */
static int run_file(int dirfd, const char *path, struct err *e)
{
	struct buf b = { .max = INPUT_MAX_BYTES };
	uint8_t *copy;
	int rc = io_read_file(dirfd, path, &b, e);

	if (rc < 0)
		return rc;
	copy = malloc(b.len ? b.len : 1);
	if (!copy) {
		buf_release(&b);
		return err_nomem(e);
	}
	if (b.len)
		memcpy(copy, b.p, b.len);
	LLVMFuzzerTestOneInput(copy, b.len);
	count++;
	free(copy);
	buf_release(&b);
	return 0;
}

static int run_folder(const char *path, struct err *e)
{
	struct strv names = STRV_INIT;
	DIR *d = opendir(path);
	struct dirent *de;
	size_t i;
	int rc = 0;

	if (!d)
		return err_errno(e, errno, "cannot open '%s'", path);
	while (rc == 0 && (de = readdir(d)))
		if (de->d_name[0] != '.')
			rc = strv_add(&names, de->d_name, e);
	strv_sort(&names);
	for (i = 0; rc == 0 && i < names.n; i++)
		rc = run_file(dirfd(d), names.v[i], e);
	closedir(d);
	strv_release(&names);
	return rc;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct stat st;
	int i, rc = 0;

	for (i = 1; rc == 0 && i < argc; i++)
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			rc = run_folder(argv[i], &e);
		else
			rc = run_file(AT_FDCWD, argv[i], &e);
	if (rc < 0) {
		fprintf(stderr, "%s: %s\n", argv[0], e.msg);
		return 1;
	}
	printf("%lu inputs\n", count);
	return 0;
}
