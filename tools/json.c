/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/json.h"

#include <stdio.h>
#include <string.h>

#include "tools/clean.h"
#include "tools/times.h"

json_t *json_text_n(const char *s, size_t len)
{
	struct buf b = BUF_INIT;
	json_t *v;

	v = json_stringn(s, len);
	if (v)
		return v;
	if (clean_text(&b, s, len, CLEAN_UTF8, NULL) == 0)
		v = json_stringn((const char *)b.p, b.len);
	buf_release(&b);
	return v;
}

json_t *json_text(const char *s)
{
	return json_text_n(s ? s : "", s ? strlen(s) : 0);
}

json_t *json_int(uint64_t v)
{
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

json_t *json_time(int64_t nsec)
{
	char text[TIMES_BYTES];

	return json_string(times_json(text, nsec));
}

json_t *json_id(const struct oid *id)
{
	char hex[OID_HEX_BYTES];

	return json_string(oid_hex(id, hex));
}

json_t *json_strv(const struct strv *s)
{
	json_t *v = json_array();
	size_t i;

	for (i = 0; v && i < s->n; i++)
		if (json_array_append_new(v, json_text(s->v[i])) < 0) {
			json_decref(v);
			return NULL;
		}
	return v;
}

int json_put_repo(json_t *obj, struct repo *r, int64_t modified_nsec)
{
	const struct sid *id = repo_id(r);
	const char *mode = repo_mode(r) == SLOT_KEYFILE ? "keyfile-blake2" :
		"repokey-blake2";
	char hex[SID_HEX_BYTES];

	return json_object_set_new(obj, "repository", json_pack(
			"{s:o, s:o, s:o}",
			"id", json_string(sid_hex(id, hex)),
			"location", json_text(repo_url(r)),
			"last_modified", json_time(modified_nsec))) |
		json_object_set_new(obj, "encryption",
				    json_pack("{s:s}", "mode", mode));
}

json_t *json_archive(const struct record *rec, const struct oid *id,
		     bool full)
{
	const struct record_stats *s = &rec->stats;
	json_t *v;

	v = json_pack("{s:o, s:o, s:o, s:o, s:f, s:o, s:{s:o, s:o, s:o, s:o}}",
		"name", json_text(rec->name), "id", json_id(id),
		"start", json_time(rec->start_nsec),
		"end", json_time(rec->end_nsec),
		"duration", (double)(rec->end_nsec - rec->start_nsec) / 1e9,
		"command_line", json_strv(&rec->command),
		"stats", "original_size", json_int(s->bytes),
		"compressed_size", json_int(s->comp_bytes),
		"deduplicated_size", json_int(s->stored_bytes),
		"nfiles", json_int(s->files));
	if (!v || !full)
		return v;
	if (json_object_set_new(v, "comment", json_text(rec->comment)) |
	    json_object_set_new(v, "hostname", json_text(rec->host)) |
	    json_object_set_new(v, "username", json_text(rec->user)) |
	    json_object_set_new(v, "partial",
				json_boolean(rec->flags & RECORD_PARTIAL)) |
	    json_object_set_new(v, "warnings", json_strv(&rec->warnings))) {
		json_decref(v);
		return NULL;
	}
	return v;
}

static int print(json_t *v, size_t flags, struct err *e)
{
	int rc;

	if (!v)
		return err_nomem(e);
	rc = json_dumpf(v, stdout, flags);
	json_decref(v);
	/* A failed write is found, and told once, at the end of the run. */
	if (rc < 0 && !ferror(stdout))
		return err_nomem(e);
	putchar('\n');
	return 0;
}

static json_t *kept;	/* an array, or NULL: nothing is kept */

int json_collect(struct err *e)
{
	kept = json_array();
	return kept ? 0 : err_nomem(e);
}

int json_collected(struct err *e)
{
	json_t *all = kept;

	kept = NULL;
	return all ? json_print(all, e) : 0;
}

int json_print(json_t *v, struct err *e)
{
	if (kept && v)
		return json_array_append_new(kept, v) < 0 ? err_nomem(e) : 0;
	return print(v, JSON_INDENT(4) | JSON_SORT_KEYS, e);
}

int json_print_line(json_t *v, struct err *e)
{
	return print(v, JSON_PRESERVE_ORDER, e);
}
