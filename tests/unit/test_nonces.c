/* SPDX-License-Identifier: BSD-2-Clause */
/* timeout: 300 */
/*
 * No key and nonce are ever used for two messages: not when a process or a
 * machine goes on twice from one moment, with the same random numbers to come,
 * and not when store and all go back to an earlier time.
 *
 * Each round is a moment in the life of a session, and what follows it happens
 * in several children, each as if it were the only one; then it happens once
 * more, and goes on.  Everything that is sealed is looked at.
 *
 * NONCE_OBJECTS: about so many objects, 60,000 by default ("make nonces": a
 * million).
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>
#include <xxhash.h>

#include "repo/session_priv.h"
#include "tests/lib/world.h"

#define SLOTS (1u << 22)
#define CLONES 4
#define ROUNDS 8

struct seal {
	uint64_t key, message;		/* hashes; key 0: free */
};
struct shared {
	uint64_t seals, again, objects;
	struct seal seal[SLOTS];
};
static struct shared *shared;
static struct repo *repo;
static uint64_t random_at = 1, serial;
static unsigned clone_no;

/* --- what the program believes to be libsodium --- */

/* The same numbers for all that go on from one moment. */
void randombytes_buf(void *const p, const size_t len)
{
	uint8_t *to = p;
	uint64_t v;
	size_t i;

	for (i = 0; i < len; i++) {
		v = XXH3_64bits(&random_at, sizeof(random_at));
		random_at++;
		to[i] = (uint8_t)v;
	}
}

static void audit(uint64_t key, uint64_t message)
{
	uint64_t i;

	key |= 1;
	shared->seals++;
	for (i = key % SLOTS; shared->seal[i].key; i = (i + 1) % SLOTS) {
		if (shared->seal[i].key != key)
			continue;
		shared->again++;
		if (shared->seal[i].message == message)
			return;
		world_die("one key and nonce, and two messages", NULL);
	}
	if (shared->seals > SLOTS / 4 * 3)
		world_die("too many to look at", NULL);
	shared->seal[i] = (struct seal) { key, message };
}

typedef int encrypt_fn(unsigned char *c, unsigned long long *clen,
	const unsigned char *m, unsigned long long mlen,
	const unsigned char *ad, unsigned long long adlen,
	const unsigned char *nsec, const unsigned char *nonce,
	const unsigned char *k);

int crypto_aead_xchacha20poly1305_ietf_encrypt(unsigned char *c,
	unsigned long long *clen, const unsigned char *m,
	unsigned long long mlen, const unsigned char *ad,
	unsigned long long adlen, const unsigned char *nsec,
	const unsigned char *nonce, const unsigned char *k)
{
	static union { void *p; encrypt_fn *fn; } real;

	if (!real.p)
		real.p = dlsym(RTLD_NEXT,
			"crypto_aead_xchacha20poly1305_ietf_encrypt");
	audit(XXH3_64bits_withSeed(k, 32, XXH3_64bits(nonce, 24)),
	      XXH3_64bits_withSeed(m, mlen, XXH3_64bits(ad, adlen)));
	return real.fn(c, clen, m, mlen, ad, adlen, nsec, nonce, k);
}

/* --- the life of a repository --- */

static void must(int rc, const char *what, const struct err *e)
{
	if (rc < 0)
		world_die(what, e);
}

/* Half of them are the same whoever puts them, and of two that differ some are
 * equally long. */
static void put_objects(struct session *s, unsigned n)
{
	struct err e = { ERR_OK, "" };
	uint64_t what[12];
	struct oid id;
	unsigned i, k;

	for (i = 0; i < n; i++) {
		serial++;
		memset(what, 0, sizeof(what));
		what[0] = serial;
		what[1] = i % 2 ? clone_no : 0;
		for (k = 2; k < 2 + serial % 9; k++)
			what[k] = i % 3 ? XXH3_64bits(what, 16) * k : 7;
		must(session_put(s, i % 5 ? OBJ_DATA : OBJ_NODE, what,
			(2 + serial % 9) * 8, &id, &e), "put", &e);
		shared->objects++;
		if (i % 5000 == 4999)
			must(session_flush(s, &e), "flush", &e);
	}
}

static void commit(struct session *s)
{
	struct err e = { ERR_OK, "" };
	struct record r = { .root = { .kind = DIR_EMPTY } };
	char name[64];
	struct oid id;

	snprintf(name, sizeof(name), "a%llu-%u", (unsigned long long)serial,
		clone_no);
	r.name = mem_str(name);
	r.series = mem_str("test");
	r.host = mem_str("host");
	r.user = mem_str("");
	r.comment = mem_str("");
	r.program = mem_str("test");
	must(session_commit(s, &r, &id, &e), "commit", &e);
	session_free(s);
	record_release(&r);
}

static struct session *begin(void)
{
	static const struct session_opts o = { .comp = COMP_SPEC_DEFAULT };
	struct err e = { ERR_OK, "" };
	struct session *s;

	must(session_begin(&s, repo, &o, &e), "begin", &e);
	return s;
}

/* What a machine does after the moment at which it was copied. */
static void go_on(struct session *s, unsigned n)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct err e = { ERR_OK, "" };
	struct catalog *c;

	put_objects(s, n);
	commit(s);
	must(catalog_load(&c, repo, &e), "catalog", &e);
	if (c->n > 1)
		must(catalog_delete(repo, c->item[clone_no % c->n], "test",
			&e), "delete", &e);
	catalog_free(c);
	s = begin();
	put_objects(s, n / 4);
	commit(s);
	o.threshold = 1;
	o.wait_secs = 0;
	must(compact_run(repo, &o, &res, &e), "compact", &e);
}

static void round_of(unsigned n)
{
	struct session *s = begin();
	int status;
	pid_t pid;

	put_objects(s, n);
	/* Its uploader is idle; in a child the thread is missing. */
	for (clone_no = 1; clone_no <= CLONES; clone_no++) {
		pid = fork();
		if (pid == 0) {
			struct err e = { ERR_OK, "" };

			must(session_pack_start(s, &e), "thread", &e);
			go_on(s, n);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
			world_die("a child failed", NULL);
	}
	clone_no = 0;
	go_on(s, n);
}

int main(void)
{
	const char *v = getenv("NONCE_OBJECTS");
	unsigned n = v ? (unsigned)strtoul(v, NULL, 10) : 60000, i;
	struct repo_init init = { .mode = SLOT_REPOKEY, .kdf_mem_kib = 8 };
	struct err e = { ERR_OK, "" };
	struct store *st;
	struct world w;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (shared == MAP_FAILED)
		world_die("memory", NULL);
	world_make(&w, "nonces");
	setenv("MUNIMENT_CONFIG_DIR", "/dev/null/none", 1);
	if (!(st = store_open_mem(&e)) || repo_create_on(&repo, st, &init,
			&world_opts, &e) < 0)
		world_die("create", &e);
	for (i = 0; i < ROUNDS; i++)
		round_of(n / ROUNDS / (CLONES + 2));
	repo_close(repo);
	printf("%llu objects, %llu messages sealed, %llu of them not for the "
	       "first time\n", (unsigned long long)shared->objects,
	       (unsigned long long)shared->seals,
	       (unsigned long long)shared->again);
	world_end(&w);
	return shared->again == 0;
}
