/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/mark.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/aead.h"
#include "format/parity.h"
#include "format/sealed.h"
#include "format/text.h"

#define AT_SIGNATURE 100
#define AT_BODY 164
#define AD_BYTES AT_SIGNATURE
#define BODY_PAD_BYTES 256
#define BODY_MAX_BYTES (64u << 20)
#define HOST_MAX 255
#define USER_MAX 255
#define BOOT_ID_MAX 64
#define REASON_MAX 4096
#define BASE_MAX (1u << 16)
#define CONDEMNED_MAX (1u << 20)
#define GONE_MAX (1u << 20)
#define GONE_BYTES (16 + 32)
#define ARCHIVES_MAX (1u << 16)

static_assert(AT_SIGNATURE == FMT_PREFIX_BYTES + 16 + 32 + 16 + 4, "layout");
static_assert(AT_BODY == AT_SIGNATURE + sizeof(struct key_signature),
	"layout");

/* What names a mark: the id in its name, or its number, le32 and zeroes. */
static struct sid number_name(uint32_t number)
{
	struct sid s = { { 0 } };

	s.b[0] = (uint8_t)number;
	s.b[1] = (uint8_t)(number >> 8);
	s.b[2] = (uint8_t)(number >> 16);
	s.b[3] = (uint8_t)(number >> 24);
	return s;
}

static void body_key(struct key *k, const struct fmt_ctx *ctx,
	enum fmt_kind kind, const struct sid *name, const uint8_t salt[16])
{
	uint8_t in[1 + 16 + 16];
	struct oid h;

	in[0] = (uint8_t)kind;
	memcpy(in + 1, name->b, 16);
	memcpy(in + 17, salt, 16);
	key_hash(&h, ctx->loc, "markbody", 8, in, sizeof(in), NULL, 0);
	memcpy(k->b, h.b, sizeof(k->b));
	key_wipe(&h, sizeof(h));
}

/* Random, and of the body: another body has another key even where a machine
 * that was copied gets the same random numbers. */
static void body_salt(uint8_t salt[16], const struct fmt_ctx *ctx,
	const struct buf *body)
{
	struct oid h;

	key_random(salt, 16);
	key_hash(&h, ctx->loc, "marksalt", 8, salt, 16, body->p, body->len);
	memcpy(salt, h.b, 16);
}

static int mark_seal(const struct fmt_ctx *ctx, enum fmt_kind kind,
	const struct sid *name, struct buf *body, struct buf *out,
	struct err *e)
{
	struct key_signature sig;
	struct aead_nonce nonce;
	uint8_t salt[16];
	struct key k;
	struct wr w;
	int rc;

	BUG_ON(!ctx->signer);
	wr_init(&w, body);
	wr_zero(&w, (BODY_PAD_BYTES - body->len % BODY_PAD_BYTES) %
		BODY_PAD_BYTES);
	if ((rc = wr_done(&w, e)) < 0)
		return rc;
	body_salt(salt, ctx, body);
	buf_clear(out);
	wr_init(&w, out);
	fmt_put_prefix(&w, kind);
	wr_bytes(&w, ctx->repo.b, sizeof(ctx->repo.b));
	wr_bytes(&w, ctx->signer->pub.b, sizeof(ctx->signer->pub.b));
	wr_bytes(&w, salt, sizeof(salt));
	wr_le32(&w, (uint32_t)body->len + AEAD_TAG_BYTES);
	wr_zero(&w, sizeof(sig) + body->len + AEAD_TAG_BYTES);
	if ((rc = wr_done(&w, e)) < 0)
		return rc;
	body_key(&k, ctx, kind, name, salt);
	aead_nonce_count(&nonce, 0);
	aead_seal(out->p + AT_BODY, body->p, body->len, out->p, AD_BYTES,
		&nonce, &k);
	key_wipe(&k, sizeof(k));
	sealed_sign(&sig, ctx, out->p, AT_SIGNATURE, out->p + AT_BODY,
		out->len - AT_BODY);
	memcpy(out->p + AT_SIGNATURE, sig.b, sizeof(sig.b));
	return 0;
}

/* What can be told without the key: lengths, repository, signature. */
struct mark_clear {
	struct key writer;
	uint8_t salt[16];
	size_t body_len;
};

static int mark_get_clear(struct mark_clear *m, enum fmt_kind kind,
	const struct sid *repo, const uint8_t *p, size_t len, struct err *e)
{
	struct key_signature sig;
	struct sid of;
	struct rd r;
	int rc;

	rd_init(&r, p, len);
	if ((rc = fmt_get_prefix(&r, kind, e)) < 0)
		return rc;
	rd_copy(&r, of.b, sizeof(of.b));
	rd_copy(&r, m->writer.b, sizeof(m->writer.b));
	rd_copy(&r, m->salt, sizeof(m->salt));
	m->body_len = rd_le32(&r);
	rd_copy(&r, sig.b, sizeof(sig.b));
	if (r.bad || m->body_len != rd_left(&r) ||
	    m->body_len < AEAD_TAG_BYTES ||
	    (m->body_len - AEAD_TAG_BYTES) % BODY_PAD_BYTES != 0 ||
	    m->body_len > BODY_MAX_BYTES)
		return err_set(e, ERR_CORRUPT, "lengths are wrong");
	if (!sid_eq(&of, repo))
		return err_set(e, ERR_CORRUPT, "belongs to another repository");
	return sealed_verify(&sig, &m->writer, p, AT_SIGNATURE, p + AT_BODY,
		m->body_len, e);
}

int mark_scrub(enum fmt_kind kind, const struct sid *repo, const uint8_t *p,
	size_t len, struct err *e)
{
	struct mark_clear m;

	return mark_get_clear(&m, kind, repo, p, len, e);
}

/* The body in *body, and a cursor over it. */
static int mark_open(const struct fmt_ctx *ctx, enum fmt_kind kind,
	const struct sid *name, const uint8_t *p, size_t len,
	struct buf *body, struct rd *r, struct err *e)
{
	struct aead_nonce nonce;
	struct mark_clear m;
	struct key k;
	int rc;

	rd_init(r, p, 0);
	rc = mark_get_clear(&m, kind, &ctx->repo, p, len, e);
	if (rc == 0 && (kind == FMT_TOMBSTONE || kind == FMT_GENERATION) &&
	    ctx->keeper &&
	    !key_equal(&m.writer, ctx->keeper, sizeof(m.writer)))
		rc = err_set(e, ERR_CORRUPT, "was signed with a key that "
			"cannot delete");
	if (rc < 0 ||
	    (rc = buf_resize(body, m.body_len - AEAD_TAG_BYTES, e)) < 0)
		return rc;
	body_key(&k, ctx, kind, name, m.salt);
	aead_nonce_count(&nonce, 0);
	rc = aead_open(body->p, p + AT_BODY, m.body_len, p, AD_BYTES, &nonce,
		&k, e);
	key_wipe(&k, sizeof(k));
	rd_init(r, body->p, body->len);
	return rc;
}

/* The body has been read but for its padding. */
static int mark_end(struct rd *r, struct err *e)
{
	size_t left = rd_left(r);

	rd_zero(r, left);
	if (left >= BODY_PAD_BYTES || !rd_done(r))
		return err_set(e, ERR_CORRUPT, "says what cannot be");
	return 0;
}

static int too_long(struct err *e, const char *what)
{
	return err_set(e, ERR_CONFIG, "%s is too long to be stored", what);
}

int mark_put_tombstone(const struct fmt_ctx *ctx,
	const struct mark_tombstone *t, struct buf *out, struct err *e)
{
	struct buf body = BUF_INIT;
	struct wr w;
	int rc;

	if (!text_fits(t->host, HOST_MAX))
		return too_long(e, "host name");
	if (!text_fits(t->user, USER_MAX))
		return too_long(e, "user name");
	if (!text_fits(t->reason, REASON_MAX))
		return too_long(e, "reason");
	wr_init(&w, &body);
	wr_bytes(&w, t->record.b, sizeof(t->record.b));
	wr_le64(&w, (uint64_t)t->time_nsec);
	text_put(&w, t->host);
	text_put(&w, t->user);
	text_put(&w, t->reason);
	if ((rc = wr_done(&w, e)) == 0)
		rc = mark_seal(ctx, FMT_TOMBSTONE, &t->archive, &body, out, e);
	buf_release(&body);
	return rc;
}

int mark_get_tombstone(struct mark_tombstone *t, const struct fmt_ctx *ctx,
	const struct sid *name, const uint8_t *p, size_t len, struct err *e)
{
	struct buf body = BUF_INIT;
	struct rd r;
	int rc;

	memset(t, 0, sizeof(*t));
	t->archive = *name;
	rc = mark_open(ctx, FMT_TOMBSTONE, name, p, len, &body, &r, e);
	if (rc < 0)
		goto out;
	rd_copy(&r, t->record.b, sizeof(t->record.b));
	t->time_nsec = (int64_t)rd_le64(&r);
	if ((rc = text_get(&r, &t->host, HOST_MAX, e)) == 0 &&
	    (rc = text_get(&r, &t->user, USER_MAX, e)) == 0 &&
	    (rc = text_get(&r, &t->reason, REASON_MAX, e)) == 0)
		rc = mark_end(&r, e);
out:
	buf_release(&body);
	if (rc < 0)
		mark_tombstone_release(t);
	return rc;
}

void mark_tombstone_release(struct mark_tombstone *t)
{
	free(t->host);
	free(t->user);
	free(t->reason);
	memset(t, 0, sizeof(*t));
}

int mark_put_session(const struct fmt_ctx *ctx, const struct mark_session *s,
	struct buf *out, struct err *e)
{
	struct buf body = BUF_INIT;
	struct wr w;
	int rc;

	if (!text_fits(s->host, HOST_MAX))
		return too_long(e, "host name");
	if (!text_fits(s->boot_id, BOOT_ID_MAX))
		return too_long(e, "boot id");
	wr_init(&w, &body);
	wr_bytes(&w, s->client.b, sizeof(s->client.b));
	wr_le64(&w, (uint64_t)s->start_nsec);
	wr_le32(&w, s->pid);
	wr_le64(&w, s->pid_start);
	wr_le64(&w, s->pid_ns);
	text_put(&w, s->host);
	text_put(&w, s->boot_id);
	if ((rc = wr_done(&w, e)) == 0)
		rc = mark_seal(ctx, FMT_SESSION, &s->session, &body, out, e);
	buf_release(&body);
	return rc;
}

int mark_get_session(struct mark_session *s, const struct fmt_ctx *ctx,
	const struct sid *name, const uint8_t *p, size_t len, struct err *e)
{
	struct buf body = BUF_INIT;
	struct rd r;
	int rc;

	memset(s, 0, sizeof(*s));
	s->session = *name;
	rc = mark_open(ctx, FMT_SESSION, name, p, len, &body, &r, e);
	if (rc < 0)
		goto out;
	rd_copy(&r, s->client.b, sizeof(s->client.b));
	s->start_nsec = (int64_t)rd_le64(&r);
	s->pid = rd_le32(&r);
	s->pid_start = rd_le64(&r);
	s->pid_ns = rd_le64(&r);
	if ((rc = text_get(&r, &s->host, HOST_MAX, e)) == 0 &&
	    (rc = text_get(&r, &s->boot_id, BOOT_ID_MAX, e)) == 0)
		rc = mark_end(&r, e);
out:
	buf_release(&body);
	if (rc < 0)
		mark_session_release(s);
	return rc;
}

void mark_session_release(struct mark_session *s)
{
	free(s->host);
	free(s->boot_id);
	memset(s, 0, sizeof(*s));
}

int mark_put_generation(const struct fmt_ctx *ctx,
	const struct mark_generation *g, struct buf *out, struct err *e)
{
	const struct sid name = number_name(g->number);
	struct buf body = BUF_INIT;
	struct wr w;
	uint32_t i;
	int rc;

	if (g->n_base > BASE_MAX)
		return too_long(e, "list of base segments");
	if (g->n_condemned > CONDEMNED_MAX)
		return too_long(e, "list of condemned packs");
	if (g->n_gone > GONE_MAX)
		return too_long(e, "list of archives");
	wr_init(&w, &body);
	wr_varint(&w, g->n_base);
	for (i = 0; i < g->n_base; i++) {
		wr_u8(&w, (uint8_t)g->base[i].kind);
		wr_u8(&w, g->base[i].tier);
		wr_le32(&w, g->base[i].generation);
		wr_bytes(&w, g->base[i].hash.b, sizeof(struct oid));
	}
	wr_varint(&w, g->n_condemned);
	for (i = 0; i < g->n_condemned; i++)
		wr_bytes(&w, g->condemned[i].b, sizeof(struct oid));
	wr_varint(&w, g->n_gone);
	for (i = 0; i < g->n_gone; i++) {
		wr_bytes(&w, g->gone[i].archive.b, sizeof(struct sid));
		wr_bytes(&w, g->gone[i].record.b, sizeof(struct oid));
	}
	if ((rc = wr_done(&w, e)) == 0)
		rc = mark_seal(ctx, FMT_GENERATION, &name, &body, out, e);
	buf_release(&body);
	return rc;
}

static int get_base(struct mark_generation *g, struct rd *r, struct err *e)
{
	unsigned kind;
	uint32_t i;

	g->n_base = (uint32_t)rd_varint_max(r, BASE_MAX);
	g->base = mem_zero(g->n_base, sizeof(*g->base));
	if (!g->base)
		return err_nomem(e);
	for (i = 0; i < g->n_base && !r->bad; i++) {
		kind = rd_u8(r);
		if (kind != SEGMENT_SESSION && kind != SEGMENT_BASE)
			rd_fail(r);
		g->base[i].kind = (enum segment_kind)kind;
		g->base[i].tier = rd_u8(r);
		g->base[i].generation = rd_le32(r);
		rd_copy(r, g->base[i].hash.b, sizeof(struct oid));
	}
	return 0;
}

static int get_condemned(struct mark_generation *g, struct rd *r,
	struct err *e)
{
	uint32_t i;

	g->n_condemned = (uint32_t)rd_varint_max(r, CONDEMNED_MAX);
	if (g->n_condemned > rd_left(r) / sizeof(struct oid)) {
		g->n_condemned = 0;
		rd_fail(r);
	}
	g->condemned = mem_array(g->n_condemned, sizeof(*g->condemned));
	if (!g->condemned)
		return err_nomem(e);
	for (i = 0; i < g->n_condemned; i++)
		rd_copy(r, g->condemned[i].b, sizeof(struct oid));
	return 0;
}

static int get_gone(struct mark_generation *g, struct rd *r, struct err *e)
{
	uint32_t i;

	g->n_gone = (uint32_t)rd_varint_max(r, GONE_MAX);
	if (g->n_gone > rd_left(r) / GONE_BYTES) {
		g->n_gone = 0;
		rd_fail(r);
	}
	g->gone = mem_array(g->n_gone, sizeof(*g->gone));
	if (!g->gone)
		return err_nomem(e);
	for (i = 0; i < g->n_gone; i++) {
		rd_copy(r, g->gone[i].archive.b, sizeof(struct sid));
		rd_copy(r, g->gone[i].record.b, sizeof(struct oid));
	}
	return 0;
}

int mark_get_generation(struct mark_generation *g, const struct fmt_ctx *ctx,
	uint32_t number, const uint8_t *p, size_t len, struct err *e)
{
	const struct sid name = number_name(number);
	struct buf body = BUF_INIT;
	struct rd r;
	int rc;

	memset(g, 0, sizeof(*g));
	g->number = number;
	rc = mark_open(ctx, FMT_GENERATION, &name, p, len, &body, &r, e);
	if (rc == 0)
		rc = get_base(g, &r, e);
	if (rc == 0)
		rc = get_condemned(g, &r, e);
	if (rc == 0)
		rc = get_gone(g, &r, e);
	if (rc == 0)
		rc = mark_end(&r, e);
	buf_release(&body);
	if (rc < 0)
		mark_generation_release(g);
	return rc;
}

void mark_generation_release(struct mark_generation *g)
{
	free(g->base);
	free(g->condemned);
	free(g->gone);
	memset(g, 0, sizeof(*g));
}

int mark_put_pin(const struct fmt_ctx *ctx, const struct mark_pin *p,
	struct buf *out, struct err *e)
{
	struct buf body = BUF_INIT;
	struct wr w;
	uint32_t i;
	int rc;

	if (!text_fits(p->host, HOST_MAX))
		return too_long(e, "host name");
	if (!text_fits(p->boot_id, BOOT_ID_MAX))
		return too_long(e, "boot id");
	if (p->n_archives > ARCHIVES_MAX)
		return too_long(e, "list of archives");
	wr_init(&w, &body);
	wr_bytes(&w, p->client.b, sizeof(p->client.b));
	wr_le64(&w, (uint64_t)p->start_nsec);
	wr_le32(&w, p->pid);
	wr_le64(&w, p->pid_start);
	wr_le64(&w, p->pid_ns);
	text_put(&w, p->host);
	text_put(&w, p->boot_id);
	wr_varint(&w, p->n_archives);
	for (i = 0; i < p->n_archives; i++)
		wr_bytes(&w, p->archives[i].b, sizeof(struct sid));
	if ((rc = wr_done(&w, e)) == 0)
		rc = mark_seal(ctx, FMT_PIN, &p->pin, &body, out, e);
	buf_release(&body);
	return rc;
}

static int get_archives(struct mark_pin *p, struct rd *r, struct err *e)
{
	uint32_t i;

	p->n_archives = (uint32_t)rd_varint_max(r, ARCHIVES_MAX);
	p->archives = mem_array(p->n_archives, sizeof(*p->archives));
	if (!p->archives)
		return err_nomem(e);
	for (i = 0; i < p->n_archives; i++)
		rd_copy(r, p->archives[i].b, sizeof(struct sid));
	return 0;
}

int mark_get_pin(struct mark_pin *p, const struct fmt_ctx *ctx,
	const struct sid *name, const uint8_t *bytes, size_t len,
	struct err *e)
{
	struct buf body = BUF_INIT;
	struct rd r;
	int rc;

	memset(p, 0, sizeof(*p));
	p->pin = *name;
	rc = mark_open(ctx, FMT_PIN, name, bytes, len, &body, &r, e);
	if (rc < 0)
		goto out;
	rd_copy(&r, p->client.b, sizeof(p->client.b));
	p->start_nsec = (int64_t)rd_le64(&r);
	p->pid = rd_le32(&r);
	p->pid_start = rd_le64(&r);
	p->pid_ns = rd_le64(&r);
	if ((rc = text_get(&r, &p->host, HOST_MAX, e)) == 0 &&
	    (rc = text_get(&r, &p->boot_id, BOOT_ID_MAX, e)) == 0 &&
	    (rc = get_archives(p, &r, e)) == 0)
		rc = mark_end(&r, e);
out:
	buf_release(&body);
	if (rc < 0)
		mark_pin_release(p);
	return rc;
}

void mark_pin_release(struct mark_pin *p)
{
	free(p->host);
	free(p->boot_id);
	free(p->archives);
	memset(p, 0, sizeof(*p));
}

int mark_put_level(const struct fmt_ctx *ctx, const struct mark_level *l,
	struct buf *out, struct err *e)
{
	const struct sid name = number_name(l->number);
	struct buf body = BUF_INIT;
	struct wr w;
	int rc;

	BUG_ON(l->mille > PARITY_MILLE_MAX);
	wr_init(&w, &body);
	wr_le16(&w, l->mille);
	if ((rc = wr_done(&w, e)) == 0)
		rc = mark_seal(ctx, FMT_LEVEL, &name, &body, out, e);
	buf_release(&body);
	return rc;
}

int mark_get_level(struct mark_level *l, const struct fmt_ctx *ctx,
	uint32_t number, const uint8_t *p, size_t len, struct err *e)
{
	const struct sid name = number_name(number);
	struct buf body = BUF_INIT;
	struct rd r;
	int rc;

	*l = (struct mark_level) { .number = number };
	rc = mark_open(ctx, FMT_LEVEL, &name, p, len, &body, &r, e);
	if (rc == 0) {
		l->mille = rd_le16(&r);
		if (l->mille > PARITY_MILLE_MAX)
			rd_fail(&r);
		rc = mark_end(&r, e);
	}
	buf_release(&body);
	return rc;
}
