/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an append-only client may do: begin a session and end it, put packs and
 * index segments, and put the one record that its own session ends with.
 * Everything that takes something away is somebody else's: tombstones,
 * generations (they condemn packs), fences (a record under another's session),
 * pins, keys, the reserve, parity.
 *
 * Who began a session stands in serve/owners/S, a link that leads nowhere: it
 * is made whole and once, or not at all.
 */
#include "store/served_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sid.h"
#include "store/ops.h"

#define OWNERS "owners"
#define OWNER_SAYS "client:"
#define OWNER_PATH_BYTES (sizeof(OWNERS) + SID_HEX_BYTES)
/* Between the link and the session's file there is time. */
#define OWNER_STALE_SECS 86400

bool served_client_ok(const char *name)
{
	static const char good[] = "0123456789abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ._@-";
	size_t n = strspn(name, good);

	return n > 0 && n <= 64 && name[n] == '\0';
}

/* S, or S.N: a session's file or its heartbeat. */
static bool rights_session(const char *name, char sid[SID_HEX_BYTES],
			   bool *beat)
{
	struct sid id;
	size_t n = strlen(name);

	if (n < SID_HEX_BYTES - 1)
		return false;
	memcpy(sid, name, SID_HEX_BYTES - 1);
	sid[SID_HEX_BYTES - 1] = '\0';
	*beat = n > SID_HEX_BYTES - 1;
	name += SID_HEX_BYTES - 1;
	return sid_parse(&id, sid) && (!*beat || (name[0] == '.' &&
		name[1] != '\0' &&
		strspn(name + 1, "0123456789") == strlen(name + 1)));
}

static const char *owner_path(const char *sid, char out[OWNER_PATH_BYTES])
{
	snprintf(out, OWNER_PATH_BYTES, OWNERS "/%.32s", sid);
	return out;
}

static bool owner_is(const struct served *s, const char *sid)
{
	char path[OWNER_PATH_BYTES], text[128], mine[128];
	ssize_t n = readlinkat(s->dir, owner_path(sid, path), text,
		sizeof(text) - 1);

	if (n < 0)
		return false;
	text[n] = '\0';
	snprintf(mine, sizeof(mine), OWNER_SAYS "%s", s->o->client);
	return strcmp(text, mine) == 0;
}

static int rights_denied(const struct serve_name *n, const char *what,
			 struct err *e)
{
	return err_set(e, ERR_DENIED, "this key may only add backups "
		"('muniment serve --append-only'): '%s/%s' is not %s",
		store_kind_name(n->kind), n->name, what);
}

static bool rights_there(const struct served *s, enum store_kind k,
			 const char *name)
{
	uint64_t size;

	return s->store->ops->stat(s->store, k, name, &size, NULL) !=
		ERR_NOENT;
}

/* A new session is this client's from now on. */
static int rights_begin(struct served *s, const struct serve_name *n,
			const char *sid, struct err *e)
{
	char path[OWNER_PATH_BYTES], mine[128];

	if (owner_is(s, sid))
		return 0;
	if (rights_there(s, STORE_SESSIONS, sid) ||
	    rights_there(s, STORE_ARCHIVES, sid))
		return rights_denied(n, "its own", e);
	snprintf(mine, sizeof(mine), OWNER_SAYS "%s", s->o->client);
	if (mkdirat(s->dir, OWNERS, 0700) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot create 'serve/" OWNERS
			"'");
	if (symlinkat(mine, s->dir, owner_path(sid, path)) == 0)
		return 0;
	if (errno == EEXIST)
		return rights_denied(n, "its own", e);
	return err_errno(e, errno, "cannot create 'serve/%s'", path);
}

int served_rights_put(struct served *s, const struct serve_name *n,
		      struct err *e)
{
	char sid[SID_HEX_BYTES];
	bool beat = false;

	if (!s->o->append_only || n->kind == STORE_DATA ||
	    n->kind == STORE_META || n->kind == STORE_INDEX)
		return 0;
	if ((n->kind != STORE_SESSIONS && n->kind != STORE_ARCHIVES) ||
	    !rights_session(n->name, sid, &beat))
		return rights_denied(n, "put", e);
	if (n->kind == STORE_SESSIONS && !beat)
		return rights_begin(s, n, sid, e);
	if (!owner_is(s, sid) || (n->kind == STORE_ARCHIVES && (beat ||
	    !rights_there(s, STORE_SESSIONS, sid))))
		return rights_denied(n, "of a session of its own", e);
	return 0;
}

int served_rights_del(struct served *s, const struct serve_name *n,
		      struct err *e)
{
	char sid[SID_HEX_BYTES];
	bool beat;

	if (!s->o->append_only)
		return 0;
	if (n->kind != STORE_SESSIONS || !rights_session(n->name, sid, &beat)
	    || !owner_is(s, sid))
		return rights_denied(n, "deleted", e);
	return 0;
}

void served_rights_deleted(struct served *s, const struct serve_name *n)
{
	char sid[SID_HEX_BYTES], path[OWNER_PATH_BYTES];
	bool beat;

	if (n->kind == STORE_SESSIONS &&
	    rights_session(n->name, sid, &beat) && !beat)
		unlinkat(s->dir, owner_path(sid, path), 0);
}

static void tidy_one(struct served *s, const char *sid)
{
	char path[OWNER_PATH_BYTES];
	struct sid id;
	struct stat st;

	if (sid_parse(&id, sid) && !rights_there(s, STORE_SESSIONS, sid) &&
	    fstatat(s->dir, owner_path(sid, path), &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtim.tv_sec +
	    OWNER_STALE_SECS < clock_wall_nsec() / 1000000000)
		unlinkat(s->dir, path, 0);
}

/* Owners of sessions that somebody else has cleared away. */
void served_rights_tidy(struct served *s)
{
	int fd = openat(s->dir, OWNERS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *de;
	DIR *d;

	if (fd < 0)
		return;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return;
	}
	while ((de = readdir(d)) != NULL)
		tidy_one(s, de->d_name);
	closedir(d);
}
