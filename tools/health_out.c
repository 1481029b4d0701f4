/* SPDX-License-Identifier: BSD-2-Clause */
/* What health.c found, in four forms. */
#include "tools/health_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/human.h"
#include "tools/json.h"
#include "tools/status.h"
#include "tools/times.h"

#define SEC 1000000000

static const char *const level_name[] = { "OK", "WARNING", "CRITICAL" };

enum health_level health_out_worst(const struct health *h, size_t n)
{
	enum health_level worst = HEALTH_OK;
	size_t i;

	for (i = 0; i < n; i++)
		if (h[i].level > worst)
			worst = h[i].level;
	return worst;
}

static int put_ago(struct buf *b, const struct health *h, int64_t when,
		   struct err *e)
{
	char age[HUMAN_BYTES], text[TIMES_BYTES];

	return buf_printf(b, e, "%s (%s ago)\n", times_human(text, when),
			  human_age(age, (h->now_nsec - when) / SEC));
}

static int put_archives(struct buf *b, const struct health *h,
			const struct app *a, struct err *e)
{
	char size[HUMAN_BYTES], stored[HUMAN_BYTES], age[HUMAN_BYTES];
	const struct runstate_archive *x;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < h->s.n_archives; i++) {
		x = &h->s.archive[i];
		rc = buf_printf(b, e, "  Newest of %s: %s, %s ago, %" PRIu64
				" files, %s, %s stored\n", x->series, x->name,
				human_age(age, health_age_secs(h, x)),
				x->files, app_size(a, size, x->bytes),
				app_size(a, stored, x->stored_bytes));
	}
	if (rc == 0 && h->s.read_nsec)
		rc = buf_printf(b, e, "  Archives: %" PRIu64 "\n", h->s.count);
	if (rc == 0 && h->s.total_bytes)
		rc = buf_printf(b, e, "  Space: %s free of %s\n",
				app_size(a, size, h->s.free_bytes),
				app_size(a, stored, h->s.total_bytes));
	return rc;
}

static int put_run(struct buf *b, const struct health *h, struct err *e)
{
	int rc;

	if (!h->s.finished_nsec)
		return 0;
	rc = buf_printf(b, e, "  Last run: %s, ", h->s.status == STATUS_OK ?
			"done" : h->s.status == STATUS_WARNING ?
			"done with warnings" : "FAILED");
	if (rc == 0)
		rc = put_ago(b, h, h->s.finished_nsec, e);
	if (rc == 0 && h->s.status > STATUS_WARNING && h->s.success_nsec) {
		rc = buf_printf(b, e, "  Last good run: ");
		if (rc == 0)
			rc = put_ago(b, h, h->s.success_nsec, e);
	}
	return rc;
}

static int put_checks(struct buf *b, const struct health *h, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < h->n_checks; i++) {
		rc = buf_printf(b, e, "  Last check of %s: ",
				h->check[i].name);
		if (rc == 0)
			rc = put_ago(b, h, h->check[i].done_nsec, e);
	}
	return rc;
}

static int put_text(struct buf *b, const struct health *h,
		    const struct app *a, struct err *e)
{
	size_t i;
	int rc;

	rc = buf_printf(b, e, "%s: %s%s%s%s\n", level_name[h->level],
			health_name(h), h->s.label ? " (" : "",
			h->s.label ? h->s.url : "", h->s.label ? ")" : "");
	for (i = 0; rc == 0 && i < h->problem.n; i++)
		rc = buf_printf(b, e, "  ! %s\n", h->problem.v[i]);
	if (rc == 0)
		rc = put_archives(b, h, a, e);
	if (rc == 0)
		rc = put_run(b, h, e);
	if (rc == 0)
		rc = put_checks(b, h, e);
	if (rc == 0 && h->prune_known)
		rc = buf_printf(b, e, "  Next prune: deletes %zu archives\n",
				h->prune_deletes);
	if (rc == 0 && h->exported_nsec) {
		rc = buf_printf(b, e, "  Copy of the key: ");
		if (rc == 0)
			rc = put_ago(b, h, h->exported_nsec, e);
	}
	return rc;
}

int health_out_text(const struct health *h, size_t n, const struct app *a,
		    struct err *e)
{
	struct buf b = BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		rc = put_text(&b, &h[i], a, e);
	if (rc == 0)
		fwrite(b.p, 1, b.len, stdout);
	buf_release(&b);
	return rc;
}

static json_t *json_when(int64_t nsec)
{
	return nsec ? json_time(nsec) : json_null();
}

static json_t *json_newest(const struct health *h)
{
	const struct runstate_archive *x;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < h->s.n_archives; i++) {
		x = &h->s.archive[i];
		if (json_array_append_new(list, json_pack(
				"{s:o, s:o, s:o, s:I, s:o, s:o, s:o}",
				"series", json_text(x->series),
				"name", json_text(x->name),
				"start", json_time(x->start_nsec),
				"age", (json_int_t)health_age_secs(h, x),
				"nfiles", json_int(x->files),
				"original_size", json_int(x->bytes),
				"deduplicated_size",
				json_int(x->stored_bytes)))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *json_checks(const struct health *h)
{
	json_t *v = json_object();
	size_t i;

	for (i = 0; v && i < h->n_checks; i++)
		if (json_object_set_new(v, h->check[i].name,
					json_time(h->check[i].done_nsec))) {
			json_decref(v);
			return NULL;
		}
	return v;
}

static json_t *json_run(const struct health *h)
{
	if (!h->s.finished_nsec)
		return json_null();
	return json_pack("{s:o, s:o, s:i, s:o, s:o, s:o}",
			 "start", json_time(h->s.started_nsec),
			 "end", json_time(h->s.finished_nsec),
			 "status", h->s.status,
			 "error", h->s.error ? json_text(h->s.error) :
			 json_null(),
			 "actions", json_strv(&h->s.actions),
			 "last_good", json_when(h->s.success_nsec));
}

static json_t *json_one(const struct health *h)
{
	char hex[SID_HEX_BYTES];

	return json_pack("{s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o, s:o, s:o}",
		"location", json_text(h->s.url),
		"label", h->s.label ? json_text(h->s.label) : json_null(),
		"id", h->s.has_id ? json_string(sid_hex(&h->s.id, hex)) :
		json_null(),
		"status", level_name[h->level],
		"reached", h->reached,
		"problems", json_strv(&h->problem),
		"archives", h->s.read_nsec ? json_int(h->s.count) :
		json_null(),
		"newest", json_newest(h),
		"last_run", json_run(h),
		"checks", json_checks(h),
		"key_exported", json_when(h->exported_nsec),
		"next_prune_deletes", h->prune_known ?
		json_int(h->prune_deletes) : json_null(),
		"free_bytes", h->s.total_bytes ? json_int(h->s.free_bytes) :
		json_null(),
		"total_bytes", h->s.total_bytes ? json_int(h->s.total_bytes) :
		json_null());
}

int health_out_json(const struct health *h, size_t n, struct err *e)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		if (json_array_append_new(list, json_one(&h[i]))) {
			json_decref(list);
			return err_nomem(e);
		}
	return json_print(json_pack("{s:s, s:o}", "status",
				    level_name[health_out_worst(h, n)],
				    "repositories", list), e);
}

/* Without what ends a label there: quotes, '|', '='. */
static int put_clean(struct buf *b, const char *s, const char *bad,
		     struct err *e)
{
	int rc = 0;

	for (; rc == 0 && *s; s++)
		rc = buf_append(b, strchr(bad, *s) || (unsigned char)*s < 0x20
				? "_" : s, 1, e);
	return rc;
}

static int put_perf(struct buf *b, const struct health *h, struct err *e)
{
	const struct runstate_archive *x;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < h->s.n_archives; i++) {
		x = &h->s.archive[i];
		rc = buf_printf(b, e, " '");
		if (rc == 0)
			rc = put_clean(b, health_name(h), "'|=", e);
		if (rc == 0)
			rc = buf_printf(b, e, " ");
		if (rc == 0)
			rc = put_clean(b, x->series, "'|=", e);
		if (rc == 0)
			rc = buf_printf(b, e, " age'=%" PRId64 "s",
					health_age_secs(h, x));
	}
	return rc;
}

static int put_nagios(struct buf *b, const struct health *h, size_t n,
		      struct err *e)
{
	enum health_level worst = health_out_worst(h, n);
	size_t i, k, bad = 0;
	int rc;

	for (i = 0; i < n; i++)
		bad += h[i].level == worst;
	rc = buf_printf(b, e, "MUNIMENT %s: ", level_name[worst]);
	for (i = 0; rc == 0 && worst && i < n; i++)
		if (h[i].level == worst) {
			rc = put_clean(b, health_name(&h[i]), "|", e);
			if (rc == 0)
				rc = buf_printf(b, e, ": ");
			if (rc == 0)
				rc = put_clean(b, h[i].problem.v[0], "|", e);
			break;
		}
	if (rc == 0 && worst && bad > 1)
		rc = buf_printf(b, e, " (and %zu more)", bad - 1);
	if (rc == 0 && !worst)
		rc = buf_printf(b, e, "%zu %s", n, n == 1 ? "repository" :
				"repositories");
	if (rc == 0)
		rc = buf_printf(b, e, " |");
	for (i = 0; rc == 0 && i < n; i++)
		rc = put_perf(b, &h[i], e);
	for (i = 0; rc == 0 && i < n; i++)
		for (k = 0; rc == 0 && k < h[i].problem.n; k++) {
			rc = buf_printf(b, e, "\n%s: %s: ",
					level_name[h[i].level],
					health_name(&h[i]));
			if (rc == 0)
				rc = put_clean(b, h[i].problem.v[k], "|", e);
		}
	return rc;
}

int health_out_nagios(const struct health *h, size_t n, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = put_nagios(&b, h, n, e);

	if (rc == 0)
		printf("%.*s\n", (int)b.len, (const char *)b.p);
	buf_release(&b);
	return rc;
}
