/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/mailstore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/lib/mime.h"
#include "tests/lib/prng.h"

enum { SPACE_TOKEN = 0x300, SPACE_MTIME, SPACE_HOST, SPACE_GUESS };

/* A new container, and so a new host name in file names, every three weeks. */
#define HOST_SECS (21 * 86400)

int64_t mailstore_now_secs(const struct mailstore *s)
{
	return MAILSTORE_START_SECS + 3600 * (int64_t)s->hour;
}

uint64_t mailstore_key(const struct mailstore *s, unsigned user, uint32_t msg,
	unsigned space)
{
	return prng_key(prng_key(prng_key(s->seed, space), user), msg);
}

int mailstore_add_mail(struct folder *f, const struct mail *row,
	struct mail **out, struct err *e)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 16;
		struct mail *p = mem_resize(f->mail, cap, sizeof(*p));

		if (!p)
			return err_nomem(e);
		f->mail = p;
		f->cap = cap;
	}
	f->mail[f->n] = *row;
	f->mail[f->n].uid = f->next_uid++;
	if (out)
		*out = &f->mail[f->n];
	f->n++;
	return 0;
}

int mailstore_add_folder(struct mailbox *b, const char *name,
	enum folder_kind kind, uint32_t validity, struct err *e)
{
	struct folder *f;

	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 16;

		f = mem_resize(b->folder, cap, sizeof(*f));
		if (!f)
			return err_nomem(e);
		b->folder = f;
		b->cap = cap;
	}
	f = &b->folder[b->n];
	memset(f, 0, sizeof(*f));
	f->name = mem_str(name);
	if (!f->name)
		return err_nomem(e);
	f->kind = kind;
	f->validity = validity;
	f->next_uid = f->listed_uid = 1;
	b->n++;
	return 0;
}

void mailstore_sweep(struct folder *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->mail[i].bits & MAIL_GONE)
			continue;
		f->mail[n++] = f->mail[i];
	}
	f->n = n;
}

static void mailstore_token(const struct mailstore *s, unsigned user,
	uint32_t msg, uint32_t gen, int64_t secs,
	char out[MAILSTORE_NAME_BYTES])
{
	uint64_t key = prng_key(mailstore_key(s, user, msg, SPACE_TOKEN), gen);
	uint64_t host = prng_key(prng_key(s->seed, SPACE_HOST),
		(uint64_t)(secs / HOST_SECS));

	snprintf(out, MAILSTORE_NAME_BYTES, "%lld.M%uP%u.%012llx",
		(long long)secs, (unsigned)prng_below(key, 0, 1000000),
		(unsigned)prng_below(key, 1, 60000) + 200,
		(unsigned long long)(host & 0xffffffffffff));
}

void mailstore_guid(const struct mailstore *s, unsigned user,
	const struct mail *m, char out[MAILSTORE_NAME_BYTES])
{
	mailstore_token(s, user, m->msg, 0, m->arrived_secs, out);
}

void mailstore_base_name(const struct mailstore *s, unsigned user,
	const struct mail *m, char out[MAILSTORE_NAME_BYTES])
{
	size_t len;

	mailstore_token(s, user, m->msg, m->gen, m->named_secs, out);
	len = strlen(out);
	if (!(m->bits & MAIL_BARE))
		snprintf(out + len, MAILSTORE_NAME_BYTES - len, ",S=%u,W=%u",
			m->size_bytes, m->wire_bytes);
}

void mailstore_folder_path(const struct mailbox *b, const struct folder *f,
	const char *leaf, char out[MAILSTORE_PATH_BYTES])
{
	int n = snprintf(out, MAILSTORE_PATH_BYTES, "%s/Maildir%s%s%s%s",
		b->home, *f->name ? "/" : "", f->name, *leaf ? "/" : "", leaf);

	BUG_ON(n < 0 || n >= MAILSTORE_PATH_BYTES);
}

void mailstore_mail_path(const struct mailstore *s, unsigned user,
	const struct folder *f, const struct mail *m,
	char out[MAILSTORE_PATH_BYTES])
{
	static const struct {
		uint32_t bit;
		char letter;
	} flag[] = {
		{ MAIL_DRAFT, 'D' }, { MAIL_FLAGGED, 'F' },
		{ MAIL_PASSED, 'P' }, { MAIL_REPLIED, 'R' },
		{ MAIL_SEEN, 'S' }, { MAIL_TRASHED, 'T' },
		{ MAIL_KEYWORD_A, 'a' }, { MAIL_KEYWORD_A << 1, 'b' },
		{ MAIL_KEYWORD_A << 2, 'c' }, { MAIL_KEYWORD_A << 3, 'd' },
		{ MAIL_KEYWORD_A << 4, 'e' }
	};
	char name[MAILSTORE_NAME_BYTES], flags[16] = "";
	size_t n = 0;
	int len;

	mailstore_base_name(s, user, m, name);
	for (size_t k = 0; k < sizeof(flag) / sizeof(*flag); k++)
		if (m->bits & flag[k].bit)
			flags[n++] = flag[k].letter;
	flags[n] = 0;
	mailstore_folder_path(&s->box[user], f,
		m->bits & MAIL_NEW ? "new/" : "cur/", out);
	len = (int)strlen(out);
	snprintf(out + len, (size_t)(MAILSTORE_PATH_BYTES - len), "%s%s%s",
		name, m->bits & MAIL_NEW ? "" : ":2,", flags);
}

struct timespec mailstore_mtime(const struct mailstore *s, unsigned user,
	const struct mail *m)
{
	uint64_t key = mailstore_key(s, user, m->msg, SPACE_MTIME);
	struct timespec ts = { .tv_sec = m->arrived_secs };

	/* Appended and copied mail has whole seconds, delivered mail has
	 * not; imported mail is older than its name. */
	if (!prng_chance(key, 0, 0.4))
		ts.tv_nsec = (long)prng_below(key, 1, 1000000000);
	if (m->bits & MAIL_BARE)
		ts.tv_sec -= (time_t)prng_below(key, 2, 5 * 365) * 86400;
	return ts;
}

static uint32_t mailstore_lines(const struct buf *b)
{
	const uint8_t *p = b->p, *end = b->p + b->len;
	uint32_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		n++;
		p++;
	}
	return n;
}

int mailstore_build(const struct mailstore *s, unsigned user, struct mail *m,
	struct buf *out, struct err *e)
{
	struct mime_env env = { &s->words, s->box[user].address,
		m->arrived_secs };
	struct letter l;
	int rc;

	letter_plan(&l, &s->pool, user, m->msg, m->arrived_secs);
	if (s->profile == MAIL_CRYPT) {
		m->size_bytes = (uint32_t)letter_bytes(&l);
		m->wire_bytes = m->size_bytes + m->size_bytes / 60 + 1;
		return mime_build_crypt(&l, s->seed, m->size_bytes, out, e);
	}
	if ((rc = mime_build(&l, &env, out, e)) < 0)
		return rc;
	m->size_bytes = (uint32_t)out->len;
	m->wire_bytes = m->size_bytes + mailstore_lines(out);
	return 0;
}

void mailstore_release(struct mailstore *s)
{
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < s->box[i].n; k++) {
			free(s->box[i].folder[k].name);
			free(s->box[i].folder[k].mail);
		}
		free(s->box[i].folder);
		free(s->box[i].home);
		free(s->box[i].address);
	}
	free(s->box);
	free(s->root);
	if (s->rootfd > 0)
		close(s->rootfd);
	memset(s, 0, sizeof(*s));
}
