/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one path that a client names, and only once.  It is judged in the form
 * that has no link and no ".." in it; from then on nothing but kinds and names
 * comes over the line.
 */
#include "store/served_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/local_trash.h"
#include "store/ops.h"

#define SERVED_DIR "serve"

static bool path_climbs(const char *path)
{
	const char *p = path;

	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return true;
		p += n;
		p += *p == '/';
	}
	return false;
}

/* "." and empty parts say nothing. */
static char *path_plain(const char *path)
{
	char *out = mem_alloc(strlen(path) + 2), *to = out;
	const char *p = path;
	size_t n;

	if (!out)
		return NULL;
	if (*p == '/')
		*to++ = '/';
	while (*p) {
		n = strcspn(p, "/");
		if (n > 0 && !(n == 1 && *p == '.')) {
			if (to > out && to[-1] != '/')
				*to++ = '/';
			memcpy(to, p, n);
			to += n;
		}
		p += n;
		p += *p == '/';
	}
	if (to == out)
		*to++ = '.';
	*to = '\0';
	return out;
}

/* The longest beginning that is there, without links; then the rest. */
int served_path(char **out, const char *path, struct err *e)
{
	char *plain, *rest, *real = NULL, *slash;
	int rc = 0;

	*out = NULL;
	if (path_climbs(path))
		return err_set(e, ERR_DENIED, "the path of a repository has no "
			"'..' here");
	plain = path_plain(path);
	rest = plain ? mem_str("") : NULL;
	while (rc == 0 && rest && !(real = realpath(*plain ? plain : ".",
	    NULL))) {
		char *longer;

		slash = strrchr(plain, '/');
		if (errno != ENOENT || strcmp(plain, "/") == 0 ||
		    strcmp(plain, ".") == 0) {
			rc = err_errno(e, errno, "cannot look at '%s'", path);
			break;
		}
		longer = mem_printf("/%s%s", slash ? slash + 1 : plain, rest);
		free(rest);
		rest = longer;
		if (slash == plain)
			slash[1] = '\0';
		else
			*(slash ? slash : plain) = '\0';
	}
	if (rc == 0 && rest && real)
		*out = mem_printf("%s%s", strcmp(real, "/") == 0 && *rest ?
			"" : real, rest);
	if (rc == 0 && !*out)
		rc = err_nomem(e);
	free(real);
	free(rest);
	free(plain);
	return rc;
}

static bool path_is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	if (strcmp(top, "/") == 0)
		return true;
	return strncmp(path, top, n) == 0 &&
		(path[n] == '\0' || path[n] == '/');
}

static int path_allowed(const char *path, const struct strv *list, bool exact,
			bool *allowed, struct err *e)
{
	size_t i;
	int rc = 0;

	*allowed = list->n == 0;
	for (i = 0; rc == 0 && i < list->n && !*allowed; i++) {
		char *top;

		rc = served_path(&top, list->v[i], e);
		if (rc == 0)
			*allowed = exact ? strcmp(path, top) == 0 :
				path_is_below(path, top);
		free(top);
	}
	return rc;
}

static int open_judge(struct served *s, const struct serve_hello *h,
		      struct err *e)
{
	bool bound = s->o->paths->n > 0 || s->o->repositories->n > 0;
	bool below = false, exact = false;
	int rc = served_path(&s->path, h->path, e);

	/* One who is bound to a place learns nothing of others. */
	if (bound && rc < 0 && rc != ERR_NOMEM)
		return err_set(e, ERR_DENIED, "this key may not use the "
			"repository '%s'", h->path);
	if (rc < 0 ||
	    (rc = path_allowed(s->path, s->o->paths, false, &below, e)) < 0 ||
	    (rc = path_allowed(s->path, s->o->repositories, true, &exact,
	    e)) < 0)
		return rc;
	if (!below || !exact)
		return err_set(e, ERR_DENIED, "this key may not use the "
			"repository '%s'", h->path);
	if (h->flags && s->o->append_only)
		return err_set(e, ERR_DENIED, "this key may only add backups "
			"('muniment serve --append-only'): it makes no "
			"repository");
	return 0;
}

static int open_version(const struct serve_hello *h, struct err *e)
{
	if (h->must)
		return err_set(e, ERR_CONFIG, "the server is too old for this "
			"client: it does not know the features %#x", h->must);
	if (h->oldest > SERVE_VERSION || h->newest < SERVE_VERSION)
		return err_set(e, ERR_CONFIG, "the server speaks version %u of "
			"the protocol, the client %u to %u", SERVE_VERSION,
			h->oldest, h->newest);
	return 0;
}

static int open_dir(struct served *s, struct err *e)
{
	s->root = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0)
		return err_errno(e, errno, "cannot open the repository");
	if (mkdirat(s->root, SERVED_DIR, 0700) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot create '" SERVED_DIR "' in "
			"the repository");
	s->dir = openat(s->root, SERVED_DIR, O_RDONLY | O_DIRECTORY |
		O_CLOEXEC | O_NOFOLLOW);
	if (s->dir < 0)
		return err_errno(e, errno, "cannot open '" SERVED_DIR "' in "
			"the repository");
	return 0;
}

/* What others have left, before the world gets small. */
static void open_tidy(struct served *s)
{
	char day[LOCAL_TRASH_DAY_BYTES];
	struct err e;
	uint64_t n;

	err_clear(&e);
	local_trash_tidy(s->store);
	served_rights_tidy(s);
	served_put_tidy(s);
	if (s->o->trash_days == 0)
		return;
	served_journal_day(day, s->o->trash_days);
	if (local_trash_expire(s->store, day, &n, &e) < 0)
		log_info("serve", "%s", e.msg);
	else if (n > 0)
		log_info("serve", "%llu files left the trash for good",
			(unsigned long long)n);
}

static int open_confine(struct served *s, struct err *e)
{
	if (s->o->free)
		return 0;
	s->confined = served_confine_files(s->root);
	if (s->confined & SERVE_LANDLOCK)
		return 0;
	if (s->o->must_confine)
		return err_set(e, ERR_DENIED, "the server does not confine "
			"itself: this kernel has no landlock");
	log_info("serve", "not confined to the repository's files: this "
		"kernel has no landlock");
	return 0;
}

int served_open(struct served *s, const struct serve_hello *h, struct err *e)
{
	unsigned flags = (h->flags & SERVE_CREATE ? STORE_CREATE : 0u) |
		(h->flags & SERVE_PARENTS ? STORE_PARENTS : 0u);
	int rc;

	if ((rc = open_version(h, e)) < 0 || (rc = open_judge(s, h, e)) < 0 ||
	    (rc = store_open_local(&s->store, s->path, flags, e)) < 0 ||
	    (rc = open_dir(s, e)) < 0)
		return rc;
	served_journal_open(s);
	open_tidy(s);
	return open_confine(s, e);
}
