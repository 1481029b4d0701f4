/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/human.h"
#include "tools/json.h"
#include "tools/talk.h"
#include "tools/times.h"

void report_rule(void)
{
	printf("---------------------------------------"
	       "---------------------------------------\n");
}

void report_head(void)
{
	printf("%15s %20s %20s %20s\n", "", "Original size", "Compressed size",
	       "Deduplicated size");
}

void report_sizes(const struct app *a, const char *label, uint64_t original,
		  uint64_t compressed, uint64_t deduplicated)
{
	char o[HUMAN_BYTES], c[HUMAN_BYTES], d[HUMAN_BYTES];

	printf("%-15s %20s %20s %20s\n", label, app_size(a, o, original),
	       compressed || !original ? app_size(a, c, compressed) : "-",
	       app_size(a, d, deduplicated));
}

static void text(const struct app *a, struct repo *r,
		 const struct create_result *res, const struct stats *all)
{
	const struct record_stats *s = &res->rec.stats;
	char hex[OID_HEX_BYTES], t[HUMAN_BYTES > TIMES_BYTES ? HUMAN_BYTES :
				   TIMES_BYTES];

	report_rule();
	printf("Repository: %s\n", repo_url(r));
	printf("Archive name: %s\n", res->rec.name);
	printf("Archive fingerprint: %s\n", oid_hex(&res->id, hex));
	printf("Time (start): %s\n", times_human(t, res->rec.start_nsec));
	printf("Time (end):   %s\n", times_human(t, res->rec.end_nsec));
	printf("Duration: %s\n", human_duration(t, res->seconds));
	printf("Number of files: %" PRIu64 "\n", s->files);
	report_rule();
	report_head();
	report_sizes(a, "This archive:", s->bytes, s->comp_bytes,
		     s->stored_bytes);
	if (all)
		report_sizes(a, "All archives:", all->archive_bytes,
			     all->archive_stored_bytes,
			     all->object_stored_bytes);
	report_rule();
	printf("Files: %" PRIu64 " added, %" PRIu64 " changed, %" PRIu64
	       " unchanged, %" PRIu64 " not read\n", s->added, s->changed,
	       s->unchanged, res->walk_errors);
	printf("Bytes: %" PRIu64 " in the archive, %" PRIu64 " of them new, %"
	       PRIu64 " stored\n", s->bytes, s->new_bytes, s->stored_bytes);
	report_rule();
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

static int json(struct repo *r, const struct create_result *res,
		const struct stats *all, struct err *e)
{
	json_t *v = json_object();
	char *path = home_repo_cache(repo_id(r), NULL);
	bool bad;

	bad = json_put_repo(v, r, res->rec.start_nsec) < 0 ||
		json_object_set_new(v, "archive", json_archive(&res->rec,
			&res->id, false)) < 0 ||
		(all && json_object_set_new(v, "cache",
			report_cache(path, all)) < 0);
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
	int rc = 0;

	if (how == REPORT_NOTHING)
		return 0;
	known = catalog_load(&c, r, &why) == 0 &&
		stats_repo(r, c, &all, &why) == 0;
	catalog_free(c);
	if (!known)
		talk_warn("no figures of the whole repository: %s", why.msg);
	if (how == REPORT_JSON)
		rc = json(r, res, known ? &all : NULL, e);
	else
		text(a, r, res, known ? &all : NULL);
	return rc;
}

int report_deleted(struct app *a, struct repo *r, uint64_t bytes,
		   uint64_t stored_bytes, struct err *e)
{
	struct catalog *c = NULL;
	struct stats all;
	int rc;

	rc = catalog_load(&c, r, e);
	if (rc == 0)
		rc = stats_repo(r, c, &all, e);
	catalog_free(c);
	if (rc < 0)
		return rc;
	report_rule();
	report_head();
	report_sizes(a, a->o.dry_run ? "Would delete:" : "Deleted data:",
		     bytes, 0, stored_bytes);
	report_sizes(a, "All archives:", all.archive_bytes,
		     all.archive_stored_bytes, all.object_stored_bytes);
	report_rule();
	return 0;
}
