/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/human.h"
#include "tools/json.h"
#include "tools/stop.h"
#include "tools/talk.h"

#define LIVE_NSEC 200000000
#define LINE_NSEC 30000000000

void progress_begin(struct progress *p, const struct app *a, const char *what)
{
	p->a = a;
	p->what = what;
	p->live = a->o.progress != APP_PROGRESS_OFF && talk_is_terminal() &&
		(a->o.progress == APP_PROGRESS_ON ||
		 a->o.level <= TALK_WARNING);
	p->lines = a->o.progress == APP_PROGRESS_ON && !p->live;
	p->next_nsec = clock_mono_nsec() +
		(p->live || talk_is_json() ? 0 : LINE_NSEC);
}

static void show_json(const struct progress *p, const struct progress_at *at,
		      bool finished)
{
	bool create = !strcmp(p->what, "create");
	json_t *v = json_pack("{s:s, s:f, s:b}", "type", create ?
			      "archive_progress" : "progress_percent", "time",
			      (double)clock_wall_nsec() / 1e9, "finished",
			      finished);

	if (v && create && !finished) {
		json_object_set_new(v, "original_size", json_int(at->bytes));
		json_object_set_new(v, "compressed_size",
				    json_int(at->stored_bytes));
		json_object_set_new(v, "deduplicated_size",
				    json_int(at->stored_bytes));
		json_object_set_new(v, "nfiles", json_int(at->files));
		json_object_set_new(v, "path", json_text(at->text));
	} else if (v && !create) {
		json_object_set_new(v, "operation", json_integer(1));
		json_object_set_new(v, "msgid", json_string(p->what));
	}
	if (v && !create && !finished) {
		json_object_set_new(v, "current", json_int(at->done));
		json_object_set_new(v, "total", json_int(at->total));
		json_object_set_new(v, "message", json_text(at->text));
	}
	talk_json(v);
}

static void add_bar(struct buf *b, const struct progress_at *at)
{
	static const char full[] = "====================";
	unsigned tenths = (unsigned)((double)at->done * 1000 /
				     (double)at->total);
	int n;

	if (tenths > 1000)
		tenths = 1000;
	n = (int)(tenths / 50);
	buf_printf(b, NULL, "[%.*s%*s] %3u.%u%%  ", n, full, 20 - n, "",
		   tenths / 10, tenths % 10);
}

static void make_text(struct buf *b, const struct progress *p,
		      const struct progress_at *at)
{
	char s[HUMAN_BYTES], t[HUMAN_BYTES];

	if (at->total)
		add_bar(b, at);
	if (at->counts)
		buf_printf(b, NULL, "%" PRIu64 " of %" PRIu64 "  ", at->done,
			   at->total);
	else if (at->total)
		buf_printf(b, NULL, "%s of %s  ", app_size(p->a, s, at->done),
			   app_size(p->a, t, at->total));
	else
		buf_printf(b, NULL, "%" PRIu64 " files  %s  ", at->files,
			   app_size(p->a, s, at->bytes));
	if (!strcmp(p->what, "create"))
		buf_printf(b, NULL, "%s new  %s stored  ",
			   app_size(p->a, s, at->new_bytes),
			   app_size(p->a, t, at->stored_bytes));
}

/* The end of a path says more than its beginning. */
static void add_path(struct buf *b, const char *text, size_t columns)
{
	size_t len = strlen(text), room;

	room = columns > b->len + 1 ? columns - b->len - 1 : 0;
	if (len <= room) {
		buf_append(b, text, len, NULL);
	} else if (room > 8) {
		text += len - (room - 3);
		while (((unsigned char)*text & 0xc0) == 0x80)
			text++;
		buf_printf(b, NULL, "...%s", text);
	}
}

void progress_show(struct progress *p, const struct progress_at *at)
{
	bool asked = stop_where();
	int64_t now;
	struct buf b = BUF_INIT;

	if (!asked && !p->live && !p->lines)
		return;
	now = clock_mono_nsec();
	if (!asked && now < p->next_nsec)
		return;
	p->next_nsec = now + (p->live || talk_is_json() ? LIVE_NSEC :
			      LINE_NSEC);
	if (talk_is_json()) {
		show_json(p, at, false);
		return;
	}
	make_text(&b, p, at);
	add_path(&b, at->text ? at->text : "", p->live && !asked ?
		 talk_columns() : 4096);
	if (buf_cstr(&b, NULL) == 0) {
		if (p->live && !asked)
			talk_transient((const char *)b.p);
		else
			talk_line("%s: %s", p->what, (const char *)b.p);
	}
	buf_release(&b);
}

void progress_end(struct progress *p)
{
	if (p->live)
		talk_transient("");
	if (p->lines && talk_is_json())
		show_json(p, NULL, true);
}
