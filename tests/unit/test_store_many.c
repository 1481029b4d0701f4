/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many names at once, what is listed on opening, and bytes that are read
 * ahead: in memory, in a local folder, through OpenSSH's sftp server, whole
 * and without its extensions, and through "muniment serve".
 */
#include "tests/lib/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strv.h"
#include "store/store.h"
#include "tests/lib/tmpdir.h"

#define SFTP_SERVER "/usr/lib/openssh/sftp-server"

struct rig {
	const char *name;
	bool mem;
	const char *server;		/* a command that speaks sftp */
	bool serve;			/* or the other one */
	char dir[256];
	struct store *s;
};

static struct err e;

static void ok(int rc)
{
	check_ok(rc, &e);
}

static struct store *rig_attach(const struct rig *r, unsigned flags)
{
	char sh[] = "sh", c[] = "-c", *text, url[300];
	char *rsh[] = { sh, c, NULL, sh, NULL };
	struct store_opts o = { .rsh = rsh };
	struct store *s = NULL;

	if (!r->server && !r->serve) {
		ok(store_open(&s, r->dir, flags, &e));
		return s;
	}
	text = r->serve ? mem_printf("exec %s/tools/servestore",
		getenv("BUILD")) : mem_printf("exec %s", r->server);
	assert_non_null(text);
	rsh[2] = text;
	snprintf(url, sizeof(url), "host:%s", r->dir);
	ok(store_open_with(&s, url, flags, &o, &e));
	free(text);
	return s;
}

static void rig_open(struct rig *r)
{
	char x[] = "x";
	struct iovec iov = { x, 1 };

	if (r->mem) {
		r->s = store_open_mem(&e);
		assert_non_null(r->s);
		return;
	}
	tmpdir_make(r->dir, sizeof(r->dir));
	r->s = rig_attach(r, STORE_CREATE);
	ok(store_put(r->s, STORE_ROOT, "REPOSITORY", &iov, 1, STORE_PUT_RACE,
		&e));
	store_close(r->s);
	r->s = rig_attach(r, 0);
}

static void rig_close(struct rig *r)
{
	store_close(r->s);
	if (!r->mem)
		tmpdir_remove(r->dir);
}

/* A name that every kind but STORE_ROOT takes. */
static char *name_of(char out[65], unsigned n)
{
	static const char zeros[] =
		"00000000000000000000000000000000000000000000000000000000";

	snprintf(out, 65, "%08x%s", n * 2654435761u, zeros);
	return out;
}

static int put(struct store *s, enum store_kind k, const char *name,
	       const char *text)
{
	struct buf b = BUF_INIT;
	int rc;

	ok(buf_append(&b, text, strlen(text), &e));
	rc = store_put_buf(s, k, name, &b, 0, &e);
	buf_release(&b);
	return rc;
}

struct many {
	unsigned n, missing, large;
	bool tombstones;
};

static int many_got(size_t i, int rc, const struct buf *b,
		    const struct err *why, void *ctx)
{
	struct many *m = ctx;
	char text[16];

	assert_int_equal(i, m->n++);
	assert_int_equal(why->code, rc);
	m->missing += rc == ERR_NOENT;
	m->large += rc == ERR_CORRUPT;
	if (rc == 0 && b->len < sizeof(text)) {
		snprintf(text, sizeof(text), "%zu", i);
		assert_int_equal(b->len, strlen(text));
		assert_memory_equal(b->p, text, b->len);
	}
	return i == 190 ? 4711 : 0;
}

static int many_listed(enum store_kind k, const char *name, uint64_t size,
		       void *ctx)
{
	struct many *m = ctx;

	(void)name;
	(void)size;
	m->n++;
	m->tombstones |= k == STORE_TOMBSTONES;
	assert_true(k == STORE_TOMBSTONES || k == STORE_ARCHIVES);
	return 0;
}

/* More than one batch; with holes, an empty one, ones that are read alone. */
static void test_many(void **state)
{
	static const enum store_kind kinds[] = { STORE_ARCHIVES,
		STORE_TOMBSTONES };
	struct rig *r = *state;
	struct many m = { .n = 0 };
	struct store_look look[200];
	struct strv names = STRV_INIT;
	struct buf b = BUF_INIT;
	char name[65], text[16];
	size_t i;

	rig_open(r);
	ok(store_get_many(r->s, STORE_ARCHIVES, NULL, 0, 10, many_got, &m,
		&e));
	ok(store_stat_many(r->s, look, 0, &e));
	ok(buf_resize(&b, 100000, &e));
	for (i = 0; i < 200; i++) {
		ok(strv_add(&names, name_of(name, (unsigned)i), &e));
		look[i] = (struct store_look) { .kind = STORE_ARCHIVES,
			.name = names.v[i] };
		snprintf(text, sizeof(text), "%zu", i);
		if (i == 77 || i == 78)
			ok(store_put_buf(r->s, STORE_ARCHIVES, name, &b,
				STORE_PUT_RACE, &e));
		else if (i % 10 != 5)
			ok(put(r->s, STORE_ARCHIVES, name, text));
	}
	assert_int_equal(store_get_many(r->s, STORE_ARCHIVES, names.v, 200,
		100000, many_got, &m, &e), 4711);
	assert_int_equal(m.n, 191);
	assert_int_equal(m.missing, 19);
	assert_int_equal(m.large, 0);
	memset(&m, 0, sizeof(m));
	ok(store_get_many(r->s, STORE_ARCHIVES, names.v, 100, 99999, many_got,
		&m, &e));
	assert_int_equal(m.large, 2);
	ok(store_stat_many(r->s, look, 200, &e));
	for (i = 0; i < 200; i++) {
		assert_int_equal(look[i].rc, i % 10 == 5 ? ERR_NOENT : 0);
		if (i == 77)
			assert_int_equal(look[i].size, 100000);
	}
	ok(put(r->s, STORE_TOMBSTONES, names.v[5], "t"));
	memset(&m, 0, sizeof(m));
	ok(store_list_many(r->s, kinds, 2, many_listed, &m, &e));
	assert_int_equal(m.n, 181);
	assert_true(m.tombstones);
	strv_release(&names);
	buf_release(&b);
	rig_close(r);
}

static int few_got(size_t i, int rc, const struct buf *b,
		   const struct err *why, void *ctx)
{
	struct many *m = ctx;

	assert_int_equal(i, m->n++);
	assert_int_equal(rc, i % 100 == 0 ? 0 : ERR_NOENT);
	assert_int_equal(why->code, rc);
	m->missing += rc == ERR_NOENT;
	assert_int_equal(b->len, rc == 0 ? 5 : 0);
	return 0;
}

/* More than any request may ask for, and most are not there. */
static void test_few_of_many(void **state)
{
	enum { NAMES = 700, LOOKS = 9000 };
	struct rig *r = *state;
	struct store_look *look = mem_zero(LOOKS, sizeof(*look));
	struct many m = { .n = 0 };
	struct strv names = STRV_INIT;
	char name[65];
	size_t i;

	rig_open(r);
	assert_non_null(look);
	for (i = 0; i < LOOKS; i++)
		ok(strv_add(&names, name_of(name, (unsigned)i), &e));
	for (i = 0; i < LOOKS; i++)
		look[i] = (struct store_look) { .kind = STORE_DATA,
			.name = names.v[i], .rc = 1 };
	for (i = 0; i < NAMES; i += 100)
		ok(put(r->s, STORE_DATA, names.v[i], "bytes"));
	ok(put(r->s, STORE_DATA, names.v[LOOKS - 1], "of the last"));
	ok(store_get_many(r->s, STORE_DATA, names.v, NAMES, 10, few_got, &m,
		&e));
	assert_int_equal(m.n, NAMES);
	assert_int_equal(m.missing, NAMES - 7);
	ok(store_stat_many(r->s, look, LOOKS, &e));
	for (i = 0; i < LOOKS - 1; i++)
		assert_int_equal(look[i].rc, i % 100 == 0 && i < NAMES ? 0 :
			ERR_NOENT);
	assert_int_equal(look[i].rc, 0);
	assert_int_equal(look[i].size, 11);
	strv_release(&names);
	free(look);
	rig_close(r);
}

/* Own changes are seen at once; what others do since may be missing the first
 * time only. */
static void test_opened(void **state)
{
	static const enum store_kind kinds[] = { STORE_ARCHIVES,
		STORE_TOMBSTONES };
	struct rig *r = *state;
	struct many m = { .n = 0 };
	struct store *other;
	char name[65];

	rig_open(r);
	if (r->mem) {
		rig_close(r);
		return;
	}
	ok(put(r->s, STORE_ARCHIVES, name_of(name, 1), "1"));
	ok(store_list_opened(r->s, kinds, 2, many_listed, &m, &e));
	assert_int_equal(m.n, 1);
	store_close(r->s);
	r->s = rig_attach(r, 0);
	other = rig_attach(r, 0);
	ok(put(other, STORE_ARCHIVES, name_of(name, 2), "2"));
	m.n = 0;
	ok(store_list_opened(r->s, kinds, 2, many_listed, &m, &e));
	assert_in_range(m.n, 1, 2);
	m.n = 0;
	ok(store_list_opened(r->s, kinds, 2, many_listed, &m, &e));
	assert_int_equal(m.n, 2);
	ok(store_del(other, STORE_ARCHIVES, name, &e));
	m.n = 0;
	ok(store_list_many(r->s, kinds, 2, many_listed, &m, &e));
	assert_int_equal(m.n, 1);
	store_close(other);
	rig_close(r);
}

#define PACK_BYTES (21u << 20)

struct piece {
	struct rig *r;
	const struct buf *b;
	char name[65];
	_Atomic size_t at;
	size_t step;
};

static void *read_pieces(void *arg)
{
	struct piece *p = arg;
	struct buf out = BUF_INIT;
	struct err why = { ERR_OK, "" };
	size_t at, len;

	while ((at = atomic_fetch_add(&p->at, p->step)) < p->b->len) {
		len = p->step < p->b->len - at ? p->step : p->b->len - at;
		buf_clear(&out);
		check_ok(store_get(p->r->s, STORE_DATA, p->name, at, len,
			&out, &why), &why);
		assert_int_equal(out.len, len);
		assert_memory_equal(out.p, p->b->p + at, len);
	}
	buf_release(&out);
	return NULL;
}

/* In order by one and by several, in large steps, backwards; and past the
 * end. */
static void test_ahead(void **state)
{
	static const size_t steps[] = { 100000, 700001, 3000000 };
	struct piece p = { .r = *state };
	struct buf b = BUF_INIT, out = BUF_INIT;
	pthread_t tid[3];
	uint64_t x = 88172645463325252u;
	size_t i, at;

	rig_open(p.r);
	ok(buf_resize(&b, PACK_BYTES + 12345, &e));
	for (i = 0; i < b.len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		b.p[i] = (uint8_t)x;
	}
	p.b = &b;
	name_of(p.name, 1);
	ok(store_put_buf(p.r->s, STORE_DATA, p.name, &b, 0, &e));
	for (i = 0; i < 3; i++) {
		p.step = steps[i];
		atomic_store(&p.at, 0);
		read_pieces(&p);
		atomic_store(&p.at, 0);
		for (at = 0; at < 3; at++)
			assert_int_equal(pthread_create(&tid[at], NULL,
				read_pieces, &p), 0);
		for (at = 0; at < 3; at++)
			pthread_join(tid[at], NULL);
	}
	for (at = b.len; at > 5000000; at -= 1234567) {
		buf_clear(&out);
		ok(store_get(p.r->s, STORE_DATA, p.name, at - 999, 999, &out,
			&e));
		assert_memory_equal(out.p, b.p + at - 999, 999);
	}
	buf_clear(&out);
	check_err(store_get(p.r->s, STORE_DATA, p.name, b.len - 5, 6, &out,
		&e), ERR_CORRUPT, &e);
	err_clear(&e);
	check_err(store_get(p.r->s, STORE_DATA, p.name, UINT64_MAX, 6, &out,
		&e), ERR_CORRUPT, &e);
	err_clear(&e);
	assert_int_equal(out.len, 0);
	ok(store_del(p.r->s, STORE_DATA, p.name, &e));
	buf_release(&b);
	buf_release(&out);
	rig_close(p.r);
}

static int count_one(enum store_kind k, const char *name, uint64_t size,
		     void *ctx)
{
	(void)k;
	(void)name;
	(void)size;
	++*(unsigned *)ctx;
	return 0;
}

/* What a server keeps open for somebody who comes and goes does not grow: it
 * still opens two folders at once. */
static void test_come_and_go(void **state)
{
	static const enum store_kind kinds[] = {
		STORE_SESSIONS, STORE_DATA
	};
	struct rig *r = *state;
	unsigned i, n = 0;
	char name[65];

	rig_open(r);
	for (i = 0; i < 150; i++) {
		ok(put(r->s, STORE_SESSIONS, name_of(name, i), "mark"));
		ok(store_del(r->s, STORE_SESSIONS, name, &e));
	}
	ok(store_list_many(r->s, kinds, 2, count_one, &n, &e));
	assert_int_equal(n, 0);
	rig_close(r);
}

static struct rig rigs[] = {
	{ .name = "mem", .mem = true },
	{ .name = "local" },
	{ .name = "sftp", .server = SFTP_SERVER },
	{ .name = "sftp, few files",
	  .server = "sh -c 'ulimit -n 96; exec " SFTP_SERVER "'" },
	{ .name = "sftp, version 3 only",
	  .server = SFTP_SERVER " -P hardlink,fsync,statvfs,limits" },
	{ .name = "serve", .serve = true },
};

int main(void)
{
	static const struct CMUnitTest one[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_few_of_many),
		cmocka_unit_test(test_opened),
		cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_come_and_go),
	};
	enum { N = sizeof(one) / sizeof(*one) };
	struct CMUnitTest tests[N];
	size_t i, j;
	int bad = 0;

	for (i = 0; i < sizeof(rigs) / sizeof(*rigs); i++) {
		if (rigs[i].server && access(SFTP_SERVER, X_OK) < 0)
			continue;
		memcpy(tests, one, sizeof(one));
		for (j = 0; j < N; j++)
			tests[j].initial_state = &rigs[i];
		bad += _cmocka_run_group_tests(rigs[i].name, tests, N, NULL,
			NULL);
	}
	return bad != 0;
}
