/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/hook/db_find.h"
#include "tools/human.h"
#include "tools/task.h"
#include "tools/json.h"
#include "tools/pick.h"
#include "tools/report.h"
#include "tools/shlex.h"
#include "tools/times.h"

struct info_args {
	const char *archive;
	bool json;
	struct pick_args pick;
};
#define AT(member) offsetof(struct info_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "json", AT(json), NULL, "answer in JSON", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ repoarg_rows, AT(archive), "The archive" },
	{ pick_rows, AT(pick), "Which archives" },
	{ pick_order_rows, AT(pick), "How many" },
	{ pick_partial_rows, AT(pick), "Partial ones" },
	{ 0 }
};

static const char *mode_name(struct repo *r)
{
	return repo_mode(r) == SLOT_KEYFILE ? "keyfile" : "repokey";
}

static int64_t modified(const struct task *t)
{
	return t->c->n ? t->c->item[t->c->n - 1]->rec.start_nsec :
		repo_created_secs(t->r) * 1000000000;
}

static void text_repo(struct app *a, struct task *t, const struct stats *s)
{
	char hex[SID_HEX_BYTES], s1[HUMAN_BYTES], total[HUMAN_BYTES];
	char *cache = home_repo_cache(repo_id(t->r), NULL);

	printf("Repository ID: %s\n", sid_hex(repo_id(t->r), hex));
	printf("Location: %s\n", repo_url(t->r));
	printf("Encrypted: Yes (%s)\n", mode_name(t->r));
	printf("Made: %s\n", times_human(s1, repo_created_secs(t->r) *
					 1000000000));
	if (cache)
		printf("Cache: %s\n", cache);
	free(cache);
	printf("Archives: %" PRIu64 "\n", s->archives);
	printf("Packs: %" PRIu64 ", %s\n", s->packs,
	       app_size(a, s1, s->pack_bytes));
	if (s->total_bytes)
		printf("Space: %s free of %s\n", app_size(a, s1, s->free_bytes),
		       app_size(a, total, s->total_bytes));
	report_rule(stdout);
	report_head(stdout);
	report_sizes(stdout, a, "All archives:", s->archive_bytes,
		     s->archive_stored_bytes, s->object_stored_bytes);
	printf("\n%15s %20s\n%-15s %20" PRIu64 "\n", "", "Unique chunks",
	       "Chunk index:", s->objects);
}

static int text_archive(struct app *a,
			const struct catalog_item *it, const struct stats *s,
			struct err *e)
{
	const struct record *r = &it->rec;
	char s1[HUMAN_BYTES], hex[OID_HEX_BYTES];
	struct buf line = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < r->command.n; i++) {
		rc = buf_append(&line, " ", i > 0, e);
		if (rc == 0)
			rc = shlex_quote(&line, r->command.v[i], e);
	}
	printf("Archive name: %s\n", r->name);
	printf("Archive fingerprint: %s\n", oid_hex(&it->id, hex));
	printf("Comment: %s\n", r->comment ? r->comment : "");
	printf("Hostname: %s\n", r->host ? r->host : "");
	printf("Username: %s\n", r->user ? r->user : "");
	printf("Time (start): %s\n", times_human(s1, r->start_nsec));
	printf("Time (end): %s\n", times_human(s1, r->end_nsec));
	printf("Duration: %s\n", human_duration(s1, (double)(r->end_nsec -
						r->start_nsec) / 1e9));
	printf("Number of files: %" PRIu64 "\n", r->stats.files);
	printf("Command line: %.*s\n", (int)line.len, line.p ?
	       (const char *)line.p : "");
	if (r->flags & RECORD_PARTIAL)
		printf("Partial: yes, the run was interrupted\n");
	for (i = 0; i < r->warnings.n; i++)
		printf("Missing: %s\n", r->warnings.v[i]);
	report_rule(stdout);
	report_head(stdout);
	report_sizes(stdout, a, "This archive:", r->stats.bytes,
		     r->stats.comp_bytes, r->stats.stored_bytes);
	report_sizes(stdout, a, "All archives:", s->archive_bytes,
		     s->archive_stored_bytes, s->object_stored_bytes);
	printf("\n%15s %20s\n%-15s %20" PRIu64 "\n", "", "Unique chunks",
	       "Chunk index:", s->objects);
	buf_release(&line);
	return rc;
}

static int add_size(const struct scan_item *it, void *ctx)
{
	uint64_t *bytes = ctx;

	*bytes += S_ISREG(it->entry->mode) ? it->entry->size : 0;
	return 0;
}

/* The dumps of databases in the archive that was named. */
typedef int dump_fn(const struct app *a, const struct db_found *d,
		    uint64_t bytes, void *ctx);

static int each_dump(struct app *a, struct task *t, dump_fn *fn, void *ctx,
		     struct err *e)
{
	struct db_finds finds = { .v = NULL };
	uint64_t bytes;
	size_t i;
	int rc = task_reader(t, e);

	if (rc == 0)
		rc = db_find(&finds, t->rd, &t->it->rec.root, a->config, e);
	for (i = 0; rc == 0 && i < finds.n; i++) {
		const struct entry *en = &finds.v[i].file->e;
		struct scan_opts so = { .item = add_size, .ctx = &bytes };

		bytes = en->size;
		if (S_ISDIR(en->mode))
			rc = scan_run(t->rd, &en->dir, &so, e);
		if (rc == 0 && fn(a, &finds.v[i], bytes, ctx) < 0)
			rc = err_nomem(e);
	}
	db_find_release(&finds);
	return rc;
}

static int64_t dumped(const struct db_found *d)
{
	return d->file->e.mtime.tv_sec * 1000000000 +
		d->file->e.mtime.tv_nsec;
}

static int text_dump(const struct app *a, const struct db_found *d,
		     uint64_t bytes, void *ctx)
{
	char size[HUMAN_BYTES], when[TIMES_BYTES];
	bool *any = ctx;

	if (!*any)
		report_rule(stdout);
	*any = true;
	printf("Dump: %s/%s/%s, %s, of %s\n", d->kind->hook, d->id, d->name,
	       app_size(a, size, bytes), times_human(when, dumped(d)));
	return 0;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_text(text) : json_null();
}

/* As in dumps.json, and what is known here. */
static int json_dump(const struct app *a, const struct db_found *d,
		     uint64_t bytes, void *ctx)
{
	(void)a;
	return json_array_append_new(ctx, json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"hook_name", d->kind->hook,
		"data_source_name", json_text(d->name),
		"hostname", text_or_null(d->hostname),
		"port", d->port ? json_integer(d->port) : json_null(),
		"label", text_or_null(d->label),
		"container", text_or_null(d->container),
		"path", json_text(d->path), "size", json_int(bytes),
		"time", json_time(dumped(d))));
}

/* Of the archives that were chosen; the one that was named has its dumps.
 * NULL: no memory. */
static json_t *json_archives(const struct choice *p, json_t *dumps)
{
	json_t *all = json_array(), *one;
	bool bad = !all;
	size_t i;

	for (i = 0; !bad && i < p->n; i++) {
		one = json_archive(&p->item[i]->rec, &p->item[i]->id, true);
		bad = !one || (dumps && json_object_set(one, "dumps",
							dumps) < 0);
		/* It takes 'one'. */
		bad = json_array_append_new(all, one) < 0 || bad;
	}
	if (bad) {
		json_decref(all);
		return NULL;
	}
	return all;
}

static int json_repo(struct task *t, const struct stats *s, json_t **out,
		     struct err *e)
{
	char *cache = home_repo_cache(repo_id(t->r), NULL);
	json_t *doc = json_object();
	bool bad = !doc || json_put_repo(doc, t->r, modified(t)) < 0 ||
		json_object_set_new(doc, "cache", report_cache(cache,
								s)) < 0;

	free(cache);
	if (bad) {
		json_decref(doc);
		return err_nomem(e);
	}
	*out = doc;
	return 0;
}

static int json_answer(struct app *a, struct task *t, const struct choice *p,
		       bool archives, const struct stats *s, struct err *e)
{
	json_t *doc = NULL, *dumps = NULL;
	int rc = json_repo(t, s, &doc, e);

	if (rc == 0 && t->it)
		rc = (dumps = json_array()) ?
			each_dump(a, t, json_dump, dumps, e) : err_nomem(e);
	if (rc == 0 && archives &&
	    json_object_set_new(doc, "archives", json_archives(p, dumps)) < 0)
		rc = err_nomem(e);
	json_decref(dumps);
	if (rc == 0)
		return json_print(doc, e);
	json_decref(doc);
	return rc;
}

static int text_answer(struct app *a, struct task *t, const struct choice *p,
		       bool archives, const struct stats *s, struct err *e)
{
	bool any = false;
	size_t i;
	int rc = 0;

	if (!archives)
		text_repo(a, t, s);
	for (i = 0; rc == 0 && i < p->n; i++) {
		if (i > 0)
			putchar('\n');
		rc = text_archive(a, p->item[i], s, e);
	}
	return rc == 0 && t->it ? each_dump(a, t, text_dump, &any, e) : rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct info_args *o = c->args;
	struct choice p = { 0 };
	struct stats s;
	struct task t;
	bool archives;
	int rc;

	rc = task_open(&t, a, c, o->archive, REPOARG_EITHER, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	archives = t.it || pick_given(&o->pick);
	if (rc == 0 && t.it && pick_given(&o->pick))
		rc = err_set(e, ERR_CONFIG, "archive filters and the name of "
			     "an archive cannot be used together");
	if (rc == 0)
		rc = stats_repo(t.r, t.c, &s, e);
	if (rc == 0 && archives && !t.it)
		rc = pick_run(&p, t.c, &o->pick, e);
	if (rc == 0 && t.it) {
		p.item = mem_array(1, sizeof(*p.item));
		rc = p.item ? 0 : err_nomem(e);
		if (rc == 0)
			p.item[p.n++] = t.it;
	}
	if (rc == 0)
		rc = o->json ? json_answer(a, &t, &p, archives, &s, e) :
			text_answer(a, &t, &p, archives, &s, e);
	choice_release(&p);
	task_close(&t);
	return rc;
}

const struct cmd cmd_info = {
	.name = "info",
	.aliases = "repo-info|rinfo",
	.synopsis = "[REPO | REPO::ARCHIVE]",
	.brief = "show facts about a repository or an archive",
	.text =
	"Without an archive: where the repository is, what it holds, how much\n"
	"room there is. With one: when, where and how it was made, what could\n"
	"not be read then, and the dumps of databases in it.\n"
	"\n"
	"  muniment info /backup/mail::latest\n",
	.groups = groups,
	.args_bytes = sizeof(struct info_args),
	.want = REPOARG_EITHER,
	.words_max = 1,
	.run = run
};
