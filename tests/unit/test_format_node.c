/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/comp.h"
#include "format/node.h"
#include "tests/lib/check.h"
#include "tests/lib/formatkit.h"

static struct entry file_entry(const char *name)
{
	struct entry en = { .name = (const uint8_t *)name,
			    .name_len = (uint16_t)strlen(name),
			    .mode = S_IFREG | 0600, .uid = 5000, .gid = 5000,
			    .links = 1, .size = 1234,
			    .mtime = { 1795380469, 123456789 } };

	en.content.kind = CONTENT_ONE;
	en.content.id = formatkit_oid(name, 1);
	return en;
}

static struct entry typed_entry(const char *name, uint32_t mode)
{
	struct entry en = file_entry(name);

	memset(&en.content, 0, sizeof(en.content));
	en.mode = mode;
	en.size = 0;
	en.links = S_ISDIR(mode) ? 0 : 1;
	return en;
}

static void check_piece(const struct piece *a, const struct piece *b)
{
	assert_int_equal(a->transform, b->transform);
	assert_int_equal(a->len, b->len);
	assert_int_equal(a->line_len, b->line_len);
	assert_int_equal(a->crlf, b->crlf);
	assert_int_equal(a->last_eol, b->last_eol);
	assert_memory_equal(&a->id, &b->id, sizeof(a->id));
}

static void check_entry(const struct entry *a, const struct entry *b)
{
	unsigned i;

	assert_int_equal(a->name_len, b->name_len);
	assert_memory_equal(a->name, b->name, a->name_len);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->fsflags, b->fsflags);
	assert_memory_equal(&a->mtime, &b->mtime, sizeof(a->mtime));
	assert_memory_equal(&a->atime, &b->atime, sizeof(a->atime));
	assert_memory_equal(&a->ctime, &b->ctime, sizeof(a->ctime));
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->links, b->links);
	assert_int_equal(a->link_group, b->link_group);
	assert_int_equal(a->rdev_major, b->rdev_major);
	assert_int_equal(a->rdev_minor, b->rdev_minor);
	assert_int_equal(a->xattrs_len, b->xattrs_len);
	if (a->xattrs_len)
		assert_memory_equal(a->xattrs, b->xattrs, a->xattrs_len);
	assert_memory_equal(&a->xattrs_id, &b->xattrs_id, sizeof(struct oid));
	assert_int_equal(a->target_len, b->target_len);
	if (a->target_len)
		assert_memory_equal(a->target, b->target, a->target_len);
	assert_int_equal(a->content.kind, b->content.kind);
	assert_int_equal(a->content.data_len, b->content.data_len);
	if (a->content.data_len)
		assert_memory_equal(a->content.data, b->content.data,
				    a->content.data_len);
	assert_memory_equal(&a->content.id, &b->content.id,
			    sizeof(struct oid));
	assert_int_equal(a->content.level, b->content.level);
	assert_int_equal(a->content.n_pieces, b->content.n_pieces);
	for (i = 0; i < a->content.n_pieces; i++)
		check_piece(&a->content.piece[i], &b->content.piece[i]);
	assert_int_equal(a->dir.kind, b->dir.kind);
	assert_int_equal(a->dir.data_len, b->dir.data_len);
	if (a->dir.data_len)
		assert_memory_equal(a->dir.data, b->dir.data,
				    a->dir.data_len);
	assert_memory_equal(&a->dir.id, &b->dir.id, sizeof(struct oid));
	assert_int_equal(a->dir.level, b->dir.level);
	assert_int_equal(a->dir.entries, b->dir.entries);
	assert_int_equal(a->dir.files, b->dir.files);
	assert_int_equal(a->dir.bytes, b->dir.bytes);
}

/* Decode, compare, encode again. */
static void round_trip(const struct entry *entry, uint32_t n)
{
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct err e = { 0 };
	struct node node;
	uint32_t i;

	if (node_put_leaf(&b, entry, n, &e) < 0)
		fail_msg("%s", e.msg);
	if (node_get(&node, b.p, b.len, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(node.level, 0);
	assert_int_equal(node.n, n);
	for (i = 0; i < n; i++)
		check_entry(&node.entry[i], &entry[i]);
	assert_int_equal(node_put_leaf(&again, node.entry, n, &e), 0);
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.p, b.p, b.len);
	node_release(&node);
	buf_release(&b);
	buf_release(&again);
}

static const uint8_t xattrs[] = "\2\6user.a\3one\6user.b\0";

/* One of every sort there is, in order. */
#define SORTS 14
static void make_sorts(struct entry en[SORTS])
{
	static const uint8_t inner[] = "not looked at before it is decoded";
	unsigned i;

	en[0] = file_entry("0000000017");
	en[1] = typed_entry("1795380469.M531106P20076.h,S=316", S_IFREG | 0644);
	en[2] = file_entry("1795380470.M5P20.h,S=316,W=326:2,S");
	en[2].content.kind = CONTENT_INLINE;
	en[2].content.data = (const uint8_t *)"hello";
	en[2].size = en[2].content.data_len = 5;
	memset(&en[2].content.id, 0, sizeof(struct oid));
	en[3] = typed_entry("block", S_IFBLK | 0660);
	en[3].rdev_major = 8;
	en[3].rdev_minor = 17;
	en[4] = typed_entry("char", S_IFCHR | 0660);
	en[4].links = 3;
	en[4].link_group = 12;
	en[5] = typed_entry("dir-empty", S_IFDIR | 0755);
	en[5].flags = ENTRY_IMPLICIT;
	en[6] = typed_entry("dir-inline", S_IFDIR | S_ISVTX | 0777);
	en[6].dir = (struct dir_ref){ .kind = DIR_INLINE, .data = inner,
		.data_len = sizeof(inner), .entries = 2, .files = 5,
		.bytes = 77777 };
	en[7] = typed_entry("dir-root", S_IFDIR | 0700);
	en[7].dir = (struct dir_ref){ .kind = DIR_ROOT, .level = 2,
		.id = formatkit_oid("dir", 0), .entries = 100000,
		.files = 100001, .bytes = UINT64_C(1) << 50 };
	en[8] = typed_entry("fifo", S_IFIFO | 0600);
	en[8].xattrs = xattrs;
	en[8].xattrs_len = sizeof(xattrs) - 1;
	en[9] = file_entry("list");
	en[9].content.kind = CONTENT_LIST;
	en[9].content.level = 1;
	en[9].size = UINT64_C(1) << 40;
	en[9].xattrs_id = formatkit_oid("attributes", 0);
	en[10] = file_entry("pieces");
	en[10].flags = ENTRY_CHANGED | ENTRY_ATIME | ENTRY_CTIME;
	en[10].atime = (struct timespec){ -5, 999999999 };
	en[10].ctime = (struct timespec){ INT64_MAX, 0 };
	en[10].mtime = (struct timespec){ INT64_MIN, 1 };
	memset(&en[10].content, 0, sizeof(struct content));
	en[10].content.kind = CONTENT_PIECES;
	en[10].content.n_pieces = 3;
	en[10].content.piece[0] = (struct piece){ .transform = PIECE_RAW,
		.len = 1000, .id = formatkit_oid("raw", 0) };
	en[10].content.piece[1] = (struct piece){ .transform = PIECE_HOLE,
		.len = UINT64_C(1) << 33 };
	en[10].content.piece[2] = (struct piece){ .transform = PIECE_BASE64,
		.len = 78, .id = formatkit_oid("base64", 0), .line_len = 76,
		.crlf = true, .last_eol = true };
	en[10].size = 1078 + (UINT64_C(1) << 33);
	en[11] = typed_entry("socket", S_IFSOCK | 0666);
	en[11].fsflags = 0x10;
	en[12] = typed_entry("symlink", S_IFLNK | 0777);
	en[12].target = (const uint8_t *)"../target";
	en[12].size = en[12].target_len = 9;
	en[13] = file_entry("z\377\200 bytes");
	for (i = 1; i < SORTS; i++)
		assert_true(node_name_cmp(en[i - 1].name, en[i - 1].name_len,
					  en[i].name, en[i].name_len) < 0);
}

static void test_sorts(void **state)
{
	struct entry en[SORTS];
	unsigned i;

	(void)state;
	make_sorts(en);
	round_trip(en, SORTS);
	for (i = 0; i < SORTS; i++)
		round_trip(&en[i], 1);
}

static int cmp_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return node_name_cmp(x->name, x->name_len, y->name, y->name_len);
}

static uint64_t random_state;
static uint64_t next_random(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1;
	return random_state >> 33;
}

#define MAILS 6000
static void make_maildir(struct entry *en, char (*name)[80], unsigned n)
{
	uint64_t t = 1700000000, size;
	unsigned i;

	random_state = 1;
	for (i = 0; i < n; i++) {
		t += next_random() % 800;
		size = 400 + next_random() % 20000;
		snprintf(name[i], sizeof(name[i]),
			"%llu.M%lluP%llu.3a2f1b4c5d6e,S=%llu,W=%llu:2,%s",
			(unsigned long long)t,
			(unsigned long long)(next_random() % 1000000),
			(unsigned long long)(100 + next_random() % 32000),
			(unsigned long long)size,
			(unsigned long long)(size + size / 50 +
				next_random() % 20),
			next_random() % 8 ? "S" : "RS");
		en[i] = file_entry(name[i]);
		en[i].size = size;
		en[i].mtime.tv_sec = (time_t)(t + next_random() % 2);
		en[i].mtime.tv_nsec = next_random() % 5 < 2 ? 0 :
			(long)(next_random() % 1000000000);
	}
	qsort(en, n, sizeof(en[0]), cmp_entries);
}

/* The size of a mail folder's tree is a promise (DESIGN 4). */
static void test_size(void **state)
{
	static const struct comp_spec spec = COMP_SPEC_DEFAULT;
	char (*name)[80] = mem_array(MAILS, sizeof(*name));
	struct entry *en = mem_array(MAILS, sizeof(*en));
	struct buf b = BUF_INIT, z = BUF_INIT;
	struct key tree = formatkit_key("tree");
	struct comp *c = comp_new(&spec);
	struct err e = { 0 };
	unsigned i, from = 0, leaves = 0;
	size_t sum = 0;

	(void)state;
	assert_true(name && en && c);
	make_maildir(en, name, MAILS);
	for (i = 0; i < MAILS; i++) {
		if (!node_boundary(&tree, 0, en[i].name, en[i].name_len,
				   i + 1 - from) && i + 1 < MAILS)
			continue;
		buf_clear(&b);
		assert_int_equal(node_put_leaf(&b, en + from, i + 1 - from,
					       &e), 0);
		sum += comp_pack(c, b.p, b.len, &z, &e) == COMP_ZSTD ? z.len :
			b.len;
		if (leaves++ % 10 == 0)
			round_trip(en + from, i + 1 - from);
		from = i + 1;
	}
	print_message("%.1f entries a leaf, %.2f bytes an entry\n",
		(double)MAILS / leaves, (double)sum / MAILS);
	assert_in_range(MAILS / leaves, 55, 75);
	assert_true(sum < 52 * MAILS);
	comp_free(c);
	free(name);
	free(en);
	buf_release(&b);
	buf_release(&z);
}

/* Whatever byte is changed, a node either is refused or is another node that
 * is canonical. */
static void check_canonical(const uint8_t *p, size_t len)
{
	struct buf again = BUF_INIT;
	struct err e = { 0 };
	struct node node;

	if (node_get(&node, p, len, &e) < 0) {
		assert_int_equal(e.code, ERR_CORRUPT);
		return;
	}
	if (node.level == 0)
		assert_int_equal(node_put_leaf(&again, node.entry, node.n,
					       &e), 0);
	else
		assert_int_equal(node_put_interior(&again, node.level,
						   node.child, node.n, &e),
				 0);
	assert_int_equal(again.len, len);
	assert_memory_equal(again.p, p, len);
	node_release(&node);
	buf_release(&again);
}

static void test_damage(void **state)
{
	struct entry en[SORTS];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct node node;
	uint8_t was;
	size_t i;
	unsigned bit;

	(void)state;
	make_sorts(en);
	assert_int_equal(node_put_leaf(&b, en, SORTS, &e), 0);
	for (i = 0; i < b.len; i++) {
		was = b.p[i];
		for (bit = 0; bit < 8; bit++) {
			b.p[i] = was ^ (uint8_t)(1u << bit);
			check_canonical(b.p, b.len);
		}
		b.p[i] = was;
		assert_int_equal(node_get(&node, b.p, i, &e), ERR_CORRUPT);
	}
	assert_int_equal(buf_append(&b, "", 1, &e), 0);
	assert_int_equal(node_get(&node, b.p, b.len, &e), ERR_CORRUPT);
	buf_release(&b);
}

static void test_refused(void **state)
{
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct entry en[2];

	(void)state;
#define REFUSED(n) \
	do { \
		assert_int_equal(node_put_leaf(&b, en, n, &e), ERR_CORRUPT); \
		assert_int_equal(b.len, 0); \
		en[0] = file_entry("a"); \
		en[1] = file_entry("b"); \
	} while (0)
	en[0] = en[1] = file_entry("same");
	REFUSED(2);
	en[0] = file_entry("z");
	REFUSED(2);
	en[0] = file_entry("..");
	REFUSED(1);
	en[0] = file_entry("a/b");
	REFUSED(1);
	en[0].name_len = 0;
	REFUSED(1);
	en[0].mtime.tv_nsec = 1000000000;
	REFUSED(1);
	en[0].mode = 0600;
	REFUSED(1);
	en[0].mode |= 1u << 20;
	REFUSED(1);
	en[0].flags = ENTRY_IMPLICIT;
	REFUSED(1);
	en[0].links = 0;
	REFUSED(1);
	en[0].size = 0;
	REFUSED(1);
	en[0].size = OBJ_MAX_BYTES + 1;
	REFUSED(1);
	en[0].content.kind = CONTENT_INLINE;
	en[0].content.data = (const uint8_t *)"ab";
	en[0].content.data_len = 2;
	REFUSED(1);
	en[0].content.kind = CONTENT_PIECES;
	en[0].content.n_pieces = 1;
	en[0].content.piece[0].len = en[0].size - 1;
	REFUSED(1);
	en[0] = typed_entry("a", S_IFDIR | 0700);
	en[0].dir.entries = 1;
	REFUSED(1);
	en[0] = typed_entry("a", S_IFLNK | 0777);
	REFUSED(1);
	en[0].xattrs = xattrs;
	en[0].xattrs_len = sizeof(xattrs) - 2;
	REFUSED(1);
#undef REFUSED
	buf_release(&b);
}

/* What node_put_leaf would not have written, in entries that end with it. */
static void test_one_form(void **state)
{
	struct entry en = typed_entry("fifo", S_IFIFO | 0600);
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct node node;

	(void)state;
	en.link_group = 1;
	check_ok(node_put_leaf(&b, &en, 1, &e), &e);
	assert_int_equal(b.p[b.len - 1], 1);
	b.p[b.len - 1] = 0;		/* links 1, group 0: need no saying */
	check_err(node_get(&node, b.p, b.len, &e), ERR_CORRUPT, &e);
	b.p[b.len - 1] = 1;
	b.p[b.len - 2] = 0;		/* no link at all */
	check_err(node_get(&node, b.p, b.len, &e), ERR_CORRUPT, &e);
	en = file_entry("file");
	en.size = 1;
	buf_clear(&b);
	check_ok(node_put_leaf(&b, &en, 1, &e), &e);
	assert_int_equal(b.p[b.len - 33], 1);
	b.p[b.len - 33] = 0;		/* an object of no bytes */
	check_err(node_get(&node, b.p, b.len, &e), ERR_CORRUPT, &e);
	en.size = OBJ_MAX_BYTES;
	buf_clear(&b);
	check_ok(node_put_leaf(&b, &en, 1, &e), &e);
	assert_int_equal(b.p[b.len - 33], 8);
	b.p[b.len - 33] = 9;		/* and one of too many */
	check_err(node_get(&node, b.p, b.len, &e), ERR_CORRUPT, &e);
	buf_release(&b);
}

static void make_children(struct node_child *c, char (*name)[80], unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		snprintf(name[i], sizeof(name[i]), "17%05u.M%uP9.h", i * 7,
			100 + i);
		c[i].name = (const uint8_t *)name[i];
		c[i].name_len = (uint16_t)strlen(name[i]);
		c[i].id = formatkit_oid("child", i);
		c[i].entries = 50 + i % 30;
	}
}

static void test_interior(void **state)
{
	struct node_child c[NODE_MAX_ENTRIES];
	char name[NODE_MAX_ENTRIES][80];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct node node;
	unsigned i, n, bit;

	(void)state;
	make_children(c, name, NODE_MAX_ENTRIES);
	for (n = 1; n <= NODE_MAX_ENTRIES; n += 51) {
		buf_clear(&b);
		assert_int_equal(node_put_interior(&b, 3, c, n, &e), 0);
		assert_int_equal(node_get(&node, b.p, b.len, &e), 0);
		assert_int_equal(node.level, 3);
		assert_int_equal(node.n, n);
		for (i = 0; i < n; i++) {
			assert_int_equal(node.child[i].name_len,
					 c[i].name_len);
			assert_memory_equal(node.child[i].name, c[i].name,
					    c[i].name_len);
			assert_memory_equal(&node.child[i].id, &c[i].id,
					    sizeof(struct oid));
			assert_int_equal(node.child[i].entries, c[i].entries);
		}
		node_release(&node);
	}
	buf_clear(&b);
	assert_int_equal(node_put_interior(&b, 1, c, 20, &e), 0);
	for (i = 0; i < b.len; i++) {
		for (bit = 0; bit < 8; bit++) {
			b.p[i] ^= (uint8_t)(1u << bit);
			check_canonical(b.p, b.len);
			b.p[i] ^= (uint8_t)(1u << bit);
		}
	}
	c[3].entries = 0;
	assert_int_equal(node_put_interior(&b, 1, c, 20, &e), ERR_CORRUPT);
	make_children(c, name, 2);
	c[1] = c[0];
	assert_int_equal(node_put_interior(&b, 1, c, 2, &e), ERR_CORRUPT);
	buf_release(&b);
}

static void test_boundary(void **state)
{
	struct key k = formatkit_key("tree"), other = formatkit_key("other");
	unsigned i, hits = 0, same = 0;
	char name[32];

	(void)state;
	for (i = 0; i < 10000; i++) {
		size_t len = (size_t)snprintf(name, sizeof(name), "%u", i);
		bool hit = node_boundary(&k, 0, name, len, NODE_MIN_ENTRIES);

		assert_false(node_boundary(&k, 0, name, len,
					   NODE_MIN_ENTRIES - 1));
		assert_true(node_boundary(&k, 0, name, len,
					  NODE_MAX_ENTRIES));
		assert_true(hit == node_boundary(&k, 0, name, len,
						 NODE_MAX_ENTRIES - 1));
		hits += hit;
		same += hit && (node_boundary(&other, 0, name, len, 100) ||
				node_boundary(&k, 1, name, len, 100));
	}
	assert_in_range(hits, 10000 / NODE_MEAN_ENTRIES * 8 / 10,
			10000 / NODE_MEAN_ENTRIES * 12 / 10);
	assert_true(same < hits / 4);
}

/* A change of these is a change of the format: bump FMT_VERSION. */
static const char golden_leaf[] =
	"5349b794d11d597133c5fb886e803d0ce04aa7360f8ed8eb9151780a624e6312";
static const char golden_interior[] =
	"53285aef982725eeb7aa0734842381ad0197ca30bd599d60a53d476174e961db";

static void test_golden(void **state)
{
	struct node_child c[40];
	char name[40][80], hex[OID_HEX_BYTES];
	struct entry en[SORTS];
	struct buf b = BUF_INIT;
	struct oid h;

	(void)state;
	make_sorts(en);
	assert_int_equal(node_put_leaf(&b, en, SORTS, NULL), 0);
	key_hash(&h, NULL, b.p, b.len, NULL, 0, NULL, 0);
	assert_string_equal(oid_hex(&h, hex), golden_leaf);
	buf_clear(&b);
	make_children(c, name, 40);
	assert_int_equal(node_put_interior(&b, 1, c, 40, NULL), 0);
	key_hash(&h, NULL, b.p, b.len, NULL, 0, NULL, 0);
	assert_string_equal(oid_hex(&h, hex), golden_interior);
	buf_release(&b);
}

static void test_no_memory(void **state)
{
	struct entry en[SORTS];
	struct buf b = BUF_INIT, full = BUF_INIT;
	struct err e = { 0 };
	struct node node;
	unsigned long i;
	int rc;

	(void)state;
	make_sorts(en);
	for (i = 1, rc = -1; rc < 0; i++) {
		buf_release(&b);
		mem_fail(i, 0);
		rc = node_put_leaf(&b, en, SORTS, &e);
		mem_fail(0, 0);
		if (rc < 0)
			assert_int_equal(rc, ERR_NOMEM);
	}
	assert_true(i > 3);
	for (i = 1, rc = -1; rc < 0; i++) {
		mem_fail(i, 0);
		rc = node_get(&node, b.p, b.len, &e);
		mem_fail(0, 0);
		if (rc < 0)
			assert_int_equal(rc, ERR_NOMEM);
	}
	assert_true(i > 4);
	node_release(&node);
	buf_release(&b);
	buf_release(&full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorts),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_one_form),
		cmocka_unit_test(test_interior),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_no_memory),
	};

	formatkit_ctx();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
