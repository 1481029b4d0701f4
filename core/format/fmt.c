/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/fmt.h"

#include <string.h>

#define FMT_MAGIC_BYTES 8

static void fmt_magic(uint8_t out[FMT_MAGIC_BYTES], enum fmt_kind kind)
{
	static const uint8_t magic[FMT_MAGIC_BYTES] = {
		0x89, 'M', 'U', 0, 0x0d, 0x0a, 0x1a, 0x0a
	};

	memcpy(out, magic, sizeof(magic));
	out[3] = (uint8_t)kind;
}

static const char *fmt_kind_name(enum fmt_kind kind)
{
	switch (kind) {
	case FMT_REPOSITORY:
		return "a repository's description";
	case FMT_SLOT:
		return "a key";
	case FMT_PACK:
		return "a pack";
	case FMT_SEGMENT:
		return "an index segment";
	case FMT_RECORD:
		return "an archive record";
	case FMT_FENCE:
		return "a fence";
	case FMT_TOMBSTONE:
		return "a tombstone";
	case FMT_SESSION:
		return "a session";
	case FMT_GENERATION:
		return "a generation";
	case FMT_PIN:
		return "a pin";
	case FMT_PARITY:
		return "a parity file";
	case FMT_LEVEL:
		return "a parity setting";
	}
	return "a known file";
}

void fmt_put_prefix_with(struct wr *w, enum fmt_kind kind,
	const struct fmt_features *f)
{
	uint8_t magic[FMT_MAGIC_BYTES];

	fmt_magic(magic, kind);
	wr_bytes(w, magic, sizeof(magic));
	wr_le16(w, FMT_VERSION);
	wr_u8(w, FMT_SUITE);
	wr_u8(w, 0);
	wr_le32(w, f->read);
	wr_le32(w, f->write);
	wr_le32(w, f->del);
	wr_zero(w, 8);
}

void fmt_put_prefix(struct wr *w, enum fmt_kind kind)
{
	static const struct fmt_features none;

	fmt_put_prefix_with(w, kind, &none);
}

int fmt_get_prefix_with(struct rd *r, enum fmt_kind kind,
	struct fmt_features *f, struct err *e)
{
	uint8_t want[FMT_MAGIC_BYTES], magic[FMT_MAGIC_BYTES];
	struct fmt_features got;
	unsigned version, suite, zero;

	fmt_magic(want, kind);
	rd_copy(r, magic, sizeof(magic));
	version = rd_le16(r);
	suite = rd_u8(r);
	zero = rd_u8(r);
	got.read = rd_le32(r);
	got.write = rd_le32(r);
	got.del = rd_le32(r);
	if (r->bad || memcmp(magic, want, sizeof(magic)) != 0)
		return err_set(e, ERR_CORRUPT, "not %s of muniment",
			fmt_kind_name(kind));
	if (version != FMT_VERSION)
		return err_set(e, ERR_CONFIG,
			"format version %u: needs %s muniment (this one reads "
			"version %u)", version,
			version > FMT_VERSION ? "a newer" : "an older",
			FMT_VERSION);
	if (suite != FMT_SUITE)
		return err_set(e, ERR_CONFIG,
			"cipher suite %u: needs a newer muniment", suite);
	if (got.read & ~FMT_FEATURES_READ)
		return err_set(e, ERR_CONFIG,
			"needs a newer muniment to be read (features %#x)",
			got.read & ~FMT_FEATURES_READ);
	rd_zero(r, 8);
	if (r->bad || zero != 0)
		return err_set(e, ERR_CORRUPT, "damaged head of %s",
			fmt_kind_name(kind));
	if (f)
		*f = got;
	return 0;
}

int fmt_get_prefix(struct rd *r, enum fmt_kind kind, struct err *e)
{
	return fmt_get_prefix_with(r, kind, NULL, e);
}

uint64_t fmt_padme(uint64_t bytes)
{
	unsigned e, s;
	uint64_t mask;

	if (bytes <= FMT_MIN_BYTES)
		return FMT_MIN_BYTES;
	e = 63u - (unsigned)__builtin_clzll(bytes);
	s = 32u - (unsigned)__builtin_clz(e);
	mask = (UINT64_C(1) << (e - s)) - 1;
	return (bytes + mask) & ~mask;
}

const char *fmt_type_name(enum obj_type t)
{
	switch (t) {
	case OBJ_DATA:
		return "data";
	case OBJ_NODE:
		return "node";
	case OBJ_LIST:
		return "list";
	}
	return "unknown";
}
