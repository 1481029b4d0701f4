/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/comp.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/mem.h"
#include "base/rd.h"

#define COMP_MAGIC 0xfd2fb528u		/* of a zstd frame, RFC 8878 */
#define COMP_WINDOW_LOG_MAX 24		/* zstd takes the input's at most */
#define COMP_VERIFY_BYTES (128u << 10)	/* zstd's largest block */
#define COMP_SAMPLE_BYTES 4096
#define COMP_SAMPLES 4

/* ---- borg's names ---- */

#define COMP_LEVEL_LZ4 (-2)	/* measured: the fastest not worse than lz4 */
#define COMP_HIDDEN "sizes are hidden in any case, \"obfuscate\" adds nothing"
#define COMP_NOTE(said) said, COMP_HIDDEN "; " said

static const struct comp_name {
	const char *name;
	int first, last, usual;		/* borg's levels; first > last: none */
	int8_t level[23];		/* ours, from 'first' on */
	const char *note, *note_hidden;
} comp_names[] = {
	{ "none", 1, 0, 1, { 0 }, NULL, COMP_HIDDEN },
	{ "zstd", 1, 22, 3, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		15, 16, 17, 18, 19, 20, 21, 22 }, NULL, COMP_HIDDEN },
	{ "lz4", 1, 0, 1, { COMP_LEVEL_LZ4 },
		COMP_NOTE("\"lz4\" is zstd at its fast level -2 here; "
			"\"zstd,1\" is nearly as fast and stores mail in a "
			"quarter less") },
	{ "zlib", 0, 9, 6, { 0, 1, 1, 2, 2, 3, 3, 4, 5, 6 },
		COMP_NOTE("\"zlib\" is zstd at a level that compresses at "
			"least as well here") },
	{ "lzma", 0, 9, 6, { 6, 8, 10, 12, 14, 16, 17, 18, 19, 19 },
		COMP_NOTE("\"lzma\" is zstd at a level of similar effort "
			"here") },
};

/* Up to three digits and the end of the word; -1 if it is not that. */
static int comp_number(const char *s, size_t len)
{
	int n = 0;
	size_t i;

	if (len == 0 || len > 3)
		return -1;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		n = 10 * n + (s[i] - '0');
	}
	return n;
}

/* Step over "obfuscate,SPEC," with a SPEC that borg knows. */
static bool comp_skip_hidden(const char **s)
{
	const char *spec = *s + strlen("obfuscate,");
	size_t len;
	int n;

	if (strncmp(*s, "obfuscate,", strlen("obfuscate,")) != 0)
		return false;
	len = strcspn(spec, ",");
	n = comp_number(spec, len);
	if (spec[len] != ',' || !((n >= 1 && n <= 6) ||
	    (n >= 110 && n <= 123) || n == 250))
		return false;
	*s = spec + len + 1;
	return true;
}

static const struct comp_name *comp_find(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(comp_names) / sizeof(*comp_names); i++)
		if (strlen(comp_names[i].name) == len &&
		    memcmp(comp_names[i].name, s, len) == 0)
			return &comp_names[i];
	return NULL;
}

int comp_parse(struct comp_spec *spec, const char *text, const char **note,
	       struct err *e)
{
	const char *s = text;
	const struct comp_name *c;
	bool hidden = comp_skip_hidden(&s);
	bool sample = strncmp(s, "auto,", strlen("auto,")) == 0;
	size_t len;
	int n;

	if (sample)
		s += strlen("auto,");
	len = strcspn(s, ",");
	c = comp_find(s, len);
	if (!c)
		return err_set(e, ERR_CONFIG, "compression '%s' is not none, "
			"lz4, zstd[,1-22], zlib[,0-9], lzma[,0-9], auto,C[,L] "
			"or obfuscate,1-6|110-123|250,C[,L]", text);
	n = c->usual;
	if (s[len] == ',') {
		s += len + 1;
		n = comp_number(s, strlen(s));
		if (c->first > c->last)
			return err_set(e, ERR_CONFIG, "compression '%s': %s "
				"has no levels", text, c->name);
		if (n < c->first || n > c->last)
			return err_set(e, ERR_CONFIG, "compression '%s': the "
				"levels of %s are %d to %d", text, c->name,
				c->first, c->last);
	}
	spec->level = c->level[n - c->first];
	spec->try_first = sample;
	if (note)
		*note = hidden ? c->note_hidden : c->note;
	return 0;
}

/* ---- compressing ---- */

struct comp {
	struct comp_spec spec;
	ZSTD_CCtx *pack;	/* both NULL if the level is 0 */
	ZSTD_DCtx *verify;
	uint8_t plain[COMP_VERIFY_BYTES];
};

static int comp_zstd_error(size_t code, struct err *e)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
		return err_nomem(e);
	return err_set(e, ERR_IO, "compressor failed: %s",
		ZSTD_getErrorName(code));
}

static bool comp_set(ZSTD_CCtx *c, ZSTD_cParameter what, int value)
{
	return !ZSTD_isError(ZSTD_CCtx_setParameter(c, what, value));
}

struct comp *comp_new(const struct comp_spec *spec)
{
	struct comp *c = mem_alloc(sizeof(*c));

	if (!c)
		return NULL;
	c->spec = *spec;
	c->pack = NULL;
	c->verify = NULL;
	if (spec->level == 0)
		return c;
	c->pack = ZSTD_createCCtx();
	c->verify = ZSTD_createDCtx();
	if (!c->pack || !c->verify ||
	    !comp_set(c->pack, ZSTD_c_compressionLevel, spec->level) ||
	    !comp_set(c->pack, ZSTD_c_contentSizeFlag, 0) ||
	    !comp_set(c->pack, ZSTD_c_checksumFlag, 0) ||
	    !comp_set(c->pack, ZSTD_c_dictIDFlag, 0) ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(c->verify,
		ZSTD_d_windowLogMax, COMP_WINDOW_LOG_MAX))) {
		comp_free(c);
		return NULL;
	}
	return c;
}

void comp_free(struct comp *c)
{
	if (!c)
		return;
	ZSTD_freeCCtx(c->pack);
	ZSTD_freeDCtx(c->verify);
	free(c);
}

/* In pieces, so that a large object costs a window of memory and not a second
 * copy of itself. */
static int comp_verify(struct comp *c, const uint8_t *p, size_t len,
		       const struct buf *frame, struct err *e)
{
	ZSTD_inBuffer in = { frame->p, frame->len, 0 };
	size_t left, done = 0;

	ZSTD_DCtx_reset(c->verify, ZSTD_reset_session_only);
	do {
		ZSTD_outBuffer out = { c->plain, sizeof(c->plain), 0 };

		left = ZSTD_decompressStream(c->verify, &out, &in);
		if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
			return err_nomem(e);
		if (ZSTD_isError(left) || out.pos > len - done ||
		    memcmp(p + done, out.dst, out.pos) != 0 ||
		    (left && !out.pos))
			goto bad;
		done += out.pos;
	} while (left);
	if (done == len && in.pos == in.size)
		return 0;
bad:
	return err_set(e, ERR_IO, "compressed bytes do not decompress to what "
		"they were: memory or processor of this machine is faulty");
}

int comp_pack(struct comp *c, const void *p, size_t len, struct buf *out,
	      struct err *e)
{
	size_t room = len * 97 / 100, got;
	int rc;

	BUG_ON(len == 0 || len > COMP_MAX_BYTES);
	buf_clear(out);
	if (c->spec.level == 0 || comp_hopeless(p, len, c->spec.try_first))
		return COMP_RAW;
	if ((rc = buf_reserve(out, room, e)) < 0)
		return rc;
	got = ZSTD_compress2(c->pack, out->p, room, p, len);
	if (ZSTD_getErrorCode(got) == ZSTD_error_dstSize_tooSmall)
		return COMP_RAW;
	if (ZSTD_isError(got))
		return comp_zstd_error(got, e);
	out->len = got;
	if ((rc = comp_verify(c, p, len, out, e)) < 0) {
		buf_clear(out);
		return rc;
	}
	return COMP_ZSTD;
}

/* ---- not trying ---- */

static const struct comp_magic {
	uint8_t off, len;
	char bytes[10];
} comp_magics[] = {
	{ 0, 9, "CRYPTED\x03\x07" },		/* Dovecot mail_crypt */
	{ 0, 3, "\x1f\x8b\x08" },		/* gzip */
	{ 0, 4, "\x28\xb5\x2f\xfd" },		/* zstd */
	{ 0, 6, "\xfd" "7zXZ\0" },		/* xz */
	{ 4, 6, "1AY&SY" },			/* bzip2 */
	{ 0, 6, "7z\xbc\xaf\x27\x1c" },		/* 7-Zip */
	{ 0, 6, "Rar!\x1a\x07" },
	{ 0, 3, "\xff\xd8\xff" },		/* JPEG */
	{ 0, 8, "\x89PNG\r\n\x1a\n" },
	{ 8, 4, "WEBP" },
	{ 4, 4, "ftyp" },			/* MP4, HEIC, AVIF */
	{ 0, 4, "\x1a\x45\xdf\xa3" },		/* Matroska, WebM */
	{ 0, 4, "OggS" },
	{ 0, 4, "fLaC" },
};

static bool comp_has_magic(const uint8_t *p, size_t len)
{
	const struct comp_magic *m;
	size_t i;

	for (i = 0; i < sizeof(comp_magics) / sizeof(*comp_magics); i++) {
		m = &comp_magics[i];
		if (len >= (size_t)m->off + m->len &&
		    memcmp(p + m->off, m->bytes, m->len) == 0)
			return true;
	}
	/* Zip, if its first member is deflated and not stored. */
	return len >= 10 && memcmp(p, "PK\x03\x04", 4) == 0 && p[8] == 8;
}

/*
 * Pairs of equal bytes in a sample: n^2/256 of them if it is random.  A
 * seventh more is an order-0 entropy of about 7.9 bits, of which no coder
 * gets 3 %.  Base64 has four times as many.
 */
static bool comp_is_flat(const uint8_t *p)
{
	static const uint64_t limit = (uint64_t)COMP_SAMPLE_BYTES *
		COMP_SAMPLE_BYTES / 256 * 8 / 7;
	uint32_t count[2][256] = { { 0 } };
	uint64_t pairs = 0, n;
	size_t i;

	for (i = 0; i < COMP_SAMPLE_BYTES; i += 2) {
		count[0][p[i]]++;
		count[1][p[i + 1]]++;
	}
	for (i = 0; i < 256; i++) {
		n = count[0][i] + count[1][i];
		pairs += n * (n - 1);
	}
	return pairs <= limit;
}

bool comp_hopeless(const void *p, size_t len, bool sample)
{
	const uint8_t *b = p;
	size_t n = len / COMP_SAMPLE_BYTES, i;

	if (comp_has_magic(b, len))
		return true;
	if (!sample || n == 0)
		return false;
	if (n > COMP_SAMPLES)
		n = COMP_SAMPLES;
	/* The end first: what begins with text often is not text all along. */
	for (i = n; i-- > 0; )
		if (!comp_is_flat(b + (n == 1 ? 0 :
		    (len - COMP_SAMPLE_BYTES) / (n - 1) * i)))
			return false;
	return true;
}

/* ---- decompressing ---- */

static pthread_once_t comp_once = PTHREAD_ONCE_INIT;
static pthread_key_t comp_key;
static bool comp_key_made;	/* written under comp_once only */

static void comp_key_free(void *d)
{
	ZSTD_freeDCtx(d);
}

static void comp_key_make(void)
{
	comp_key_made = pthread_key_create(&comp_key, comp_key_free) == 0;
}

/* This thread's context; NULL: no memory. */
static ZSTD_DCtx *comp_context(void)
{
	ZSTD_DCtx *d;

	if (pthread_once(&comp_once, comp_key_make) != 0 || !comp_key_made)
		return NULL;
	d = pthread_getspecific(comp_key);
	if (d)
		return d;
	d = ZSTD_createDCtx();
	if (d && pthread_setspecific(comp_key, d) != 0) {
		ZSTD_freeDCtx(d);
		d = NULL;
	}
	return d;
}

/*
 * One frame of our kind and nothing else: magic, a descriptor without any
 * flag, a window of at most 16 MiB, and it ends where the bytes end.
 */
static bool comp_is_frame(const void *p, size_t len)
{
	struct rd r;

	rd_init(&r, p, len);
	return rd_le32(&r) == COMP_MAGIC && rd_u8(&r) == 0 &&
		rd_u8(&r) <= (COMP_WINDOW_LOG_MAX - 10) << 3 && !r.bad &&
		ZSTD_findFrameCompressedSize(p, len) == len;
}

int comp_unpack(enum comp_codec codec, const void *p, size_t len, void *out,
		size_t plain_len, struct err *e)
{
	ZSTD_DCtx *d;
	size_t got;

	if (codec == COMP_RAW) {
		if (len != plain_len)
			return err_set(e, ERR_CORRUPT, "object has %zu bytes, "
				"should have %zu", len, plain_len);
		if (len)
			memcpy(out, p, len);
		return 0;
	}
	if (codec != COMP_ZSTD)
		return err_set(e, ERR_CORRUPT,
			"object is compressed by unknown codec %d",
			(int)codec);
	if (!comp_is_frame(p, len))
		return err_set(e, ERR_CORRUPT,
			"object is not one zstd frame of this program's kind");
	d = comp_context();
	if (!d)
		return err_nomem(e);
	got = ZSTD_decompressDCtx(d, out, plain_len, p, len);
	if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation)
		return err_nomem(e);
	if (ZSTD_isError(got))
		return err_set(e, ERR_CORRUPT, "object does not decompress: %s",
			ZSTD_getErrorName(got));
	if (got != plain_len)
		return err_set(e, ERR_CORRUPT, "object decompresses to %zu "
			"bytes, should be %zu", got, plain_len);
	return 0;
}
