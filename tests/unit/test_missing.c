/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A repository that lost packs: what is missing is damage, never "there is no
 * such file", for a listing, a look-up, a file's content.
 */
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/world.h"

static struct world w;
static const char *lose;

static int lose_cb(const char *path, const struct stat *st, int flag,
		   struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (flag == FTW_F && strstr(path, lose))
		unlink(path);
	return 0;
}

static void expect(int rc, int want, const char *what, const struct err *e)
{
	if (rc == want)
		return;
	fprintf(stderr, "%s: %d, expected %d: %s\n", what, rc, want, e->msg);
	world_die("a missing object was taken for something else", NULL);
}

static void look(const char *path, bool content, int want)
{
	const struct catalog_item *item = NULL;
	struct err e = { ERR_OK, "" };
	const struct entry *en;
	struct tree_iter it;
	struct catalog *c;
	struct reader *rd;
	struct repo *r;
	struct file *f;
	char buf[64];
	size_t got;
	int rc;

	if (repo_open(&r, w.repo, &world_opts, &e) < 0 ||
	    catalog_load(&c, r, &e) < 0 ||
	    catalog_find(c, "a", &item, &e) < 0 ||
	    reader_open(&rd, r, 1u << 20, &e) < 0)
		world_die("open", &e);
	rc = tree_find(&it, rd, &item->rec.root, path, &en, &e);
	if (content && rc == 0 &&
	    (rc = file_open(&f, rd, &en->content, en->size, &e)) == 0) {
		rc = file_read(f, 0, buf, sizeof(buf), &got, &e);
		file_close(f);
	}
	expect(rc, want, path, &e);
	tree_iter_release(&it);
	reader_close(rd);
	catalog_free(c);
	repo_close(r);
}

int main(void)
{
	struct err e = { ERR_OK, "" };
	char mail[4 * WORLD_PATH];

	world_make(&w, "missing");
	if (world_init(&w, &e) < 0 || world_create(&w, "a", &e) < 0)
		world_die("template", &e);
	snprintf(mail, sizeof(mail), "%s/mail", w.source + 1);
	look(mail, true, 0);
	look("no-such-name", false, ERR_NOENT);
	lose = "/data/";
	nftw(w.repo, lose_cb, 16, FTW_PHYS);
	look(mail, false, 0);
	look(mail, true, ERR_CORRUPT);
	lose = "/meta/";
	nftw(w.repo, lose_cb, 16, FTW_PHYS);
	look(mail, false, ERR_CORRUPT);
	look("no-such-name", false, ERR_CORRUPT);
	world_end(&w);
	return 0;
}
