/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was seen of a repository: its bytes, what becomes of it when something
 * goes wrong while it is kept, and what a key that only adds can forge.
 * tests/cases/log.sh has the alarms as users see them.
 */
#include "repo/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/mark.h"
#include "repo/repo_priv.h"
#include "repo/seen.h"
#include "repo/session_priv.h"
#include "tests/lib/check.h"
#include "tests/lib/cutos.h"
#include "tests/lib/faultos.h"
#include "tests/lib/world.h"

static struct world w;
static unsigned alarms;
static enum witness_kind last;
static const struct key loc = { { 7 } };
static char pins[WORLD_PATH], kept[WORLD_PATH], seen_path[2 * WORLD_PATH];

static void on_alarm(const struct witness_finding *f, void *ctx)
{
	(void)ctx;
	alarms++;
	last = f->kind;
}

static int give(char **pass, const char *url, unsigned attempt, bool confirm,
		void *ctx, struct err *e)
{
	(void)url;
	(void)confirm;
	if (attempt > 0)
		return err_set(e, ERR_AUTH, "wrong passphrase");
	*pass = key_alloc(strlen(ctx) + 1);
	if (!*pass)
		return err_nomem(e);
	memcpy(*pass, ctx, strlen(ctx) + 1);
	return 0;
}

static int open_as(struct repo **r, const char *pass, struct err *e)
{
	const struct repo_opts o = {
		.pass = give, .pass_ctx = (void *)(uintptr_t)pass,
		.alarm = on_alarm
	};

	return repo_open(r, w.repo, &o, e);
}

/* A contact.  How many archives it sees; alarms are counted. */
static int contact(size_t *n, struct err *e)
{
	struct catalog *c = NULL;
	struct repo *r = NULL;
	int rc = open_as(&r, "secret", e);

	if (rc == 0)
		rc = catalog_load(&c, r, e);
	if (n)
		*n = rc == 0 ? c->n : 0;
	catalog_free(c);
	repo_close(r);
	return rc;
}

static void must_contact(size_t want, unsigned want_alarms)
{
	struct err e;
	size_t n;

	alarms = 0;
	check_ok(contact(&n, &e), &e);
	assert_int_equal(n, want);
	assert_int_equal(alarms, want_alarms);
}

static struct seen_archive archive(uint8_t no)
{
	struct seen_archive a = { .seq = no, .start_nsec = no * 1000 };

	memset(a.session.b, no, sizeof(a.session.b));
	memset(a.record.b, no + 1, sizeof(a.record.b));
	a.name = (char *)(uintptr_t)"name";
	return a;
}

static void fill(struct seen *s, uint8_t from, uint8_t n)
{
	struct seen_archive a;
	struct err e;
	uint8_t i;

	for (i = 0; i < n; i++) {
		a = archive((uint8_t)(from + i));
		check_ok(seen_add(s, &a, &e), &e);
	}
}

static void test_bytes(void **state)
{
	struct seen s = { .generation = 5 }, t;
	struct seen_archive a = archive(3), b = archive(4);
	struct seen_owed o = { .by = a.session };
	struct buf file = BUF_INIT, again = BUF_INIT;
	struct err e;
	size_t i;

	(void)state;
	fill(&s, 1, 9);
	check_ok(seen_bury(&s, &a.session, NULL, &e), &e);
	memset(o.record.b, 99, sizeof(o.record.b));
	check_ok(seen_owe(&s, &o, &e), &e);
	check_ok(seen_put(&file, &s, &loc, &e), &e);
	check_ok(seen_get(&t, file.p, file.len, &loc, &e), &e);
	assert_true(t.known && t.generation == 5);
	assert_true(seen_is_dead(&t, &a.session) && !seen_live(&t, &a.session));
	assert_string_equal(seen_live(&t, &b.session)->name, "name");
	assert_true(seen_knows(&t, &a.record) && seen_knows(&t, &b.record));
	assert_false(seen_knows(&t, &o.record));
	check_ok(seen_put(&again, &t, &loc, &e), &e);
	assert_int_equal(again.len, file.len);
	assert_memory_equal(again.p, file.p, file.len);
	seen_release(&t);
	for (i = 0; i < file.len; i++) {
		check_err(seen_get(&t, file.p, i, &loc, &e), ERR_CORRUPT, &e);
		file.p[i] ^= 1;
		check_err(seen_get(&t, file.p, file.len, &loc, &e),
			ERR_CORRUPT, &e);
		file.p[i] ^= 1;
	}
	seen_release(&s);
	buf_release(&file);
	buf_release(&again);
}

/* Whoever writes last does not undo what the other has seen. */
static void test_merge(void **state)
{
	struct seen one = { 0 }, two = { 0 };
	struct seen_archive a = archive(1), b = archive(2), c = archive(3);
	struct err e;

	(void)state;
	fill(&one, 1, 2);
	fill(&two, 1, 3);
	check_ok(seen_bury(&one, &a.session, NULL, &e), &e);
	check_ok(seen_merge(&two, &one, &e), &e);
	assert_true(seen_is_dead(&two, &a.session));
	assert_true(seen_live(&two, &b.session) && seen_live(&two, &c.session));
	check_ok(seen_merge(&one, &two, &e), &e);
	assert_true(seen_is_dead(&one, &a.session));
	assert_non_null(seen_live(&one, &c.session));
	seen_forget(&one, &a.session);
	assert_false(seen_is_dead(&one, &a.session));
	check_ok(seen_add(&one, &a, &e), &e);
	assert_non_null(seen_live(&one, &a.session));
	seen_release(&one);
	seen_release(&two);
}

static int setup(void **state)
{
	char hex[SID_HEX_BYTES];
	struct repo *r;
	struct err e;

	(void)state;
	alarms = 0;
	world_make(&w, "witness");
	check_ok(world_init(&w, &e), &e);
	check_ok(world_create(&w, "one", &e), &e);
	check_ok(open_as(&r, "secret", &e), &e);
	snprintf(pins, sizeof(pins), "%s/pins", w.dir);
	snprintf(kept, sizeof(kept), "%s/kept", w.dir);
	snprintf(seen_path, sizeof(seen_path), "%s/%s.seen", pins,
		sid_hex(repo_id(r), hex));
	repo_close(r);
	must_contact(1, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_end(&w);
	return 0;
}

/* --- a machine whose key only adds --- */

static struct repo *open_host(void)
{
	const struct repo_key_new n = {
		.label = "host", .kind = SLOT_PASSPHRASE, .secret = "host",
		.rights = KEY_APPEND, .mem_kib = 8
	};
	struct repo *r;
	struct err e;

	check_ok(open_as(&r, "secret", &e), &e);
	check_ok(repo_keys_add(r, &n, &e), &e);
	repo_close(r);
	check_ok(open_as(&r, "host", &e), &e);
	assert_int_equal(repo_rights(r), KEY_APPEND);
	return r;
}

/* A tombstone that it signs deletes nothing; and it is said. */
static void test_forged_tombstone(void **state)
{
	struct repo *r = open_host();
	struct mark_tombstone t = { .host = mem_str("h"),
				    .user = mem_str("u"),
				    .reason = mem_str("r") };
	char hex[SID_HEX_BYTES];
	struct buf b = BUF_INIT;
	struct catalog *c;
	struct err e;

	(void)state;
	check_ok(catalog_load(&c, r, &e), &e);
	assert_int_equal(c->n, 1);
	check_err(catalog_delete(r, c->item[0], "", &e), ERR_DENIED, &e);
	t.archive = c->item[0]->rec.session;
	t.record = c->item[0]->id;
	check_ok(mark_put_tombstone(repo_ctx(r), &t, &b, &e), &e);
	check_ok(store_put_buf(repo_store(r), STORE_TOMBSTONES,
		sid_hex(&t.archive, hex), &b, 0, &e), &e);
	catalog_free(c);
	repo_close(r);
	must_contact(1, 1);
	assert_int_equal(last, WITNESS_TOMBSTONE);
	mark_tombstone_release(&t);
	buf_release(&b);
}

/* A record that it makes in the name of another machine is none; one of its
 * own is. */
static void test_forged_record(void **state)
{
	struct session_opts so = { .comp = COMP_SPEC_DEFAULT };
	struct repo *r = open_host();
	struct record rec = { .seq = 2, .name = mem_str("forged"),
		.series = mem_str(""), .host = mem_str(""),
		.user = mem_str(""), .comment = mem_str(""),
		.program = mem_str("") };
	char hex[SID_HEX_BYTES];
	struct buf b = BUF_INIT;
	struct session *s;
	struct catalog *c;
	struct sid own;
	struct err e;
	struct oid id;

	(void)state;
	check_ok(home_client_id(&rec.client, &e), &e);
	check_ok(repo_client_id(r, &own, &e), &e);
	assert_false(sid_eq(&own, &rec.client));
	check_ok(session_begin(&s, r, &so, &e), &e);
	rec.session = s->id;
	rec.key = s->key;
	check_ok(record_seal(repo_ctx(r), &rec, s->keys, &b, &id, &e), &e);
	check_ok(store_put_buf(repo_store(r), STORE_ARCHIVES,
		sid_hex(&s->id, hex), &b, 0, &e), &e);
	session_free(s);
	repo_close(r);
	must_contact(1, 0);
	check_ok(open_as(&r, "secret", &e), &e);
	check_ok(catalog_load(&c, r, &e), &e);
	assert_int_equal(c->n_bad, 1);
	assert_non_null(strstr(c->bad[0]->bad.msg, "forged"));
	catalog_free(c);
	repo_close(r);

	check_ok(open_as(&r, "host", &e), &e);
	check_ok(session_begin(&s, r, &so, &e), &e);
	check_ok(session_commit(s, &rec, &id, &e), &e);
	assert_true(sid_eq(&rec.client, &own));
	session_free(s);
	repo_close(r);
	must_contact(2, 0);
	record_release(&rec);
	buf_release(&b);
}

/* Wrong content under a right id, that others will reuse: what they get is an
 * error, never the wrong bytes, and check says so. */
static void test_poisoned(void **state)
{
	struct session_opts so = { .comp = COMP_SPEC_DEFAULT };
	struct session_sealed o = { .fresh = true };
	struct repo *r = open_host();
	struct record rec = { .name = mem_str("poison"),
		.series = mem_str(""), .host = mem_str(""),
		.user = mem_str(""), .comment = mem_str(""),
		.program = mem_str("") };
	uint8_t good[7000], bad[7000];
	struct buf arena = BUF_INIT;
	struct session *s;
	char path[2 * WORLD_PATH];
	struct err e;
	struct oid id;

	(void)state;
	key_random(good, sizeof(good));
	key_random(bad, sizeof(bad));
	check_ok(session_begin(&s, r, &so, &e), &e);
	object_id(&o.head.id, repo_id_key(r, OBJ_DATA), good, sizeof(good));
	o.head.type = OBJ_DATA;
	o.head.codec = COMP_RAW;
	o.head.plain_len = sizeof(bad);
	check_ok(buf_resize(&arena, sizeof(bad) + AEAD_TAG_BYTES, &e), &e);
	object_seal(&o.head, repo_ctx(r), s->keys, bad, sizeof(bad), arena.p);
	check_ok(session_add(s, &o, &arena, &e), &e);
	check_ok(session_commit(s, &rec, &id, &e), &e);
	session_free(s);
	repo_close(r);

	snprintf(path, sizeof(path), "%s/victim", w.source);
	check_ok(io_publish(AT_FDCWD, path, good, sizeof(good), 0600, &e), &e);
	check_ok(world_create(&w, "two", &e), &e);
	assert_true(world_extract(&w, "two", &e) < 0);
	check_err(world_check(&w, false, &e), ERR_CORRUPT, &e);
	check_ok(world_extract(&w, "one", &e), &e);
	assert_true(world_same(&w));
	record_release(&rec);
	buf_release(&arena);
}

/* --- while it is kept --- */

/* The pins as they were, and an archive more than they know. */
static void before(void)
{
	world_remove(pins);
	world_copy(kept, pins);
}

static void prepare(void)
{
	struct err e;

	world_copy(pins, kept);
	check_ok(world_create(&w, "two", &e), &e);
	check_ok(world_delete(&w, "one", &e), &e);
}

static struct buf read_seen(void)
{
	struct buf b = { NULL, 0, 0, 1u << 20 };
	struct err e;

	check_ok(io_read_file(AT_FDCWD, seen_path, &b, &e), &e);
	return b;
}

static void test_faults(void **state)
{
	static const enum faultos_how how[] = { FAULTOS_BEFORE, FAULTOS_AFTER,
						FAULTOS_SHORT };
	struct faultos_plan p = { .errnum = EIO };
	uint64_t calls, at;
	struct err e;
	unsigned i;

	(void)state;
	prepare();
	before();
	faultos_start(&p);
	contact(NULL, &e);
	calls = faultos_stop();
	assert_true(calls > 20);
	for (i = 0; i < 3; i++)
		for (at = 1; at <= calls; at++) {
			p.at = at;
			p.how = how[i];
			before();
			alarms = 0;
			faultos_start(&p);
			contact(NULL, &e);
			faultos_stop();
			assert_int_equal(alarms, 0);
			must_contact(1, 0);
		}
}

static void test_kills(void **state)
{
	static const enum faultos_how how[] = {
		FAULTOS_KILL_BEFORE, FAULTOS_KILL_TORN, FAULTOS_KILL_AFTER
	};
	struct faultos_plan p = { .no_disk = true };
	uint64_t calls, at;
	struct err e;
	int status;
	pid_t pid;
	unsigned i;

	(void)state;
	prepare();
	before();
	faultos_start(&p);
	contact(NULL, &e);
	calls = faultos_stop();
	for (i = 0; i < 3; i++)
		for (at = 1; at <= calls; at++) {
			p.at = at;
			p.how = how[i];
			before();
			pid = fork();
			if (pid == 0) {
				faultos_start(&p);
				contact(NULL, &e);
				faultos_stop();
				_exit(0);
			}
			waitpid(pid, &status, 0);
			must_contact(1, 0);
		}
}

/* After each system call all that a power cut could leave is the old file or
 * the new one. */
static struct buf old_file, new_file;
static unsigned looks, olds, news;

static void look(void *ctx)
{
	struct cutos_state s[16];
	size_t n = cutos_states(seen_path + strlen(w.dir) + 1, s, 16), i;

	(void)ctx;
	looks++;
	for (i = 0; i < n; i++) {
		bool is_old = s[i].len == old_file.len &&
			!memcmp(s[i].p, old_file.p, s[i].len);
		bool is_new = s[i].len == new_file.len &&
			!memcmp(s[i].p, new_file.p, s[i].len);

		assert_true(s[i].there && !s[i].torn);
		assert_true(is_old || is_new);
		olds += is_old;
		news += is_new;
	}
}

static void test_cuts(void **state)
{
	struct err e;

	(void)state;
	prepare();
	before();
	old_file = read_seen();
	must_contact(1, 0);
	new_file = read_seen();
	before();
	cutos_start(w.dir);
	cutos_watch(look, NULL);
	check_ok(contact(NULL, &e), &e);
	cutos_stop();
	assert_true(looks > 3 && olds > 0 && news > 0);
	buf_release(&old_file);
	buf_release(&new_file);
}

static void test_memory(void **state)
{
	unsigned long at;
	struct err e;
	int rc = ERR_NOMEM;

	(void)state;
	prepare();
	for (at = 1; rc != 0; at++) {
		before();
		alarms = 0;
		mem_fail(at, 0);
		rc = contact(NULL, &e);
		mem_fail(0, 0);
		assert_true(rc == 0 || rc == ERR_NOMEM);
		assert_int_equal(alarms, 0);
		/* What could be done without is no failure. */
		if (rc == 0 && at < 100)
			rc = ERR_NOMEM;
	}
	must_contact(1, 0);
}

/* Damage of what was kept loses the memory, and is no alarm. */
static void test_damaged(void **state)
{
	struct buf b;
	struct err e;

	(void)state;
	check_ok(world_create(&w, "two", &e), &e);
	must_contact(2, 0);
	b = read_seen();
	b.p[b.len / 2] ^= 4;
	check_ok(io_publish(AT_FDCWD, seen_path, b.p, b.len, 0600, &e), &e);
	must_contact(2, 0);
	buf_release(&b);
	b = read_seen();
	must_contact(2, 0);
	buf_release(&b);
}

#define WORLD(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_merge),
		WORLD(test_forged_tombstone),
		WORLD(test_forged_record),
		WORLD(test_poisoned),
		WORLD(test_faults),
		WORLD(test_kills),
		WORLD(test_cuts),
		WORLD(test_memory),
		WORLD(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
