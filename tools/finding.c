/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/finding.h"

#include <string.h>
#include <unistd.h>

#include "tools/json.h"
#include "tools/talk.h"

#define THREADS_MAX 3

int finding_begin(struct findings *f, struct app *a, const char *what,
		  bool json, struct err *e)
{
	memset(f, 0, sizeof(*f));
	f->a = a;
	progress_begin(&f->progress, a, what);
	if (json && !(f->list = json_array()))
		return err_nomem(e);
	return 0;
}

static void put_text(json_t *x, const char *key, const char *text)
{
	if (text)
		json_object_set_new(x, key, json_text(text));
}

static void keep(struct findings *f, const struct check_finding *x)
{
	json_t *o;

	if (json_array_size(f->list) >= FINDINGS_KEPT) {
		f->left_out++;
		return;
	}
	o = json_object();
	put_text(o, "severity", x->severity == CHECK_DAMAGE ? "damage" :
		 "note");
	put_text(o, "file", x->file);
	put_text(o, "archive", x->archive);
	put_text(o, "path", x->path);
	put_text(o, "message", x->text);
	if (json_array_append_new(f->list, o) < 0)
		f->nomem = true;
}

void finding_say(const struct check_finding *x, void *ctx)
{
	struct findings *f = ctx;
	struct err e;

	if (x->severity == CHECK_DAMAGE)
		f->a->warned = true;
	if (f->list) {
		keep(f, x);
		return;
	}
	err_set(&e, ERR_CORRUPT, "%s%s%s%s%s%s%s", x->archive ? x->archive :
		"", x->archive ? ": " : "", x->path ? x->path : "",
		x->path ? ": " : "", x->file ? x->file : "", x->file ? ": " :
		"", x->text);
	if (x->severity == CHECK_DAMAGE)
		talk_error(&e);
	else
		talk_info("%s", e.msg);
}

void finding_progress(const struct check_progress *p, void *ctx)
{
	struct findings *f = ctx;
	struct progress_at at = { .done = p->done, .total = p->total,
				  .counts = true, .text = p->what };

	progress_show(&f->progress, &at);
}

json_t *finding_document(struct findings *f)
{
	json_t *doc = json_object();

	if (f->nomem || json_object_set(doc, "findings", f->list) < 0 ||
	    json_object_set_new(doc, "findings_left_out",
				json_int(f->left_out)) < 0) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}

void finding_end(struct findings *f)
{
	progress_end(&f->progress);
	json_decref(f->list);
	f->list = NULL;
}

unsigned finding_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}
