/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/kdf_ahead.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rd.h"
#include "base/thread.h"
#include "base/wr.h"
#include "repo/home.h"
#include "store/sshurl.h"

#define KDF_NAME_BYTES 16

static const uint8_t kdf_magic[8] = { 'm', 'u', 'n', 'i', 'k', 'd', 'f', 1 };

struct kdf_ahead {
	char *path;			/* NULL: nothing is remembered */
	struct key_kdf par;
	char *pass;			/* until it is taken */
	char *mine;			/* the thread's copy */
	struct key *hash;
	struct thread_aside making;	/* of it */
	bool known, begun;
};

/* magic | le32 passes | le32 KiB | salt | XXH3-128 of all that */
int kdf_ahead_put(struct buf *out, const struct key_kdf *par, struct err *e)
{
	size_t at = out->len;
	struct key_sum sum;
	struct wr w;
	int rc;

	wr_init(&w, out);
	wr_bytes(&w, kdf_magic, sizeof(kdf_magic));
	wr_le32(&w, par->passes);
	wr_le32(&w, par->mem_kib);
	wr_bytes(&w, par->salt, sizeof(par->salt));
	if ((rc = wr_done(&w, e)) < 0)
		return rc;
	key_sum(&sum, out->p + at, out->len - at);
	return buf_append(out, sum.b, sizeof(sum.b), e);
}

bool kdf_ahead_get(struct key_kdf *par, const uint8_t *p, size_t len)
{
	const size_t end = KDF_AHEAD_BYTES - sizeof(struct key_sum);
	struct key_sum sum;
	struct rd r;

	if (len != KDF_AHEAD_BYTES ||
	    memcmp(p, kdf_magic, sizeof(kdf_magic)) != 0)
		return false;
	key_sum(&sum, p, end);
	if (memcmp(sum.b, p + end, sizeof(sum.b)) != 0)
		return false;
	rd_init(&r, p + sizeof(kdf_magic), end - sizeof(kdf_magic));
	par->passes = rd_le32(&r);
	par->mem_kib = rd_le32(&r);
	rd_copy(&r, par->salt, sizeof(par->salt));
	return rd_done(&r);
}

static char *kdf_path(const char *url)
{
	char hex[2 * KDF_NAME_BYTES + 1];
	char *base = home_cache(), *path;
	struct oid h;

	key_hash(&h, NULL, "kdf     ", 8, url, strlen(url), NULL, 0);
	hex_put(hex, h.b, KDF_NAME_BYTES);
	path = base ? mem_printf("%s/kdf/%s", base, hex) : NULL;
	free(base);
	return path;
}

static bool kdf_read(struct kdf_ahead *a)
{
	struct buf b = { NULL, 0, 0, KDF_AHEAD_BYTES };
	bool ok = a->path && io_read_file(AT_FDCWD, a->path, &b, NULL) == 0 &&
		kdf_ahead_get(&a->par, b.p, b.len);

	buf_release(&b);
	return ok;
}

static int kdf_make(void *arg, struct err *e)
{
	struct kdf_ahead *a = arg;

	return key_kdf(a->hash, &a->par, a->mine, strlen(a->mine), e);
}

/* The passphrase, if that needs nobody. */
static bool kdf_ask(struct kdf_ahead *a, const char *url,
		    const struct repo_opts *o)
{
	size_t len;

	if (!o->pass_unasked ||
	    o->pass_unasked(&a->pass, url, 0, false, o->pass_ctx, NULL) < 0)
		return false;
	len = strlen(a->pass) + 1;
	a->mine = key_alloc(len);
	a->hash = key_alloc(sizeof(*a->hash));
	if (a->mine)
		memcpy(a->mine, a->pass, len);
	return a->mine && a->hash;
}

struct kdf_ahead *kdf_ahead_new(const char *url, const struct repo_opts *o)
{
	struct kdf_ahead *a;

	if (!sshurl_is(url) || key_setup(NULL) < 0 ||
	    !(a = mem_zero(1, sizeof(*a))))
		return NULL;
	a->path = kdf_path(url);
	a->known = kdf_read(a);
	a->begun = a->known && kdf_ask(a, url, o);
	if (a->begun)
		thread_aside(&a->making, true, kdf_make, a);
	return a;
}

char *kdf_ahead_pass(struct kdf_ahead *a)
{
	char *pass = a ? a->pass : NULL;

	if (a)
		a->pass = NULL;
	return pass;
}

static bool kdf_same(const struct key_kdf *a, const struct key_kdf *b)
{
	return a->passes == b->passes && a->mem_kib == b->mem_kib &&
		memcmp(a->salt, b->salt, sizeof(a->salt)) == 0;
}

const struct key *kdf_ahead_hash(struct kdf_ahead *a, const char *pass,
				 const struct key_kdf *par)
{
	if (!a || !a->begun || !kdf_same(&a->par, par) ||
	    strcmp(a->mine, pass) != 0)
		return NULL;
	return thread_aside_end(&a->making, NULL) == 0 ? a->hash : NULL;
}

void kdf_ahead_keep(struct kdf_ahead *a, const struct key_kdf *par)
{
	struct buf b = BUF_INIT;
	struct err e = { ERR_OK, "" };
	struct iovec iov;
	char *slash;

	if (!a || !a->path || (a->known && kdf_same(&a->par, par)))
		return;
	slash = strrchr(a->path, '/');
	*slash = '\0';
	if (io_make_dirs(a->path, &e) == 0 &&
	    kdf_ahead_put(&b, par, &e) == 0) {
		*slash = '/';
		iov = (struct iovec){ b.p, b.len };
		io_keep(a->path, &iov, 1, &e);
	}
	*slash = '/';
	if (e.code != ERR_OK)
		log_debug("repo", "%s", e.msg);
	buf_release(&b);
}

void kdf_ahead_made(const char *url, const struct key_kdf *par)
{
	const struct repo_opts nobody = { .pass_unasked = NULL };
	struct kdf_ahead *a = kdf_ahead_new(url, &nobody);

	kdf_ahead_keep(a, par);
	kdf_ahead_free(a);
}

void kdf_ahead_forget(const char *url)
{
	char *path = kdf_path(url);

	if (path)
		unlink(path);
	free(path);
}

void kdf_ahead_free(struct kdf_ahead *a)
{
	if (!a)
		return;
	thread_aside_end(&a->making, NULL);
	key_free(a->pass);
	key_free(a->mine);
	key_free(a->hash);
	free(a->path);
	free(a);
}
