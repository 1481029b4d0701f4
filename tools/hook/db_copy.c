/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_copy.h"

#include <stdlib.h>
#include <string.h>

#include "tools/pass.h"

/* It is read once, from its beginning to its end. */
#define CACHE_BYTES (8u << 20)

int db_copy_place(struct db_place *p, const char *url,
		  const struct record *rec, struct err *e)
{
	db_copy_unplace(p);
	p->url = mem_str(url);
	p->archive = mem_str(rec->name);
	p->session = rec->session;
	if (p->url && p->archive)
		return 0;
	db_copy_unplace(p);
	return err_nomem(e);
}

bool db_copy_is_local(const struct db_place *p)
{
	return *p->url == '/' || !strncmp(p->url, "file://", 7);
}

void db_copy_unplace(struct db_place *p)
{
	free(p->url);
	free(p->archive);
	memset(p, 0, sizeof(*p));
}

static int open_archive(struct db_copy *c, struct app *a,
			const struct db_place *p, struct err *e)
{
	struct repo_opts o;
	int rc;

	app_repo_opts(a, &o);
	o.pass = pass_unasked;
	rc = repo_open(&c->r, p->url, &o, e);
	if (rc == 0)
		rc = repo_require(c->r, KEY_READ, e);
	if (rc == 0)
		rc = catalog_read(c->r, &p->session, &c->it, e);
	if (rc == 0)
		rc = reader_open(&c->rd, c->r, CACHE_BYTES, e);
	return rc;
}

int db_copy_open(struct db_copy *c, struct app *a, const struct db_place *p,
		 const char *path, uint64_t bytes, struct err *e)
{
	struct tree_iter it = { 0 };
	const struct entry *en;
	int rc = c->rd ? 0 : open_archive(c, a, p, e);

	file_close(c->file);
	c->file = NULL;
	c->at = 0;
	if (rc < 0)
		return rc;
	rc = tree_find(&it, c->rd, &c->it.rec.root, path, &en, e);
	if (rc == 0 && (!S_ISREG(en->mode) || en->size != bytes))
		rc = err_set(e, ERR_CORRUPT, "'%s' is not what was stored",
			     path);
	if (rc == 0)
		rc = file_open(&c->file, c->rd, &en->content, en->size, e);
	tree_iter_release(&it);
	return rc;
}

int db_copy_read(struct db_copy *c, void *to, size_t len, size_t *got,
		 struct err *e)
{
	int rc = file_read(c->file, c->at, to, len, got, e);

	if (rc < 0)
		return rc;
	c->at += *got;
	file_used(c->file, c->at);
	return 0;
}

void db_copy_close(struct db_copy *c)
{
	file_close(c->file);
	reader_close(c->rd);
	record_release(&c->it.rec);
	repo_close(c->r);
	memset(c, 0, sizeof(*c));
}
