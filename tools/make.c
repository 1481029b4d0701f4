/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/make.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/config/config.h"
#include "tools/placeholder.h"
#include "tools/talk.h"
#include "tools/times.h"

#define AT(member) offsetof(struct make_args, member)
const struct opt_row make_rows[] = {
	{ OPT_BOOL, 's', "stats|statistics", AT(stats), NULL,
	  "figures of the archive, on standard output", OPT_SHARED, NULL },
	{ OPT_BOOL, 0, "json", AT(json), NULL, "the same as JSON", 0, NULL },
	{ OPT_BOOL, 0, "list|files", AT(list), NULL,
	  "list the files with their status, on stderr", OPT_SHARED, NULL },
	{ OPT_STR, 0, "filter", AT(filter), "LETTERS",
	  "only files with these status letters", 0, NULL },
	{ OPT_STR, 0, "comment", AT(comment), "TEXT",
	  "a comment for the archive", 0, NULL },
	{ OPT_STR, 0, "timestamp", AT(timestamp), "TIME|FILE",
	  "its time: UTC, as 2026-11-23T14:00:00, or that of a file", 0,
	  NULL },
	{ OPT_STR, 'C', "compression", AT(compression), "SPEC",
	  "none, lz4, zstd[,1-22] (the default is auto,zstd,3), auto,SPEC", 0,
	  NULL },
	{ OPT_COUNT, 0, "checkpoint-interval", AT(checkpoint_secs),
	  "SECONDS", "how often what was stored is made known, for the next "
	  "run, if this one dies (default: 300)", 0, NULL },
	{ OPT_STR, 0, "chunker-params", AT(chunker), "PARAMS",
	  "accepted and not used: there is one way of cutting files", 0,
	  NULL },
	{ 0 }
};

#define DEFAULT_NAME "{hostname}-{now:%Y-%m-%dT%H:%M:%S.%f}"

int make_init(struct make *m, struct app *a, const struct make_args *o,
	      const char *name, struct err *e)
{
	static const struct comp_spec usual = COMP_SPEC_DEFAULT;
	void (*talk)(const char *fmt, ...)
		__attribute__((format(printf, 1, 2)));
	const char *note = NULL;
	int rc;

	memset(m, 0, sizeof(*m));
	m->a = a;
	m->o = o;
	m->comp = usual;
	if (name && !(m->name = mem_str(name)))
		return err_nomem(e);
	if (!name && (rc = placeholder_expand(&m->name, DEFAULT_NAME, e)) < 0)
		return rc;
	if ((rc = catalog_name_check(m->name, e)) < 0)
		return rc;
	if (o->comment &&
	    (rc = placeholder_expand(&m->comment, o->comment, e)) < 0)
		return rc;
	if (o->timestamp &&
	    (rc = times_parse(&m->timestamp_nsec, o->timestamp, e)) < 0)
		return rc;
	if (o->compression &&
	    (rc = comp_parse(&m->comp, o->compression, &note, e)) < 0)
		return rc;
	if (o->json && a->o.dry_run)
		return err_set(e, ERR_CONFIG, "--json and --dry-run cannot be "
			       "used together: nothing is made that could be "
			       "described");
	/* On a terminal somebody reads it; every hour in cron nobody would. */
	talk = isatty(STDERR_FILENO) ? talk_warn : talk_info;
	if (note)
		talk("--compression %s: %s", o->compression, note);
	if (o->chunker)
		talk("--chunker-params is not used: files are cut in one "
			  "way in all repositories");
	return 0;
}

static void on_item(char status, const char *path, void *ctx)
{
	struct make *m = ctx;

	if (!m->o->filter || strchr(m->o->filter, status))
		talk_file(status, path);
}

static void on_progress(const struct create_progress *p, void *ctx)
{
	struct make *m = ctx;
	struct progress_at at = {
		.files = p->files, .bytes = p->bytes,
		.new_bytes = p->new_bytes, .stored_bytes = p->stored_bytes,
		.text = p->path
	};

	progress_show(&m->progress, &at);
}

void make_fill(struct make *m, struct create_opts *co)
{
	co->name = m->name;
	co->comment = m->comment;
	if (m->a->config) {
		co->host = m->a->config->archive_hostname;
		co->user = m->a->config->archive_username;
	}
	co->timestamp_nsec = m->timestamp_nsec;
	co->command = &m->a->command;
	co->comp = m->comp;
	co->threads_auto = true;
	co->flush_secs = m->o->checkpoint_secs;
	co->cancel = m->a->cancel;
	co->item = m->o->list ? on_item : NULL;
	co->progress = on_progress;
	co->ctx = m;
	progress_begin(&m->progress, m->a, "create");
}

int make_finish(struct make *m, struct repo *r,
		const struct create_result *res, int rc, struct err *e)
{
	enum report_how how = m->o->json ? REPORT_JSON : m->o->stats ?
		REPORT_STATS : REPORT_NOTHING;

	progress_end(&m->progress);
	if (rc < 0)
		return rc;
	if (res->walk_errors)
		m->a->warned = true;
	if (m->a->o.dry_run)
		return 0;
	rc = report_created(m->a, r, res, how, e);
	if (rc == 0 && res->partial)
		return err_set(e, ERR_CANCEL, "interrupted: what was read "
			       "until then is the partial archive '%s'",
			       res->rec.name);
	if (rc == 0)
		talk_info("made the archive '%s'", m->name);
	return rc;
}

void make_release(struct make *m)
{
	free(m->name);
	free(m->comment);
	m->name = m->comment = NULL;
}
