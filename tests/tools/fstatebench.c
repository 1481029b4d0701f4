/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fstatebench DIR [FILES]: what the file-state cache costs: a run that adds
 * made-up files, and one that finds them in the same and in random order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "archive/fstate.h"
#include "base/clock.h"

#define T0 INT64_C(1700000000)

static void fake(struct stat *st, char name[100], uint64_t i)
{
	/* Inodes near each other, not in order: as a maildir has them. */
	uint64_t ino = (i & ~UINT64_C(1023)) | ((i * 397) & 1023);

	memset(st, 0, sizeof(*st));
	st->st_dev = 0xfe01;
	st->st_ino = 100000 + ino;
	st->st_mode = S_IFREG | 0600;
	st->st_size = (off_t)(1000 + i % 60000);
	st->st_mtim.tv_sec = T0 + (time_t)(i * 7 % 30000000);
	st->st_mtim.tv_nsec = (long)(i * 12345 % 1000000000);
	st->st_ctim = st->st_mtim;
	snprintf(name, 100, "%u.M%uP%u.a1b2c3d4e5f6,S=316,W=326:2,S",
		 (unsigned)(T0 + (int64_t)i), (unsigned)(i * 31 % 1000000),
		 (unsigned)(i % 30000));
}

static void report(const char *what, int64_t from, uint64_t n)
{
	int64_t took = clock_mono_nsec() - from;
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	printf("%-14s %8.3f s %8.0f ns each, %ld MiB at most\n", what,
	       (double)took / 1e9, (double)took / (double)n,
	       ru.ru_maxrss / 1024);
}

static int add_all(struct fstate *f, uint64_t n, struct err *e)
{
	struct entry en = { .content.kind = CONTENT_ONE };
	struct stat st;
	char name[100];
	uint64_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		fake(&st, name, i);
		memcpy(en.content.id.b, &i, sizeof(i));
		en.content.id.b[31] = 1;
		rc = fstate_add(f, &st, true, name, &en, INT64_MAX / 2, e);
	}
	return rc;
}

static uint64_t find_all(struct fstate *f, uint64_t n, uint64_t step)
{
	struct fstate_hit hit;
	struct stat st;
	uint64_t i, hits = 0;
	char name[100];

	for (i = 0; i < n; i++) {
		fake(&st, name, i * step % n);
		hits += fstate_find(f, &st, true, name, &hit);
	}
	return hits;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000, hits;
	struct fstate *f = NULL;
	struct err e = { 0 };
	struct stat st;
	char name[100];
	int64_t from;
	uint64_t i;
	int rc;

	if (argc < 2)
		return 2;
	from = clock_mono_nsec();
	for (i = 0; i < n; i++)
		fake(&st, name, i);
	report("(making them)", from, n);
	rc = fstate_open(&f, argv[1], "bench", FSTATE_DEFAULT, &e);
	from = clock_mono_nsec();
	if (rc == 0)
		rc = add_all(f, n, &e);
	report("add", from, n);
	from = clock_mono_nsec();
	if (rc == 0)
		rc = fstate_save(f, false, &e);
	report("save", from, n);
	fstate_close(f);
	f = NULL;
	if (rc == 0)
		rc = fstate_open(&f, argv[1], "bench", FSTATE_DEFAULT, &e);
	if (rc < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	from = clock_mono_nsec();
	hits = find_all(f, n, 1);
	report("find in order", from, n);
	from = clock_mono_nsec();
	hits += find_all(f, n, 7368787);
	report("find at random", from, n);
	fstate_close(f);
	printf("%llu of %llu found\n", (unsigned long long)hits,
	       (unsigned long long)(2 * n));
	return hits != 2 * n;
}
