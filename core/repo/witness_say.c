/* SPDX-License-Identifier: BSD-2-Clause */
/* What a look has found, in words for an administrator. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "repo/repo.h"
#include "repo/witness_priv.h"

#define SAY_WHEN_BYTES 32

int witness_find(struct witness_look *l, enum witness_kind kind,
		 const struct sid *session, const struct oid *record,
		 const char *fmt, ...)
{
	struct witness_finding *p = l->f;
	char text[ERR_MSG_BYTES];
	va_list ap;

	p = mem_resize(p, l->n_f + 1, sizeof(*p));
	if (!p)
		return err_nomem(l->e);
	l->f = p;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p[l->n_f] = (struct witness_finding) { .kind = kind,
		.session = *session, .record = *record,
		.text = mem_str(text) };
	return p[l->n_f].text ? (l->n_f++, 0) : err_nomem(l->e);
}

static const char *when_of(char out[SAY_WHEN_BYTES], int64_t nsec)
{
	time_t t = (time_t)(nsec / 1000000000);
	struct tm tm;

	if (nsec == 0 || !localtime_r(&t, &tm) ||
	    strftime(out, SAY_WHEN_BYTES, " of %Y-%m-%d %H:%M:%S", &tm) == 0)
		out[0] = '\0';
	return out;
}

const char *witness_which(char out[WITNESS_WHICH_BYTES],
			  const struct seen_archive *a)
{
	char when[SAY_WHEN_BYTES], hex[OID_HEX_BYTES];

	if (*a->name)
		snprintf(out, WITNESS_WHICH_BYTES, "'%s'%s", a->name,
			when_of(when, a->start_nsec));
	else
		snprintf(out, WITNESS_WHICH_BYTES, "with the id %.16s",
			oid_hex(&a->record, hex));
	return out;
}

/* Are those that are missing (*n) some in a row, or the newest that was seen?
 * What was made after a step back comes behind them. */
static bool is_back(const struct witness_look *l, size_t *n)
{
	bool missing, last = false;
	size_t i, k = 0, rows = 0;

	*n = 0;
	for (i = 0; i < l->s.n_live; i++) {
		const struct seen_archive *a = &l->s.live[i];

		if (a->gone || seen_is_dead(&l->more, &a->session))
			continue;
		while (k < l->n_x && (!l->x[k].a || l->x[k].cleared))
			k++;
		missing = k < l->n_x && l->x[k].a == a;
		rows += missing && !last;
		*n += missing;
		k += missing;
		last = missing;
	}
	return rows == 1 && (*n > 1 || last);
}

int witness_say_missing(struct witness_look *l)
{
	size_t n, i;
	bool back = is_back(l, &n), first = true;
	char id[WITNESS_WHICH_BYTES];
	int rc = 0;

	for (i = l->n_x; rc == 0 && i-- > 0;) {
		const struct seen_archive *a = l->x[i].a;

		if (!a || l->x[i].cleared)
			continue;
		if (!back || n == 1)
			rc = witness_find(l, back ? WITNESS_BACK :
				WITNESS_REMOVED, &a->session, &a->record,
				"the archive %s is gone, and nobody deleted "
				"it: %s", witness_which(id, a), back ? "it "
				"was the newest that this machine has seen, "
				"so an older copy of the repository may have "
				"been put in its place" :
				"its record was taken away");
		else if (first)
			rc = witness_find(l, WITNESS_BACK, &a->session,
				&a->record, "the repository went back in "
				"time: %zu archives in a row that this "
				"machine has seen are gone, and nobody "
				"deleted them, the newest is %s; an older "
				"copy of the repository may have been put in "
				"its place", n, witness_which(id, a));
		else
			rc = witness_find(l, WITNESS_BACK, &a->session,
				&a->record, "the archive %s is gone with "
				"them", witness_which(id, a));
		first = false;
	}
	return rc;
}

int witness_say_refs(struct witness_look *l)
{
	char hex[OID_HEX_BYTES], id[WITNESS_WHICH_BYTES];
	struct seen_archive nobody = { .name = (char *)(uintptr_t)"" };
	const struct seen_archive *by;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < l->n_x; i++) {
		const struct suspect *x = &l->x[i];

		if (x->a || x->cleared)
			continue;
		by = seen_live(&l->more, &x->ref.by);
		if (!by)
			by = seen_live(&l->s, &x->ref.by);
		rc = witness_find(l, WITNESS_FORKED, &x->ref.by,
			&x->ref.record, "the archive %s was made by a machine "
			"that has seen another one%s, with the id %.16s, which "
			"is not here "
			"and which nobody deleted: it was taken away, or "
			"machines are shown different histories",
			witness_which(id, by ? by : &nobody),
			x->prev ? " of its own" : "",
			oid_hex(&x->ref.record, hex));
		if (rc == 0)
			rc = seen_owe(&l->more, &x->ref, l->e);
	}
	return rc;
}

int witness_tell(struct witness_look *l)
{
	struct witness *w = repo_witness(l->r);
	struct oid h;
	uint64_t *value;
	bool was, back = false;
	size_t i;
	int rc = 0;

	pthread_mutex_lock(&w->mtx);
	for (i = 0; i < w->n; i++)
		free(w->f[i].text);
	free(w->f);
	w->f = l->f;
	w->n = l->n_f;
	l->f = NULL;
	l->n_f = 0;
	for (i = 0; rc == 0 && i < w->n; i++) {
		const struct witness_finding *f = &w->f[i];
		const uint8_t kind = (uint8_t)f->kind;

		key_hash(&h, NULL, &kind, 1, f->session.b, 16, f->record.b,
			32);
		rc = map_put(&w->told, h.b, &value, &was, l->e);
		/* Of those that went back together the first says it all. */
		if (rc == 0 && !was && !(back && f->kind == WITNESS_BACK))
			w->alarm(f, w->ctx);
		back |= f->kind == WITNESS_BACK;
	}
	pthread_mutex_unlock(&w->mtx);
	return rc;
}
