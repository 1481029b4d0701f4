/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/checks.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/state.h"
#include "tools/talk.h"

static const char *const check_name[CHECKS_NAMES] = {
	[CONFIG_CHECK_REPOSITORY] = "repository",
	[CONFIG_CHECK_ARCHIVES] = "archives",
	[CONFIG_CHECK_DATA] = "data",
	[CONFIG_CHECK_EXTRACT] = "extract",
	[CONFIG_CHECK_SPOT] = "spot",
	[CONFIG_CHECK_DRILL] = "drill"
};

/* A file of the state folder; checks of archives count for the archives that
 * were chosen. */
static char *file_of(const struct checks *k, unsigned name)
{
	bool chosen = name == CONFIG_CHECK_ARCHIVES ||
		name == CONFIG_CHECK_DATA;

	return k->dir ? mem_printf("%s/%s%s%s", k->dir, check_name[name],
				   chosen ? "-" : "", chosen ? k->choice :
				   "") : NULL;
}

static bool is_due(const struct checks *k, const struct config_check *row,
		   unsigned name)
{
	int64_t now = clock_wall_nsec() / 1000000000;
	char *path = file_of(k, name);
	time_t t = (time_t)now;
	struct stat st;
	struct tm tm;
	bool done;

	done = path && stat(path, &st) == 0;
	free(path);
	if (!row)
		return true;
	if (row->only_run_on && localtime_r(&t, &tm) &&
	    !(row->only_run_on & (1u << tm.tm_wday)))
		return false;
	return !done || row->frequency_secs == 0 ||
		now >= st.st_mtime + row->frequency_secs;
}

static int find_name(unsigned *name, const char *text, struct err *e)
{
	for (*name = 0; *name < CHECKS_NAMES; ++*name)
		if (!strcmp(check_name[*name], text))
			return 0;
	return err_set(e, ERR_CONFIG, "option '--only' takes repository, "
		       "archives, data, extract, spot or drill, not '%s'",
		       text);
}

/* check_repositories: labels or paths, globs too; empty: all. */
static bool is_for(const struct config *c,
		   const struct config_repository *repo)
{
	size_t i;

	for (i = 0; i < c->check_repositories.n; i++) {
		const char *p = c->check_repositories.v[i];

		if ((repo->label && !fnmatch(p, repo->label, FNM_NOESCAPE)) ||
		    !fnmatch(p, repo->path, FNM_NOESCAPE))
			return true;
	}
	return c->check_repositories.n == 0;
}

static void name_choice(struct checks *k, const struct config *c)
{
	struct key_sum sum;
	char text[1024];
	size_t i;

	if (!c->match_archives && !c->check_last) {
		memcpy(k->choice, "all", 4);
		return;
	}
	i = (size_t)snprintf(text, sizeof(text), "%s %lld",
			     c->match_archives ? c->match_archives : "",
			     (long long)c->check_last);
	key_sum(&sum, text, i < sizeof(text) ? i : sizeof(text) - 1);
	hex_put(k->choice, (const uint8_t *)&sum, 16);
}

void checks_open(struct checks *k, struct app *a, const struct sid *repo)
{
	struct err why = { ERR_OK, "" };

	memset(k, 0, sizeof(*k));
	k->a = a;
	k->dir = state_dir(a->config, "checks", repo, &why);
	if (!k->dir)
		talk_info("when checks are done will not be remembered: %s",
			  why.msg);
}

int checks_init(struct checks *k, struct app *a, const struct sid *repo,
		const struct strv *only, bool force, struct err *e)
{
	const struct config *c = a->config;
	unsigned name;
	size_t i;
	int rc = 0;

	checks_open(k, a, repo);
	name_choice(k, c);
	for (i = 0; i < c->checks.n; i++) {
		if (c->checks.v[i].name == CONFIG_CHECK_DISABLED)
			return 0;
		k->row[c->checks.v[i].name] = &c->checks.v[i];
	}
	for (i = 0; rc == 0 && i < only->n; i++)
		if ((rc = find_name(&name, only->v[i], e)) == 0)
			k->due[name] = true;
	if (rc < 0 || !is_for(c, a->repository))
		memset(k->due, 0, sizeof(k->due));
	if (rc < 0 || !is_for(c, a->repository))
		return rc;
	for (name = 0; name < CHECKS_NAMES; name++) {
		if (only->n == 0)
			k->due[name] = k->row[name] != NULL;
		if (k->due[name] && !force)
			k->due[name] = is_due(k, k->row[name], name);
	}
	return 0;
}

bool checks_any(const struct checks *k)
{
	unsigned name;

	for (name = 0; name < CHECKS_NAMES; name++)
		if (k->due[name])
			return true;
	return false;
}

void checks_done(struct checks *k, enum config_check_name name)
{
	int64_t now = clock_wall_nsec();
	struct timespec t[2] = {
		{ now / 1000000000, now % 1000000000 }
	};
	char *path = file_of(k, name);
	int fd;

	if (!path)
		return;
	t[1] = t[0];
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || futimens(fd, t) < 0)
		talk_info("cannot remember that the check was done: %s: %s",
			  path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(path);
}

void checks_release(struct checks *k)
{
	free(k->dir);
	memset(k, 0, sizeof(*k));
}

#define POSITION "repository.position"
#define POSITION_MAX 256

char *checks_position(const struct checks *k)
{
	struct buf text = { .max = POSITION_MAX };
	char *path = k->dir ? mem_printf("%s/" POSITION, k->dir) : NULL;
	char *at = NULL;

	if (path && io_read_file(AT_FDCWD, path, &text, NULL) == 0 &&
	    text.len && buf_cstr(&text, NULL) == 0)
		at = mem_str((const char *)text.p);
	buf_release(&text);
	free(path);
	return at;
}

void checks_keep_position(const struct checks *k, const char *at)
{
	char *path = k->dir ? mem_printf("%s/" POSITION, k->dir) : NULL;

	if (path && !at)
		unlink(path);
	else if (path)
		io_publish(AT_FDCWD, path, at, strlen(at), 0600, NULL);
	free(path);
}
