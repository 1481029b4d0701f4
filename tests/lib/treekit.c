/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/treekit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/create_loose.h"
#include "tests/lib/check.h"
#include "tests/lib/tmpdir.h"
#include "tests/lib/world.h"

void treekit_make(struct treekit *k)
{
	const struct repo_init init = { .mode = SLOT_REPOKEY,
					.kdf_mem_kib = 8 };
	struct err e = { ERR_OK, "" };

	memset(k, 0, sizeof(*k));
	check_ok(key_setup(&e), &e);
	key_kdf_floor(8);
	tmpdir_make(k->dir, sizeof(k->dir));
	setenv("MUNIMENT_CACHE_DIR", "/dev/null/none", 1);
	setenv("MUNIMENT_CONFIG_DIR", k->dir, 1);
	k->store = store_open_mem(&e);
	assert_non_null(k->store);
	check_ok(repo_create_on(&k->repo, k->store, &init, &world_opts, &e),
		&e);
	check_ok(reader_open(&k->rd, k->repo, 8u << 20, &e), &e);
}

void treekit_end(struct treekit *k)
{
	reader_close(k->rd);
	repo_close(k->repo);
	tmpdir_remove(k->dir);
}

/* --- lines to items --- */

struct line {
	char type;
	char path[300], rest[300];
	unsigned mode;
	/* content, and where it is read */
	uint8_t *p;
	uint64_t len, at, hole_at, hole;
};

static void line_content(struct line *l)
{
	uint64_t n, seed, at = UINT64_MAX, i;
	int got = sscanf(l->rest, "@%" SCNu64 ":%" SCNu64 ":%" SCNu64 "+%"
		SCNu64, &n, &seed, &at, &l->hole);

	l->hole_at = UINT64_MAX;
	if (got < 2) {
		l->len = strlen(l->rest);
		l->p = (uint8_t *)strdup(l->rest);
		return;
	}
	l->len = n;
	l->p = malloc(n);
	assert_non_null(l->p);
	for (i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		l->p[i] = (uint8_t)(seed >> 40);
	}
	if (got == 3)
		l->p[at] ^= 1;
	if (got == 4) {
		memset(l->p + at, 0, l->hole);
		l->hole_at = at;
	}
}

static void line_parse(struct line *l, const char *text)
{
	char words[4][300] = { "", "", "", "" };

	memset(l, 0, sizeof(*l));
	sscanf(text, "%1s %299s %299s %299[^\n]", words[0], words[1],
		words[2], words[3]);
	l->type = words[0][0];
	snprintf(l->path, sizeof(l->path), "%s", words[1]);
	if (strchr("sl", l->type)) {
		snprintf(l->rest, sizeof(l->rest), "%s", words[2]);
		return;
	}
	l->mode = (unsigned)strtoul(words[2], NULL, 8);
	snprintf(l->rest, sizeof(l->rest), "%s", words[3]);
	if (l->type == 'f')
		line_content(l);
}

/* Parts of uneven sizes. */
static int line_next(const uint8_t **p, uint64_t *len, bool *hole, void *ctx,
		     struct err *e)
{
	struct line *l = ctx;
	uint64_t n = 1 + (l->at * 7 + 1) % 70001;

	(void)e;
	if (l->at == l->len)
		return 0;
	*hole = l->at == l->hole_at;
	if (*hole)
		n = l->hole;
	else if (l->at < l->hole_at && n > l->hole_at - l->at)
		n = l->hole_at - l->at;
	if (n > l->len - l->at)
		n = l->len - l->at;
	*p = *hole ? NULL : l->p + l->at;
	*len = n;
	l->at += n;
	return 1;
}

static mode_t line_mode(const struct line *l)
{
	switch (l->type) {
	case 'd':
		return S_IFDIR | l->mode;
	case 's':
		return S_IFLNK | 0777;
	case 'p':
		return S_IFIFO | l->mode;
	default:
		return S_IFREG | l->mode;
	}
}

static int line_add(struct create_loose *loose, const char *text)
{
	struct line l;
	struct create_feed feed = { .next = line_next, .ctx = &l };
	struct create_loose_item it = { .path = l.path, .uname = "joe",
					.gname = "", .feed = &feed };
	int rc;

	line_parse(&l, text);
	feed.holes = l.hole > 0;
	it.path_len = strlen(l.path);
	it.en.mode = line_mode(&l);
	it.en.uid = 1000;
	it.en.mtime.tv_sec = 1700000000;
	it.en.size = l.len;
	if (l.type == 's') {
		it.target = l.rest;
		it.target_len = strlen(l.rest);
	}
	if (l.type == 'l') {
		it.link = l.rest;
		it.link_len = strlen(l.rest);
	}
	rc = create_loose_add(loose, &it);
	free(l.p);
	return rc;
}

static int add_lines(struct create_loose *l, void *ctx, struct err *e)
{
	const char *const *line = ctx;
	int rc = 0;

	(void)e;
	for (; rc == 0 && *line; line++)
		rc = line_add(l, *line);
	return rc;
}

int treekit_create(struct treekit *k, const char *name,
		   const char *const *lines, struct create_result *res,
		   struct err *e)
{
	const struct create_opts o = { .name = name, .series = "test",
		.timestamp_nsec = 1, .comp = COMP_SPEC_DEFAULT,
		.threads = k->threads };
	union { const char *const *c; void *v; } u = { .c = lines };

	return create_loose_run(k->repo, &o, add_lines, u.v, res, e);
}

void treekit_archive(struct treekit *k, const char *name,
		     const char *const *lines, struct create_result *res)
{
	struct err e = { ERR_OK, "" };

	check_ok(treekit_create(k, name, lines, res, &e), &e);
	check_ok(reader_refresh(k->rd, &e), &e);
}

/* --- and back --- */

struct listing {
	struct treekit *k;
	struct buf out;
	struct map groups;	/* 1 + place of the first name in names */
	struct buf names;
	struct err e;
};

static void list_content(struct listing *l, const struct entry *en)
{
	struct file *f;
	char text[100];
	size_t got;

	check_ok(file_open(&f, l->k->rd, &en->content, en->size, &l->e),
		&l->e);
	check_ok(file_read(f, 0, text, sizeof(text), &got, &l->e), &l->e);
	assert_int_equal(got, en->size < 100 ? en->size : 100);
	if (en->size < 100)
		buf_printf(&l->out, NULL, " %.*s", (int)got, text);
	else
		buf_printf(&l->out, NULL, " @%" PRIu64, en->size);
	file_close(f);
}

static void list_group(struct listing *l, const char *path,
		       const struct entry *en)
{
	uint8_t key[16] = { 1 };
	uint64_t *place;
	bool was;

	memcpy(key + 8, &en->link_group, 8);
	check_ok(map_put(&l->groups, key, &place, &was, NULL), NULL);
	if (was) {
		buf_printf(&l->out, NULL, " =%s",
			(char *)l->names.p + *place - 1);
		return;
	}
	*place = l->names.len + 1;
	buf_append(&l->names, path, strlen(path) + 1, NULL);
	buf_printf(&l->out, NULL, " x%" PRIu64, en->links);
}

static int list_item(const struct scan_item *it, void *ctx)
{
	struct listing *l = ctx;
	const struct entry *en = it->entry;

	if (en->flags & ENTRY_IMPLICIT) {
		buf_printf(&l->out, NULL, "i %s\n", it->path);
		return 0;
	}
	buf_printf(&l->out, NULL, "%c %s %o", S_ISDIR(en->mode) ? 'd' :
		S_ISLNK(en->mode) ? 's' : S_ISFIFO(en->mode) ? 'p' : 'f',
		it->path, en->mode & 07777);
	if (S_ISREG(en->mode))
		list_content(l, en);
	if (S_ISLNK(en->mode))
		buf_printf(&l->out, NULL, " %.*s", en->target_len, en->target);
	if (en->link_group)
		list_group(l, it->path, en);
	else if (!S_ISDIR(en->mode))
		assert_int_equal(en->links, 1);
	buf_append(&l->out, "\n", 1, NULL);
	return 0;
}

char *treekit_list(struct treekit *k, const struct record *rec)
{
	struct listing l = { .k = k };
	const struct scan_opts o = { .flags = SCAN_IMPLICIT,
				     .item = list_item, .ctx = &l };

	check_ok(scan_run(k->rd, &rec->root, &o, &l.e), &l.e);
	map_release(&l.groups);
	buf_release(&l.names);
	check_ok(buf_cstr(&l.out, NULL), NULL);
	return (char *)buf_take(&l.out, NULL);
}
