/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What store.h promises, asked of every store: memory, a local folder with
 * each of the ways to give a file its name, fault injection over memory,
 * OpenSSH's sftp server, whole and without its extensions, and "muniment
 * serve", which is named or answers instead of sftp.
 */
#include "tests/lib/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/store.h"
#include "tests/lib/faultos.h"
#include "tests/lib/tmpdir.h"

#define NO(call) (1u << FAULTOS_##call)

/* One store to test, and the state of a test with it. */
struct rig {
	const char *name;
	bool local, fault;		/* local: files, here or there */
	uint32_t lacks;
	const char *server;		/* a command that speaks sftp */
	bool serve, named;		/* or the other one */
	bool no_space;			/* and does not tell that */
	char dir[256];			/* made once, emptied by each test */
	struct store *s;
};

static struct err e;

static void ok(int rc)
{
	check_ok(rc, &e);
}

static void fails(int rc, enum err_code code)
{
	check_err(rc, code, &e);
	err_clear(&e);
}

#define SFTP_SERVER "/usr/lib/openssh/sftp-server"

static int rig_attach(struct rig *r, unsigned flags)
{
	char sh[] = "sh", c[] = "-c", *text = NULL, url[300];
	char *rsh[] = { sh, c, NULL, sh, NULL };
	struct store_opts o = { .rsh = rsh };
	int rc;

	if (!r->server && !r->serve)
		return store_open(&r->s, r->dir, flags, &e);
	if (r->named)
		o.remote_path = "muniment";
	text = r->serve ? mem_printf("exec %s/tools/servestore",
		getenv("BUILD")) : mem_printf("exec %s", r->server);
	assert_non_null(text);
	rsh[2] = text;
	snprintf(url, sizeof(url), "host:%s", r->dir);
	rc = store_open_with(&r->s, url, flags, &o, &e);
	free(text);
	return rc;
}

static void rig_open(struct rig *r)
{
	struct faultos_plan plan = { .lacks = r->lacks, .no_disk = true };
	char x[] = "x";
	struct iovec iov = { x, 1 };

	faultos_start(&plan);
	if (!r->local) {
		r->s = store_open_mem(&e);
		assert_non_null(r->s);
		if (r->fault)
			r->s = store_open_fault(r->s, &e);
		assert_non_null(r->s);
		return;
	}
	if (r->dir[0] == '\0') {
		tmpdir_make(r->dir, sizeof(r->dir));
		ok(rig_attach(r, STORE_CREATE));
		ok(store_put(r->s, STORE_ROOT, "REPOSITORY", &iov, 1,
			STORE_PUT_RACE, &e));
		store_close(r->s);
	}
	ok(rig_attach(r, 0));
}

/* A name that every kind but STORE_ROOT takes. */
static char *name_of(char out[65], unsigned n)
{
	static const char zeros[] =
		"00000000000000000000000000000000000000000000000000000000";

	snprintf(out, 65, "%08x%s", n * 2654435761u, zeros);
	return out;
}

static int put(struct rig *r, enum store_kind k, const char *name,
	       const char *text)
{
	struct buf b = BUF_INIT;
	int rc;

	ok(buf_append(&b, text, strlen(text), &e));
	rc = store_put_buf(r->s, k, name, &b, 0, &e);
	buf_release(&b);
	return rc;
}

static void has(struct rig *r, enum store_kind k, const char *name,
		const char *text)
{
	struct buf b = BUF_INIT;
	uint64_t size = 0;

	ok(store_stat(r->s, k, name, &size, &e));
	assert_int_equal(size, strlen(text));
	ok(store_get_all(r->s, k, name, 1 << 20, &b, &e));
	assert_int_equal(b.len, strlen(text));
	if (b.len > 0)
		assert_memory_equal(b.p, text, b.len);
	buf_release(&b);
}

struct seen {
	struct rig *r;
	enum store_kind kind;
	unsigned n;
	uint64_t bytes;
	int stop_at, delete;
	char last[STORE_NAME_MAX + 1];
};

static int see(const char *name, uint64_t size, void *ctx)
{
	struct seen *seen = ctx;

	seen->n++;
	seen->bytes += size;
	snprintf(seen->last, sizeof(seen->last), "%s", name);
	if (seen->delete)
		ok(store_del(seen->r->s, seen->kind, name, &e));
	return (int)seen->n == seen->stop_at ? 4711 : 0;
}

static unsigned count(struct rig *r, enum store_kind k)
{
	struct seen seen = { .r = r, .kind = k };

	ok(store_list(r->s, k, see, &seen, &e));
	return seen.n;
}

static void rig_close(struct rig *r)
{
	struct seen seen = { .r = r, .delete = 1 };
	unsigned k;

	for (k = STORE_KEYS; r->local && k < STORE_KINDS; k++) {
		seen.kind = k;
		ok(store_list(r->s, k, see, &seen, &e));
	}
	store_close(r->s);
	faultos_stop();
}

static void test_every_kind(void **state)
{
	struct rig *r = *state;
	char name[65];
	unsigned k, had;

	rig_open(r);
	for (k = 0; k < STORE_KINDS; k++) {
		uint64_t size;

		had = count(r, k);
		if (k == STORE_ROOT)
			snprintf(name, sizeof(name), "README");
		else
			name_of(name, k);
		fails(store_stat(r->s, k, name, &size, &e), ERR_NOENT);
		fails(store_del(r->s, k, name, &e), ERR_NOENT);
		ok(put(r, k, name, "some bytes"));
		has(r, k, name, "some bytes");
		assert_int_equal(count(r, k), had + 1);
		ok(store_sync(r->s, &e));
		has(r, k, name, "some bytes");
		ok(store_del(r->s, k, name, &e));
		fails(store_stat(r->s, k, name, &size, &e), ERR_NOENT);
		fails(store_del(r->s, k, name, &e), ERR_NOENT);
		assert_int_equal(count(r, k), had);
		ok(put(r, k, name, "again"));
		has(r, k, name, "again");
		ok(store_sync(r->s, &e));
		ok(store_del(r->s, k, name, &e));
	}
	rig_close(r);
}

static void test_put_if_absent(void **state)
{
	struct rig *r = *state;
	char name[65];

	rig_open(r);
	name_of(name, 1);
	ok(put(r, STORE_ARCHIVES, name, "first"));
	fails(put(r, STORE_ARCHIVES, name, "second"), ERR_EXIST);
	has(r, STORE_ARCHIVES, name, "first");
	fails(put(r, STORE_ARCHIVES, name, ""), ERR_EXIST);
	has(r, STORE_ARCHIVES, name, "first");
	ok(put(r, STORE_DATA, name, "other kind"));
	has(r, STORE_DATA, name, "other kind");
	assert_int_equal(count(r, STORE_ARCHIVES), 1);
	rig_close(r);
}

static void test_ranges(void **state)
{
	struct rig *r = *state;
	struct buf b = BUF_INIT, small = { .max = 4 };
	char name[65];

	rig_open(r);
	name_of(name, 1);
	ok(put(r, STORE_DATA, name, "0123456789"));
	ok(buf_append(&b, "ab", 2, &e));
	ok(store_get(r->s, STORE_DATA, name, 3, 4, &b, &e));
	ok(store_get(r->s, STORE_DATA, name, 9, 1, &b, &e));
	ok(store_get(r->s, STORE_DATA, name, 10, 0, &b, &e));
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.p, "ab34569", 7);
	fails(store_get(r->s, STORE_DATA, name, 3, 8, &b, &e), ERR_CORRUPT);
	fails(store_get(r->s, STORE_DATA, name, 10, 1, &b, &e), ERR_CORRUPT);
	fails(store_get(r->s, STORE_DATA, name, 11, 0, &b, &e), ERR_CORRUPT);
	fails(store_get(r->s, STORE_DATA, name, UINT64_MAX, 2, &b, &e),
		ERR_CORRUPT);
	/* Before anything of that size is allocated. */
	fails(store_get(r->s, STORE_DATA, name, 0, SIZE_MAX / 4, &b, &e),
		ERR_CORRUPT);
	fails(store_get(r->s, STORE_DATA, name_of(name, 2), 0, 0, &b, &e),
		ERR_NOENT);
	assert_int_equal(b.len, 7);
	fails(store_get(r->s, STORE_DATA, name_of(name, 1), 0, 5, &small, &e),
		ERR_CORRUPT);
	assert_int_equal(small.len, 0);
	fails(store_get_all(r->s, STORE_DATA, name, 9, &b, &e), ERR_CORRUPT);
	assert_int_equal(b.len, 7);
	ok(store_get_all(r->s, STORE_DATA, name, 10, &b, &e));
	assert_int_equal(b.len, 17);
	buf_release(&b);
	buf_release(&small);
	rig_close(r);
}

static void test_pieces(void **state)
{
	enum { PIECES = 3000 };
	struct rig *r = *state;
	struct iovec iov[PIECES], was[PIECES];
	struct buf b = BUF_INIT;
	char name[65], piece[] = "piece";
	unsigned i;

	rig_open(r);
	for (i = 0; i < PIECES; i++) {
		iov[i].iov_base = i % 5 ? piece : NULL;
		iov[i].iov_len = i % 5;
	}
	memcpy(was, iov, sizeof(iov));
	ok(store_put(r->s, STORE_META, name_of(name, 1), iov, PIECES, 0, &e));
	assert_memory_equal(was, iov, sizeof(iov));
	ok(store_get_all(r->s, STORE_META, name, 1 << 20, &b, &e));
	assert_int_equal(b.len, PIECES / 5 * 10);
	assert_memory_equal(b.p, "ppipiepiecppi", 13);
	ok(store_put(r->s, STORE_META, name_of(name, 2), NULL, 0, 0, &e));
	has(r, STORE_META, name, "");
	ok(store_put(r->s, STORE_META, name_of(name, 3), iov, 1, 0, &e));
	has(r, STORE_META, name, "");
	buf_release(&b);
	rig_close(r);
}

static void test_names(void **state)
{
	static const char *const bad[] = { "", ".", "..", ".hidden", "a/b",
		"../x", "a b", "n\xc3\xa4", "a\n", "tmp/x" };
	struct rig *r = *state;
	char name[STORE_NAME_MAX + 2];
	struct buf b = BUF_INIT;
	uint64_t size;
	size_t i;

	rig_open(r);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fails(put(r, STORE_KEYS, bad[i], "x"), ERR_CONFIG);
		fails(store_get(r->s, STORE_KEYS, bad[i], 0, 0, &b, &e),
			ERR_CONFIG);
		fails(store_stat(r->s, STORE_KEYS, bad[i], &size, &e),
			ERR_CONFIG);
		fails(store_del(r->s, STORE_KEYS, bad[i], &e), ERR_CONFIG);
	}
	memset(name, 'x', sizeof(name));
	name[STORE_NAME_MAX + 1] = '\0';
	fails(put(r, STORE_KEYS, name, "x"), ERR_CONFIG);
	name[STORE_NAME_MAX] = '\0';
	ok(put(r, STORE_KEYS, name, "x"));
	has(r, STORE_KEYS, name, "x");
	ok(put(r, STORE_KEYS, "Ab-9_.z", "y"));
	fails(put(r, STORE_ROOT, "data", "x"), ERR_CONFIG);
	fails(put(r, STORE_ROOT, "other", "x"), ERR_CONFIG);
	fails(put(r, STORE_DATA, "Ab-9_.z", "x"), ERR_CONFIG);
	name_of(name, 1);
	name[63] = 'A';
	fails(put(r, STORE_META, name, "x"), ERR_CONFIG);
	assert_int_equal(count(r, STORE_KEYS), 2);
	rig_close(r);
}

static void test_list(void **state)
{
	enum { N = 600 };
	struct rig *r = *state;
	struct seen seen = { .r = r, .kind = STORE_DATA };
	char name[65];
	unsigned i;

	rig_open(r);
	assert_int_equal(count(r, STORE_DATA), 0);
	for (i = 0; i < N; i++)
		ok(put(r, STORE_DATA, name_of(name, i), "1234567"));
	ok(store_list(r->s, STORE_DATA, see, &seen, &e));
	assert_int_equal(seen.n, N);
	assert_int_equal(seen.bytes, N * 7);
	assert_int_equal(count(r, STORE_META), 0);
	seen = (struct seen){ .r = r, .stop_at = 5 };
	assert_int_equal(store_list(r->s, STORE_DATA, see, &seen, &e), 4711);
	assert_int_equal(seen.n, 5);
	seen = (struct seen){ .r = r, .kind = STORE_DATA, .delete = 1 };
	ok(store_list(r->s, STORE_DATA, see, &seen, &e));
	assert_int_equal(seen.n, N);
	assert_int_equal(count(r, STORE_DATA), 0);
	ok(put(r, STORE_ROOT, "README", "read me"));
	seen = (struct seen){ .r = r };
	ok(store_list(r->s, STORE_ROOT, see, &seen, &e));
	assert_int_equal(seen.n, r->local ? 2 : 1);
	ok(store_del(r->s, STORE_ROOT, "README", &e));
	rig_close(r);
}

static void test_space(void **state)
{
	struct rig *r = *state;
	uint64_t free_bytes = 0, total_bytes = 0;

	rig_open(r);
	if (r->no_space) {
		fails(store_space(r->s, &free_bytes, &total_bytes, &e),
			ERR_IO);
		rig_close(r);
		return;
	}
	ok(store_space(r->s, &free_bytes, &total_bytes, &e));
	assert_true(total_bytes > 0);
	assert_true(free_bytes <= total_bytes);
	rig_close(r);
}

enum { RACERS = 8, RACES = 60 };

struct racer {
	struct rig *r;
	pthread_t tid;
	char mark;
	atomic_uint *won;		/* one a race */
	pthread_barrier_t *start;
	int bad;
};

static void *race(void *arg)
{
	struct racer *me = arg;
	char name[65], text[5000];
	struct iovec iov = { text, sizeof(text) };
	struct seen seen;
	struct err mine;
	unsigned i;
	int rc;

	memset(text, me->mark, sizeof(text));
	for (i = 0; i < RACES; i++) {
		pthread_barrier_wait(me->start);
		rc = store_put(me->r->s, STORE_GENERATIONS, name_of(name, i),
			&iov, 1, STORE_PUT_RACE, &mine);
		if (rc == 0)
			atomic_fetch_add(&me->won[i], 1);
		else if (rc != ERR_EXIST)
			me->bad++;
		name_of(name, 1000 + i * RACERS + (unsigned)me->mark);
		seen = (struct seen){ .r = me->r };
		if (store_put(me->r->s, STORE_DATA, name, &iov, 1, 0, &mine) ||
		    store_sync(me->r->s, &mine) ||
		    store_list(me->r->s, STORE_GENERATIONS, see, &seen, &mine))
			me->bad++;
		/* Each one's own put, and whoever won, is in the listing. */
		if (seen.n < i + 1 || seen.bytes != seen.n * sizeof(text))
			me->bad++;
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct rig *r = *state;
	struct racer racer[RACERS];
	atomic_uint won[RACES];
	pthread_barrier_t start;
	struct buf b = BUF_INIT;
	char name[65];
	unsigned i, j;

	rig_open(r);
	pthread_barrier_init(&start, NULL, RACERS);
	for (i = 0; i < RACES; i++)
		atomic_init(&won[i], 0);
	for (i = 0; i < RACERS; i++) {
		racer[i] = (struct racer){ .r = r, .mark = (char)('a' + i),
			.won = won, .start = &start };
		assert_int_equal(pthread_create(&racer[i].tid, NULL, race,
			&racer[i]), 0);
	}
	for (i = 0; i < RACERS; i++) {
		pthread_join(racer[i].tid, NULL);
		assert_int_equal(racer[i].bad, 0);
	}
	for (i = 0; i < RACES; i++) {
		assert_int_equal(atomic_load(&won[i]), 1);
		buf_clear(&b);
		ok(store_get_all(r->s, STORE_GENERATIONS, name_of(name, i),
			5000, &b, &e));
		assert_int_equal(b.len, 5000);
		for (j = 1; j < 5000; j++)
			assert_int_equal(b.p[j], b.p[0]);
	}
	assert_int_equal(count(r, STORE_GENERATIONS), RACES);
	assert_int_equal(count(r, STORE_DATA), RACES * RACERS);
	buf_release(&b);
	pthread_barrier_destroy(&start);
	rig_close(r);
}

/* Memory only: what a power cut leaves. */
static void test_mem_cut(void **state)
{
	struct rig r = { .name = "mem" };
	unsigned seed, i, lost = 0, kept = 0, undone = 0, between = 0;
	struct store *base;
	char name[65];

	(void)state;
	rig_open(&r);
	base = r.s;
	ok(put(&r, STORE_DATA, name_of(name, 1), "safe"));
	ok(put(&r, STORE_DATA, name_of(name, 2), "to be deleted"));
	ok(put(&r, STORE_DATA, name_of(name, 3), "to be replaced"));
	ok(store_sync(r.s, &e));
	ok(put(&r, STORE_DATA, name_of(name, 4), "not synced"));
	ok(store_del(r.s, STORE_DATA, name_of(name, 2), &e));
	ok(store_del(r.s, STORE_DATA, name_of(name, 3), &e));
	ok(put(&r, STORE_DATA, name_of(name, 3), "new"));
	for (seed = 0; seed < 64; seed++) {
		uint64_t size;

		r.s = store_mem_copy(base, &e);
		assert_non_null(r.s);
		store_mem_cut(r.s, seed);
		has(&r, STORE_DATA, name_of(name, 1), "safe");
		if (store_stat(r.s, STORE_DATA, name_of(name, 4), &size,
		    &e) == 0)
			kept++;
		else
			lost++;
		if (store_stat(r.s, STORE_DATA, name_of(name, 2), &size,
		    &e) == 0)
			undone++;
		if (store_stat(r.s, STORE_DATA, name_of(name, 3), &size,
		    &e) < 0)
			between++;
		/* What a cut has left is durable. */
		i = count(&r, STORE_DATA);
		store_mem_cut(r.s, seed + 1);
		assert_int_equal(count(&r, STORE_DATA), i);
		store_close(r.s);
	}
	assert_true(kept > 8 && lost > 8 && undone > 8 && between > 4);
	r.s = base;
	assert_int_equal(count(&r, STORE_DATA), 3);
	has(&r, STORE_DATA, name_of(name, 3), "new");
	rig_close(&r);
}

static void test_fault_wrapper(void **state)
{
	struct rig r = { .name = "fault(mem)", .fault = true };
	struct store *below;
	char name[65];

	(void)state;
	rig_open(&r);
	store_fault_arm(r.s, 2, STORE_FAULT_BEFORE, ERR_FULL);
	ok(put(&r, STORE_DATA, name_of(name, 1), "a"));
	fails(put(&r, STORE_DATA, name_of(name, 2), "b"), ERR_FULL);
	assert_int_equal(store_fault_count(r.s), 2);
	ok(put(&r, STORE_DATA, name_of(name, 2), "b"));
	store_fault_arm(r.s, 1, STORE_FAULT_AFTER, ERR_IO);
	fails(put(&r, STORE_DATA, name_of(name, 3), "c"), ERR_IO);
	fails(put(&r, STORE_DATA, name_of(name, 3), "c"), ERR_EXIST);
	store_fault_arm(r.s, 2, STORE_FAULT_CUT_AFTER, ERR_IO);
	ok(store_sync(r.s, &e));
	fails(put(&r, STORE_DATA, name_of(name, 4), "d"), ERR_IO);
	fails(put(&r, STORE_DATA, name_of(name, 5), "e"), ERR_IO);
	fails(store_sync(r.s, &e), ERR_IO);
	below = store_fault_take(r.s);
	store_close(r.s);
	r.s = below;
	assert_int_equal(count(&r, STORE_DATA), 4);
	has(&r, STORE_DATA, name_of(name, 4), "d");
	rig_close(&r);
}

static struct rig rigs[] = {
	{ .name = "mem" },
	{ .name = "fault(mem)", .fault = true },
	{ .name = "local", .local = true },
	{ .name = "local, no renameat2", .local = true,
	  .lacks = NO(RENAME_NEW) },
	{ .name = "local, no link", .local = true, .lacks = NO(LINKAT) },
	{ .name = "local, neither", .local = true,
	  .lacks = NO(RENAME_NEW) | NO(LINKAT) },
	{ .name = "sftp", .local = true, .server = SFTP_SERVER },
	{ .name = "sftp, no links", .local = true,
	  .server = SFTP_SERVER " -P hardlink" },
	{ .name = "sftp, version 3 only", .local = true, .no_space = true,
	  .server = SFTP_SERVER " -P hardlink,fsync,statvfs,limits" },
	{ .name = "serve", .local = true, .serve = true, .named = true },
	{ .name = "serve, forced", .local = true, .serve = true },
};

int main(void)
{
	static const struct CMUnitTest one[] = {
		cmocka_unit_test(test_every_kind),
		cmocka_unit_test(test_put_if_absent),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_space),
		cmocka_unit_test(test_threads),
	};
	static const struct CMUnitTest more[] = {
		cmocka_unit_test(test_mem_cut),
		cmocka_unit_test(test_fault_wrapper),
	};
	enum { N = sizeof(one) / sizeof(*one) };
	struct CMUnitTest tests[N];
	size_t i, j;
	int bad = 0;

	setenv("BUILD", "build", 0);
	for (i = 0; i < sizeof(rigs) / sizeof(*rigs); i++) {
		if (rigs[i].server && access(SFTP_SERVER, X_OK) < 0)
			continue;
		memcpy(tests, one, sizeof(one));
		for (j = 0; j < N; j++)
			tests[j].initial_state = &rigs[i];
		bad += _cmocka_run_group_tests(rigs[i].name, tests, N, NULL,
			NULL);
		if (rigs[i].local)
			tmpdir_remove(rigs[i].dir);
	}
	bad += cmocka_run_group_tests(more, NULL, NULL);
	return bad != 0;
}
