/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/oid.h"
#include "store/ops.h"
#include "store/remote.h"
#include "store/sshurl.h"
#include "store/store_priv.h"

static const char *const store_kind_names[STORE_KINDS] = {
	[STORE_ROOT] = ".",
	[STORE_KEYS] = "keys",
	[STORE_DATA] = "data",
	[STORE_META] = "meta",
	[STORE_INDEX] = "index",
	[STORE_ARCHIVES] = "archives",
	[STORE_TOMBSTONES] = "tombstones",
	[STORE_SESSIONS] = "sessions",
	[STORE_GENERATIONS] = "generations",
	[STORE_PINS] = "pins",
	[STORE_PARITY] = "parity",
	[STORE_RESERVE] = "reserve",
};

const char *store_kind_name(enum store_kind k)
{
	BUG_ON(k >= STORE_KINDS);
	return store_kind_names[k];
}

bool store_name_ok(enum store_kind k, const char *name)
{
	static const char good[] = "0123456789abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
	struct oid id;
	size_t n;

	BUG_ON(k >= STORE_KINDS);
	if (k == STORE_DATA || k == STORE_META)
		return oid_parse(&id, name);
	n = strspn(name, good);
	if (n == 0 || n > STORE_NAME_MAX || name[n] != '\0' || name[0] == '.')
		return false;
	return k != STORE_ROOT || strcmp(name, "REPOSITORY") == 0 ||
		strcmp(name, "README") == 0;
}

int store_say_noent(enum store_kind k, const char *name, struct err *e)
{
	return err_set(e, ERR_NOENT, "there is no '%s/%s'",
		store_kind_name(k), name);
}

int store_say_exist(enum store_kind k, const char *name, struct err *e)
{
	return err_set(e, ERR_EXIST, "'%s/%s' is there already",
		store_kind_name(k), name);
}

int store_say_short(enum store_kind k, const char *name, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "'%s/%s' is shorter than it should be",
		store_kind_name(k), name);
}

/* Is it SCHEME://..., and where does the rest begin? */
static const char *store_url_scheme(const char *url)
{
	const char *s = url;

	if (!isalpha((unsigned char)*s))
		return NULL;
	while (isalnum((unsigned char)*s) || *s == '+' || *s == '-' ||
	       *s == '.')
		s++;
	return strncmp(s, "://", 3) == 0 ? s + 3 : NULL;
}

int store_open(struct store **out, const char *url, unsigned flags,
	       struct err *e)
{
	return store_open_with(out, url, flags, NULL, e);
}

int store_open_with(struct store **out, const char *url, unsigned flags,
		    const struct store_opts *o, struct err *e)
{
	const char *rest = store_url_scheme(url);
	const char *path = url;

	*out = NULL;
	if (sshurl_is(url))
		return remote_attach(out, url, flags, o, e);
	if (rest && strncmp(url, "file:", 5) == 0)
		path = rest;
	else if (rest)
		return err_set(e, ERR_CONFIG, "repositories at %.*s are not "
			"supported by this version (%s)",
			(int)(rest - url), url, url);
	if (*path == '\0')
		return err_set(e, ERR_CONFIG,
			"the repository has an empty path ('%s')", url);
	return store_open_local(out, path, flags, e);
}

int store_open_local(struct store **out, const char *path, unsigned flags,
		     struct err *e)
{
	return local_attach(out, path, flags, e);
}

void store_close(struct store *s)
{
	if (s)
		s->ops->close(s);
}

bool store_far(const struct store *s)
{
	return s->ops->far;
}

bool store_traffic(struct store *s, struct store_traffic *t)
{
	if (s->ops->traffic)
		s->ops->traffic(s, t);
	return s->ops->traffic != NULL;
}

/* What every call on a name begins with. */
static int store_check(const struct store *s, enum store_kind k,
		       const char *name, struct err *e)
{
	if (store_name_ok(k, name))
		return 0;
	return err_set(e, ERR_CONFIG,
		"repository '%s': '%s' is no name for a file in '%s'",
		s->url, name, store_kind_name(k));
}

/* And what it ends with. */
static int store_done(const struct store *s, int rc, struct err *e)
{
	return rc < 0 ? err_ctx(e, "repository '%s'", s->url) : 0;
}

int store_put(struct store *s, enum store_kind k, const char *name,
	      const struct iovec *iov, int n, unsigned flags, struct err *e)
{
	int rc = store_check(s, k, name, e);

	BUG_ON(n < 0);
	if (rc < 0)
		return rc;
	return store_done(s, s->ops->put(s, k, name, iov, n, flags, e), e);
}

int store_put_buf(struct store *s, enum store_kind k, const char *name,
		  const struct buf *b, unsigned flags, struct err *e)
{
	struct iovec iov = { b->p, b->len };

	return store_put(s, k, name, &iov, 1, flags, e);
}

int store_get(struct store *s, enum store_kind k, const char *name,
	      uint64_t off, size_t len, struct buf *out, struct err *e)
{
	int rc = store_check(s, k, name, e);

	if (rc < 0)
		return rc;
	return store_done(s, s->ops->get(s, k, name, off, len, out, e), e);
}

int store_get_all(struct store *s, enum store_kind k, const char *name,
		  size_t max, struct buf *out, struct err *e)
{
	uint64_t size;
	int rc = store_check(s, k, name, e);

	if (rc < 0)
		return rc;
	if (s->ops->get_all)
		return store_done(s, s->ops->get_all(s, k, name, max, out, e),
			e);
	if ((rc = store_stat(s, k, name, &size, e)) < 0)
		return rc;
	if (size > max)
		return err_set(e, ERR_CORRUPT, "repository '%s': '%s/%s' has "
			"%" PRIu64 " bytes, more than the %zu it may have",
			s->url, store_kind_name(k), name, size, max);
	return store_get(s, k, name, 0, (size_t)size, out, e);
}

int store_stat(struct store *s, enum store_kind k, const char *name,
	       uint64_t *size, struct err *e)
{
	int rc = store_check(s, k, name, e);

	if (rc < 0)
		return rc;
	return store_done(s, s->ops->stat(s, k, name, size, e), e);
}

struct store_list_one {
	store_list_fn *fn;
	void *ctx;
};

static int store_list_one(enum store_kind k, const char *name, uint64_t size,
			  void *ctx)
{
	struct store_list_one *one = ctx;

	(void)k;
	return one->fn(name, size, one->ctx);
}

/* fn may end a listing without any error, so the store itself adds what is
 * missing from its own messages. */
int store_list(struct store *s, enum store_kind k, store_list_fn *fn,
	       void *ctx, struct err *e)
{
	struct store_list_one one = { fn, ctx };

	BUG_ON(k >= STORE_KINDS);
	if (s->ops->list)
		return s->ops->list(s, k, fn, ctx, e);
	return s->ops->list_many(s, &k, 1, store_list_one, &one, e);
}

int store_get_many(struct store *s, enum store_kind k, char *const *name,
		   size_t n, size_t max, store_got_fn *fn, void *ctx,
		   struct err *e)
{
	struct buf b = BUF_INIT;
	struct err why;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		rc = store_check(s, k, name[i], e);
	if (rc < 0)
		return rc;
	if (s->ops->get_many)
		return s->ops->get_many(s, k, name, n, max, fn, ctx, e);
	for (i = 0; rc == 0 && i < n; i++) {
		buf_clear(&b);
		err_clear(&why);
		rc = store_get_all(s, k, name[i], max, &b, &why);
		rc = fn(i, rc, &b, &why, ctx);
	}
	buf_release(&b);
	return rc;
}

int store_stat_many(struct store *s, struct store_look *look, size_t n,
		    struct err *e)
{
	struct err why = { ERR_OK, "" };
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		rc = store_check(s, look[i].kind, look[i].name, e);
	if (rc < 0)
		return rc;
	if (s->ops->stat_many)
		return store_done(s, s->ops->stat_many(s, look, n, e), e);
	for (i = 0; rc == 0 && i < n; i++) {
		look[i].rc = store_stat(s, look[i].kind, look[i].name,
			&look[i].size, &why);
		if (look[i].rc < 0 && look[i].rc != ERR_NOENT)
			rc = err_set(e, why.code, "%s", why.msg);
	}
	return rc;
}

struct store_kind_list {
	enum store_kind k;
	store_list_many_fn *fn;
	void *ctx;
};

static int store_list_kind(const char *name, uint64_t size, void *ctx)
{
	struct store_kind_list *l = ctx;

	return l->fn(l->k, name, size, l->ctx);
}

int store_list_many(struct store *s, const enum store_kind *k, size_t n,
		    store_list_many_fn *fn, void *ctx, struct err *e)
{
	struct store_kind_list l = { STORE_ROOT, fn, ctx };
	size_t i;
	int rc = 0;

	if (s->ops->list_many)
		return s->ops->list_many(s, k, n, fn, ctx, e);
	for (i = 0; rc == 0 && i < n; i++) {
		l.k = k[i];
		rc = store_list(s, k[i], store_list_kind, &l, e);
	}
	return rc;
}

int store_list_opened(struct store *s, const enum store_kind *k, size_t n,
		      store_list_many_fn *fn, void *ctx, struct err *e)
{
	if (s->ops->list_opened)
		return s->ops->list_opened(s, k, n, fn, ctx, e);
	return store_list_many(s, k, n, fn, ctx, e);
}

int store_del(struct store *s, enum store_kind k, const char *name,
	      struct err *e)
{
	int rc = store_check(s, k, name, e);

	if (rc < 0)
		return rc;
	return store_done(s, s->ops->del(s, k, name, e), e);
}

int store_unmake(struct store *s, struct err *e)
{
	return s->ops->unmake ? store_done(s, s->ops->unmake(s, e), e) : 0;
}

int store_sync(struct store *s, struct err *e)
{
	return store_done(s, s->ops->sync(s, e), e);
}

int store_space(struct store *s, uint64_t *free_bytes, uint64_t *total_bytes,
		struct err *e)
{
	return store_done(s, s->ops->space(s, free_bytes, total_bytes, e), e);
}

int store_scrub(struct store *s, store_scrub_fn *fn, void *ctx,
		struct err *e)
{
	return s->ops->scrub ? s->ops->scrub(s, fn, ctx, e) : 1;
}

bool store_appends_only(struct store *s)
{
	return s->ops->appends && s->ops->appends(s);
}
