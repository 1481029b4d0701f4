/* SPDX-License-Identifier: BSD-2-Clause */
/* One pass over the archive; of each group every file is as likely to be
 * taken as any other (reservoirs). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/drill.h"

#define CONFIG_MAX_BYTES (256u << 10)
#define CONFIGS_MAX 1000
#define DOMAINS_MAX 10000

/* Of one group: the first 'want' of a random order. */
struct group {
	char **path;
	unsigned want;
	uint64_t seen;
};
struct picking {
	const struct drill_opts *o;
	const struct db_finds *dumps;
	struct group configs, others;
	struct group *domain;
	size_t n_domains, cap_domains;
	struct map by_domain;		/* hash of its path -> place */
	struct err *e;
};

static uint64_t below(uint64_t n)
{
	uint64_t v;

	key_random(&v, sizeof(v));
	return v % n;
}

static int offer(struct group *g, const char *path, struct err *e)
{
	uint64_t at = g->seen < g->want ? g->seen : below(g->seen + 1);
	char *copy;

	g->seen++;
	if (at >= g->want)
		return 0;
	if (!g->path && !(g->path = mem_zero(g->want, sizeof(char *))))
		return err_nomem(e);
	if (!(copy = mem_str(path)))
		return err_nomem(e);
	free(g->path[at]);
	g->path[at] = copy;
	return 0;
}

/* --- what a file is --- */

/* The length of the path without its last n parts. */
static size_t up(const char *path, size_t len, unsigned n)
{
	while (n-- > 0) {
		while (len > 0 && path[len - 1] != '/')
			len--;
		while (len > 0 && path[len - 1] == '/')
			len--;
	}
	return len;
}

static bool part_is(const char *path, size_t len, const char *name)
{
	size_t begin = up(path, len, 1);

	begin += begin > 0;
	return len - begin == strlen(name) &&
		!memcmp(path + begin, name, len - begin);
}

/* A message: ".../DOMAIN/USER[/Maildir][/.Folder]/cur/NAME".  *len: that of
 * the domain's path. */
static bool is_mail(const char *path, size_t *len)
{
	size_t box = up(path, strlen(path), 1), at;

	if (!part_is(path, box, "cur") && !part_is(path, box, "new"))
		return false;
	at = up(path, box, 1);
	*len = up(path, at, 1);
	if (path[*len ? *len + 1 : 0] == '.')
		at = *len;		/* a folder of a Maildir++ */
	if (part_is(path, at, "Maildir") || part_is(path, at, "mail"))
		at = up(path, at, 1);
	*len = up(path, at, 1);
	return true;
}

static bool is_config(const char *path, const struct entry *en)
{
	static const char *const ends[] = {
		".conf", ".cnf", ".cf", ".cfg", ".ini", ".yml", ".yaml",
		".json", ".toml", ".env", ".map", ".lua", ".sieve",
	};
	const char *dot = strrchr(path, '.');
	size_t i;

	if (en->size > CONFIG_MAX_BYTES)
		return false;
	if (!strncmp(path, "etc/", 4) || strstr(path, "/etc/") ||
	    strstr(path, "/conf/"))
		return true;
	for (i = 0; dot && i < sizeof(ends) / sizeof(ends[0]); i++)
		if (!strcasecmp(dot, ends[i]))
			return true;
	return false;
}

static bool is_dump(const struct picking *k, const char *path)
{
	size_t i;

	for (i = 0; i < k->dumps->n; i++)
		if (!strcmp(k->dumps->v[i].path, path))
			return true;
	return false;
}

/* --- the pass --- */

static int offer_mail(struct picking *k, const char *path, size_t len)
{
	struct oid h;
	struct group *g;
	uint64_t *place;
	bool was;
	int rc;

	key_hash(&h, NULL, path, len, NULL, 0, NULL, 0);
	if (!map_get(&k->by_domain, h.b) && k->n_domains == DOMAINS_MAX)
		return 0;
	if ((rc = map_put(&k->by_domain, h.b, &place, &was, k->e)) < 0)
		return rc;
	if (!was) {
		if (k->n_domains == k->cap_domains) {
			size_t cap = k->cap_domains ? k->cap_domains * 2 : 16;

			g = mem_resize(k->domain, cap, sizeof(*g));
			if (!g)
				return err_nomem(k->e);
			k->domain = g;
			k->cap_domains = cap;
		}
		*place = k->n_domains;
		k->domain[k->n_domains++] = (struct group) {
			.want = k->o->mails };
	}
	return offer(&k->domain[*place], path, k->e);
}

static int on_item(const struct scan_item *it, void *ctx)
{
	struct picking *k = ctx;
	size_t len;

	if (!S_ISREG(it->entry->mode) || is_dump(k, it->path))
		return 0;
	if (is_mail(it->path, &len))
		return k->o->mails ? offer_mail(k, it->path, len) : 0;
	if (is_config(it->path, it->entry))
		return offer(&k->configs, it->path, k->e);
	return k->o->files ? offer(&k->others, it->path, k->e) : 0;
}

static int add(struct drill_pick *p, const char *path, enum drill_kind kind,
	       const struct db_found *dump, struct err *e)
{
	struct drill_file *v;

	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;

		if (!(v = mem_resize(p->v, cap, sizeof(*v))))
			return err_nomem(e);
		p->v = v;
		p->cap = cap;
	}
	v = &p->v[p->n];
	*v = (struct drill_file) { mem_str(path), kind, dump };
	if (!v->path)
		return err_nomem(e);
	p->n++;
	return 0;
}

static int add_group(struct drill_pick *p, const struct group *g,
		     enum drill_kind kind, struct err *e)
{
	uint64_t n = g->seen < g->want ? g->seen : g->want, i;
	int rc = 0;

	for (i = 0; rc == 0 && g->path && i < n; i++)
		rc = add(p, g->path[i], kind, NULL, e);
	return rc;
}

static void group_release(struct group *g)
{
	unsigned i;

	for (i = 0; g->path && i < g->want; i++)
		free(g->path[i]);
	free(g->path);
}

static int gather(struct drill_pick *p, const struct picking *k,
		  struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < k->dumps->n; i++)
		rc = add(p, k->dumps->v[i].path, DRILL_DUMP, &k->dumps->v[i],
			 e);
	for (i = 0; rc == 0 && i < k->n_domains; i++)
		rc = add_group(p, &k->domain[i], DRILL_MAIL, e);
	if (rc == 0)
		rc = add_group(p, &k->configs, DRILL_CONFIG, e);
	if (rc == 0)
		rc = add_group(p, &k->others, DRILL_OTHER, e);
	p->domains = k->n_domains;
	p->configs_all = k->configs.seen;
	return rc;
}

int drill_pick_make(struct drill_pick *p, struct task *t,
		 const struct drill_opts *o, const struct db_finds *dumps,
		 struct cancel *cancel, struct err *e)
{
	struct picking k = { .o = o, .dumps = dumps, .e = e,
			     .configs = { .want = CONFIGS_MAX },
			     .others = { .want = o->files } };
	const struct scan_opts so = { .cancel = cancel, .item = on_item,
				      .ctx = &k };
	size_t i;
	int rc;

	memset(p, 0, sizeof(*p));
	rc = scan_run(t->rd, &t->it->rec.root, &so, e);
	if (rc == 0)
		rc = gather(p, &k, e);
	for (i = 0; i < k.n_domains; i++)
		group_release(&k.domain[i]);
	group_release(&k.configs);
	group_release(&k.others);
	free(k.domain);
	map_release(&k.by_domain);
	return rc;
}

void drill_pick_release(struct drill_pick *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->v[i].path);
	free(p->v);
	memset(p, 0, sizeof(*p));
}
