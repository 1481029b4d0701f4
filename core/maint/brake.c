/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/brake.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "repo/home.h"

#define DAY_NSEC INT64_C(86400000000000)
#define BRAKE_WINDOW_NSEC (7 * DAY_NSEC)
#define BRAKE_REPLACED_NSEC (BRAKE_WINDOW_NSEC / 2)
#define BRAKE_CALM 3			/* runs before one that replaces */
#define BRAKE_FILES_MIN 10		/* below these, half is nothing */
#define BRAKE_BYTES_MIN (1u << 20)
#define BRAKE_FILE_MAX (1u << 20)

struct brake {
	const struct catalog *c;
	struct map accepted;		/* sessions of records */
	char *path;			/* NULL: nowhere to keep it */
	const struct catalog_item **line;	/* c->n + 1 places */
	size_t n;
};

static bool brake_same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

bool brake_same_line(const struct record *a, const struct record *b)
{
	size_t i;

	if (!brake_same_text(a->series, b->series) ||
	    !brake_same_text(a->host, b->host) || a->paths.n != b->paths.n)
		return false;
	for (i = 0; i < a->paths.n; i++)
		if (strcmp(a->paths.v[i], b->paths.v[i]) != 0)
			return false;
	return true;
}

static int brake_load(struct brake *b, struct err *e)
{
	struct buf text = { .max = BRAKE_FILE_MAX };
	char hex[SID_HEX_BYTES];
	struct err why = { ERR_OK, "" };
	struct sid sid;
	uint64_t *value;
	size_t at;
	bool was;
	int rc;

	rc = io_read_file(AT_FDCWD, b->path, &text, &why);
	if (rc < 0 && rc != ERR_NOENT)
		log_warn("prune", "%s", why.msg);
	rc = 0;
	for (at = 0; rc == 0 && at + SID_HEX_BYTES <= text.len;
	     at += SID_HEX_BYTES) {
		memcpy(hex, text.p + at, SID_HEX_BYTES - 1);
		hex[SID_HEX_BYTES - 1] = '\0';
		if (sid_parse(&sid, hex) && !sid_is_zero(&sid))
			rc = map_put(&b->accepted, sid.b, &value, &was, e);
	}
	buf_release(&text);
	return rc;
}

int brake_open(struct brake **out, struct repo *r, const struct catalog *c,
	       struct err *e)
{
	struct brake *b = mem_zero(1, sizeof(*b));
	char hex[SID_HEX_BYTES], *config = home_config();
	int rc = 0;

	*out = b;
	if (b) {
		b->c = c;
		b->line = mem_array(c->n + 1, sizeof(*b->line));
		if (config)
			b->path = mem_printf("%s/accepted/%s", config,
					     sid_hex(repo_id(r), hex));
	}
	if (!b || !b->line || (config && !b->path))
		rc = err_nomem(e);
	free(config);
	if (rc == 0 && b->path)
		rc = brake_load(b, e);
	if (rc < 0) {
		brake_free(b);
		*out = NULL;
	}
	return rc;
}

void brake_free(struct brake *b)
{
	if (!b)
		return;
	map_release(&b->accepted);
	free(b->path);
	free(b->line);
	free(b);
}

/* The complete archives of the line of 'it', oldest first, from the newest
 * accepted one on. */
static void brake_gather(struct brake *b, const struct catalog_item *it)
{
	const struct catalog_item *one;
	size_t i;

	b->n = 0;
	for (i = 0; i < b->c->n; i++) {
		one = b->c->item[i];
		if ((one->rec.flags & RECORD_PARTIAL) ||
		    !brake_same_line(&one->rec, &it->rec))
			continue;
		if (map_get(&b->accepted, one->rec.session.b))
			b->n = 0;
		b->line[b->n++] = one;
	}
}

struct brake_sample {
	uint64_t value, weight;
};

static int brake_sample_cmp(const void *pa, const void *pb)
{
	const struct brake_sample *a = pa, *b = pb;

	return (a->value > b->value) - (a->value < b->value);
}

/* What held for the longer part of the window before the newest; of two that
 * held equally long, the larger. */
static uint64_t brake_median(struct brake_sample *s, size_t n)
{
	uint64_t all = 0, sum = 0;
	size_t i;

	qsort(s, n, sizeof(*s), brake_sample_cmp);
	for (i = 0; i < n; i++)
		all += s[i].weight;
	for (i = 0; i + 1 < n; i++) {
		sum += s[i].weight;
		if (sum > all - sum)
			break;
	}
	return s[i].value;
}

static uint64_t brake_value(const struct catalog_item *it, bool bytes)
{
	return bytes ? it->rec.stats.bytes : it->rec.stats.files;
}

static int brake_usual(const struct brake *b, bool bytes, uint64_t *usual,
		       struct err *e)
{
	int64_t end = b->line[b->n - 1]->rec.start_nsec, from, to;
	struct brake_sample *s = mem_array(b->n, sizeof(*s));
	size_t i, n = 0;

	if (!s)
		return err_nomem(e);
	for (i = 0; i + 1 < b->n; i++) {
		from = b->line[i]->rec.start_nsec;
		to = b->line[i + 1]->rec.start_nsec;
		if (to < end - BRAKE_WINDOW_NSEC)
			continue;
		if (from < end - BRAKE_WINDOW_NSEC)
			from = end - BRAKE_WINDOW_NSEC;
		s[n].value = brake_value(b->line[i], bytes);
		s[n++].weight = to > from ? (uint64_t)(to - from) : 1;
	}
	*usual = brake_median(s, n);
	free(s);
	return 0;
}

/* Plain bytes that came anew, and not because there is more now. */
static bool brake_replaced(const struct catalog_item *was,
			   const struct catalog_item *is)
{
	uint64_t before = was->rec.stats.bytes, now = is->rec.stats.bytes;
	uint64_t more = now > before ? now - before : 0;
	uint64_t fresh = is->rec.stats.new_bytes;

	return fresh > more && fresh - more > before / 2;
}

static const struct catalog_item *brake_find_replaced(const struct brake *b)
{
	int64_t end = b->line[b->n - 1]->rec.start_nsec;
	size_t i, calm = 0;

	for (i = 1; i < b->n; i++) {
		if (!brake_replaced(b->line[i - 1], b->line[i])) {
			calm++;
			continue;
		}
		if (calm >= BRAKE_CALM &&
		    b->line[i - 1]->rec.stats.bytes >= BRAKE_BYTES_MIN &&
		    b->line[i]->rec.start_nsec >= end - BRAKE_REPLACED_NSEC)
			return b->line[i];
		calm = 0;
	}
	return NULL;
}

int brake_on(struct brake *b, const struct catalog_item *it, bool *on,
	     char why[BRAKE_WHY_BYTES], struct err *e)
{
	const struct catalog_item *newest, *replaced;
	uint64_t files, bytes;
	int rc;

	*on = false;
	brake_gather(b, it);
	if (b->n < 2)
		return 0;
	newest = b->line[b->n - 1];
	if ((rc = brake_usual(b, false, &files, e)) < 0 ||
	    (rc = brake_usual(b, true, &bytes, e)) < 0)
		return rc;
	replaced = brake_find_replaced(b);
	*on = true;
	if (files >= BRAKE_FILES_MIN && newest->rec.stats.files < files / 2)
		snprintf(why, BRAKE_WHY_BYTES, "the archive '%.100s' has %"
			 PRIu64 " files where %" PRIu64 " were usual in the "
			 "days before it", newest->rec.name,
			 newest->rec.stats.files, files);
	else if (bytes >= BRAKE_BYTES_MIN &&
		 newest->rec.stats.bytes < bytes / 2)
		snprintf(why, BRAKE_WHY_BYTES, "the archive '%.100s' has %"
			 PRIu64 " bytes where %" PRIu64 " were usual in the "
			 "days before it", newest->rec.name,
			 newest->rec.stats.bytes, bytes);
	else if (replaced)
		snprintf(why, BRAKE_WHY_BYTES, "in the archive '%.100s' more "
			 "than half of all bytes were replaced at once",
			 replaced->rec.name);
	else
		*on = false;
	return 0;
}

/* Decisions on archives that are gone are dropped. */
int brake_accept(struct brake *b, const struct catalog_item *it,
		 struct err *e)
{
	char hex[SID_HEX_BYTES], *slash;
	struct buf text = BUF_INIT;
	const struct sid *sid;
	uint64_t *value;
	bool was;
	size_t i;
	int rc;

	brake_gather(b, it);
	if (b->n == 0 || !b->path)
		return 0;
	sid = &b->line[b->n - 1]->rec.session;
	rc = map_put(&b->accepted, sid->b, &value, &was, e);
	for (i = 0; rc == 0 && i < b->c->n; i++) {
		sid = &b->c->item[i]->rec.session;
		if (map_get(&b->accepted, sid->b))
			rc = buf_printf(&text, e, "%s\n", sid_hex(sid, hex));
	}
	slash = strrchr(b->path, '/');
	*slash = '\0';
	if (rc == 0)
		rc = io_make_dirs(b->path, e);
	*slash = '/';
	if (rc == 0)
		rc = io_publish(AT_FDCWD, b->path, text.p, text.len, 0600, e);
	buf_release(&text);
	return rc;
}
