/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sshurl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SSHURL_MAX 4096

/* What stands before the path of [user@]host:path, or 0. */
static size_t sshurl_scp_len(const char *url)
{
	size_t n = strcspn(url, ":/["), close;

	if (url[n] == '[' && (n == 0 || url[n - 1] == '@')) {
		close = strcspn(url + n, "]/");
		if (url[n + close] != ']' || url[n + close + 1] != ':')
			return 0;
		return n + close + 1;
	}
	n = strcspn(url, ":/");
	return url[n] == ':' && url[n + 1] != ':' ? n : 0;
}

static const char *sshurl_scheme(const char *url)
{
	if (strncmp(url, "ssh://", 6) == 0)
		return url + 6;
	return strncmp(url, "sftp://", 7) == 0 ? url + 7 : NULL;
}

bool sshurl_is(const char *url)
{
	return sshurl_scheme(url) || (!strstr(url, "://") &&
		sshurl_scp_len(url) > 0);
}

/* Names reach other programs' command lines, and messages. */
static bool sshurl_word_ok(const char *s, const char *more)
{
	size_t i;

	if (*s == '\0' || *s == '-')
		return false;
	for (i = 0; s[i] != '\0'; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(more, s[i]))
			return false;
	return true;
}

static int sshurl_port(struct sshurl *u, const char *text, const char *url,
		       struct err *e)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end != '\0' || n == 0 ||
	    n > UINT16_MAX)
		return err_set(e, ERR_CONFIG, "'%s': the port is '%s', not a "
			"number from 1 to 65535", url, text);
	u->port = (uint16_t)n;
	return 0;
}

/* [user@]host[:port], in place; the port only where the form has one. */
static int sshurl_server(struct sshurl *u, char *text, bool with_port,
			 const char *url, struct err *e)
{
	char *at = strrchr(text, '@'), *host = at ? at + 1 : text, *end;
	bool v6 = *host == '[';

	if (at)
		*at = '\0';
	if (v6) {
		host++;
		end = strchr(host, ']');
		if (!end)
			return err_set(e, ERR_CONFIG, "'%s': the bracket of "
				"the address is not closed", url);
		*end++ = '\0';
	} else {
		end = host + strcspn(host, ":");
	}
	if (*end == ':' && with_port) {
		*end++ = '\0';
		if (sshurl_port(u, end, url, e) < 0)
			return ERR_CONFIG;
	} else if (*end != '\0') {
		return err_set(e, ERR_CONFIG, "'%s': '%s' behind the host "
			"makes no sense", url, end);
	}
	if (!sshurl_word_ok(host, v6 ? ":.%_-" : "._-"))
		return err_set(e, ERR_CONFIG, "'%s': '%s' is no name of a "
			"host", url, host);
	if (at && !sshurl_word_ok(text, "._-+@$\\"))
		return err_set(e, ERR_CONFIG, "'%s': '%s' is no name of a "
			"user", url, text);
	u->host = mem_str(host);
	u->user = at ? mem_str(text) : NULL;
	return u->host && (!at || u->user) ? 0 : err_nomem(e);
}

/* The path as the server takes it: relative to where one is logged in. */
static int sshurl_path(struct sshurl *u, const char *p, const char *url,
		       struct err *e)
{
	size_t n;

	if (*p == '\0')
		return err_set(e, ERR_CONFIG, "'%s' names no folder: write "
			"/./FOLDER for one below the home of the user, or "
			"/FOLDER from the root", url);
	if (p[0] == '/' && (p[1] == '~' || (p[1] == '.' && (p[2] == '/' ||
	    p[2] == '\0'))))
		p++;
	if (p[0] == '~' && p[1] != '/' && p[1] != '\0')
		return err_set(e, ERR_CONFIG, "'%s': homes of other users "
			"(~NAME) are not known here, write the whole path",
			url);
	if (p[0] == '~' || (p[0] == '.' && (p[1] == '/' || p[1] == '\0'))) {
		p++;
		p += strspn(p, "/");
	}
	while (p[0] == '/' && p[1] == '/')
		p++;
	n = strlen(p);
	while (n > 1 && p[n - 1] == '/')
		n--;
	u->path = mem_printf("%.*s", n ? (int)n : 1, n ? p : ".");
	return u->path ? 0 : err_nomem(e);
}

int sshurl_parse(struct sshurl *u, const char *url, struct err *e)
{
	const char *rest = sshurl_scheme(url);
	size_t n, len = strlen(url);
	char *server = NULL;
	int rc;

	memset(u, 0, sizeof(*u));
	if (len > SSHURL_MAX)
		return err_set(e, ERR_CONFIG, "the address of the repository "
			"is longer than %d bytes", SSHURL_MAX);
	for (n = 0; n < len; n++)
		if (iscntrl((unsigned char)url[n]))
			return err_set(e, ERR_CONFIG, "the address of the "
				"repository has a control character in it");
	n = rest ? strcspn(rest, "/") : sshurl_scp_len(url);
	server = mem_printf("%.*s", (int)n, rest ? rest : url);
	if (!server)
		return err_nomem(e);
	rc = sshurl_server(u, server, rest != NULL, url, e);
	if (rc == 0)
		rc = sshurl_path(u, rest ? rest + n : url + n + 1, url, e);
	free(server);
	if (rc < 0)
		sshurl_release(u);
	return rc;
}

void sshurl_release(struct sshurl *u)
{
	free(u->user);
	free(u->host);
	free(u->path);
	memset(u, 0, sizeof(*u));
}
