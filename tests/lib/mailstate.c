/* SPDX-License-Identifier: BSD-2-Clause */

/* The part of mailstore.h that opens a store and keeps the model on disk. */
#include "tests/lib/mailstore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "tests/lib/mailplan.h"

#define STATE_MAX_BYTES (1u << 30)
#define STATE_SCALE 1000000.0
#define VMAIL_UID 5000

static int mailstate_root(struct mailstore *s, const char *root, struct err *e)
{
	size_t len = strlen(root);

	memset(s, 0, sizeof(*s));
	while (len > 1 && root[len - 1] == '/')
		len--;
	s->owner = geteuid() == 0 ? VMAIL_UID : (uid_t)-1;
	s->touched_after_secs = clock_wall_nsec() / 1000000000 - 2;
	s->root = mem_printf("%.*s", (int)len, root);
	if (!s->root)
		return err_nomem(e);
	s->rootfd = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->rootfd < 0)
		return err_errno(e, errno, "cannot open '%s'", s->root);
	return 0;
}

static int mailstate_empty(const char *root, struct err *e)
{
	/* rmdir refuses a folder that is not empty. */
	if (rmdir(root) < 0 && errno != ENOENT)
		return err_errno(e, errno, "cannot use '%s'", root);
	return io_make_dirs(root, e);
}

int mailstore_create(struct mailstore *s, const char *root,
	const struct mailstore_opts *o, struct err *e)
{
	int rc;

	memset(s, 0, sizeof(*s));
	if ((rc = mailstate_empty(root, e)) < 0)
		return rc;
	if ((rc = mailstate_root(s, root, e)) < 0)
		return rc;
	s->seed = o->seed;
	s->profile = o->profile;
	words_init(&s->words, o->seed);
	return mailplan_make(s, o, e);
}

/*
 * The state file: one row a line.
 *   mkmail 1 SEED PROFILE HOUR USERS DOMAINS MAILS SCALE BOXES
 *   box STATE GONE_HOUR NEXT_MSG FOLDERS ADDRESS HOME
 *   folder KIND VALIDITY NEXT_UID LISTED STALE DEAD MAILS =NAME
 *   MSG UID ARRIVED NAMED GEN SIZE WIRE BITS
 * SCALE is in millionths.  Rows come in the order of the model.
 */
static int mailstate_put_folder(const struct folder *f, struct buf *b,
	struct err *e)
{
	int rc = buf_printf(b, e, "folder %d %u %u %u %u %d %zu =%s\n",
		(int)f->kind, f->validity, f->next_uid, f->listed_uid,
		f->stale, f->dead, f->n, f->name);

	for (size_t i = 0; rc == 0 && i < f->n; i++) {
		const struct mail *m = &f->mail[i];

		rc = buf_printf(b, e, "%u %u %" PRId64 " %" PRId64
			" %u %u %u %u\n", m->msg, m->uid, m->arrived_secs,
			m->named_secs, m->gen, m->size_bytes, m->wire_bytes,
			m->bits);
	}
	return rc;
}

static int mailstate_put(const struct mailstore *s, struct buf *b,
	struct err *e)
{
	int rc = buf_printf(b, e, "mkmail 1 %" PRIu64 " %d %u %u %u %" PRIu64
		" %.0f %zu\n", s->seed, (int)s->profile, s->hour,
		s->pool.users, s->pool.domains, s->pool.mails,
		s->pool.scale * STATE_SCALE, s->n);

	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		const struct mailbox *x = &s->box[i];

		rc = buf_printf(b, e, "box %d %u %u %zu %s %s\n",
			(int)x->state, x->gone_hour, x->next_msg, x->n,
			x->address, x->home);
		for (size_t k = 0; rc == 0 && k < x->n; k++)
			rc = mailstate_put_folder(&x->folder[k], b, e);
	}
	return rc;
}

int mailstore_save(const struct mailstore *s, struct err *e)
{
	struct buf b = BUF_INIT;
	char *path = mem_printf("%s.mkmail", s->root);
	int rc = path ? 0 : err_nomem(e);

	if (rc == 0)
		rc = mailstate_put(s, &b, e);
	if (rc == 0)
		rc = io_publish(AT_FDCWD, path, b.p, b.len, 0600, e);
	buf_release(&b);
	free(path);
	return rc;
}

static char *mailstate_line(char **at)
{
	char *line = *at, *end = line ? strchr(line, '\n') : NULL;

	if (!end)
		return NULL;
	*end = 0;
	*at = end + 1;
	return line;
}

static int mailstate_bad(struct err *e, const char *line)
{
	return err_set(e, ERR_CORRUPT, "not a row of a mkmail state: '%.60s'",
		line ? line : "(end of file)");
}

static int mailstate_get_folder(struct mailbox *b, char **at, struct err *e)
{
	char *line = mailstate_line(at);
	char *name = line ? strchr(line, '=') : NULL;
	unsigned kind, validity, next, listed, stale, dead;
	struct folder *f;
	size_t n;
	int rc;

	if (!name || sscanf(line, "folder %u %u %u %u %u %u %zu =", &kind,
		&validity, &next, &listed, &stale, &dead, &n) != 7)
		return mailstate_bad(e, line);
	rc = mailstore_add_folder(b, name + 1, (enum folder_kind)kind,
		validity, e);
	if (rc < 0)
		return rc;
	f = &b->folder[b->n - 1];
	while (n-- > 0) {
		struct mail m;

		line = mailstate_line(at);
		if (!line || sscanf(line, "%u %u %" SCNd64 " %" SCNd64
			" %u %u %u %u", &m.msg, &m.uid, &m.arrived_secs,
			&m.named_secs, &m.gen, &m.size_bytes, &m.wire_bytes,
			&m.bits) != 8)
			return mailstate_bad(e, line);
		f->next_uid = m.uid;
		if ((rc = mailstore_add_mail(f, &m, NULL, e)) < 0)
			return rc;
	}
	f->next_uid = next;
	f->listed_uid = listed;
	f->stale = stale;
	f->dead = dead != 0;
	return 0;
}

static int mailstate_get_box(struct mailbox *b, char **at, struct err *e)
{
	char *line = mailstate_line(at), address[256], home[256];
	unsigned state;
	size_t n;
	int rc = 0;

	if (!line || sscanf(line, "box %u %u %u %zu %255s %255s", &state,
		&b->gone_hour, &b->next_msg, &n, address, home) != 6)
		return mailstate_bad(e, line);
	b->state = (enum mailbox_state)state;
	b->address = mem_str(address);
	b->home = mem_str(home);
	if (!b->address || !b->home)
		return err_nomem(e);
	while (rc == 0 && n-- > 0)
		rc = mailstate_get_folder(b, at, e);
	return rc;
}

static int mailstate_get(struct mailstore *s, char *text, struct err *e)
{
	char *line = mailstate_line(&text);
	unsigned profile;
	double scale;
	size_t n;
	int rc = 0;

	if (!line || sscanf(line, "mkmail 1 %" SCNu64 " %u %u %u %u %" SCNu64
		" %lf %zu", &s->seed, &profile, &s->hour, &s->pool.users,
		&s->pool.domains, &s->pool.mails, &scale, &n) != 8 ||
	    s->pool.users == 0 || s->pool.domains == 0)
		return mailstate_bad(e, line);
	s->profile = (enum mail_profile)profile;
	s->pool.seed = s->seed;
	s->pool.scale = scale / STATE_SCALE;
	s->pool.start_secs = MAILSTORE_START_SECS;
	words_init(&s->words, s->seed);
	s->box = mem_zero(n, sizeof(*s->box));
	if (!s->box)
		return err_nomem(e);
	for (; rc == 0 && s->n < n; s->n++)
		rc = mailstate_get_box(&s->box[s->n], &text, e);
	return rc;
}

int mailstore_open(struct mailstore *s, const char *root, struct err *e)
{
	struct buf b = { .max = STATE_MAX_BYTES };
	char *path = NULL;
	int rc;

	if ((rc = mailstate_root(s, root, e)) < 0)
		goto out;
	path = mem_printf("%s.mkmail", s->root);
	if (!path) {
		rc = err_nomem(e);
		goto out;
	}
	if ((rc = io_read_file(AT_FDCWD, path, &b, e)) < 0)
		goto out;
	if ((rc = buf_cstr(&b, e)) < 0)
		goto out;
	rc = mailstate_get(s, (char *)b.p, e);
out:
	free(path);
	buf_release(&b);
	return rc;
}
