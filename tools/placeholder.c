/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/placeholder.h"

#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/template.h"
#include "tools/times.h"

static const char *fqdn(void)
{
	static char name[NI_MAXHOST];
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *ai = NULL;

	if (name[0])
		return name;
	snprintf(name, sizeof(name), "%s", home_host_name());
	if (strchr(name, '.'))
		return name;
	if (getaddrinfo(name, NULL, &hints, &ai) == 0 && ai->ai_canonname &&
	    strchr(ai->ai_canonname, '.'))
		snprintf(name, sizeof(name), "%s", ai->ai_canonname);
	if (ai)
		freeaddrinfo(ai);
	return name;
}

static void reverse_fqdn(char *out, size_t size)
{
	const char *name = fqdn(), *end = name + strlen(name), *dot;
	size_t len = 0;

	while (end > name && len < size) {
		dot = memrchr(name, '.', (size_t)(end - name));
		dot = dot ? dot + 1 : name;
		len += (size_t)snprintf(out + len, size - len, "%s%.*s",
					len ? "." : "", (int)(end - dot), dot);
		end = dot > name ? dot - 1 : name;
	}
}

static const char *as_host, *as_user;

void placeholder_as(const char *host, const char *user)
{
	as_host = host;
	as_user = user;
}

const char *placeholder_host(void)
{
	return as_host ? as_host : home_host_name();
}

const char *placeholder_user(void)
{
	static char name[64];
	const struct passwd *pw;

	if (as_user)
		return as_user;
	if (name[0])
		return name;
	pw = getpwuid(getuid());
	if (pw)
		snprintf(name, sizeof(name), "%s", pw->pw_name);
	else
		snprintf(name, sizeof(name), "%u", (unsigned)getuid());
	return name;
}

static int64_t now;		/* 0: nobody has asked yet */

static int64_t now_nsec(void)
{
	if (!now)
		now = clock_wall_nsec();
	return now;
}

void placeholder_now(void)
{
	now = 0;
}

static int put_now(struct buf *out, const struct template_part *part,
		   struct err *e)
{
	enum times_zone zone = part->key[0] == 'u' ? TIMES_UTC : TIMES_LOCAL;

	return times_format(out, now_nsec(), part->spec[0] ? part->spec :
			    "%Y-%m-%dT%H:%M:%S", zone, e);
}

static int put_hostname(struct buf *out, const struct template_part *part,
			struct err *e)
{
	const char *s = placeholder_host();

	return template_put_text(out, part, s, strlen(s), e);
}

static int put_fqdn(struct buf *out, const struct template_part *part,
		    struct err *e)
{
	return template_put_text(out, part, fqdn(), strlen(fqdn()), e);
}

static int put_reverse(struct buf *out, const struct template_part *part,
		       struct err *e)
{
	char name[NI_MAXHOST] = "";

	reverse_fqdn(name, sizeof(name));
	return template_put_text(out, part, name, strlen(name), e);
}

static int put_unixtime(struct buf *out, const struct template_part *part,
			struct err *e)
{
	return template_put_number(out, part, now_nsec() / 1000000000, e);
}

static int put_user(struct buf *out, const struct template_part *part,
		    struct err *e)
{
	const char *s = placeholder_user();

	return template_put_text(out, part, s, strlen(s), e);
}

static int put_pid(struct buf *out, const struct template_part *part,
		   struct err *e)
{
	return template_put_number(out, part, getpid(), e);
}

static int put_uuid4(struct buf *out, const struct template_part *part,
		     struct err *e)
{
	char text[37];
	uint8_t b[16];

	key_random(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(text, sizeof(text), "%02x%02x%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
		 b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		 b[13], b[14], b[15]);
	return template_put_text(out, part, text, strlen(text), e);
}

/* Of this program; {borgmajor} "0", {borgminor} "0.1", {borgpatch} "0.1.0". */
static int put_version(struct buf *out, const struct template_part *part,
		       struct err *e)
{
	static const char v[] = MUNIMENT_VERSION;
	const char *dot = strchr(v, '.'), *second;
	size_t len = strlen(v);

	second = dot ? strchr(dot + 1, '.') : NULL;
	if (!strcmp(part->key, "borgmajor") && dot)
		len = (size_t)(dot - v);
	else if (!strcmp(part->key, "borgminor") && second)
		len = (size_t)(second - v);
	return template_put_text(out, part, v, len, e);
}

static const struct {
	const char *key;
	int (*put)(struct buf *out, const struct template_part *part,
		   struct err *e);
} known[] = {
	{ "hostname", put_hostname }, { "fqdn", put_fqdn },
	{ "reverse-fqdn", put_reverse }, { "now", put_now },
	{ "utcnow", put_now }, { "unixtime", put_unixtime },
	{ "user", put_user }, { "pid", put_pid }, { "uuid4", put_uuid4 },
	{ "borgversion", put_version }, { "borgmajor", put_version },
	{ "borgminor", put_version }, { "borgpatch", put_version },
};
#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static int put_key(struct buf *out, const struct template_part *part,
		   const char *text, struct err *e)
{
	struct suggest s = SUGGEST_INIT(part->key);
	size_t i;

	for (i = 0; i < N_KNOWN; i++)
		if (!strcmp(known[i].key, part->key))
			return known[i].put(out, part, e);
	for (i = 0; i < N_KNOWN; i++)
		suggest_add(&s, known[i].key);
	if (suggest_best(&s))
		return err_set(e, ERR_CONFIG, "unknown placeholder '{%s}' in "
			       "'%s': did you mean '{%s}'?", part->key, text,
			       suggest_best(&s));
	return err_set(e, ERR_CONFIG, "unknown placeholder '{%s}' in '%s' (a "
		       "brace itself is written twice)", part->key, text);
}

int placeholder_expand(char **out, const char *text, struct err *e)
{
	struct buf b = BUF_INIT;
	struct template_part part;
	struct template t;
	int rc;

	*out = NULL;
	template_init(&t, text);
	while ((rc = template_next(&t, &part, e)) > 0) {
		rc = part.text ? buf_append(&b, part.text, part.len, e) :
			put_key(&b, &part, text, e);
		if (rc < 0)
			break;
	}
	if (rc == 0)
		rc = buf_cstr(&b, e);
	if (rc == 0 && !b.p)
		rc = err_nomem(e);
	if (rc == 0)
		*out = (char *)buf_take(&b, &(size_t){ 0 });
	buf_release(&b);
	return rc;
}
