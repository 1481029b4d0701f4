/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/rsh.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static int rsh_keep(char **dst, const char *value, struct err *e)
{
	if (*dst)		/* ssh: the first one counts */
		return 0;
	*dst = mem_str(value);
	return *dst ? 0 : err_nomem(e);
}

/* 1: it is not one that can be taken over. */
static int rsh_number(unsigned long *out, const char *value, unsigned long max)
{
	char *end;

	*out = strtoul(value, &end, 10);
	return *value < '0' || *value > '9' || *end != '\0' || *out == 0 ||
		*out > max;
}

static int rsh_port(struct rsh *r, const char *value)
{
	unsigned long n;

	if (rsh_number(&n, value, UINT16_MAX) != 0)
		return 1;
	if (r->port == 0)
		r->port = (uint16_t)n;
	return 0;
}

static int rsh_strict(struct rsh *r, const char *value)
{
	if (strcasecmp(value, "yes") == 0)
		r->strict = RSH_YES;
	else if (strcasecmp(value, "accept-new") == 0 ||
		 strcasecmp(value, "no") == 0 || strcasecmp(value, "off") == 0)
		r->strict = RSH_ACCEPT_NEW;
	else if (strcasecmp(value, "ask") != 0)
		return 1;
	return 0;
}

/* What a server that is asked for by a program without a person does not
 * need, or what holds here anyway. */
static bool rsh_is_given(const char *key, const char *value)
{
	static const char *const pair[][2] = {
		{ "BatchMode", "" }, { "ServerAliveInterval", "" },
		{ "ServerAliveCountMax", "" }, { "TCPKeepAlive", "" },
		{ "LogLevel", "" }, { "RequestTTY", "no" },
		{ "ForwardAgent", "no" }, { "ForwardX11", "no" },
		{ "ClearAllForwardings", "" }, { "IPQoS", "" },
		{ "PasswordAuthentication", "no" },
		{ "KbdInteractiveAuthentication", "no" },
		{ "PubkeyAuthentication", "yes" },
		{ "PreferredAuthentications", "publickey" },
	};
	size_t i;

	for (i = 0; i < sizeof(pair) / sizeof(*pair); i++)
		if (strcasecmp(key, pair[i][0]) == 0)
			return pair[i][1][0] == '\0' ||
				strcasecmp(value, pair[i][1]) == 0;
	return false;
}

static const struct {
	const char *key;
	size_t at;
} rsh_texts[] = {
	{ "User", offsetof(struct rsh, user) },
	{ "UserKnownHostsFile", offsetof(struct rsh, known_hosts) },
	{ "Ciphers", offsetof(struct rsh, ciphers) },
	{ "MACs", offsetof(struct rsh, macs) },
	{ "KexAlgorithms", offsetof(struct rsh, kex) },
	{ "HostKeyAlgorithms", offsetof(struct rsh, host_keys) },
	{ "ProxyJump", offsetof(struct rsh, jump) },
	{ "ProxyCommand", offsetof(struct rsh, proxy) },
	{ "BindAddress", offsetof(struct rsh, bind) },
	{ "HostName", offsetof(struct rsh, host_name) },
};

/* -o KEY=VALUE or "KEY VALUE" */
static int rsh_option(struct rsh *r, const char *text, struct err *e)
{
	size_t i, n = strcspn(text, "= \t");
	const char *value = text + n + strspn(text + n, "= \t");
	unsigned long number;
	char key[64];

	if (n == 0 || n >= sizeof(key) || *value == '\0')
		return 1;
	memcpy(key, text, n);
	key[n] = '\0';
	for (i = 0; i < sizeof(rsh_texts) / sizeof(*rsh_texts); i++)
		if (strcasecmp(key, rsh_texts[i].key) == 0)
			return rsh_keep((char **)(void *)((char *)r +
				rsh_texts[i].at), value, e);
	if (strcasecmp(key, "Port") == 0)
		return rsh_port(r, value);
	if (strcasecmp(key, "IdentityFile") == 0)
		return strv_add(&r->identities, value, e);
	if (strcasecmp(key, "StrictHostKeyChecking") == 0)
		return rsh_strict(r, value);
	if (strcasecmp(key, "IdentitiesOnly") == 0) {
		r->identities_only = strcasecmp(value, "yes") == 0;
		return 0;
	}
	if (strcasecmp(key, "Compression") == 0) {
		r->compress = strcasecmp(value, "yes") == 0;
		return 0;
	}
	if (strcasecmp(key, "ConnectTimeout") == 0) {
		if (rsh_number(&number, value, 3600) != 0)
			return 1;
		r->connect_secs = (unsigned)number;
		return 0;
	}
	return rsh_is_given(key, value) ? 0 : 1;
}

static int rsh_letter(struct rsh *r, char letter, const char *value,
		      struct err *e)
{
	switch (letter) {
	case 'i':
		return strv_add(&r->identities, value, e);
	case 'p':
		return rsh_port(r, value);
	case 'l':
		return rsh_keep(&r->user, value, e);
	case 'F':
		return rsh_keep(&r->config, value, e);
	case 'J':
		return rsh_keep(&r->jump, value, e);
	case 'b':
		return rsh_keep(&r->bind, value, e);
	case 'c':
		return rsh_keep(&r->ciphers, value, e);
	case 'm':
		return rsh_keep(&r->macs, value, e);
	case 'o':
		return rsh_option(r, value, e);
	default:
		return 1;
	}
}

/* 0: all was taken over; 1: it is for a program of its own. */
static int rsh_options(struct rsh *r, char *const *argv, struct err *e)
{
	const char *word;
	int rc = 0;

	while (rc == 0 && (word = *argv++) != NULL) {
		if (word[0] != '-')
			return 1;
		while (*++word != '\0' && strchr("qvTxakC", *word))
			r->compress |= *word == 'C';
		if (*word == '\0')
			continue;
		if (word[1] != '\0')
			rc = rsh_letter(r, word[0], word + 1, e);
		else if (*argv)
			rc = rsh_letter(r, word[0], *argv++, e);
		else
			rc = 1;
	}
	return rc;
}

int rsh_parse(struct rsh *r, char *const *argv, struct err *e)
{
	const char *base;
	int rc = 0;
	size_t i;

	memset(r, 0, sizeof(*r));
	for (i = 0; argv && rc == 0 && argv[i]; i++)
		rc = strv_add(&r->argv, argv[i], e);
	if (rc < 0 || r->argv.n == 0)
		return rc;
	base = strrchr(r->argv.v[0], '/');
	base = base ? base + 1 : r->argv.v[0];
	rc = strcmp(base, "ssh") == 0 ? rsh_options(r, r->argv.v + 1, e) : 1;
	r->run = rc == 1;
	return rc < 0 ? rc : 0;
}

void rsh_release(struct rsh *r)
{
	size_t i;

	for (i = 0; i < sizeof(rsh_texts) / sizeof(*rsh_texts); i++)
		free(*(char **)(void *)((char *)r + rsh_texts[i].at));
	free(r->config);
	strv_release(&r->argv);
	strv_release(&r->identities);
	memset(r, 0, sizeof(*r));
}
