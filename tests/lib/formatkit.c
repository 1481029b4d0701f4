/* SPDX-License-Identifier: BSD-2-Clause */
#include "formatkit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static struct oid hash_name(const char *name, uint32_t n)
{
	struct oid h;
	char s[64];

	snprintf(s, sizeof(s), "%s %u", name, n);
	key_hash(&h, NULL, s, strlen(s), NULL, 0, NULL, 0);
	return h;
}

struct oid formatkit_oid(const char *name, uint32_t n)
{
	return hash_name(name, n);
}

struct key formatkit_key(const char *name)
{
	struct oid h = hash_name(name, 0);
	struct key k;

	memcpy(k.b, h.b, sizeof(k.b));
	return k;
}

struct sid formatkit_sid(const char *name)
{
	struct oid h = hash_name(name, 0);
	struct sid s;

	memcpy(s.b, h.b, sizeof(s.b));
	return s;
}

const struct fmt_ctx *formatkit_ctx(void)
{
	static struct key loc;
	static struct key_signer signer;
	static struct fmt_ctx ctx;
	struct key seed;

	if (ctx.loc)
		return &ctx;
	BUG_ON(key_setup(NULL) < 0);
	seed = formatkit_key("signer");
	loc = formatkit_key("location");
	key_sign_pair(&signer, &seed);
	ctx.repo = formatkit_sid("repository");
	ctx.loc = &loc;
	ctx.signer = &signer;
	return &ctx;
}

struct pack_session formatkit_session(const char *name)
{
	struct pack_session s = { .id = formatkit_sid(name), .epoch = 1,
				  .level = 3 };
	struct oid h = hash_name(name, 1);

	memcpy(s.sealed, h.b, 32);
	memcpy(s.sealed + 32, h.b, 32);
	memcpy(s.sealed + 64, h.b, 16);
	return s;
}

struct object_keys formatkit_object_keys(const char *session)
{
	struct key secret = formatkit_key("secret"), psk = formatkit_key("psk");
	struct sid sid = formatkit_sid(session);
	struct object_keys k;

	object_keys(&k, &secret, &psk, &sid);
	return k;
}

struct key formatkit_id_key(enum obj_type t)
{
	return formatkit_key(fmt_type_name(t));
}

void formatkit_objects(struct pack_table *t, struct buf *objects, uint32_t n)
{
	const struct object_keys keys = formatkit_object_keys("session");
	const struct key id_key = formatkit_id_key(OBJ_DATA);
	uint8_t plain[64], sealed[64 + AEAD_TAG_BYTES];
	uint32_t i;

	memset(t, 0, sizeof(*t));
	t->n_entries = n;
	t->n_sessions = 1;
	t->entries = mem_zero(n, sizeof(*t->entries));
	t->sessions = mem_zero(1, sizeof(*t->sessions));
	BUG_ON(!t->entries || !t->sessions);
	t->sessions[0] = formatkit_session("session");
	for (i = 0; i < n; i++) {
		struct object_head *h = &t->entries[i].obj;
		int len = snprintf((char *)plain, sizeof(plain),
			"object %u", i);

		h->type = OBJ_DATA;
		h->codec = COMP_RAW;
		h->plain_len = (uint32_t)len;
		object_id(&h->id, &id_key, plain, (size_t)len);
		object_seal(h, formatkit_ctx(), &keys, plain, (size_t)len,
			sealed);
		BUG_ON(buf_append(objects, sealed, h->stored_len, NULL) < 0);
	}
}

void formatkit_pack(struct buf *file, struct oid *name, uint32_t n)
{
	struct buf objects = BUF_INIT, pad = BUF_INIT;
	struct pack_table t;

	formatkit_objects(&t, &objects, n);
	BUG_ON(pack_seal(formatkit_ctx(), PACK_DATA, &t, objects.p,
			 objects.len, file, &pad, name, NULL) < 0);
	BUG_ON(buf_append(file, objects.p, objects.len, NULL) < 0);
	BUG_ON(buf_append(file, pad.p, pad.len, NULL) < 0);
	pack_table_release(&t);
	buf_release(&objects);
	buf_release(&pad);
}

static int cmp_entry(const void *a, const void *b)
{
	return memcmp(a, b, SEGMENT_PREFIX_BYTES);
}

void formatkit_segment(struct segment *s, uint32_t n)
{
	uint32_t i;

	memset(s, 0, sizeof(*s));
	s->kind = SEGMENT_SESSION;
	s->tier = 2;
	s->generation = 7;
	s->n_entries = n;
	s->n_packs = 1;
	s->n_sessions = 1;
	s->packs = mem_zero(1, sizeof(*s->packs));
	s->sessions = mem_zero(1, sizeof(*s->sessions));
	s->entries = mem_array(n, SEGMENT_ENTRY_BYTES);
	BUG_ON(!s->packs || !s->sessions || !s->entries);
	s->packs[0].name = formatkit_oid("pack", 0);
	s->packs[0].bytes = FMT_PACK_MAX_BYTES;
	s->packs[0].kind = PACK_DATA;
	s->sessions[0] = formatkit_session("session");
	for (i = 0; i < n; i++) {
		struct segment_entry en = { .off = PACK_HEADER_BYTES + i,
			.stored_len = 100 + i % 100, .plain_len = 300,
			.type = OBJ_DATA, .codec = COMP_ZSTD };
		struct oid id = formatkit_oid("entry", i);

		memcpy(en.prefix, id.b, sizeof(en.prefix));
		segment_entry_put(s->entries + (size_t)i * SEGMENT_ENTRY_BYTES,
			&en);
	}
	qsort(s->entries, n, SEGMENT_ENTRY_BYTES, cmp_entry);
}
