/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/mount_pin.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "codec/key.h"
#include "format/mark.h"
#include "repo/catalog.h"
#include "repo/home.h"
#include "repo/repo.h"

#define MOUNT_PIN_BEAT_SECS 300
#define NSEC INT64_C(1000000000)

struct mount_pin_row {
	struct sid archive;
	uint64_t mark;			/* number of the mark that names it */
};
struct mount_pin {
	struct repo *repo;
	struct sid id;
	pthread_mutex_t mtx;		/* a leaf: no store under it */
	struct mount_pin_row *row;	/* mtx, as all below */
	size_t n, cap;
	uint64_t next;			/* number of the next mark */
	uint64_t beat;			/* of the last heartbeat; 0: none */
	int64_t beat_nsec;		/* monotonic: the last mark was put */
	unsigned beat_secs;
	bool told;			/* that there are no pins */
};

struct mount_pin *mount_pin_new(struct repo *r)
{
	struct mount_pin *p = mem_zero(1, sizeof(*p));

	if (!p)
		return NULL;
	p->repo = r;
	p->next = 1;
	p->beat_secs = MOUNT_PIN_BEAT_SECS;
	key_random(&p->id, sizeof(p->id));
	pthread_mutex_init(&p->mtx, NULL);
	return p;
}

void mount_pin_pace(struct mount_pin *p, unsigned beat_secs)
{
	p->beat_secs = beat_secs ? beat_secs : MOUNT_PIN_BEAT_SECS;
}

size_t mount_pin_count(struct mount_pin *p)
{
	size_t n;

	pthread_mutex_lock(&p->mtx);
	n = p->n;
	pthread_mutex_unlock(&p->mtx);
	return n;
}

static const char *mount_pin_name(const struct mount_pin *p, uint64_t n,
				  char out[STORE_NAME_MAX])
{
	char hex[SID_HEX_BYTES];

	snprintf(out, STORE_NAME_MAX, "%s.%" PRIu64, sid_hex(&p->id, hex), n);
	return out;
}

static int mount_pin_mark(struct mount_pin *p, const struct sid *archive,
			  size_t n, struct buf *out, struct err *e)
{
	struct mark_pin m = {
		.pin = p->id, .start_nsec = clock_wall_nsec(),
		.pid = (uint32_t)getpid(), .pid_start = home_pid_start(),
		.pid_ns = home_pid_ns(), .n_archives = (uint32_t)n
	};
	int rc;

	if ((rc = home_client_id(&m.client, e)) < 0)
		return rc;
	m.host = mem_str(home_host_name());
	m.boot_id = mem_str(home_boot_id());
	m.archives = n ? mem_dup(archive, n * sizeof(*archive)) : NULL;
	if (!m.host || !m.boot_id || (n && !m.archives))
		rc = err_nomem(e);
	if (rc == 0)
		rc = mark_put_pin(repo_ctx(p->repo), &m, out, e);
	mark_pin_release(&m);
	return rc;
}

static int mount_pin_put(struct mount_pin *p, uint64_t no,
			 const struct sid *archive, size_t n, struct err *e)
{
	struct store *s = repo_store(p->repo);
	char name[STORE_NAME_MAX];
	struct buf b = BUF_INIT;
	int rc;

	rc = mount_pin_mark(p, archive, n, &b, e);
	if (rc == 0)
		rc = store_put_buf(s, STORE_PINS, mount_pin_name(p, no, name),
				   &b, 0, e);
	buf_release(&b);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&p->mtx);
	p->beat_nsec = clock_mono_nsec();
	pthread_mutex_unlock(&p->mtx);
	return 0;
}

static int mount_pin_put_sync(struct mount_pin *p, uint64_t no,
			      const struct sid *archive, size_t n,
			      struct err *e)
{
	int rc = mount_pin_put(p, no, archive, n, e);

	return rc == 0 ? store_sync(repo_store(p->repo), e) : rc;
}

static int mount_pin_sync(void *arg, struct err *e)
{
	return store_sync(arg, e);
}

static void mount_pin_del(struct mount_pin *p, uint64_t no)
{
	char name[STORE_NAME_MAX];
	struct err e = { ERR_OK, "" };

	if (store_del(repo_store(p->repo), STORE_PINS,
		      mount_pin_name(p, no, name), &e) < 0)
		log_debug("mount", "pins/%s: %s", name, e.msg);
}

static uint64_t mount_pin_number(struct mount_pin *p)
{
	uint64_t no;

	pthread_mutex_lock(&p->mtx);
	no = p->next++;
	pthread_mutex_unlock(&p->mtx);
	return no;
}

static int mount_pin_remember(struct mount_pin *p, const struct sid *archive,
			      size_t n, uint64_t mark, struct err *e)
{
	struct mount_pin_row *row;
	size_t cap, i;
	int rc = 0;

	pthread_mutex_lock(&p->mtx);
	if (p->n + n > p->cap) {
		cap = (p->n + n) * 2;
		row = mem_resize(p->row, cap, sizeof(*row));
		if (row) {
			p->row = row;
			p->cap = cap;
		} else {
			rc = err_nomem(e);
		}
	}
	for (i = 0; rc == 0 && i < n; i++)
		p->row[p->n++] = (struct mount_pin_row){ archive[i], mark };
	pthread_mutex_unlock(&p->mtx);
	return rc;
}

static void mount_pin_tell(struct mount_pin *p, const struct err *why)
{
	bool told;

	pthread_mutex_lock(&p->mtx);
	told = p->told;
	p->told = true;
	pthread_mutex_unlock(&p->mtx);
	if (!told)
		log_warn("mount", "no mark can be left in the repository that "
			 "archives are being read here: 'compact' may remove "
			 "what is deleted meanwhile (%s)", why->msg);
}

/* A mark names what is gone: another one, of the rest, in its place.  Else a
 * collector would look for what nobody keeps as long as the mount lives. */
static int mount_pin_shed(struct mount_pin *p, uint64_t old, struct err *e)
{
	uint64_t no = mount_pin_number(p);
	struct sid *archive;
	size_t i, n = 0;
	int rc;

	pthread_mutex_lock(&p->mtx);
	archive = mem_array(p->n, sizeof(*archive));
	for (i = 0; archive && i < p->n; i++)
		if (p->row[i].mark == old)
			archive[n++] = p->row[i].archive;
	pthread_mutex_unlock(&p->mtx);
	if (!archive)
		return err_nomem(e);
	rc = n > 0 ? mount_pin_put_sync(p, no, archive, n, e) : 0;
	pthread_mutex_lock(&p->mtx);
	for (i = 0; rc == 0 && i < p->n; i++)
		if (p->row[i].mark == old)
			p->row[i].mark = no;
	pthread_mutex_unlock(&p->mtx);
	if (rc == 0 && n > 0)		/* with 0 it went with the last */
		mount_pin_del(p, old);
	free(archive);
	return rc;
}

/* Which of them were deleted: those are not pinned. */
static int mount_pin_look(struct mount_pin *p, const struct sid *archive,
			  size_t n, bool *gone, bool *shed, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		rc = catalog_gone(p->repo, &archive[i], &gone[i], e);
		if (rc == 0 && gone[i]) {
			mount_pin_drop(p, &archive[i]);
			*shed = true;
		}
	}
	return rc;
}

int mount_pin_add(struct mount_pin *p, const struct sid *archive, size_t n,
		  bool *gone, struct err *e)
{
	uint64_t no = mount_pin_number(p);
	struct store *st = repo_store(p->repo);
	struct err why = { ERR_OK, "" }, late;
	struct thread_aside sync = { .rc = 0 };
	bool shed = false;
	size_t i;
	int rc;

	rc = mount_pin_put(p, no, archive, n, &why);
	if (rc == ERR_NOMEM)
		return err_nomem(e);
	if (rc < 0) {
		mount_pin_tell(p, &why);
	} else if ((rc = mount_pin_remember(p, archive, n, no, e)) < 0) {
		mount_pin_del(p, no);
		return rc;
	} else {
		thread_aside(&sync, store_far(st), mount_pin_sync, st);
	}
	rc = mount_pin_look(p, archive, n, gone, &shed, e);
	if (thread_aside_end(&sync, &late) < 0)
		mount_pin_tell(p, &late);
	if (rc == 0 && shed && mount_pin_shed(p, no, &why) == ERR_NOMEM)
		rc = err_nomem(e);
	for (i = 0; rc < 0 && i < n; i++)
		mount_pin_drop(p, &archive[i]);
	return rc;
}

void mount_pin_drop(struct mount_pin *p, const struct sid *archive)
{
	uint64_t mark = 0;
	size_t i, at;

	pthread_mutex_lock(&p->mtx);
	for (at = 0; at < p->n; at++)
		if (sid_eq(&p->row[at].archive, archive))
			break;
	if (at < p->n) {
		mark = p->row[at].mark;
		p->row[at] = p->row[--p->n];
	}
	for (i = 0; i < p->n && mark; i++)
		if (p->row[i].mark == mark)
			mark = 0;	/* of others, too */
	pthread_mutex_unlock(&p->mtx);
	if (mark)
		mount_pin_del(p, mark);
}

/* A machine that slept for hours may have been taken for dead, and its marks
 * cleared away: put them again, in one. */
static int mount_pin_again(struct mount_pin *p, struct err *e)
{
	uint64_t no = mount_pin_number(p);
	struct sid *archive;
	size_t n, i;
	int rc;

	pthread_mutex_lock(&p->mtx);
	n = p->n;
	archive = mem_array(n, sizeof(*archive));
	for (i = 0; archive && i < n; i++)
		archive[i] = p->row[i].archive;
	pthread_mutex_unlock(&p->mtx);
	if (!archive)
		return err_nomem(e);
	rc = mount_pin_put_sync(p, no, archive, n, e);
	pthread_mutex_lock(&p->mtx);
	for (i = 0; rc == 0 && i < p->n; i++)
		if (p->row[i].mark < no)
			p->row[i].mark = no;
	pthread_mutex_unlock(&p->mtx);
	free(archive);
	return rc;
}

/* 'mark' is one that should be there. */
static int mount_pin_beat(struct mount_pin *p, uint64_t mark, struct err *e)
{
	char name[STORE_NAME_MAX];
	uint64_t no, old, size;
	int rc;

	rc = store_stat(repo_store(p->repo), STORE_PINS,
			mount_pin_name(p, mark, name), &size, e);
	if (rc == ERR_NOENT) {
		err_clear(e);
		return mount_pin_again(p, e);
	}
	no = mount_pin_number(p);
	if (rc == 0)
		rc = mount_pin_put_sync(p, no, NULL, 0, e);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&p->mtx);
	old = p->beat;
	p->beat = no;
	pthread_mutex_unlock(&p->mtx);
	if (old)
		mount_pin_del(p, old);
	return 0;
}

void mount_pin_tick(struct mount_pin *p)
{
	struct err why = { ERR_OK, "" };
	int64_t now = clock_mono_nsec();
	uint64_t mark = 0;

	pthread_mutex_lock(&p->mtx);
	if (p->n > 0 && now - p->beat_nsec >= (int64_t)p->beat_secs * NSEC) {
		mark = p->row[0].mark;
		p->beat_nsec = now;	/* a failure is not met all the time */
	}
	pthread_mutex_unlock(&p->mtx);
	if (mark && mount_pin_beat(p, mark, &why) < 0)
		log_warn("mount", "cannot leave a mark in the repository that "
			 "archives are being read here: %s", why.msg);
}

/* Nobody else uses it now. */
void mount_pin_free(struct mount_pin *p)
{
	struct sid archive;

	if (!p)
		return;
	while (p->n > 0) {
		archive = p->row[p->n - 1].archive;
		mount_pin_drop(p, &archive);
	}
	if (p->beat)
		mount_pin_del(p, p->beat);
	free(p->row);
	pthread_mutex_destroy(&p->mtx);
	free(p);
}
