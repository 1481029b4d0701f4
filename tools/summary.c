/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/alarm.h"
#include "tools/human.h"
#include "tools/talk.h"

struct row {
	char *config, *repository, *error;
	int64_t begin_nsec, end_nsec;	/* monotonic */
	bool ended;
	char *archive;			/* NULL: none was made */
	char state[ALARM_WORDS_BYTES];	/* after it */
	struct record_stats made;
	uint64_t mails, gone;
	bool gone_known;
	bool pruned, compacted, checked;
	size_t deleted;
	uint64_t freed_bytes;
};
struct summary {
	struct row *row;
	size_t n;
};

struct summary *summary_new(void)
{
	return mem_zero(1, sizeof(struct summary));
}

static void row_clear(struct row *r)
{
	free(r->config);
	free(r->repository);
	free(r->error);
	free(r->archive);
	memset(r, 0, sizeof(*r));
}

void summary_free(struct summary *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n; i++)
		row_clear(&s->row[i]);
	free(s->row);
	free(s);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* The row of this name, cleared; at the end if there is none. */
static struct row *row_for(struct summary *s, const char *config,
			   const char *repository)
{
	struct row *more;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (same(s->row[i].config, config) &&
		    same(s->row[i].repository, repository)) {
			more = &s->row[i];
			row_clear(more);
			/* The last row is the open one. */
			if (i + 1 < s->n) {
				memmove(more, more + 1, (s->n - i - 1) *
					sizeof(*more));
				memset(&s->row[s->n - 1], 0, sizeof(*more));
			}
			return &s->row[s->n - 1];
		}
	more = mem_resize(s->row, s->n + 1, sizeof(*more));
	if (!more)
		return NULL;
	s->row = more;
	memset(&more[s->n], 0, sizeof(*more));
	return &more[s->n++];
}

void summary_begin(struct summary *s, const char *config,
		   const char *repository)
{
	struct row *r = s ? row_for(s, config, repository) : NULL;

	if (!r)
		return;
	r->config = config ? mem_str(config) : NULL;
	r->repository = repository ? mem_str(repository) : NULL;
	r->begin_nsec = clock_mono_nsec();
}

static struct row *open_row(struct summary *s)
{
	return s && s->n && !s->row[s->n - 1].ended ? &s->row[s->n - 1] :
		NULL;
}

void summary_end(struct summary *s, const char *error)
{
	struct row *r = open_row(s);

	if (!r)
		return;
	r->ended = true;
	r->end_nsec = clock_mono_nsec();
	r->error = error ? mem_str(error) : NULL;
}

void summary_created(struct summary *s, const struct create_result *res)
{
	struct row *r = open_row(s);

	if (!r)
		return;
	free(r->archive);
	r->archive = mem_str(res->rec.name);
	alarm_words(r->state, &res->id);
	r->made = res->rec.stats;
	r->mails = res->new_mails;
	r->gone = res->gone;
	r->gone_known = res->gone_known;
}

void summary_pruned(struct summary *s, size_t archives)
{
	struct row *r = open_row(s);

	if (!r)
		return;
	r->pruned = true;
	r->deleted += archives;
}

void summary_compacted(struct summary *s, uint64_t freed_bytes)
{
	struct row *r = open_row(s);

	if (!r)
		return;
	r->compacted = true;
	r->freed_bytes += freed_bytes;
}

void summary_checked(struct summary *s)
{
	struct row *r = open_row(s);

	if (r)
		r->checked = true;
}

static void put_made(struct buf *b, const struct row *r, const struct app *a)
{
	char size[HUMAN_BYTES], stored[HUMAN_BYTES];

	buf_printf(b, NULL, "created '%s': %" PRIu64 " new", r->archive,
		   r->made.added);
	if (r->mails)
		buf_printf(b, NULL, " (%" PRIu64 " of them mails)", r->mails);
	buf_printf(b, NULL, ", %" PRIu64 " changed", r->made.changed);
	if (r->gone_known)
		buf_printf(b, NULL, ", %" PRIu64 " gone", r->gone);
	buf_printf(b, NULL, " of %" PRIu64 " files, %s, %s stored; ",
		   r->made.files, app_size(a, size, r->made.bytes),
		   app_size(a, stored, r->made.stored_bytes));
	if (r->made.errors)
		buf_printf(b, NULL, "%" PRIu64 " files could not be read; ",
			   r->made.errors);
	buf_printf(b, NULL, "state %s; ", r->state);
}

/* "/etc/x.yaml: rsync: created ...; checked; 2.00 seconds" */
static void put_row(struct buf *b, const struct row *r, const struct app *a)
{
	char text[HUMAN_BYTES];

	buf_printf(b, NULL, "%s%s%s: ", r->config ? r->config : "",
		   r->config && r->repository ? ": " : "",
		   r->repository ? r->repository : "");
	if (r->archive)
		put_made(b, r, a);
	if (r->pruned)
		buf_printf(b, NULL, "pruned %zu archives; ", r->deleted);
	if (r->compacted)
		buf_printf(b, NULL, "compacted, %s freed; ",
			   app_size(a, text, r->freed_bytes));
	if (r->checked)
		buf_printf(b, NULL, "checked; ");
	if (r->error)
		buf_printf(b, NULL, "FAILED: %s", r->error);
	else
		buf_printf(b, NULL, "%s", human_duration(text,
			(double)(r->end_nsec - r->begin_nsec) / 1e9));
}

static void print_rows(const struct summary *s, const struct app *a,
		       bool failed)
{
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if ((s->row[i].error != NULL) != failed)
			continue;
		buf_clear(&b);
		put_row(&b, &s->row[i], a);
		if (buf_cstr(&b, NULL) == 0)
			talk_say(failed ? TALK_ERROR : TALK_INFO, "%s",
				 (const char *)b.p);
	}
	buf_release(&b);
}

void summary_print(const struct summary *s, const struct app *a)
{
	bool bad = false;
	size_t i;

	if (!s || !s->n)
		return;
	for (i = 0; i < s->n; i++)
		bad |= s->row[i].error != NULL;
	talk_say(bad ? TALK_ERROR : TALK_INFO, "summary:");
	print_rows(s, a, false);
	print_rows(s, a, true);
}
