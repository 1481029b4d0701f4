/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static unsigned layout_hex(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

unsigned layout_folder(enum store_kind k, const char *name)
{
	unsigned fan;

	if (k != STORE_DATA && k != STORE_META)
		return k;
	fan = layout_hex(name[0]) << 4 | layout_hex(name[1]);
	return (k == STORE_DATA ? LAYOUT_FAN_DATA : LAYOUT_FAN_META) + fan;
}

const char *layout_folder_path(unsigned folder, char out[LAYOUT_FOLDER_BYTES])
{
	if (folder == LAYOUT_TMP)
		snprintf(out, LAYOUT_FOLDER_BYTES, "tmp");
	else if (folder < LAYOUT_TMP)
		snprintf(out, LAYOUT_FOLDER_BYTES, "%s",
			store_kind_name((enum store_kind)folder));
	else
		snprintf(out, LAYOUT_FOLDER_BYTES, "%s/%02x",
			folder < LAYOUT_FAN_META ? "data" : "meta",
			(folder - LAYOUT_FAN_DATA) & 255);
	return out;
}

const char *layout_path(enum store_kind k, const char *name,
			char out[LAYOUT_PATH_BYTES])
{
	char folder[LAYOUT_FOLDER_BYTES];

	if (k == STORE_ROOT)
		snprintf(out, LAYOUT_PATH_BYTES, "%s", name);
	else
		snprintf(out, LAYOUT_PATH_BYTES, "%s/%s",
			layout_folder_path(layout_folder(k, name), folder),
			name);
	return out;
}

/*
 * tmp/HOST.BOOT.PIDNS.PID.START.RANDOM, all in hex: enough to tell that the
 * writer is dead.  Nothing that was acknowledged is ever called so, and a
 * living writer whose file is gone puts once more; so a wrong guess here
 * costs time, never data.
 */
#define LAYOUT_TMP_FORMAT "tmp/%016" PRIx64 ".%016" PRIx64 ".%" PRIx64 \
	".%" PRIx32 ".%" PRIx64 ".%016" PRIx64

/* A writer that cannot be seen from here is taken for dead after a week. */
#define LAYOUT_TMP_AGE_SECS (7 * 86400)

int layout_tmp(const struct proc_id *p, char out[LAYOUT_PATH_BYTES],
	       struct err *e)
{
	uint64_t unique;
	ssize_t got;

	do
		got = getrandom(&unique, sizeof(unique), 0);
	while (got < 0 && errno == EINTR);
	if (got != sizeof(unique))
		return err_errno(e, errno, "cannot get random bytes");
	snprintf(out, LAYOUT_PATH_BYTES, LAYOUT_TMP_FORMAT, p->host, p->boot,
		p->pidns, p->pid, p->start, unique);
	return 0;
}

/* The name is ours if writing it again gives the same. */
bool layout_tmp_parse(const char *name, struct proc_id *p)
{
	char again[LAYOUT_PATH_BYTES];
	uint64_t unique;

	if (sscanf(name, "%16" SCNx64 ".%16" SCNx64 ".%16" SCNx64 ".%8" SCNx32
	    ".%16" SCNx64 ".%16" SCNx64, &p->host, &p->boot, &p->pidns,
	    &p->pid, &p->start, &unique) != 6)
		return false;
	snprintf(again, sizeof(again), LAYOUT_TMP_FORMAT, p->host, p->boot,
		p->pidns, p->pid, p->start, unique);
	return strcmp(again + strlen("tmp/"), name) == 0;
}

bool layout_tmp_dead(const struct proc_id *self, const struct proc_id *writer,
		     int64_t age_secs)
{
	enum proc_state state = proc_look(self, writer);

	if (state != PROC_UNKNOWN)
		return state == PROC_DEAD;
	return age_secs > LAYOUT_TMP_AGE_SECS;
}

void layout_see(struct layout_found *f, const char *name)
{
	bool ours = strcmp(name, "README") == 0 ||
		strcmp(name, "serve") == 0;
	unsigned k;

	for (k = STORE_ROOT + 1; k < STORE_KINDS; k++)
		ours |= strcmp(name, store_kind_name((enum store_kind)k)) == 0;
	if (strcmp(name, "tmp") == 0)
		f->tmp = true;
	else if (strcmp(name, "REPOSITORY") == 0)
		f->repository = true;
	else if (ours)
		f->ours = true;
	else if (strcmp(name, "lost+found") != 0)
		f->foreign = true;
}

int layout_judge_new(const struct layout_found *f, const char *url,
		     struct err *e)
{
	if (f->repository)
		return err_set(e, ERR_EXIST, "there is a repository at '%s' "
			"already", url);
	if (f->foreign || (f->ours && !f->tmp))
		return err_set(e, ERR_EXIST, "'%s' is not empty, and not the "
			"beginning of a muniment repository", url);
	return 0;
}

int layout_say_damaged(const char *url, struct err *e)
{
	return err_set(e, ERR_EXIST, "'%s' holds backups but no file "
		"REPOSITORY: it is a damaged repository, and no place for a "
		"new one", url);
}

int layout_judge_other(const struct layout_other *o, const char *url,
		       struct err *e)
{
	if (o->borg)
		return err_set(e, ERR_NOREPO, "'%s' is a borg repository, "
			"not a muniment repository", url);
	if (o->restic)
		return err_set(e, ERR_NOREPO, "'%s' is a restic repository, "
			"not a muniment repository", url);
	if (o->unfinished)
		return err_set(e, ERR_NOREPO, "'%s' is a muniment repository "
			"without its file REPOSITORY: its init did not end, "
			"or it was damaged", url);
	return err_set(e, ERR_NOREPO, "'%s' is not a muniment repository",
		url);
}
