/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First byte: 0: the rest is the repository's description, 1: a slot, 2: the
 * description but for its hash, 3: the clear part of a slot, which gets the
 * bundle that follows sealed here for a key file; 'k': what is remembered of a
 * slot on this machine, but for its sum.
 */
#include <string.h>

#include "codec/aead.h"
#include "format/slot.h"
#include "repo/kdf_ahead.h"
#include "tests/lib/formatkit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

#define AT_SALT 104
#define AT_NONCE 136
#define AT_BUNDLE 160
#define AT_COMMITMENT 688

static void get_repo(const uint8_t *p, size_t len)
{
	struct slot_repo r;
	struct buf again = BUF_INIT;

	if (slot_get_repo(&r, p, len, NULL) < 0)
		return;
	BUG_ON(slot_put_repo(&r, &again, NULL) < 0);
	BUG_ON(again.len != len || memcmp(again.p, p, len) != 0);
	buf_release(&again);
}

static int open_slot(const uint8_t *p, size_t len)
{
	const struct key secret = formatkit_key("secret");
	struct slot_bundle b;
	struct slot_info info;

	if (slot_get_info(&info, p, len, NULL) < 0 || info.kind != SLOT_KEY)
		return -1;
	return slot_open(&b, &info.repo, p, len, &secret, sizeof(secret),
			 NULL);
}

static void hash_repo(const uint8_t *p, size_t len)
{
	uint8_t file[SLOT_REPO_BYTES] = { 0 };
	struct oid h;

	memcpy(file, p, len < sizeof(file) - 32 ? len : sizeof(file) - 32);
	key_hash(&h, NULL, file, sizeof(file) - 32, NULL, 0, NULL, 0);
	memcpy(file + sizeof(file) - 32, h.b, 32);
	get_repo(file, sizeof(file));
}

static void seal_slot(const uint8_t *p, size_t len)
{
	const struct key secret = formatkit_key("secret");
	uint8_t file[SLOT_BYTES] = { 0 }, plain[SLOT_BUNDLE_BYTES] = { 0 };
	struct key master, wrap, commit;
	struct aead_nonce nonce;
	struct oid h;

	memcpy(file, p, len < AT_BUNDLE ? len : AT_BUNDLE);
	if (len > AT_BUNDLE)
		memcpy(plain, p + AT_BUNDLE, len - AT_BUNDLE < sizeof(plain) ?
			len - AT_BUNDLE : sizeof(plain));
	key_hash(&h, &secret, file + AT_SALT, 32, NULL, 0, NULL, 0);
	memcpy(master.b, h.b, sizeof(master.b));
	key_derive(&wrap, &master, 1, "slotwrap");
	key_derive(&commit, &master, 2, "slotwrap");
	memcpy(nonce.b, file + AT_NONCE, sizeof(nonce.b));
	aead_seal(file + AT_BUNDLE, plain, sizeof(plain), file, AT_BUNDLE,
		&nonce, &wrap);
	key_hash(&h, &commit, file, AT_COMMITMENT, NULL, 0, NULL, 0);
	memcpy(file + AT_COMMITMENT, h.b, sizeof(h.b));
	/* The commitment holds, so this is never a wrong key. */
	BUG_ON(open_slot(file, sizeof(file)) == ERR_AUTH);
}

/* What this machine remembers of a slot; its sum is made here. */
static void remembered(const uint8_t *p, size_t len)
{
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct key_kdf par;
	struct key_sum sum;

	key_sum(&sum, p, len);
	BUG_ON(buf_append(&b, p, len, NULL) < 0 ||
	       buf_append(&b, sum.b, sizeof(sum.b), NULL) < 0);
	if (kdf_ahead_get(&par, b.p, b.len)) {
		BUG_ON(kdf_ahead_put(&again, &par, NULL) < 0);
		BUG_ON(again.len != b.len || memcmp(again.p, b.p, b.len) != 0);
	}
	buf_release(&again);
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	formatkit_ctx();
	if (len == 0)
		return 0;
	if (p[0] == 'k')
		remembered(p + 1, len - 1);
	else if (p[0] % 4 == 0)
		get_repo(p + 1, len - 1);
	else if (p[0] % 4 == 1)
		open_slot(p + 1, len - 1);
	else if (p[0] % 4 == 2)
		hash_repo(p + 1, len - 1);
	else
		seal_slot(p + 1, len - 1);
	return 0;
}
