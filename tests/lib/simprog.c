/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/simprog.h"

#include <string.h>
#include <sys/mman.h>

#include "repo/idx_priv.h"
#include "repo/mount_pin.h"
#include "repo/session_priv.h"
#include "tests/lib/simtree.h"
#include "tests/lib/world.h"

static const struct session_opts session_opts = { .comp = { 0, false } };

/* --- writing --- */

static int put_files(struct session *s, unsigned tree, struct err *e)
{
	uint8_t bytes[SIMTREE_FILE_BYTES];
	struct oid id;
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < SIMTREE_FILES; i++)
		if (tree >> i & 1) {
			simtree_file(tree, i, bytes);
			rc = session_put(s, OBJ_DATA, bytes, sizeof(bytes),
				&id, e);
		}
	return rc;
}

/* A folder that is listed is not looked into, as create does it. */
static int put_tree(struct session *s, unsigned tree, const struct buf *node,
		    const struct oid *root, struct err *e)
{
	struct oid id;
	int rc;

	if (session_has(s, root))
		return 0;
	if ((rc = put_files(s, tree, e)) == 0 && tree % 2)
		rc = session_flush(s, e);
	return rc < 0 ? rc :
		session_put(s, OBJ_NODE, node->p, node->len, &id, e);
}

static void record_fill(struct record *r, const char *name,
			const struct oid *root, unsigned n)
{
	memset(r, 0, sizeof(*r));
	r->name = mem_str(name);
	r->series = mem_str("test");
	r->host = mem_str("host");
	r->user = mem_str("");
	r->comment = mem_str("");
	r->program = mem_str("test");
	r->root = (struct dir_ref) { .kind = DIR_ROOT, .id = *root,
		.entries = n, .files = n, .bytes = n * SIMTREE_FILE_BYTES };
}

/* Of its view of the index a session needs to know what it has to put, and
 * then, should what it has put be gone, which segments it knows. */
static void forget_view(struct simprog *p, unsigned who, struct session *s,
			const struct oid *need, unsigned n)
{
	struct {
		uint32_t generation;
		bool has[SIM_OBJECTS];
		struct oid segment;
	} but;
	unsigned i;
	size_t k;

	memset(&but, 0, sizeof(but));
	but.generation = session_generation(s);
	but.has[0] = session_has(s, &need[0]);
	for (i = 1; !but.has[0] && i < n; i++)
		but.has[i] = session_has(s, &need[i]);
	for (k = 0; !but.has[0] && k < s->idx->n_seg; k++)
		for (i = 0; i < sizeof(but.segment.b); i++)
			but.segment.b[i] ^= s->idx->seg[k]->name.hash.b[i];
	sim_forget(p->sim, who, &but, sizeof(but));
}

int simprog_write_once(struct simprog *p, unsigned who, const char *name,
		       unsigned tree, struct err *e)
{
	struct repo *r = p->repo[who];
	struct oid need[SIM_OBJECTS], id;
	struct buf node = BUF_INIT;
	struct session *s = NULL;
	struct record rec;
	unsigned n = simtree_node(r, tree, &node, need);
	int rc;

	record_fill(&rec, name, &need[0], n - 1);
	rc = session_begin(&s, r, &session_opts, e);
	if (rc == 0)
		forget_view(p, who, s, need, n);
	if (rc == 0)
		rc = put_tree(s, tree, &node, &need[0], e);
	if (rc == 0) {
		sim_expect(p->sim, session_id(s), need, n);
		rc = session_commit(s, &rec, &id, e);
	}
	session_free(s);
	record_release(&rec);
	buf_release(&node);
	return rc;
}

void simprog_write(struct simprog *p, unsigned who, const char *name,
		   unsigned tree, unsigned tries)
{
	struct err e = { ERR_OK, "" };
	int rc = ERR_RETRY;
	unsigned i;

	for (i = 0; rc == ERR_RETRY && i < tries; i++) {
		sim_forget(p->sim, who, &i, sizeof(i));
		rc = simprog_write_once(p, who, name, tree, &e);
		p->count->fenced += rc == ERR_RETRY;
	}
	p->count->commits += rc == 0;
	if (rc < 0 && rc != ERR_RETRY)
		sim_wrong(p->sim, e.msg);
}

/* --- collecting, deleting --- */

void simprog_collect(struct simprog *p, unsigned who, bool fence_all)
{
	struct compact_opts o = COMPACT_DEFAULT;
	struct compact_result res;
	struct err e = { ERR_OK, "" };
	int rc;

	o.threshold = 1;
	o.wait_secs = 0;
	o.fence_all = fence_all;
	rc = compact_run(p->repo[who], &o, &res, &e);
	if (rc < 0 && rc != ERR_RETRY)
		sim_wrong(p->sim, e.msg);
	p->count->removed += (unsigned)res.packs_removed;
}

void simprog_delete(struct simprog *p, unsigned who,
		    const struct catalog_item *it)
{
	struct err e = { ERR_OK, "" };
	int rc = catalog_delete(p->repo[who], it, "test", &e);

	if (rc < 0 && rc != ERR_NOENT)
		sim_wrong(p->sim, e.msg);
}

/* --- reading --- */

static int read_archive(struct reader *rd, const struct record *rec,
			struct err *e)
{
	const struct entry *en;
	struct tree_iter it;
	struct buf b = BUF_INIT;
	int rc;

	rc = tree_iter_init(&it, rd, &rec->root, 0, e);
	while (rc >= 0 && (rc = tree_iter_next(&it, &en, e)) > 0)
		if (en->content.kind == CONTENT_ONE)
			rc = reader_fetch(rd, OBJ_DATA, &en->content.id, &b,
				e);
	tree_iter_release(&it);
	buf_release(&b);
	return rc;
}

/* What is pinned can be read, also when it is deleted. */
void simprog_read(struct simprog *p, unsigned who, unsigned archives)
{
	struct mount_pin *pin = mount_pin_new(p->repo[who]);
	struct err e = { ERR_OK, "" };
	struct reader *rd = NULL;
	struct catalog *c = NULL;
	unsigned i;
	bool gone = true;
	int rc;

	rc = catalog_load(&c, p->repo[who], &e);
	if (rc == 0)
		rc = reader_open(&rd, p->repo[who], 0, &e);
	for (i = 0; rc == 0 && c->n > 0 && i < archives; i++) {
		const struct record *rec =
			&c->item[sim_random(p->sim, c->n)]->rec;

		rc = mount_pin_add(pin, &rec->session, 1, &gone, &e);
		if (rc < 0 || gone)
			continue;
		rc = read_archive(rd, rec, &e);
		p->count->reads += rc == 0;
		if (rc < 0 && p->verdict < 0)	/* taken for dead */
			rc = 0;
	}
	if (rc < 0)
		sim_wrong(p->sim, e.msg);
	reader_close(rd);
	catalog_free(c);
	mount_pin_free(pin);
}

static void check_found(const struct check_finding *f, void *ctx)
{
	if (f->severity == CHECK_DAMAGE)
		sim_wrong(ctx, f->text);
}

void simprog_check(struct simprog *p, unsigned who)
{
	const struct check_opts o = { .finding = check_found, .ctx = p->sim,
		.flags = CHECK_REPOSITORY | CHECK_ARCHIVES };
	struct check_result res;
	struct err e = { ERR_OK, "" };
	int rc = check_run(p->repo[who], &o, &res, &e);

	if (rc < 0)
		sim_wrong(p->sim, e.msg);
	p->count->checks += rc == 0;
}

void simprog_read_all(struct simprog *p)
{
	struct err e = { ERR_OK, "" };
	struct catalog *c = NULL;
	struct reader *rd = NULL;
	size_t i;
	int rc;

	rc = catalog_load(&c, p->repo[p->n], &e);
	if (rc == 0)
		rc = reader_open(&rd, p->repo[p->n], 0, &e);
	for (i = 0; rc == 0 && i < c->n; i++)
		rc = read_archive(rd, &c->item[i]->rec, &e);
	if (rc < 0)
		sim_wrong(p->sim, e.msg);
	reader_close(rd);
	catalog_free(c);
}

void simprog_finish(struct simprog *p)
{
	simprog_read_all(p);
	if (!sim_violation(p->sim))
		simprog_collect(p, p->n, true);
	simprog_read_all(p);
}

/* --- life --- */

void simprog_open(struct simprog *p, unsigned n)
{
	struct repo_init init = { .mode = SLOT_REPOKEY, .kdf_mem_kib = 8 };
	struct err e = { ERR_OK, "" };
	unsigned i;

	BUG_ON(n >= SIM_MAX);
	memset(p, 0, sizeof(*p));
	p->count = mmap(NULL, sizeof(*p->count), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->count == MAP_FAILED)
		world_die("no memory", NULL);
	p->n = n;
	p->sim = sim_new();
	if (!(p->from = store_open_mem(&e)))
		world_die("store", &e);
	sim_begin(p->sim, p->from, 0);
	for (i = 0; i <= n; i++) {
		struct store *st = sim_store(p->sim, i);
		int rc = i == 0 ? repo_create_on(&p->repo[0], st, &init,
			&world_opts, &e) :
			repo_open_on(&p->repo[i], st, &world_opts, &e);

		if (rc < 0)
			world_die("open", &e);
	}
	sim_keys(p->sim, p->repo[0]);
}

void simprog_close(struct simprog *p)
{
	unsigned i;

	for (i = 0; i <= p->n; i++)
		repo_close(p->repo[i]);
	store_close(p->from);
	sim_free(p->sim);
	munmap(p->count, sizeof(*p->count));
}

void simprog_begin(struct simprog *p, uint64_t seed, int verdict)
{
	sim_begin(p->sim, p->from, seed);
	p->verdict = verdict;
	alive_pretend(verdict);
}
