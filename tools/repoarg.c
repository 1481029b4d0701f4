/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/repoarg.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/placeholder.h"

const struct opt_row repoarg_rows[] = {
	{ OPT_STR, 0, "archive", 0, "NAME|latest",
	  "the archive: its name, 'latest', or the beginning of its id", 0,
	  NULL },
	{ 0 }
};

const char *repoarg_split(const char *text, size_t *repo_len)
{
	const char *p = strstr(text, "://"), *host_end, *at;

	p = p ? p + 3 : text;
	host_end = p + strcspn(p, "/");
	at = memchr(p, '[', (size_t)(host_end - p));
	if (at)		/* ssh://user@[::1]/path */
		p = at + strcspn(at, "]");
	p = strstr(p, "::");
	*repo_len = p ? (size_t)(p - text) : strlen(text);
	return p ? p + 2 : NULL;
}

/* A path, in the repository's words, and not a URL or HOST:PATH. */
static bool is_relative_path(const char *url)
{
	const char *colon = strchr(url, ':'), *slash = strchr(url, '/');
	struct stat st;

	if (url[0] == '/' || strstr(url, "://"))
		return false;
	return !colon || (slash && slash < colon) || stat(url, &st) == 0;
}

static int set_url(struct repoarg *ra, const char *text, size_t len,
		   struct err *e)
{
	char cwd[PATH_MAX], *copy = mem_printf("%.*s", (int)len, text);
	char *url = NULL;
	int rc;

	if (!copy)
		return err_nomem(e);
	rc = placeholder_expand(&url, copy, e);
	free(copy);
	if (rc < 0)
		return rc;
	if (!*url) {
		free(url);
		return err_set(e, ERR_CONFIG, "the name of the repository is "
			       "empty");
	}
	if (is_relative_path(url)) {
		if (!getcwd(cwd, sizeof(cwd))) {
			rc = err_errno(e, errno, "cannot tell the current "
				       "directory");
			free(url);
			return rc;
		}
		copy = mem_printf("%s/%s", strcmp(cwd, "/") ? cwd : "", url);
		free(url);
		url = copy;
		if (!url)
			return err_nomem(e);
	}
	ra->url = url;
	return 0;
}

static int set_archive(struct repoarg *ra, const char *text, struct err *e)
{
	char *name = NULL;
	int rc;

	if (!*text)
		return err_set(e, ERR_CONFIG, "the name of the archive is "
			       "empty");
	if ((rc = placeholder_expand(&name, text, e)) < 0)
		return rc;
	if (ra->archive && strcmp(ra->archive, name)) {
		rc = err_set(e, ERR_CONFIG, "two archives are named, '%s' and "
			     "'%s'", ra->archive, name);
		free(name);
		return rc;
	}
	free(ra->archive);
	ra->archive = name;
	return 0;
}

/* REPO, REPO::ARCHIVE or ::ARCHIVE, wherever it stood. */
static int take_text(struct repoarg *ra, const char *text, const char *other,
		     struct err *e)
{
	size_t len;
	const char *name = repoarg_split(text, &len);
	int rc = 0;

	if (len == 0 && name)
		text = other;
	if (!text)
		return err_set(e, ERR_CONFIG, "'::%s' names no repository: "
			       "use --repository, or set MUNIMENT_REPO",
			       name ? name : "");
	if (len == 0 && name)
		repoarg_split(text, &len);
	rc = set_url(ra, text, len, e);
	if (rc == 0 && name && *name)
		rc = set_archive(ra, name, e);
	return rc;
}

const char *repoarg_from_env(void)
{
	const char *r = getenv("MUNIMENT_REPO");

	if (!r || !*r)
		r = getenv("BORG_REPO");
	return r && *r ? r : NULL;
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* Does the first operand name the repository or the archive? */
static bool is_ours(const char *word, const char *given, const char *env,
		    bool archive_named, enum repoarg_want want)
{
	size_t len;
	bool has_colons = repoarg_split(word, &len) != NULL;

	if (has_colons && len == 0)
		return true;
	if (given)
		return has_colons && !exists(word);
	if (has_colons)
		return true;
	if (want == REPOARG_CREATE)
		return false;
	if (want == REPOARG_ARCHIVE || archive_named)
		return !env;
	return true;
}

/* No server is asked for this: USER@HOST:PATH is one, HOST:PATH may as well be
 * a path in an archive. */
static bool is_repository(const char *word)
{
	size_t n = strcspn(word, ":/");
	struct slot_repo info;

	if (strstr(word, "://"))
		return true;
	if (word[n] == ':' && n > 0 && !exists(word))
		return memchr(word, '@', n) != NULL;
	return repo_probe(word, NULL, &info, NULL) == 0;
}

bool repoarg_named(const struct call *c)
{
	bool kept = c->cmd->instead && call_given(c, c->cmd->instead);
	const char *word;
	size_t len;

	size_t at = c->at + c->cmd->verb;

	if (c->cmd->maybe_verb && c->words.n > at &&
	    !strcmp(c->words.v[at], c->cmd->maybe_verb))
		at++;
	if (c->words.n <= at + (kept ? 0 : c->cmd->keep) ||
	    (c->has_tail && at >= c->tail))
		return false;
	word = c->words.v[at];
	if (repoarg_split(word, &len))
		return len > 0;
	if (c->cmd->verb)
		return is_repository(word);
	switch ((enum repoarg_want)c->cmd->want) {
	case REPOARG_CREATE:
		return false;
	case REPOARG_REPO:
		return true;
	case REPOARG_EITHER:
		return !call_given(c, "archive") || is_repository(word);
	case REPOARG_ARCHIVE:
		return is_repository(word);
	}
	return false;
}

static int no_repository(enum repoarg_want want, struct err *e)
{
	return err_set(e, ERR_CONFIG, "no repository was named: write %s, use "
		       "--repository, or set MUNIMENT_REPO",
		       want == REPOARG_REPO ? "it behind the action" :
		       "REPO::ARCHIVE");
}

static int judge(struct repoarg *ra, enum repoarg_want want, struct err *e)
{
	if (want == REPOARG_REPO && ra->archive)
		return err_set(e, ERR_CONFIG, "this action is for a whole "
			       "repository, not for the archive '%s'",
			       ra->archive);
	if (want == REPOARG_ARCHIVE && !ra->archive)
		return err_set(e, ERR_CONFIG, "no archive was named: write "
			       "%s::NAME, or use --archive NAME (or latest)",
			       ra->url);
	return 0;
}

int repoarg_take(struct repoarg *ra, const struct app *a, struct call *c,
		 const char *archive, enum repoarg_want want, size_t keep,
		 struct err *e)
{
	const char *given = a->o.repository, *env = repoarg_from_env();
	const char *other = given ? given : env, *word = NULL;
	size_t len;
	int rc;

	memset(ra, 0, sizeof(*ra));
	if (call_words_left(c) > keep && !(c->has_tail && c->at >= c->tail) &&
	    is_ours(c->words.v[c->at], given, env, archive != NULL, want))
		word = call_word(c);
	if (word && given && repoarg_split(word, &len) && len > 0)
		return err_set(e, ERR_CONFIG, "two repositories are named: "
			       "--repository %s and '%s'", given, word);
	if (!word && !other)
		return no_repository(want, e);
	/* MUNIMENT_REPO=R::A is the default for both, as in borg. */
	rc = take_text(ra, word ? word : other, other, e);
	if (rc == 0 && archive)
		rc = set_archive(ra, archive, e);
	return rc == 0 ? judge(ra, want, e) : rc;
}

void repoarg_release(struct repoarg *ra)
{
	free(ra->url);
	free(ra->archive);
	memset(ra, 0, sizeof(*ra));
}
