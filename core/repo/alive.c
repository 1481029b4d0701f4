/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/alive.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "format/mark.h"
#include "repo/home.h"
#include "repo/repo.h"

#define ALIVE_MARK_MAX_BYTES (4u << 20)
#define NSEC 1000000000ll

static int alive_verdict;

void alive_pretend(int verdict)
{
	alive_verdict = verdict;
}

static void alive_owner_release(struct alive_owner *o)
{
	strv_release(&o->names);
	free(o->host);
	free(o->archives);
}

void alive_release(struct alive *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		alive_owner_release(&a->owner[i]);
	free(a->owner);
	memset(a, 0, sizeof(*a));
}

static struct alive_owner *alive_owner(struct alive *a, const struct sid *id,
				       struct err *e)
{
	struct alive_owner *o;
	size_t i;

	for (i = 0; i < a->n; i++)
		if (sid_eq(&a->owner[i].id, id))
			return &a->owner[i];
	if (a->n == a->cap) {
		size_t cap = a->cap ? a->cap * 2 : 8;

		o = mem_resize(a->owner, cap, sizeof(*o));
		if (!o) {
			err_nomem(e);
			return NULL;
		}
		a->owner = o;
		a->cap = cap;
	}
	o = &a->owner[a->n];
	memset(o, 0, sizeof(*o));
	o->id = *id;
	o->damaged = true;
	o->beat_nsec = INT64_MIN;
	if (!(o->host = mem_str(""))) {
		err_nomem(e);
		return NULL;
	}
	a->n++;
	return o;
}

/* ID or ID.N */
static bool alive_name(struct sid *id, const char *name)
{
	char hex[SID_HEX_BYTES];
	size_t len = strcspn(name, ".");

	if (len != SID_HEX_BYTES - 1)
		return false;
	memcpy(hex, name, len);
	hex[len] = '\0';
	return sid_parse(id, hex) && !sid_is_zero(id);
}

struct alive_listing {
	struct alive *a;
	struct err *e;
};

static int alive_list_cb(const char *name, uint64_t size, void *ctx)
{
	struct alive_listing *l = ctx;
	struct alive_owner *o;
	struct sid id;

	(void)size;
	if (!alive_name(&id, name))
		return 0;
	if (!(o = alive_owner(l->a, &id, l->e)))
		return ERR_NOMEM;
	return strv_add(&o->names, name, l->e);
}

static int alive_names_cb(const char *name, uint64_t size, void *ctx)
{
	uint64_t *value;
	struct sid id;
	bool was;

	(void)size;
	return alive_name(&id, name) ? map_put(ctx, id.b, &value, &was, NULL) :
		0;
}

int alive_names(struct map *out, struct repo *r, enum store_kind kind,
		struct err *e)
{
	int rc = store_list(repo_store(r), kind, alive_names_cb, out, e);

	return rc == ERR_NOMEM ? err_nomem(e) : rc;
}

/* Is the process that put this mark at work? */
static bool alive_process(const struct mark_pin *m)
{
	const char *boot = home_boot_id();
	struct proc_id self, other;
	struct sid client;

	if (alive_verdict != 0)
		return alive_verdict > 0;
	if (!*boot || !*m->boot_id)
		return true;
	if (strcmp(boot, m->boot_id) != 0)	/* this machine, before? */
		return strcmp(home_host_name(), m->host) != 0 ||
			home_client_id(&client, NULL) < 0 ||
			!sid_eq(&client, &m->client);
	proc_self(&self);
	other = self;
	other.pid = m->pid;
	other.start = m->pid_start;
	other.pidns = m->pid_ns;
	return proc_look(&self, &other) != PROC_DEAD;
}

static bool alive_recent(int64_t beat_nsec)
{
	int64_t now = clock_wall_nsec();
	int64_t apart;

	if (__builtin_sub_overflow(now, beat_nsec, &apart))
		return false;
	return apart < ALIVE_SECS * NSEC && apart > -ALIVE_SECS * NSEC;
}

static int alive_add_archives(struct alive_owner *o, const struct mark_pin *m,
			      struct err *e)
{
	size_t n = o->n_archives + m->n_archives;
	struct sid *p;

	if (m->n_archives == 0)
		return 0;
	p = mem_resize(o->archives, n, sizeof(*p));
	if (!p)
		return err_nomem(e);
	memcpy(p + o->n_archives, m->archives,
		m->n_archives * sizeof(*p));
	o->archives = p;
	o->n_archives = n;
	return 0;
}

/* What a mark says; of several the newest decides. */
static int alive_mark(struct alive_owner *o, struct mark_pin *m,
		      struct err *e)
{
	if (o->damaged || m->start_nsec > o->beat_nsec) {
		free(o->host);
		o->host = m->host;
		m->host = NULL;
		o->pid = m->pid;
		o->beat_nsec = m->start_nsec;
		o->damaged = false;
	}
	return alive_add_archives(o, m, e);
}

/* A mark of a session is one of a pin without archives. */
static int alive_decode(struct mark_pin *m, struct repo *r,
			enum store_kind kind, const struct sid *id,
			const struct buf *b, struct err *e)
{
	struct mark_session s;
	int rc;

	if (kind == STORE_PINS)
		return mark_get_pin(m, repo_ctx(r), id, b->p, b->len, e);
	rc = mark_get_session(&s, repo_ctx(r), id, b->p, b->len, e);
	if (rc < 0)
		return rc;
	*m = (struct mark_pin) {
		.pin = s.session, .client = s.client,
		.start_nsec = s.start_nsec, .pid = s.pid, .host = s.host,
		.boot_id = s.boot_id, .pid_start = s.pid_start,
		.pid_ns = s.pid_ns,
	};
	return 0;
}

/* One mark.  *there: it was. */
static int alive_read(struct alive_owner *o, struct repo *r,
		      enum store_kind kind, const char *name, bool *there,
		      struct err *e)
{
	struct err why = { ERR_OK, "" };
	struct mark_pin m = { 0 };
	struct buf b = BUF_INIT;
	int rc;

	rc = store_get_all(repo_store(r), kind, name, ALIVE_MARK_MAX_BYTES,
		&b, &why);
	*there = rc != ERR_NOENT;
	if (rc == 0)
		rc = alive_decode(&m, r, kind, &o->id, &b, &why);
	if (rc == 0) {
		o->alive = o->alive || alive_process(&m);
		rc = alive_mark(o, &m, &why);
	}
	if (rc == ERR_CORRUPT || rc == ERR_AUTH || rc == ERR_CONFIG) {
		log_warn("repository", "%s/%s: %s", store_kind_name(kind),
			name, why.msg);
		rc = 0;
	}
	if (rc < 0 && rc != ERR_NOENT && e)
		*e = why;
	mark_pin_release(&m);
	buf_release(&b);
	return rc == ERR_NOENT ? 0 : rc;
}

static int alive_judge(struct alive_owner *o, struct repo *r,
		       enum store_kind kind, bool *any, struct err *e)
{
	bool there;
	size_t i;
	int rc = 0;

	*any = false;
	for (i = 0; rc == 0 && i < o->names.n; i++) {
		rc = alive_read(o, r, kind, o->names.v[i], &there, e);
		*any = *any || there;
	}
	o->alive = o->alive && !o->damaged && alive_recent(o->beat_nsec);
	return rc;
}

int alive_load(struct alive *a, struct repo *r, enum store_kind kind,
	       struct err *e)
{
	struct alive_listing l = { a, e };
	size_t i, keep = 0;
	bool any;
	int rc;

	memset(a, 0, sizeof(*a));
	a->kind = kind;
	rc = store_list(repo_store(r), kind, alive_list_cb, &l, e);
	for (i = 0; rc == 0 && i < a->n; i++) {
		rc = alive_judge(&a->owner[i], r, kind, &any, e);
		if (any || rc < 0)
			a->owner[keep++] = a->owner[i];
		else
			alive_owner_release(&a->owner[i]);
	}
	if (rc < 0) {
		for (; i < a->n; i++)
			a->owner[keep++] = a->owner[i];
		a->n = keep;
		alive_release(a);
		return rc;
	}
	a->n = keep;
	return 0;
}

int alive_remove(struct repo *r, enum store_kind kind,
		 const struct alive_owner *o, struct err *e)
{
	size_t i, pass;
	int rc = 0;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; rc >= 0 && i < o->names.n; i++) {
			if ((strchr(o->names.v[i], '.') == NULL) != (pass == 1))
				continue;
			rc = store_del(repo_store(r), kind, o->names.v[i], e);
			if (rc == ERR_NOENT) {
				err_clear(e);
				rc = 0;
			}
		}
	return rc;
}
