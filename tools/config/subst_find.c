/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/child.h"
#include "tools/config/subst_priv.h"
#include "tools/shlex.h"

#define SECRET_MAX (1u << 16)

static int read_secret(struct buf *b, const struct item *it, const char *path,
		       struct err *e)
{
	struct err why;

	if (io_read_file(AT_FDCWD, path, b, &why) < 0)
		return item_error(it, e, "%s: %s", it->text, why.msg);
	return 0;
}

static bool is_name(const char *s)
{
	return *s && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
		!strchr(s, '/');
}

/* NAME below a folder. */
static int named(struct buf *b, const struct item *it, const char *folder,
		 const char *name, struct err *e)
{
	char *path;
	int rc;

	if (!is_name(name))
		return item_error(it, e, "%s: '%s' is no name of a credential",
				  it->text, name);
	path = mem_printf("%s/%s", folder, name);
	if (!path)
		return err_nomem(e);
	rc = read_secret(b, it, path, e);
	free(path);
	return rc;
}

static int decrypt(struct buf *b, const struct item *it,
		   const struct subst_places *at, const char *name,
		   struct err *e)
{
	struct strv words = STRV_INIT;
	struct child child = { 0 };
	struct err why;
	char chunk[4096];
	ssize_t got = 0;
	char *path;
	int fd = -1, rc;

	if (!is_name(name))
		return item_error(it, e, "%s: '%s' is no name of a credential",
				  it->text, name);
	path = mem_printf("%s/%s", at->encrypted_directory, name);
	if (!path)
		return err_nomem(e);
	if ((rc = shlex_split(&words, at->systemd_creds, &why)) < 0 ||
	    (rc = strv_add(&words, "decrypt", &why)) < 0 ||
	    (rc = strv_add(&words, path, &why)) < 0 ||
	    (rc = strv_add(&words, "-", &why)) < 0 ||
	    (rc = child_read_from(&child, words.v, -1, &fd, &why)) < 0)
		goto out;
	while (rc == 0 && (got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got > 0)
			rc = buf_append(b, chunk, (size_t)got, &why);
		else if (errno != EINTR)
			rc = err_errno(&why, errno, "cannot read what '%s' "
				       "says", words.v[0]);
	}
	close(fd);
	fd = -1;
	if (rc == 0)
		rc = child_wait(&child, &why);
out:
	explicit_bzero(chunk, sizeof(chunk));
	child_kill(&child);
	strv_release(&words);
	free(path);
	return rc < 0 ? item_error(it, e, "%s: %s", it->text, why.msg) : 0;
}

static int find(struct buf *b, const struct item *it,
		const struct subst_places *at, const struct strv *words,
		struct err *e)
{
	const char *kind = words->n > 1 ? words->v[1] : "";
	const char *name = words->n > 2 ? words->v[2] : "";
	const char *given = getenv("CREDENTIALS_DIRECTORY");

	if (!strcmp(kind, "keepassxc"))
		return item_error(it, e, "%s: KeePassXC is not asked by "
				  "muniment: use {credential file PATH}, or "
				  "encryption_passcommand with keepassxc-cli",
				  it->text);
	if (words->n != 3 || (strcmp(kind, "file") != 0 &&
			      strcmp(kind, "container") != 0 &&
			      strcmp(kind, "systemd") != 0))
		return item_error(it, e, "%s: write {credential file PATH}, "
				  "{credential container NAME} or {credential "
				  "systemd NAME}", it->text);
	if (!strcmp(kind, "file"))
		return read_secret(b, it, name, e);
	if (!strcmp(kind, "container"))
		return named(b, it, at->secrets_directory, name, e);
	if (given && *given)
		return named(b, it, given, name, e);
	return decrypt(b, it, at, name, e);
}

int subst_credential(char **out, const struct item *it,
		     const struct subst_places *at, struct err *e)
{
	struct buf b = { .max = SECRET_MAX };
	struct strv words = STRV_INIT;
	size_t len = strlen(it->text);
	char *inner = NULL;
	int rc;

	*out = NULL;
	if (strncmp(it->text, "{credential ", 12) != 0 ||
	    it->text[len - 1] != '}')
		return 0;
	inner = mem_dup(it->text + 1, len - 1);
	if (!inner)
		return err_nomem(e);
	inner[len - 2] = 0;
	rc = shlex_split(&words, inner, e);
	if (rc < 0)
		rc = item_error(it, e, "%s: the quotes do not match",
				it->text);
	if (rc == 0)
		rc = find(&b, it, at, &words, e);
	if (rc == 0 && b.len && memchr(b.p, 0, b.len))
		rc = item_error(it, e, "%s: a zero byte in it", it->text);
	if (rc == 0 && b.len && b.p[b.len - 1] == '\n')
		b.len--;
	if (rc == 0 && b.len && b.p[b.len - 1] == '\r')
		b.len--;
	if (rc == 0)
		rc = buf_cstr(&b, e);
	if (rc == 0)
		*out = (char *)buf_take(&b, NULL);
	if (b.p)
		explicit_bzero(b.p, b.len);
	buf_release(&b);
	strv_release(&words);
	free(inner);
	return rc;
}
