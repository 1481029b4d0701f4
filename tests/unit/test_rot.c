/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 900 */
/*
 * In a small repository every byte is flipped once, and every file truncated,
 * emptied, removed, swapped with another of its kind, and replaced by an older
 * one of its kind.  Each time check must find it, and extract must either
 * give the right bytes or fail.
 *
 * Left out: README, which is for people; sessions/, tmp/ and reserve/, which
 * nothing reads.  Every ROT_STRIDE-th byte is flipped, 97 by default; `make
 * rot` does all of them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/world.h"

static struct world w;
static struct strv files;
static char template[WORLD_PATH];
static unsigned long changes, silent;

static int list_cb(const char *path, const struct stat *st, int flag,
		   struct FTW *ftw)
{
	const char *in = path + strlen(w.repo);

	(void)st;
	(void)ftw;
	if (flag == FTW_F && strcmp(in, "/README") != 0 &&
	    strncmp(in, "/tmp/", 5) != 0 && strncmp(in, "/sessions/", 10) &&
	    strncmp(in, "/reserve/", 9) != 0 &&
	    strv_add(&files, path, NULL) < 0)
		world_die("memory", NULL);
	return 0;
}

static size_t read_all(const char *path, uint8_t **out)
{
	struct buf b = { NULL, 0, 0, 64u << 20 };
	size_t len;

	if (io_read_file(AT_FDCWD, path, &b, NULL) < 0)
		world_die(path, NULL);
	*out = buf_take(&b, &len);
	return len;
}

static void write_all(const char *path, const uint8_t *p, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, p, len) != (ssize_t)len || close(fd) < 0)
		world_die(path, NULL);
}

/* The repository has been changed: look at it. */
static void judge(const char *path, const char *how, unsigned long at)
{
	struct err e = { ERR_OK, "" };
	int rc;

	changes++;
	if (world_check(&w, false, &e) == 0) {
		fprintf(stderr, "check did not find: %s %s %lu\n",
			path + strlen(w.repo) + 1, how, at);
		silent++;
	}
	rc = world_extract(&w, "second", &e);
	if (rc == 0 && !world_same(&w)) {
		fprintf(stderr, "wrong bytes with success: %s %s %lu\n",
			path + strlen(w.repo) + 1, how, at);
		exit(1);
	}
}

static void flip(const char *path, uint8_t *p, size_t len, size_t stride)
{
	size_t i;

	for (i = changes % stride; i < len; i += stride) {
		p[i] ^= (uint8_t)(1u << i % 8);
		write_all(path, p, len);
		judge(path, "bit flipped at", i);
		p[i] ^= (uint8_t)(1u << i % 8);
	}
	write_all(path, p, len);
}

/* The record of a deleted archive: to remove it is what a collection does. */
static bool deleted(const char *path)
{
	char tombstone[2 * WORLD_PATH];
	const char *in = path + strlen(w.repo);

	if (strncmp(in, "/archives/", 10) != 0)
		return false;
	snprintf(tombstone, sizeof(tombstone), "%s/tombstones/%s", w.repo,
		in + 10);
	return access(tombstone, F_OK) == 0;
}

static void cut(const char *path, const uint8_t *p, size_t len)
{
	static const size_t parts = 7;
	size_t i;

	for (i = 0; i < parts; i++) {
		write_all(path, p, len * i / parts);
		judge(path, "cut to", len * i / parts);
	}
	write_all(path, p, len - 1);
	judge(path, "cut to", len - 1);
	unlink(path);
	if (!deleted(path))
		judge(path, "removed", 0);
	write_all(path, p, len);
}

static bool same_kind(const char *a, const char *b)
{
	const char *x = a + strlen(w.repo) + 1, *y = b + strlen(w.repo) + 1;
	size_t n = strcspn(x, "/");

	return strcspn(y, "/") == n && strncmp(x, y, n) == 0 && x[n] == '/';
}

/* Another of its kind in its place: also the older for the newer. */
static void swap(size_t i)
{
	const char *a = files.v[i];
	uint8_t *p, *q;
	size_t k, plen = read_all(a, &p), qlen;

	for (k = 0; k < files.n; k++) {
		const char *b = files.v[k];

		if (k == i || !same_kind(a, b))
			continue;
		qlen = read_all(b, &q);
		write_all(a, q, qlen);
		judge(a, "replaced by another, number", k);
		if (k > i) {
			write_all(b, p, plen);
			judge(a, "swapped with number", k);
			write_all(b, q, qlen);
		}
		write_all(a, p, plen);
		free(q);
	}
	free(p);
}

int main(void)
{
	const char *s = getenv("ROT_STRIDE");
	size_t stride = s ? strtoul(s, NULL, 10) : 97, i;
	struct err e = { ERR_OK, "" };

	world_make(&w, "rot");
	snprintf(template, sizeof(template), "%s/template", w.dir);
	world_write(&w, "sub/large", 3000, 9);	/* few bytes to flip */
	if (world_init(&w, &e) < 0 || world_create(&w, "first", &e) < 0)
		world_die("template", &e);
	world_write(&w, "later", 2000, 7);
	w.expected = world_digest(w.source);
	if (world_create(&w, "second", &e) < 0 ||
	    world_create(&w, "third", &e) < 0 ||
	    world_delete(&w, "third", &e) < 0)
		world_die("template", &e);
	if (world_check(&w, true, &e) < 0)
		world_die("the whole repository", &e);
	nftw(w.repo, list_cb, 32, FTW_PHYS);
	strv_sort(&files);
	if (files.n < 8)
		world_die("files of the repository", NULL);
	for (i = 0; i < files.n; i++) {
		uint8_t *p;
		size_t len = read_all(files.v[i], &p);

		flip(files.v[i], p, len, stride ? stride : 1);
		cut(files.v[i], p, len);
		swap(i);
		free(p);
	}
	printf("%zu files, %lu changes, %lu not found by check\n", files.n,
		changes, silent);
	if (world_check(&w, true, &e) < 0)
		world_die("the repository put back as it was", &e);
	strv_release(&files);
	world_end(&w);
	return silent > 0;
}
