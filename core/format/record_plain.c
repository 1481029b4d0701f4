/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/content.h"
#include "format/record_priv.h"
#include "format/text.h"

int record_put_head(struct buf *out, const struct record *r, struct err *e)
{
	struct wr w;
	uint32_t i;

	if (r->n_seen > RECORD_SEEN_MAX || r->flags & ~(uint32_t)RECORD_FLAGS)
		return err_set(e, ERR_CONFIG,
			"archive record: %u other clients, flags %#x",
			r->n_seen, r->flags);
	wr_init(&w, out);
	wr_bytes(&w, r->client.b, sizeof(r->client.b));
	wr_le64(&w, r->seq);
	wr_bytes(&w, r->prev.b, sizeof(r->prev.b));
	wr_le32(&w, r->generation);
	wr_le32(&w, r->flags);
	wr_varint(&w, r->n_seen);
	for (i = 0; i < r->n_seen; i++) {
		wr_bytes(&w, r->seen[i].client.b, sizeof(struct sid));
		wr_le64(&w, r->seen[i].seq);
		wr_bytes(&w, r->seen[i].hash.b, sizeof(struct oid));
	}
	return wr_done(&w, e);
}

int record_get_head(struct record *r, const uint8_t *p, size_t len,
	struct err *e)
{
	struct rd in;
	uint32_t i;

	rd_init(&in, p, len);
	rd_copy(&in, r->client.b, sizeof(r->client.b));
	r->seq = rd_le64(&in);
	rd_copy(&in, r->prev.b, sizeof(r->prev.b));
	r->generation = rd_le32(&in);
	r->flags = rd_le32(&in);
	r->n_seen = (uint32_t)rd_varint_max(&in, RECORD_SEEN_MAX);
	if (in.bad || r->flags & ~(uint32_t)RECORD_FLAGS) {
		r->n_seen = 0;
		return err_set(e, ERR_CORRUPT, "record's head is damaged");
	}
	r->seen = mem_zero(r->n_seen, sizeof(*r->seen));
	if (!r->seen)
		return err_nomem(e);
	for (i = 0; i < r->n_seen; i++) {
		rd_copy(&in, r->seen[i].client.b, sizeof(struct sid));
		r->seen[i].seq = rd_le64(&in);
		rd_copy(&in, r->seen[i].hash.b, sizeof(struct oid));
	}
	if (!rd_done(&in))
		return err_set(e, ERR_CORRUPT, "record's head is damaged");
	return 0;
}

static const char *bad_owners(const struct record_name *o, uint32_t n)
{
	uint32_t i;

	if (n > RECORD_OWNERS_MAX)
		return "number of owners";
	for (i = 0; i < n; i++)
		if (!text_fits(o[i].name, RECORD_TEXT_MAX))
			return "name of an owner";
	return NULL;
}

/* NULL, or what of a record's body cannot be stored. */
static const char *bad_body(const struct record *r)
{
	const char *bad;

	if (!record_name_ok(r->name))
		return "name";
	if (!text_fits(r->series, RECORD_TEXT_MAX))
		return "series";
	if (!text_fits(r->host, RECORD_TEXT_MAX))
		return "host";
	if (!text_fits(r->user, RECORD_TEXT_MAX))
		return "user";
	if (!text_fits(r->comment, RECORD_COMMENT_MAX))
		return "comment";
	if (!text_fits(r->program, RECORD_TEXT_MAX))
		return "program";
	if (!text_list_fits(&r->command, RECORD_ARGS_MAX, RECORD_ARG_MAX))
		return "command line";
	if (!text_list_fits(&r->paths, RECORD_ARGS_MAX, RECORD_ARG_MAX))
		return "paths";
	if (!text_list_fits(&r->warnings, RECORD_WARNINGS_MAX,
			    RECORD_TEXT_MAX))
		return "warnings";
	if (r->root.kind == DIR_INLINE)
		return "root directory";
	if ((bad = dir_ref_bad(&r->root)))
		return bad;
	if ((bad = bad_owners(r->users, r->n_users)))
		return bad;
	return bad_owners(r->groups, r->n_groups);
}

static void put_owners(struct wr *w, const struct record_name *o, uint32_t n)
{
	uint32_t i;

	wr_varint(w, n);
	for (i = 0; i < n; i++) {
		wr_varint(w, o[i].id);
		text_put(w, o[i].name);
	}
}

static int get_owners(struct rd *r, struct record_name **o, uint32_t *n,
	struct err *e)
{
	uint32_t i;
	int rc;

	*n = (uint32_t)rd_varint_max(r, RECORD_OWNERS_MAX);
	*o = mem_zero(*n, sizeof(**o));
	if (!*o) {
		*n = 0;
		return err_nomem(e);
	}
	for (i = 0; i < *n && !r->bad; i++) {
		(*o)[i].id = (uint32_t)rd_varint_max(r, UINT32_MAX);
		rc = text_get(r, &(*o)[i].name, RECORD_TEXT_MAX, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void stats_list(uint64_t *list[RECORD_STATS], struct record_stats *s)
{
	list[0] = &s->files;
	list[1] = &s->dirs;
	list[2] = &s->bytes;
	list[3] = &s->stored_bytes;
	list[4] = &s->new_bytes;
	list[5] = &s->comp_bytes;
	list[6] = &s->added;
	list[7] = &s->changed;
	list[8] = &s->unchanged;
	list[9] = &s->errors;
}

int record_put_body(struct buf *out, const struct record *r, struct err *e)
{
	struct record_stats stats = r->stats;
	uint64_t *stat[RECORD_STATS];
	const char *bad = bad_body(r);
	struct wr w;
	unsigned i;

	if (bad)
		return err_set(e, ERR_CONFIG,
			"archive record cannot be written: %s", bad);
	stats_list(stat, &stats);
	wr_init(&w, out);
	text_put(&w, r->name);
	text_put(&w, r->series);
	text_put(&w, r->host);
	text_put(&w, r->user);
	text_put(&w, r->comment);
	text_put(&w, r->program);
	text_put_list(&w, &r->command);
	text_put_list(&w, &r->paths);
	wr_le64(&w, (uint64_t)r->start_nsec);
	wr_le64(&w, (uint64_t)r->end_nsec);
	wr_zigzag(&w, r->utc_offset_secs);
	dir_ref_put(&w, &r->root);
	for (i = 0; i < RECORD_STATS; i++)
		wr_varint(&w, *stat[i]);
	text_put_list(&w, &r->warnings);
	put_owners(&w, r->users, r->n_users);
	put_owners(&w, r->groups, r->n_groups);
	return wr_done(&w, e);
}

static int get_texts(struct rd *in, struct record *r, struct err *e)
{
	const struct {
		char **to;
		size_t max;
	} text[] = {
		{ &r->name, RECORD_NAME_MAX },
		{ &r->series, RECORD_TEXT_MAX },
		{ &r->host, RECORD_TEXT_MAX },
		{ &r->user, RECORD_TEXT_MAX },
		{ &r->comment, RECORD_COMMENT_MAX },
		{ &r->program, RECORD_TEXT_MAX }
	};
	size_t i;
	int rc;

	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		if ((rc = text_get(in, text[i].to, text[i].max, e)) < 0)
			return rc;
	rc = text_get_list(in, &r->command, RECORD_ARGS_MAX, RECORD_ARG_MAX,
		e);
	if (rc < 0)
		return rc;
	return text_get_list(in, &r->paths, RECORD_ARGS_MAX, RECORD_ARG_MAX,
		e);
}

static int get_body(struct rd *in, struct record *r, struct err *e)
{
	uint64_t *stat[RECORD_STATS];
	int64_t offset;
	unsigned i;
	int rc;

	if ((rc = get_texts(in, r, e)) < 0)
		return rc;
	r->start_nsec = (int64_t)rd_le64(in);
	r->end_nsec = (int64_t)rd_le64(in);
	offset = rd_zigzag(in);
	if (offset < INT32_MIN || offset > INT32_MAX)
		rd_fail(in);
	r->utc_offset_secs = (int32_t)offset;
	dir_ref_get(in, &r->root);
	stats_list(stat, &r->stats);
	for (i = 0; i < RECORD_STATS; i++)
		*stat[i] = rd_varint(in);
	rc = text_get_list(in, &r->warnings, RECORD_WARNINGS_MAX,
		RECORD_TEXT_MAX, e);
	if (rc == 0)
		rc = get_owners(in, &r->users, &r->n_users, e);
	if (rc == 0)
		rc = get_owners(in, &r->groups, &r->n_groups, e);
	return rc;
}

int record_get_body(struct record *r, const uint8_t *p, size_t len,
	struct err *e)
{
	struct rd in;
	int rc;

	rd_init(&in, p, len);
	if ((rc = get_body(&in, r, e)) < 0)
		return rc;
	rd_zero(&in, rd_left(&in));
	if (!rd_done(&in) || bad_body(r))
		return err_set(e, ERR_CORRUPT, "record's body is damaged");
	return 0;
}
