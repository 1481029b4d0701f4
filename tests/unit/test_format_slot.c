/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/slot.h"
#include "tests/lib/check.h"
#include "tests/lib/formatkit.h"

static const char passphrase[] = "correct horse battery staple";

static struct slot_info make_info(enum slot_kind kind)
{
	struct slot_info info = { .kind = kind, .created_secs = 1795380469,
				  .label = "office safe" };

	if (kind == SLOT_PASSPHRASE) {
		info.kdf.passes = 1;
		info.kdf.mem_kib = 64;
	}
	info.repo = formatkit_ctx()->repo;
	return info;
}

static void test_repo(void **state)
{
	struct slot_repo r = { .id = formatkit_sid("repository"),
		.created_secs = 1795380469, .mode = SLOT_KEYFILE,
		.features = { 0, 4, 8 } }, back;
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	size_t i;

	(void)state;
	check_ok(slot_put_repo(&r, &b, &e), &e);
	assert_int_equal(b.len, SLOT_REPO_BYTES);
	check_ok(slot_get_repo(&back, b.p, b.len, &e), &e);
	assert_memory_equal(&back.id, &r.id, 16);
	assert_int_equal(back.created_secs, r.created_secs);
	assert_int_equal(back.mode, SLOT_KEYFILE);
	assert_int_equal(back.features.write, 4);
	assert_int_equal(back.features.del, 8);
	for (i = 0; i < b.len; i++) {
		b.p[i] ^= 2;
		assert_true(slot_get_repo(&back, b.p, b.len, &e) < 0);
		b.p[i] ^= 2;
		check_err(slot_get_repo(&back, b.p, i, &e), ERR_CORRUPT, &e);
	}
	r.features.read = 1;
	check_ok(slot_put_repo(&r, &b, &e), &e);
	check_err(slot_get_repo(&back, b.p, b.len, &e), ERR_CONFIG, &e);
	assert_non_null(strstr(e.msg, "newer muniment"));
	buf_release(&b);
}

static void check_bundle(const struct slot_bundle *a,
			 const struct slot_bundle *b)
{
	assert_int_equal(a->rights, b->rights);
	assert_int_equal(a->epoch, b->epoch);
	assert_memory_equal(&a->dedup, &b->dedup, 32);
	assert_memory_equal(&a->psk, &b->psk, 32);
	assert_memory_equal(&a->box_public, &b->box_public, 32);
	assert_memory_equal(&a->sign_seed, &b->sign_seed, 32);
	assert_memory_equal(&a->master, &b->master, 32);
	assert_int_equal(a->n_old, b->n_old);
	assert_memory_equal(a->old, b->old, sizeof(a->old));
}

static void round_trip(const struct slot_bundle *b, enum slot_kind kind)
{
	struct slot_info info = make_info(kind), back;
	const void *secret = kind == SLOT_KEY ? (const void *)&b->psk :
		passphrase;
	size_t len = kind == SLOT_KEY ? 32 : sizeof(passphrase) - 1;
	struct slot_bundle opened;
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	struct key hash;

	check_ok(slot_seal(&info, b, secret, len, &file, &e), &e);
	assert_int_equal(file.len, SLOT_BYTES);
	check_ok(slot_get_info(&back, file.p, file.len, &e), &e);
	assert_int_equal(back.kind, kind);
	assert_int_equal(back.rights, b->rights);
	assert_string_equal(back.label, "office safe");
	assert_int_equal(back.created_secs, 1795380469);
	assert_memory_equal(&back.repo, &info.repo, 16);
	assert_memory_equal(&back.kdf, &info.kdf, sizeof(info.kdf));
	check_ok(slot_open(&opened, &info.repo, file.p, file.len, secret, len,
			   &e), &e);
	check_bundle(&opened, b);
	check_err(slot_open(&opened, &info.repo, file.p, file.len, "x", 1,
			    &e), ERR_AUTH, &e);
	if (kind == SLOT_PASSPHRASE) {
		check_ok(key_kdf(&hash, &back.kdf, secret, len, &e), &e);
		check_ok(slot_open_hash(&opened, &info.repo, file.p, file.len,
			&hash, &e), &e);
		check_bundle(&opened, b);
		hash.b[31] ^= 1;
		check_err(slot_open_hash(&opened, &info.repo, file.p, file.len,
			&hash, &e), ERR_AUTH, &e);
	}
	buf_release(&file);
}

static void test_slot(void **state)
{
	struct slot_bundle b;
	unsigned i;

	(void)state;
	slot_bundle_make(&b);
	assert_int_equal(b.rights, KEY_APPEND | KEY_READ | KEY_DELETE);
	round_trip(&b, SLOT_PASSPHRASE);
	round_trip(&b, SLOT_KEY);
	b.epoch = SLOT_OLD_MAX + 1;
	b.n_old = SLOT_OLD_MAX;
	for (i = 0; i < SLOT_OLD_MAX; i++)
		key_random(&b.old[i], sizeof(b.old[i]));
	round_trip(&b, SLOT_KEY);
	b.rights = KEY_APPEND;
	b.n_old = 0;
	memset(&b.master, 0, sizeof(b.master));
	memset(b.old, 0, sizeof(b.old));
	round_trip(&b, SLOT_PASSPHRASE);
	slot_bundle_wipe(&b);
	assert_int_equal(b.epoch, 0);
}

/* Everything but the prefix, the repository id and forms that cannot be looks
 * like a wrong passphrase, and says both. */
static void test_damage(void **state)
{
	struct slot_info info = make_info(SLOT_KEY);
	struct sid other = formatkit_sid("other");
	struct slot_bundle b, opened;
	struct buf file = BUF_INIT;
	struct err e = { 0 };
	unsigned auth = 0;
	size_t i;
	int rc;

	(void)state;
	slot_bundle_make(&b);
	check_ok(slot_seal(&info, &b, &b.psk, 32, &file, &e), &e);
	for (i = 0; i < file.len; i++) {
		file.p[i] ^= 1;
		rc = slot_open(&opened, &info.repo, file.p, file.len, &b.psk,
			       32, &e);
		file.p[i] ^= 1;
		assert_true(rc < 0);
		if (rc == ERR_AUTH)
			auth++;
		if (i >= 104)
			check_err(rc, ERR_AUTH, &e);
		if (i < 8 || (i >= 32 && i < 48))
			check_err(rc, ERR_CORRUPT, &e);
	}
	assert_true(auth >= SLOT_BYTES - 104);
	assert_non_null(strstr(e.msg, "wrong key file"));
	assert_non_null(strstr(e.msg, "damaged"));
	check_err(slot_open(&opened, &other, file.p, file.len, &b.psk, 32,
			    &e), ERR_CORRUPT, &e);
	check_err(slot_open(&opened, &info.repo, file.p, file.len - 1,
			    &b.psk, 32, &e), ERR_CORRUPT, &e);
	buf_release(&file);
}

/* Hostile passphrase-hash settings are refused before they are tried. */
static void test_kdf(void **state)
{
	struct slot_info info = make_info(SLOT_PASSPHRASE);
	struct slot_bundle b, opened;
	struct buf file = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	slot_bundle_make(&b);
	check_ok(slot_seal(&info, &b, passphrase, 10, &file, &e), &e);
	memset(file.p + 56, 0xff, 4);		/* memory */
	check_err(slot_open(&opened, &info.repo, file.p, file.len, passphrase,
			    10, &e), ERR_CORRUPT, &e);
	buf_release(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repo),
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_kdf),
	};

	formatkit_ctx();
	key_kdf_floor(8);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
