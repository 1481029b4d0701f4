/* SPDX-License-Identifier: BSD-2-Clause */
/* What was seen, kept between runs; findings and what becomes of them. */
#include "repo/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "repo/gone.h"
#include "repo/home.h"
#include "repo/pin.h"
#include "repo/repo.h"
#include "repo/witness_priv.h"

#define SEEN_FILE_MAX (256u << 20)
#define ACCEPTED_MAX (16u << 20)

struct witness *witness_new(witness_alarm_fn *alarm, void *ctx)
{
	struct witness *w = mem_zero(1, sizeof(*w));

	if (!w)
		return NULL;
	pthread_mutex_init(&w->mtx, NULL);
	w->alarm = alarm;
	w->ctx = ctx;
	return w;
}

/* CONFIG/pins/REPO-ID.WHAT; "" the folder; NULL: no home, or no memory. */
static char *path_of(const struct repo *r, const char *what)
{
	char *base = home_config(), *path = NULL;
	char hex[SID_HEX_BYTES];

	if (base && !*what)
		path = mem_printf("%s/pins", base);
	else if (base)
		path = mem_printf("%s/pins/%s.%s", base,
			sid_hex(repo_id(r), hex), what);
	free(base);
	return path;
}

int witness_load(struct seen *s, const struct repo *r, struct err *e)
{
	struct err why = { ERR_OK, "" };
	struct buf b = { NULL, 0, 0, SEEN_FILE_MAX };
	char *path = path_of(r, "seen");
	int rc = 0;

	memset(s, 0, sizeof(*s));
	if (path)
		rc = io_read_file(AT_FDCWD, path, &b, &why);
	if (path && rc == 0)
		rc = seen_get(s, b.p, b.len, repo_ctx(r)->loc, &why);
	buf_release(&b);
	if (rc == ERR_NOMEM)
		rc = err_nomem(e);
	else if (rc < 0 && rc != ERR_NOENT)
		log_info("repository", "what this machine has seen of it is "
			"not known any more: '%s': %s", path, why.msg);
	free(path);
	return rc == ERR_NOMEM ? rc : 0;
}

/* Others wait; -1: they do not, and one of them may be forgotten. */
static int lock_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
			;
	return fd;
}

static int publish(const struct repo *r, const char *path,
		   const struct seen *more, const struct sid *forget,
		   size_t n, struct err *e)
{
	struct buf b = { NULL, 0, 0, SEEN_FILE_MAX };
	struct seen s;
	size_t i;
	int rc = witness_load(&s, r, e);

	for (i = 0; rc == 0 && i < n; i++)
		seen_forget(&s, &forget[i]);
	if (rc == 0)
		rc = seen_merge(&s, more, e);
	for (i = 0; rc == 0 && i < s.n_owed; )	/* paid since */
		if (seen_knows(&s, &s.owed[i].record))
			seen_pay(&s, &s.owed[i].record);
		else
			i++;
	if (rc == 0)
		rc = seen_put(&b, &s, repo_ctx(r)->loc, e);
	if (rc == 0)
		rc = io_publish(AT_FDCWD, path, b.p, b.len, 0600, e);
	seen_release(&s);
	buf_release(&b);
	return rc;
}

static int keep(const struct repo *r, const struct seen *more,
		const struct sid *forget, size_t n, struct err *e)
{
	char *dir = path_of(r, ""), *path = path_of(r, "seen");
	int fd = -1, rc;

	if (!dir || !path)
		rc = err_set(e, ERR_CONFIG, "there is no home directory");
	else if ((rc = io_make_dirs(dir, e)) == 0) {
		fd = lock_folder(dir);
		rc = publish(r, path, more, forget, n, e);
	}
	if (fd >= 0)
		close(fd);
	free(dir);
	free(path);
	return rc;
}

int witness_keep(const struct repo *r, const struct seen *more, struct err *e)
{
	struct err why = { ERR_OK, "" };
	int rc = keep(r, more, NULL, 0, &why);

	if (rc == ERR_NOMEM)
		return err_nomem(e);
	if (rc < 0)
		log_info("repository", "what was seen of it is not kept: %s",
			why.msg);
	return 0;
}

void witness_close(struct repo *r)
{
	struct witness *w = repo_witness(r);
	size_t i;

	if (!w)
		return;
	if (w->pending.n_live || w->pending.n_dead)
		witness_keep(r, &w->pending, NULL);
	for (i = 0; i < w->n; i++)
		free(w->f[i].text);
	free(w->f);
	map_release(&w->told);
	seen_release(&w->pending);
	pthread_mutex_destroy(&w->mtx);
	free(w);
}

void witness_made(struct repo *r, const struct record *rec,
		  const struct oid *id)
{
	struct witness *w = repo_witness(r);
	struct seen_archive a = {
		.session = rec->session, .client = rec->client, .record = *id,
		.seq = rec->seq, .start_nsec = rec->start_nsec,
		.name = rec->name
	};

	if (!w)
		return;
	pthread_mutex_lock(&w->mtx);
	if (seen_add(&w->pending, &a, NULL) == 0 &&
	    witness_keep(r, &w->pending, NULL) == 0)
		seen_release(&w->pending);
	pthread_mutex_unlock(&w->mtx);
}

void witness_deleted(struct repo *r, const struct sid *session,
		     const struct oid *record)
{
	struct witness *w = repo_witness(r);

	if (!w)
		return;
	pthread_mutex_lock(&w->mtx);
	seen_bury(&w->pending, session, record->b, NULL);
	pthread_mutex_unlock(&w->mtx);
}

const char *witness_kind_name(enum witness_kind k)
{
	static const char *const name[] = {
		[WITNESS_BACK] = "back", [WITNESS_REMOVED] = "removed",
		[WITNESS_RETURNED] = "returned",
		[WITNESS_REPLACED] = "replaced",
		[WITNESS_TOMBSTONE] = "tombstone", [WITNESS_FORKED] = "forked"
	};

	return name[k];
}

size_t witness_findings(const struct repo *r,
			const struct witness_finding **out)
{
	const struct witness *w = repo_witness(r);

	*out = w ? w->f : NULL;
	return w ? w->n : 0;
}

int witness_trust(const struct repo *r, const char *what, struct err *e)
{
	const struct witness *w = repo_witness(r);

	if (!w || w->n == 0)
		return 0;
	return err_set(e, ERR_ROLLBACK, "%s would delete for good, and the "
		"repository is not as it was (%zu finding%s above): restore it "
		"first, or 'muniment log accept %s'", what, w->n,
		w->n == 1 ? "" : "s", repo_url(r));
}

/* --- accepting --- */

/* The notes go first: what was accepted is known, whatever comes after. */
static int note_accepted(struct repo *r, const struct witness *w,
			 struct err *e)
{
	char *dir = path_of(r, ""), *path = path_of(r, "accepted");
	time_t now = (time_t)(clock_wall_nsec() / 1000000000);
	struct buf b = { NULL, 0, 0, ACCEPTED_MAX };
	char when[32] = "";
	struct tm tm;
	size_t i;
	int rc;

	if (!dir || !path)
		rc = err_set(e, ERR_CONFIG, "no home directory to keep in it "
			"what was accepted");
	else if ((rc = io_make_dirs(dir, e)) == 0)
		rc = io_read_file(AT_FDCWD, path, &b, e);
	if (rc == ERR_NOENT)
		rc = 0;
	if (gmtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	for (i = 0; rc == 0 && i < w->n; i++)
		rc = buf_printf(&b, e, "%s uid %lu: %s\n", when,
			(unsigned long)geteuid(), w->f[i].text);
	if (rc == 0)
		rc = io_publish(AT_FDCWD, path, b.p, b.len, 0600, e);
	buf_release(&b);
	free(dir);
	free(path);
	return rc;
}

int witness_accepted(const struct repo *r, struct buf *out, struct err *e)
{
	char *path = path_of(r, "accepted");
	int rc = path ? io_read_file(AT_FDCWD, path, out, e) : 0;

	free(path);
	return rc == ERR_NOENT ? 0 : rc;
}

static int drop_tombstone(struct repo *r, const struct sid *session,
			  struct err *e)
{
	char hex[SID_HEX_BYTES];
	int rc = repo_require(r, KEY_DELETE, e);

	if (rc == 0)
		rc = store_del(repo_store(r), STORE_TOMBSTONES,
			sid_hex(session, hex), e);
	return rc == 0 || rc == ERR_NOENT ? store_sync(repo_store(r), e) : rc;
}

/* What one finding changes in what was seen: into 'more', 'forget'. */
static int accept_one(struct repo *r, const struct witness_finding *f,
		      struct seen *more, struct sid **forget, struct err *e)
{
	switch (f->kind) {
	case WITNESS_BACK:
	case WITNESS_REMOVED:
		return seen_bury(more, &f->session, f->record.b, e);
	case WITNESS_RETURNED:
		pin_forget_deleted(r, &f->session);
		*(*forget)++ = f->session;
		return 0;
	case WITNESS_REPLACED:
		*(*forget)++ = f->session;
		return 0;
	case WITNESS_TOMBSTONE:
		return drop_tombstone(r, &f->session, e);
	case WITNESS_FORKED:
		/* Under a name that no archive has: it is paid. */
		return seen_bury(more, (const struct sid *)&f->record,
			f->record.b, e);
	}
	return 0;
}

int witness_accept(struct repo *r, struct err *e)
{
	struct witness *w = repo_witness(r);
	struct sid *forget, *at;
	struct seen more = { 0 };
	size_t i;
	int rc;

	if (!w || w->n == 0)
		return 0;
	if (!(forget = mem_array(w->n, sizeof(*forget))))
		return err_nomem(e);
	at = forget;
	rc = note_accepted(r, w, e);
	for (i = 0; rc == 0 && i < w->n; i++)
		rc = accept_one(r, &w->f[i], &more, &at, e);
	if (rc == 0)
		rc = keep(r, &more, forget, (size_t)(at - forget), e);
	seen_release(&more);
	free(forget);
	return rc;
}

/* --- asked by others --- */

static const uint8_t zero[16];

int witness_gone(struct map *records, const struct repo *r, struct err *e)
{
	uint64_t *value;
	struct seen s;
	size_t i;
	bool was;
	int rc;

	if (!repo_witness(r))
		return 0;
	rc = witness_load(&s, r, e);
	for (i = 0; rc == 0 && i < s.n_dead; i++)
		if (memcmp(s.dead[i].record, zero, sizeof(zero)))
			rc = map_put(records, s.dead[i].record, &value, &was,
				e);
	seen_release(&s);
	return rc;
}

int witness_expect(struct repo *r, const uint8_t head[WITNESS_HEAD_BYTES],
		   struct err *e)
{
	struct map gone = MAP_INIT;
	struct catalog *c = NULL;
	bool found = false;
	size_t i;
	int rc = catalog_load_all(&c, r, e);

	for (i = 0; rc == 0 && i < c->n && !found; i++)
		found = !memcmp(c->item[i]->id.b, head, WITNESS_HEAD_BYTES);
	if (rc == 0 && !found && (rc = gone_load(&gone, r, e)) == 0)
		found = map_get(&gone, head) != NULL;
	if (rc == 0 && !found)
		rc = err_set(e, ERR_ROLLBACK, "the state that --expect-head "
			"names is not one of this repository: it is older "
			"than that, or another one");
	map_release(&gone);
	catalog_free(c);
	return rc;
}
