/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/alarm.h"
#include "tools/human.h"
#include "tools/json.h"
#include "tools/runstate.h"
#include "tools/summary.h"
#include "tools/talk.h"
#include "tools/times.h"

void report_rule(FILE *out)
{
	fprintf(out, "---------------------------------------"
	       "---------------------------------------\n");
}

void report_head(FILE *out)
{
	fprintf(out, "%15s %20s %20s %20s\n", "", "Original size",
		"Compressed size", "Deduplicated size");
}

void report_sizes(FILE *out, const struct app *a, const char *label,
		  uint64_t original, uint64_t compressed,
		  uint64_t deduplicated)
{
	char o[HUMAN_BYTES], c[HUMAN_BYTES], d[HUMAN_BYTES];

	fprintf(out, "%-15s %20s %20s %20s\n", label,
		app_size(a, o, original),
		compressed || !original ? app_size(a, c, compressed) : "-",
		app_size(a, d, deduplicated));
}

/* What has gone over the line, if there is one. */
static void text_line(FILE *out, const struct app *a, struct repo *r)
{
	char up[HUMAN_BYTES], down[HUMAN_BYTES];
	struct store_traffic t;

	if (store_traffic(repo_store(r), &t))
		fprintf(out, "Line: %s sent, %s received, %" PRIu64 " round "
			"trips\n", app_size(a, up, t.up),
			app_size(a, down, t.down), t.trips);
}

static void text(FILE *out, const struct app *a, struct repo *r,
		 const struct create_result *res, const struct stats *all)
{
	const struct record_stats *s = &res->rec.stats;
	char hex[OID_HEX_BYTES], t[HUMAN_BYTES > TIMES_BYTES ? HUMAN_BYTES :
				   TIMES_BYTES];
	char words[ALARM_WORDS_BYTES];

	report_rule(out);
	fprintf(out, "Repository: %s\n", repo_url(r));
	fprintf(out, "Archive name: %s\n", res->rec.name);
	fprintf(out, "Archive fingerprint: %s\n", oid_hex(&res->id, hex));
	fprintf(out, "State: %s\n", alarm_words(words, &res->id));
	fprintf(out, "Time (start): %s\n", times_human(t, res->rec.start_nsec));
	fprintf(out, "Time (end):   %s\n", times_human(t, res->rec.end_nsec));
	fprintf(out, "Duration: %s\n", human_duration(t, res->seconds));
	fprintf(out, "Number of files: %" PRIu64 "\n", s->files);
	report_rule(out);
	report_head(out);
	report_sizes(out, a, "This archive:", s->bytes, s->comp_bytes,
		     s->stored_bytes);
	if (all)
		report_sizes(out, a, "All archives:", all->archive_bytes,
			     all->archive_stored_bytes,
			     all->object_stored_bytes);
	report_rule(out);
	fprintf(out, "Files: %" PRIu64 " added", s->added);
	if (res->new_mails)
		fprintf(out, " (%" PRIu64 " of them mails)", res->new_mails);
	fprintf(out, ", %" PRIu64 " changed, ", s->changed);
	if (res->gone_known)
		fprintf(out, "%" PRIu64 " gone, ", res->gone);
	fprintf(out, "%" PRIu64 " unchanged, %" PRIu64 " not read\n",
		s->unchanged, res->walk_errors);
	fprintf(out, "Bytes: %" PRIu64 " in the archive, %" PRIu64
		" of them new, %" PRIu64 " stored\n", s->bytes, s->new_bytes,
		s->stored_bytes);
	text_line(out, a, r);
	report_rule(out);
}

/* Lines that are an answer as a whole. */
struct lines {
	FILE *out;
	char *text;
	size_t len;
};

static int lines_begin(struct lines *l, struct err *e)
{
	memset(l, 0, sizeof(*l));
	l->out = open_memstream(&l->text, &l->len);
	return l->out ? 0 : err_nomem(e);
}

static int lines_end(struct lines *l, struct err *e)
{
	bool bad = fclose(l->out) != 0;

	if (!bad)
		talk_answer(l->text);
	free(l->text);
	return bad ? err_nomem(e) : 0;
}

json_t *report_cache(const char *path, const struct stats *s)
{
	return json_pack("{s:o, s:{s:o, s:o, s:o, s:o, s:o}}",
			 "path", json_text(path), "stats",
			 "total_size", json_int(s->archive_bytes),
			 "total_csize", json_int(s->archive_stored_bytes),
			 "unique_size", json_int(s->object_plain_bytes),
			 "unique_csize", json_int(s->object_stored_bytes),
			 "total_unique_chunks", json_int(s->objects));
}

/* What went over the line; NULL also where there is none. */
static json_t *json_line(struct repo *r)
{
	struct store_traffic t;

	if (!store_traffic(repo_store(r), &t))
		return NULL;
	return json_pack("{s:o, s:o, s:o, s:o}", "sent", json_int(t.up),
			 "received", json_int(t.down), "requests",
			 json_int(t.requests), "round_trips",
			 json_int(t.trips));
}

static int json(struct repo *r, const struct create_result *res,
		const struct stats *all, struct err *e)
{
	json_t *v = json_object();
	char *path = home_repo_cache(repo_id(r), NULL);
	json_t *line = json_line(r);
	char words[ALARM_WORDS_BYTES];
	bool bad;

	bad = json_put_repo(v, r, res->rec.start_nsec) < 0 ||
		json_object_set_new(v, "archive", json_archive(&res->rec,
			&res->id, false)) < 0 ||
		json_object_set_new(v, "state", json_string(
			alarm_words(words, &res->id))) < 0 ||
		(all && json_object_set_new(v, "cache",
			report_cache(path, all)) < 0) ||
		(line && json_object_set_new(v, "line", line) < 0);
	free(path);
	if (bad) {
		json_decref(v);
		v = NULL;
	}
	return json_print(v, e);
}

int report_created(struct app *a, struct repo *r,
		   const struct create_result *res, enum report_how how,
		   struct err *e)
{
	struct catalog *c = NULL;
	struct stats all;
	struct err why;
	bool known;
	struct lines l;
	int rc = 0;

	summary_created(a->summary, res);
	runstate_note_archive(r, &res->rec);
	if (how == REPORT_NOTHING)
		return 0;
	known = catalog_load(&c, r, &why) == 0 &&
		stats_repo(r, c, &all, &why) == 0;
	catalog_free(c);
	if (!known)
		talk_warn("no figures of the whole repository: %s", why.msg);
	if (how == REPORT_JSON)
		return json(r, res, known ? &all : NULL, e);
	if ((rc = lines_begin(&l, e)) < 0)
		return rc;
	text(l.out, a, r, res, known ? &all : NULL);
	return lines_end(&l, e);
}

int report_deleted(struct app *a, struct repo *r, uint64_t bytes,
		   uint64_t stored_bytes, struct err *e)
{
	struct catalog *c = NULL;
	struct stats all;
	struct lines l;
	int rc;

	rc = catalog_load(&c, r, e);
	if (rc == 0)
		rc = stats_repo(r, c, &all, e);
	catalog_free(c);
	if (rc < 0 || (rc = lines_begin(&l, e)) < 0)
		return rc;
	report_rule(l.out);
	report_head(l.out);
	report_sizes(l.out, a, a->o.dry_run ? "Would delete:" :
		     "Deleted data:", bytes, 0, stored_bytes);
	report_sizes(l.out, a, "All archives:", all.archive_bytes,
		     all.archive_stored_bytes, all.object_stored_bytes);
	report_rule(l.out);
	return lines_end(&l, e);
}
