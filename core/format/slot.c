/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/slot.h"

#include <assert.h>
#include <string.h>

#include "codec/aead.h"
#include "codec/chunker.h"

#define REPO_ZERO_BYTES 152
#define REPO_CHUNKER_GEAR 1
#define REPO_HASH_BLAKE2B 1

#define AT_SALT 104
#define AT_NONCE 136
#define AT_BUNDLE 160
#define AT_COMMITMENT 688
#define SECRET_KEY_BYTES 32
#define RIGHTS_KNOWN (KEY_APPEND | KEY_READ | KEY_DELETE)

static_assert(FMT_PREFIX_BYTES + 16 + 8 + 4 + 12 + REPO_ZERO_BYTES + 32 ==
	SLOT_REPO_BYTES, "repository file");
static_assert(AT_COMMITMENT == AT_BUNDLE + SLOT_BUNDLE_BYTES + AEAD_TAG_BYTES,
	"slot");
static_assert(AT_COMMITMENT + 32 == SLOT_BYTES, "slot");
static_assert(8 + 5 * 32 + 8 + SLOT_OLD_MAX * 32 <= SLOT_BUNDLE_BYTES,
	"bundle");

int slot_put_repo(const struct slot_repo *r, struct buf *out, struct err *e)
{
	struct oid hash;
	struct wr w;
	int rc;

	buf_clear(out);
	wr_init(&w, out);
	fmt_put_prefix_with(&w, FMT_REPOSITORY, &r->features);
	wr_bytes(&w, r->id.b, sizeof(r->id.b));
	wr_le64(&w, (uint64_t)r->created_secs);
	wr_u8(&w, (uint8_t)r->mode);
	wr_u8(&w, REPO_CHUNKER_GEAR);
	wr_u8(&w, REPO_HASH_BLAKE2B);
	wr_u8(&w, 0);
	wr_le32(&w, CHUNKER_MIN_BYTES);
	wr_le32(&w, CHUNKER_TARGET_BYTES);
	wr_le32(&w, CHUNKER_MAX_BYTES);
	wr_zero(&w, REPO_ZERO_BYTES);
	if ((rc = wr_done(&w, e)) < 0)
		return rc;
	key_hash(&hash, NULL, out->p, out->len, NULL, 0, NULL, 0);
	return buf_append(out, hash.b, sizeof(hash.b), e);
}

/* Settings of a repository that this program can only take or leave. */
static int get_choices(struct rd *r, struct err *e)
{
	unsigned chunker = rd_u8(r), id_hash = rd_u8(r);
	uint32_t min, target, max;

	rd_zero(r, 1);
	min = rd_le32(r);
	target = rd_le32(r);
	max = rd_le32(r);
	if (chunker != REPO_CHUNKER_GEAR)
		return err_set(e, ERR_CONFIG,
			"chunker %u: needs a newer muniment", chunker);
	if (id_hash != REPO_HASH_BLAKE2B)
		return err_set(e, ERR_CONFIG,
			"id hash %u: needs a newer muniment", id_hash);
	if (min != CHUNKER_MIN_BYTES || target != CHUNKER_TARGET_BYTES ||
	    max != CHUNKER_MAX_BYTES)
		return err_set(e, ERR_CONFIG, "chunks of %u, %u, %u bytes: "
			"needs a newer muniment", min, target, max);
	return 0;
}

int slot_get_repo(struct slot_repo *r, const uint8_t *p, size_t len,
	struct err *e)
{
	struct oid hash, want;
	unsigned mode;
	struct rd in;
	int rc;

	memset(r, 0, sizeof(*r));
	rd_init(&in, p, len);
	rc = fmt_get_prefix_with(&in, FMT_REPOSITORY, &r->features, e);
	if (rc < 0)
		return rc;
	if (len != SLOT_REPO_BYTES)
		return err_set(e, ERR_CORRUPT,
			"repository's description has %zu bytes, expected %u",
			len, SLOT_REPO_BYTES);
	key_hash(&want, NULL, p, SLOT_REPO_BYTES - sizeof(want), NULL, 0,
		NULL, 0);
	memcpy(hash.b, p + SLOT_REPO_BYTES - sizeof(want), sizeof(hash.b));
	if (!oid_eq(&hash, &want))
		return err_set(e, ERR_CORRUPT,
			"repository's description is damaged");
	rd_copy(&in, r->id.b, sizeof(r->id.b));
	r->created_secs = (int64_t)rd_le64(&in);
	mode = rd_u8(&in);
	if (mode != SLOT_REPOKEY && mode != SLOT_KEYFILE)
		return err_set(e, ERR_CONFIG,
			"key mode %u: needs a newer muniment", mode);
	r->mode = (enum slot_mode)mode;
	if ((rc = get_choices(&in, e)) < 0)
		return rc;
	rd_zero(&in, REPO_ZERO_BYTES);
	if (in.bad || sid_is_zero(&r->id))
		return err_set(e, ERR_CORRUPT,
			"repository's description says what cannot be");
	return 0;
}

static void box_public(struct key *pub, const struct key *master)
{
	struct key seed, sec;

	key_derive(&seed, master, 1, "x25519  ");
	key_box_pair(pub, &sec, &seed);
	key_wipe(&seed, sizeof(seed));
	key_wipe(&sec, sizeof(sec));
}

void slot_bundle_make(struct slot_bundle *b)
{
	memset(b, 0, sizeof(*b));
	b->rights = RIGHTS_KNOWN;
	b->epoch = 1;
	key_random(b->dedup.b, sizeof(b->dedup.b));
	key_random(b->psk.b, sizeof(b->psk.b));
	key_random(b->sign_seed.b, sizeof(b->sign_seed.b));
	key_random(b->master.b, sizeof(b->master.b));
	box_public(&b->box_public, &b->master);
}

void slot_bundle_wipe(struct slot_bundle *b)
{
	key_wipe(b, sizeof(*b));
}

bool slot_bundle_adds_only(const struct slot_bundle *b)
{
	static const struct key zero;

	return !(b->rights & KEY_READ) &&
		!key_equal(&b->keeper, &zero, sizeof(zero));
}

void slot_bundle_cut(struct slot_bundle *b, uint32_t rights,
	const struct key *keeper)
{
	bool could_read = b->rights & KEY_READ;

	b->rights = rights;
	if (!could_read || (rights & KEY_READ))
		return;
	key_wipe(&b->master, sizeof(b->master));
	key_wipe(b->old, sizeof(b->old));
	b->n_old = 0;
	b->keeper = *keeper;
	key_random(b->sign_seed.b, sizeof(b->sign_seed.b));
}

static bool bundle_sane(const struct slot_bundle *b)
{
	struct key pub;

	if (b->rights == 0 || b->rights & ~(uint32_t)RIGHTS_KNOWN ||
	    b->epoch == 0 || b->n_old > SLOT_OLD_MAX || b->n_old >= b->epoch)
		return false;
	if (!(b->rights & KEY_READ))
		return b->n_old == 0;
	box_public(&pub, &b->master);
	return key_equal(&pub, &b->box_public, sizeof(pub));
}

/* In place, so that no copy of a secret is left in a buffer that grew. */
static void put_bundle(uint8_t p[SLOT_BUNDLE_BYTES],
	const struct slot_bundle *b)
{
	struct buf out = { .p = p, .cap = SLOT_BUNDLE_BYTES };
	struct wr w;
	uint32_t i;

	wr_init(&w, &out);
	wr_le32(&w, b->rights);
	wr_le32(&w, b->epoch);
	wr_bytes(&w, b->dedup.b, sizeof(struct key));
	wr_bytes(&w, b->psk.b, sizeof(struct key));
	wr_bytes(&w, b->box_public.b, sizeof(struct key));
	wr_bytes(&w, b->sign_seed.b, sizeof(struct key));
	wr_bytes(&w, b->rights & KEY_READ ? b->master.b : b->keeper.b,
		sizeof(struct key));
	wr_u8(&w, (uint8_t)b->n_old);
	wr_zero(&w, 7);
	for (i = 0; i < b->n_old; i++)
		wr_bytes(&w, b->old[i].b, sizeof(struct key));
	wr_zero(&w, SLOT_BUNDLE_BYTES - out.len);
	BUG_ON(w.rc != 0 || out.p != p);
}

static int get_bundle(struct slot_bundle *b, const uint8_t *p, struct err *e)
{
	struct rd r;
	uint32_t i;

	memset(b, 0, sizeof(*b));
	rd_init(&r, p, SLOT_BUNDLE_BYTES);
	b->rights = rd_le32(&r);
	b->epoch = rd_le32(&r);
	rd_copy(&r, b->dedup.b, sizeof(struct key));
	rd_copy(&r, b->psk.b, sizeof(struct key));
	rd_copy(&r, b->box_public.b, sizeof(struct key));
	rd_copy(&r, b->sign_seed.b, sizeof(struct key));
	rd_copy(&r, b->rights & KEY_READ ? b->master.b : b->keeper.b,
		sizeof(struct key));
	b->n_old = rd_u8(&r);
	rd_zero(&r, 7);
	for (i = 0; i < b->n_old && i < SLOT_OLD_MAX; i++)
		rd_copy(&r, b->old[i].b, sizeof(struct key));
	rd_zero(&r, rd_left(&r));
	if (!rd_done(&r) || !bundle_sane(b)) {
		slot_bundle_wipe(b);
		return err_set(e, ERR_CORRUPT,
			"key bundle says what cannot be");
	}
	return 0;
}

struct slot_keys {
	struct key wrap, commit;
	struct key secret;
	uint8_t plain[SLOT_BUNDLE_BYTES];
};

/* The two keys of a slot; 'hash' is of the passphrase, if that is made. */
static int derive(struct slot_keys *k, const struct slot_info *info,
	const void *secret, size_t secret_len, const struct key *hash,
	struct err *e)
{
	struct oid h;
	int rc;

	if (hash) {
		k->secret = *hash;
	} else if (info->kind == SLOT_PASSPHRASE) {
		rc = key_kdf(&k->secret, &info->kdf, secret, secret_len, e);
		if (rc < 0)
			return rc;
	} else {
		if (secret_len != SECRET_KEY_BYTES)
			return err_set(e, ERR_AUTH,
				"key has %zu bytes, expected %u", secret_len,
				SECRET_KEY_BYTES);
		memcpy(k->secret.b, secret, SECRET_KEY_BYTES);
		key_hash(&h, &k->secret, info->kdf.salt,
			sizeof(info->kdf.salt), NULL, 0, NULL, 0);
		memcpy(k->secret.b, h.b, sizeof(h.b));
		key_wipe(&h, sizeof(h));
	}
	key_derive(&k->wrap, &k->secret, 1, "slotwrap");
	key_derive(&k->commit, &k->secret, 2, "slotwrap");
	return 0;
}

/* Everything before the nonce. */
static int put_info(struct buf *out, const struct slot_info *info,
	struct err *e)
{
	size_t label_len = strnlen(info->label, SLOT_LABEL_MAX);
	struct wr w;

	wr_init(&w, out);
	fmt_put_prefix(&w, FMT_SLOT);
	wr_bytes(&w, info->repo.b, sizeof(info->repo.b));
	wr_u8(&w, (uint8_t)info->kind);
	wr_u8(&w, 0);
	wr_le16(&w, (uint16_t)info->rights);
	wr_le32(&w, info->kdf.passes);
	wr_le32(&w, info->kdf.mem_kib);
	wr_zero(&w, 4);
	wr_le64(&w, (uint64_t)info->created_secs);
	wr_bytes(&w, info->label, label_len);
	wr_zero(&w, SLOT_LABEL_MAX + 1 - label_len);
	wr_bytes(&w, info->kdf.salt, sizeof(info->kdf.salt));
	return wr_done(&w, e);
}

int slot_seal(struct slot_info *info, const struct slot_bundle *b,
	const void *secret, size_t secret_len, struct buf *out,
	struct err *e)
{
	struct slot_keys *k = key_alloc(sizeof(*k));
	struct aead_nonce nonce;
	struct oid commitment;
	int rc;

	if (!k)
		return err_nomem(e);
	BUG_ON(!bundle_sane(b));
	BUG_ON(info->kind != SLOT_PASSPHRASE && info->kind != SLOT_KEY);
	info->rights = b->rights;
	if (info->kind == SLOT_KEY)
		info->kdf.passes = info->kdf.mem_kib = 0;
	key_random(info->kdf.salt, sizeof(info->kdf.salt));
	key_random(nonce.b, sizeof(nonce.b));
	buf_clear(out);
	if ((rc = derive(k, info, secret, secret_len, NULL, e)) < 0 ||
	    (rc = put_info(out, info, e)) < 0 ||
	    (rc = buf_append(out, nonce.b, sizeof(nonce.b), e)) < 0 ||
	    (rc = buf_resize(out, SLOT_BYTES, e)) < 0)
		goto out;
	put_bundle(k->plain, b);
	aead_seal(out->p + AT_BUNDLE, k->plain, sizeof(k->plain), out->p,
		AT_BUNDLE, &nonce, &k->wrap);
	key_hash(&commitment, &k->commit, out->p, AT_COMMITMENT, NULL, 0,
		NULL, 0);
	memcpy(out->p + AT_COMMITMENT, commitment.b, sizeof(commitment.b));
out:
	key_free(k);
	return rc;
}

int slot_get_info(struct slot_info *info, const uint8_t *p, size_t len,
	struct err *e)
{
	size_t label_len;
	unsigned kind;
	struct rd r;
	int rc;

	memset(info, 0, sizeof(*info));
	rd_init(&r, p, len);
	if ((rc = fmt_get_prefix(&r, FMT_SLOT, e)) < 0)
		return rc;
	rd_copy(&r, info->repo.b, sizeof(info->repo.b));
	kind = rd_u8(&r);
	rd_zero(&r, 1);
	info->rights = rd_le16(&r);
	info->kdf.passes = rd_le32(&r);
	info->kdf.mem_kib = rd_le32(&r);
	rd_zero(&r, 4);
	info->created_secs = (int64_t)rd_le64(&r);
	rd_copy(&r, info->label, sizeof(info->label));
	label_len = strnlen(info->label, sizeof(info->label));
	for (; label_len < sizeof(info->label); label_len++)
		if (info->label[label_len])
			rd_fail(&r);
	rd_copy(&r, info->kdf.salt, sizeof(info->kdf.salt));
	info->kind = (enum slot_kind)kind;
	if (r.bad || len != SLOT_BYTES || info->label[SLOT_LABEL_MAX] ||
	    (kind != SLOT_PASSPHRASE && kind != SLOT_KEY) ||
	    info->rights == 0 || info->rights & ~(uint32_t)RIGHTS_KNOWN ||
	    (kind == SLOT_KEY && (info->kdf.passes || info->kdf.mem_kib))) {
		memset(info, 0, sizeof(*info));
		return err_set(e, ERR_CORRUPT, "key says what cannot be");
	}
	return 0;
}

static int open_with(struct slot_bundle *b, const struct sid *repo,
	const uint8_t *p, size_t len, const void *secret, size_t secret_len,
	const struct key *hash, struct err *e)
{
	struct slot_info info;
	struct aead_nonce nonce;
	struct slot_keys *k;
	struct oid commitment;
	int rc;

	memset(b, 0, sizeof(*b));
	if ((rc = slot_get_info(&info, p, len, e)) < 0)
		return rc;
	if (!sid_eq(&info.repo, repo))
		return err_set(e, ERR_CORRUPT,
			"key belongs to another repository");
	k = key_alloc(sizeof(*k));
	if (!k)
		return err_nomem(e);
	if ((rc = derive(k, &info, secret, secret_len, hash, e)) < 0)
		goto out;
	key_hash(&commitment, &k->commit, p, AT_COMMITMENT, NULL, 0, NULL, 0);
	if (!key_equal(commitment.b, p + AT_COMMITMENT,
		       sizeof(commitment.b))) {
		rc = err_set(e, ERR_AUTH, info.kind == SLOT_PASSPHRASE ?
			"wrong passphrase, or the key is damaged" :
			"wrong key file, or the key is damaged");
		goto out;
	}
	memcpy(nonce.b, p + AT_NONCE, sizeof(nonce.b));
	rc = aead_open(k->plain, p + AT_BUNDLE,
		SLOT_BUNDLE_BYTES + AEAD_TAG_BYTES, p, AT_BUNDLE, &nonce,
		&k->wrap, e);
	if (rc == 0)
		rc = get_bundle(b, k->plain, e);
	if (rc == 0 && b->rights != info.rights) {
		slot_bundle_wipe(b);
		rc = err_set(e, ERR_CORRUPT, "key's rights do not agree");
	}
out:
	key_free(k);
	return rc;
}

int slot_open(struct slot_bundle *b, const struct sid *repo, const uint8_t *p,
	size_t len, const void *secret, size_t secret_len, struct err *e)
{
	return open_with(b, repo, p, len, secret, secret_len, NULL, e);
}

int slot_open_hash(struct slot_bundle *b, const struct sid *repo,
	const uint8_t *p, size_t len, const struct key *hash, struct err *e)
{
	return open_with(b, repo, p, len, NULL, 0, hash, e);
}
