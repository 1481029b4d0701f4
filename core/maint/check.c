/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "maint/check_priv.h"
#include "repo/generation.h"

#define CHECK_CACHE_BYTES (16u << 20)
#define CHECK_TRIES 3

void check_say(struct check *c, enum check_severity severity,
	       const char *file, const char *archive, const char *path,
	       const char *fmt, ...)
{
	struct check_finding f = {
		.severity = severity, .file = file, .archive = archive,
		.path = path,
	};
	char text[ERR_MSG_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f.text = text;
	if (severity == CHECK_DAMAGE)
		c->res->damage++;
	if (c->o->finding)
		c->o->finding(&f, c->o->ctx);
}

void check_tick(struct check *c, const char *what)
{
	struct check_progress p = { what, c->done, c->total };

	if (c->o->progress)
		c->o->progress(&p, c->o->ctx);
}

double check_chance(uint64_t read, uint64_t all, uint64_t damaged)
{
	double miss = 1;
	uint64_t i;

	if (read >= all)
		return damaged > 0;
	/* Each damaged one in turn is among those that were not read. */
	for (i = 0; i < damaged && miss > 0; i++)
		miss *= all - read > i ? (double)(all - read - i) /
			(double)(all - i) : 0;
	return 1 - miss;
}

/* What a generation condemned is no longer relied upon. */
static int check_generation(struct check *c)
{
	uint64_t *value;
	uint32_t i;
	bool was;
	int rc = generation_newest(c->repo, &c->g, &c->why);

	c->generation_bad = rc == ERR_CORRUPT || rc == ERR_AUTH ||
		rc == ERR_CONFIG;
	if (rc < 0 && !c->generation_bad)
		*c->e = c->why;
	if (rc < 0)
		return c->generation_bad ? 0 : rc;
	for (i = 0; rc == 0 && i < c->g.n_condemned; i++) {
		const struct oid *pack = &c->g.condemned[i];

		rc = map_put(&c->condemned, pack->b, &value, &was, c->e);
		if (rc == 0)
			rc = sound_bad_pack(&c->sound, pack, c->e);
	}
	return rc;
}

static int check_open(struct check *c)
{
	int rc;

	if ((rc = check_generation(c)) < 0 ||
	    (rc = idx_open(&c->idx, c->repo, IDX_READER, c->e)) < 0 ||
	    (rc = reader_open(&c->sound.rd, c->repo, CHECK_CACHE_BYTES,
			      c->e)) < 0)
		return rc;
	reader_past_local(c->sound.rd);
	c->sound.idx = c->idx;
	return check_look(c);
}

/* What is missing may have been moved by a compaction since it was listed: it
 * is looked for again before it counts. */
int check_begin(struct check *c)
{
	unsigned tries;
	int rc = 0;

	for (tries = 0; rc == 0 && tries < CHECK_TRIES; tries++) {
		check_end(c);
		rc = check_open(c);
		if (!c->missing)
			break;
	}
	if (rc == 0 && c->generation_bad)
		check_say(c, CHECK_DAMAGE, NULL, NULL, NULL, "%s",
			c->why.msg);
	return rc < 0 ? rc : check_index(c);
}

void check_end(struct check *c)
{
	reader_close(c->sound.rd);
	c->sound.rd = NULL;
	sound_release(&c->sound);
	idx_close(c->idx);
	c->idx = NULL;
	mark_generation_release(&c->g);
	map_release(&c->condemned);
	map_release(&c->there);
	map_release(&c->listed);
	strv_release(&c->data);
	strv_release(&c->meta);
	strv_release(&c->vanished);
}

int check_run(struct repo *r, const struct check_opts *o,
	      struct check_result *res, struct err *e)
{
	struct err own = { ERR_OK, "" };
	struct check c = { .repo = r, .store = repo_store(r), .o = o,
			   .res = res, .e = e ? e : &own };
	int rc;

	memset(res, 0, sizeof(*res));
	if ((rc = repo_require(r, KEY_READ, c.e)) < 0)
		return rc;
	if (o->flags & ~(unsigned)CHECK_NAMES)
		rc = check_begin(&c);
	if (rc == ERR_CORRUPT) {
		check_say(&c, CHECK_DAMAGE, NULL, NULL, NULL, "%s",
			c.e->msg);
		goto out;
	}
	if (rc == 0 && (o->flags & (CHECK_INDEX | CHECK_PACKS | CHECK_DATA)))
		rc = check_packs(&c);
	if (rc == 0 && (o->flags & CHECK_REPOSITORY) && !*res->position)
		rc = check_parity(&c);
	if (rc == 0 && (o->flags & CHECK_ARCHIVES))
		rc = check_archives(&c);
	if (rc == 0 && res->damage)
		rc = err_set(c.e, ERR_CORRUPT, "the repository is damaged: "
			"%llu findings", (unsigned long long)res->damage);
out:
	check_end(&c);
	return rc;
}
