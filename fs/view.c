/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/view.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/dates.h"

#define VIEW_EVERY_NSEC INT64_C(1000000000)
#define VIEW_REST_NSEC INT64_C(250000000)	/* if a look takes long */
#define VIEW_WAIT_SECS 2

struct view {
	struct reader *rd;
	struct view_opts o;

	pthread_mutex_t mtx;	/* a leaf: no store, no tree under it */
	bool busy;		/* mtx: somebody looks, and has 'cat' */
	int64_t due_nsec;	/* mtx; monotonic: when to look again */
	pthread_cond_t idle;	/* 'busy' became false */
	struct catalog *cat;	/* whoever made 'busy' true */

	/* mtx, as all below */
	struct arch **arch;	/* arch[i]->serial == i; never removed */
	size_t n, cap;
	struct map by_session;	/* session -> serial */
	struct arch **by_name;	/* those listed, sorted */
	size_t n_listed;
	struct dates dates;	/* those listed */
	struct arch *latest;
	struct view_facts facts;
	uint64_t generation;
};

static int view_name_cmp(const void *a, const void *b)
{
	const struct arch *const *x = a, *const *y = b;
	int d = strcmp((*x)->name, (*y)->name);

	if (d)
		return d;
	return (*x)->serial < (*y)->serial ? -1 : (*x)->serial > (*y)->serial;
}

/* The name to show.  Two clients may have made the same one at the same time,
 * and a record is only as good as its writer. */
static char *view_name(const struct catalog_item *it, bool twice)
{
	char hex[OID_HEX_BYTES];

	oid_hex(&it->id, hex);
	if (!it->rec.name || catalog_name_check(it->rec.name, NULL) < 0)
		return mem_str(hex);
	/* What stands beside the archives is not hidden by one. */
	if (twice || strcmp(it->rec.name, VIEW_DATES) == 0 ||
	    strcmp(it->rec.name, VIEW_CONTROL) == 0)
		return mem_printf("%.200s-%.8s", it->rec.name, hex);
	return mem_str(it->rec.name);
}

/* Behind the others: v->arch[v->n - 1] after return 0. */
static int view_add(struct view *v, const struct catalog_item *it, bool twice,
		    struct err *e)
{
	size_t cap = v->cap ? v->cap * 2 : 64;
	struct arch **bigger, *a = NULL;
	uint64_t *serial;
	char *name;
	bool was;
	int rc;

	if (v->n == v->cap) {
		bigger = mem_resize(v->arch, cap, sizeof(*bigger));
		if (!bigger)
			return err_nomem(e);
		v->arch = bigger;
		v->cap = cap;
	}
	name = view_name(it, twice);
	if (name)
		a = arch_new(it, name, v->n);
	free(name);
	if (!a)
		return err_nomem(e);
	rc = map_put(&v->by_session, it->rec.session.b, &serial, &was, e);
	if (rc < 0) {
		arch_free(a);
		return rc;
	}
	*serial = v->n;
	v->arch[v->n++] = a;
	return 0;
}

/* Was the name given to one of the catalog's earlier items? */
struct view_names {
	const struct catalog_item **sorted;
	size_t n;
};

static int view_item_cmp(const void *a, const void *b)
{
	const struct catalog_item *const *x = a, *const *y = b;
	const char *p = (*x)->rec.name, *q = (*y)->rec.name;

	return strcmp(p ? p : "", q ? q : "");
}

static bool view_twice(const struct view_names *names,
		       const struct catalog_item *it)
{
	const struct catalog_item **end = names->sorted + names->n, **at;

	at = bsearch(&it, names->sorted, names->n, sizeof(*at),
		     view_item_cmp);
	if (!at)
		return false;
	return (at > names->sorted && view_item_cmp(at - 1, &it) == 0) ||
	       (at + 1 < end && view_item_cmp(at + 1, &it) == 0);
}

/* One of the catalog into the new list. */
static int view_take(struct view *v, const struct catalog_item *it,
		     const struct view_names *names, struct err *e)
{
	uint64_t *serial = map_get(&v->by_session, it->rec.session.b);
	struct arch *a;
	int rc;

	if (!serial) {
		rc = view_add(v, it, view_twice(names, it), e);
		if (rc < 0)
			return rc;
	}
	a = v->arch[serial ? *serial : v->n - 1];
	a->listed = true;
	v->by_name[v->n_listed++] = a;
	v->facts.files += a->files;
	v->facts.bytes += a->bytes;
	if (!a->partial && (!v->latest ||
			    a->time_nsec >= v->latest->time_nsec))
		v->latest = a;
	return 0;
}

static void view_clear(struct view *v)
{
	size_t i;

	for (i = 0; i < v->n_listed; i++)
		v->by_name[i]->listed = false;
	v->n_listed = 0;
	v->latest = NULL;
	v->facts.files = 0;
	v->facts.bytes = 0;
}

/* Show what the catalog says. */
static int view_fill(struct view *v, const struct catalog *cat, struct err *e)
{
	static const struct choice_opts all = { .partial = true };
	struct view_names names = { NULL, cat->n };
	struct choice shown;
	struct arch **by_name;
	size_t i;
	int rc;

	if ((rc = choice_run(&shown, cat, v->o.choice ? v->o.choice : &all,
			     e)) < 0) {
		choice_release(&shown);
		return rc;
	}
	names.sorted = mem_array(cat->n, sizeof(*names.sorted));
	by_name = mem_array(cat->n, sizeof(*by_name));
	if (!names.sorted || !by_name) {
		choice_release(&shown);
		free(names.sorted);
		free(by_name);
		return err_nomem(e);
	}
	for (i = 0; i < cat->n; i++)
		names.sorted[i] = cat->item[i];
	qsort(names.sorted, cat->n, sizeof(*names.sorted), view_item_cmp);
	view_clear(v);
	free(v->by_name);
	v->by_name = by_name;
	for (i = 0; rc == 0 && i < shown.n; i++)
		rc = view_take(v, shown.item[i], &names, e);
	qsort(v->by_name, v->n_listed, sizeof(*v->by_name), view_name_cmp);
	v->facts.archives = v->n_listed;
	v->generation++;
	if (rc == 0)
		rc = dates_fill(&v->dates, v->by_name, v->n_listed, e);
	free(names.sorted);
	choice_release(&shown);
	return rc;
}

static void view_tell_bad(const struct catalog *cat)
{
	if (cat->n_bad)
		log_warn("mount", "%zu archive records are damaged and are "
			 "not shown; 'check' names them", cat->n_bad);
}

int view_open(struct view **out, struct reader *rd, const struct view_opts *o,
	      struct err *e)
{
	struct view *v = mem_zero(1, sizeof(*v));
	pthread_condattr_t mono;
	int rc;

	*out = NULL;
	if (!v)
		return err_nomem(e);
	pthread_mutex_init(&v->mtx, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&v->idle, &mono);
	pthread_condattr_destroy(&mono);
	v->rd = rd;
	v->due_nsec = clock_mono_nsec() + VIEW_EVERY_NSEC;
	v->o = *o;
	rc = catalog_load(&v->cat, reader_repo(rd), e);
	if (rc == 0)
		rc = view_fill(v, v->cat, e);
	if (rc < 0) {
		view_free(v);
		return rc;
	}
	view_tell_bad(v->cat);
	v->facts.changed_nsec = v->latest ? v->latest->time_nsec :
				clock_wall_nsec();
	*out = v;
	return 0;
}

void view_free(struct view *v)
{
	size_t i;

	if (!v)
		return;
	for (i = 0; i < v->n; i++)
		arch_free(v->arch[i]);
	free(v->arch);
	free(v->by_name);
	dates_release(&v->dates);
	map_release(&v->by_session);
	catalog_free(v->cat);
	pthread_cond_destroy(&v->idle);
	pthread_mutex_destroy(&v->mtx);
	free(v);
}

/* By the thread that has v->busy. */
static int view_reload(struct view *v, struct err *e)
{
	struct catalog *cat = NULL;
	bool changed = false;
	int64_t now;
	int rc;

	rc = catalog_changed(v->cat, reader_repo(v->rd), &changed, e);
	if (rc < 0 || !changed)
		return rc;
	rc = reader_refresh(v->rd, e);
	if (rc == 0)
		rc = catalog_load(&cat, reader_repo(v->rd), e);
	if (rc < 0)
		return rc;
	if (cat->n_bad > v->cat->n_bad)
		view_tell_bad(cat);
	now = clock_wall_nsec();
	pthread_mutex_lock(&v->mtx);
	rc = view_fill(v, cat, e);
	/* It has to move: the kernel keeps a listing until it does. */
	v->facts.changed_nsec = now > v->facts.changed_nsec ? now :
				v->facts.changed_nsec + 1;
	pthread_mutex_unlock(&v->mtx);
	if (rc < 0) {
		catalog_free(cat);	/* the next look sees it again */
		return rc;
	}
	catalog_free(v->cat);
	v->cat = cat;
	return 0;
}

void view_refresh(struct view *v)
{
	int64_t began = clock_mono_nsec(), ended;
	struct err e = { 0 };
	bool mine;

	pthread_mutex_lock(&v->mtx);
	mine = !v->busy && began >= v->due_nsec;
	if (mine)
		v->busy = true;
	pthread_mutex_unlock(&v->mtx);
	if (!mine)
		return;
	if (view_reload(v, &e) < 0)
		log_warn("mount", "cannot look for new archives: %s", e.msg);
	/* From its beginning: what came while it looked was not seen. */
	ended = clock_mono_nsec();
	pthread_mutex_lock(&v->mtx);
	v->due_nsec = began + VIEW_EVERY_NSEC > ended + VIEW_REST_NSEC ?
		      began + VIEW_EVERY_NSEC : ended + VIEW_REST_NSEC;
	v->busy = false;
	pthread_cond_broadcast(&v->idle);
	pthread_mutex_unlock(&v->mtx);
}

bool view_await(struct view *v)
{
	struct timespec end;
	bool waited;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += VIEW_WAIT_SECS;
	pthread_mutex_lock(&v->mtx);
	waited = v->busy;
	while (v->busy)
		if (pthread_cond_timedwait(&v->idle, &v->mtx, &end) != 0)
			break;
	pthread_mutex_unlock(&v->mtx);
	return waited;
}

struct arch *view_find(struct view *v, const char *name)
{
	struct arch *found = NULL;
	size_t low = 0, high, mid;
	int d;

	pthread_mutex_lock(&v->mtx);
	high = v->n_listed;
	while (low < high && !found) {
		mid = low + (high - low) / 2;
		d = strcmp(name, v->by_name[mid]->name);
		if (d == 0)
			found = v->by_name[mid];
		else if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	pthread_mutex_unlock(&v->mtx);
	return found;
}

struct arch *view_next(struct view *v, uint64_t from)
{
	struct arch *a = NULL;

	pthread_mutex_lock(&v->mtx);
	while (from < v->n && !v->arch[from]->listed)
		from++;
	if (from < v->n)
		a = v->arch[from];
	pthread_mutex_unlock(&v->mtx);
	return a;
}

uint64_t view_generation(struct view *v)
{
	uint64_t generation;

	pthread_mutex_lock(&v->mtx);
	generation = v->generation;
	pthread_mutex_unlock(&v->mtx);
	return generation;
}

static int view_time_cmp(const void *a, const void *b)
{
	const struct arch *const *x = a, *const *y = b;

	if ((*x)->time_nsec != (*y)->time_nsec)
		return (*x)->time_nsec < (*y)->time_nsec ? -1 : 1;
	return (*x)->serial < (*y)->serial ? -1 : (*x)->serial > (*y)->serial;
}

int view_by_time(struct view *v, struct arch ***out, size_t *n,
		 struct err *e)
{
	pthread_mutex_lock(&v->mtx);
	*n = v->n_listed;
	*out = mem_array(*n, sizeof(**out));
	if (*out && *n)
		memcpy(*out, v->by_name, *n * sizeof(**out));
	pthread_mutex_unlock(&v->mtx);
	if (!*out)
		return err_nomem(e);
	qsort(*out, *n, sizeof(**out), view_time_cmp);
	return 0;
}

struct arch *view_next_unlisted(struct view *v, uint64_t from)
{
	struct arch *a = NULL;

	pthread_mutex_lock(&v->mtx);
	while (from < v->n && v->arch[from]->listed)
		from++;
	if (from < v->n)
		a = v->arch[from];
	pthread_mutex_unlock(&v->mtx);
	return a;
}

struct arch *view_latest(struct view *v)
{
	struct arch *a;

	pthread_mutex_lock(&v->mtx);
	a = v->latest;
	pthread_mutex_unlock(&v->mtx);
	return a;
}

void view_facts(struct view *v, struct view_facts *out)
{
	pthread_mutex_lock(&v->mtx);
	*out = v->facts;
	pthread_mutex_unlock(&v->mtx);
}

bool view_date_has(struct view *v, const char *folder)
{
	bool has;

	pthread_mutex_lock(&v->mtx);
	has = dates_has(&v->dates, folder);
	pthread_mutex_unlock(&v->mtx);
	return has;
}

bool view_date_next(struct view *v, const char *folder, unsigned from,
		    unsigned *number)
{
	bool found;

	pthread_mutex_lock(&v->mtx);
	found = dates_next(&v->dates, folder, from, number);
	pthread_mutex_unlock(&v->mtx);
	return found;
}

struct arch *view_date_find(struct view *v, const char *day,
			    const char *name)
{
	struct arch *a;

	pthread_mutex_lock(&v->mtx);
	a = dates_find(&v->dates, day, name);
	pthread_mutex_unlock(&v->mtx);
	return a;
}

struct arch *view_date_of_day(struct view *v, const char *day,
			      uint64_t from)
{
	struct arch *a;

	pthread_mutex_lock(&v->mtx);
	a = dates_of_day(&v->dates, day, from);
	pthread_mutex_unlock(&v->mtx);
	return a;
}
