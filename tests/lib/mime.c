/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/mime.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/hex.h"
#include "base/wr.h"
#include "tests/lib/base64.h"
#include "tests/lib/prng.h"

#define MIME_CRYPT_HEADER 255
#define MIME_RAW_BYTES (57 * 512)	/* 512 lines of base64 */

enum {
	F_ID = 0x200, F_QUEUE, F_SIGN, F_SEAL, F_SYMBOL, F_SUBJECT, F_BODY,
	F_BOUNDARY, F_TRACK, F_NAME, F_PAYLOAD, F_KEYS, F_SCORE
};

static void mime_put(struct wr *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void mime_put(struct wr *w, const char *fmt, ...)
{
	char line[1000];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	BUG_ON(n < 0 || (size_t)n >= sizeof(line));
	wr_bytes(w, line, (size_t)n);
}

static void mime_date(char out[40], int64_t secs)
{
	time_t t = (time_t)secs;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 40, "%a, %d %b %Y %H:%M:%S +0000", &tm);
}

static void mime_token(char *out, uint64_t key, unsigned field, size_t bytes)
{
	uint8_t raw[32];

	prng_fill(prng_key(key, field), raw, bytes);
	hex_put(out, raw, bytes);
}

/* A signature: base64 that no compressor can do anything about. */
static void mime_signature(struct wr *w, uint64_t key, size_t bytes)
{
	uint8_t raw[256];
	char text[BASE64_CHARS(256)];
	size_t n;

	prng_fill(key, raw, bytes);
	n = base64_put(text, raw, bytes);
	for (size_t at = 0; at < n; at += 68)
		mime_put(w, "%s%.*s\n", at ? "\t " : "",
			(int)(n - at < 68 ? n - at : 68), text + at);
}

static void mime_sender(char out[80], const struct letter *l)
{
	snprintf(out, 80, "sender%u@firma-%u.example", l->sender,
		l->sender / 4);
}

static void mime_head_route(struct wr *w, const struct letter *l,
	const struct mime_env *m, const char *from, const char *date)
{
	char id[33], host[13];

	mime_token(id, l->self, F_QUEUE, 16);
	snprintf(host, sizeof(host), "%08x%04x", l->sender * 2654435761u,
		l->sender);
	mime_put(w, "Return-Path: <%s>\nDelivered-To: %s\n"
		"Received: from mail.example.org ([172.22.1.253])\n"
		"\tby %s with LMTP\n\tid %.22s\n\t(envelope-from <%s>)\n"
		"\tfor <%s>; %s\n", from, m->rcpt, "8f1c2ab9d0e4", id, from,
		m->rcpt, date);
	mime_put(w, "Received: from mx%u.firma-%u.example "
		"(mx%u.firma-%u.example [198.51.100.%u])\n"
		"\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
		"(256/256 bits)\n\t key-exchange X25519 server-signature "
		"RSA-PSS (2048 bits) server-digest SHA256)\n"
		"\t(No client certificate requested)\n"
		"\tby mail.example.org (Postcow) with ESMTPS id %.10s\n"
		"\tfor <%s>; %s\n", l->sender % 3, l->sender / 4,
		l->sender % 3, l->sender / 4, l->sender % 250, id + 11,
		m->rcpt, date);
	mime_put(w, "Received: from %s.prod.firma-%u.example ([10.%u.%u.9])\n"
		"\tby smtp.firma-%u.example with ESMTPSA id %.12s; %s\n",
		host, l->sender / 4, l->sender % 200, l->sender % 7,
		l->sender / 4, id + 20, date);
}

static void mime_head_signed(struct wr *w, const struct letter *l)
{
	mime_put(w, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; "
		"d=firma-%u.example;\n\ts=dkim; "
		"h=from:subject:date:message-id:to:mime-version:content-type;"
		"\n\tbh=", l->sender / 4);
	mime_signature(w, prng_key(l->id, F_SIGN), 32);
	mime_put(w, "\t b=");
	mime_signature(w, prng_key(l->id, F_SIGN + 0x40), 256);
	mime_put(w, "ARC-Seal: i=1; s=dkim; d=example.org; a=rsa-sha256; "
		"cv=none;\n\tb=");
	mime_signature(w, prng_key(l->self, F_SEAL), 256);
	mime_put(w, "ARC-Authentication-Results: i=1;\n\tmail.example.org;\n"
		"\tdkim=pass header.d=firma-%u.example header.s=dkim;\n"
		"\tdmarc=pass (policy=quarantine) "
		"header.from=firma-%u.example;\n"
		"\tspf=pass (mail.example.org: domain of sender%u@firma-%u"
		".example designates 198.51.100.%u as permitted sender)\n",
		l->sender / 4, l->sender / 4, l->sender, l->sender / 4,
		l->sender % 250);
}

/* The filter's verdict takes what is left of the header's length. */
static void mime_head_verdict(struct wr *w, const struct letter *l,
	size_t until)
{
	static const char *const symbol[] = {
		"BAYES_HAM(-5.50)[99.99%]", "DMARC_POLICY_ALLOW(-0.50)",
		"R_SPF_ALLOW(-0.20)[+ip4:198.51.100.0/24:c]",
		"R_DKIM_ALLOW(-0.20)", "MIME_GOOD(-0.10)[text/plain]",
		"RCVD_COUNT_THREE(0.00)[3]", "ARC_NA(0.00)",
		"ASN(0.00)[asn:64496, ipnet:198.51.100.0/22, country:DE]",
		"FROM_HAS_DN(0.00)", "TO_DN_NONE(0.00)", "MISSING_XM_UA(0.00)",
		"RCPT_MAILCOW_DOMAIN(0.00)[example.org]",
		"DKIM_TRACE(0.00)[+]", "RCVD_TLS_LAST(0.00)",
		"MID_RHS_MATCH_FROM(0.00)", "FROM_EQ_ENVFROM(0.00)",
		"MIME_TRACE(0.00)[0:+,1:+,2:~]", "TO_MATCH_ENVRCPT_ALL(0.00)",
		"NEURAL_HAM(-0.00)[-1.000]", "GREYLISTED_PASS(0.00)"
	};
	size_t count = sizeof(symbol) / sizeof(*symbol);

	mime_put(w, "X-Last-TLS-Session-Version: TLSv1.3\n"
		"X-Spamd-Result: default: False [%.2f / 15.00];\n",
		-6.0 + 4.0 * prng_unit(l->self, F_SCORE));
	for (size_t k = 0; w->rc == 0 && w->b->len + 120 < until; k++)
		mime_put(w, "\t%s;\n", symbol[(l->sender + k) % count]);
	mime_put(w, "\tASN_OK(0.00)[]\nX-Rspamd-Action: no action\n");
}

static void mime_head(struct wr *w, const struct letter *l,
	const struct mime_env *m)
{
	char from[80], date[40], id[33];
	size_t until = l->head_bytes > 600 ? l->head_bytes - 450 : 150;

	mime_sender(from, l);
	mime_date(date, m->when_secs);
	mime_token(id, l->id, F_ID, 16);
	if (l->head_bytes > 1200)
		mime_head_route(w, l, m, from, date);
	if (l->head_bytes > 2600)
		mime_head_signed(w, l);
	mime_head_verdict(w, l, until);
	mime_put(w, "From: \"Sender Nr. %u\" <%s>\nTo: %s\nSubject: ",
		l->sender, from, m->rcpt);
	words_title(m->words, prng_key(l->id, F_SUBJECT),
		3 + (unsigned)(l->id % 5), w);
	mime_put(w, "\nMessage-ID: <%s@firma-%u.example>\nDate: %s\n"
		"MIME-Version: 1.0\n", id, l->sender / 4, date);
}

/*
 * Rows of a table, about 1 KB each.  Four of five belong to the sender's
 * template, the rest to this letter; style attributes make it compress.
 */
static void mime_html(struct wr *w, const struct letter *l,
	const struct mime_env *m)
{
	uint64_t template = prng_key(F_BODY, l->sender);
	size_t until = w->b->len + l->html_bytes;
	char track[33];

	mime_put(w, "<!DOCTYPE html><html><head><meta charset=\"utf-8\">"
		"<title>%u</title></head><body><table width=\"600\" "
		"cellpadding=\"0\" cellspacing=\"0\">\n", l->sender);
	for (unsigned k = 0; w->rc == 0 && w->b->len < until; k++) {
		bool common = prng_chance(template, k, 0.8);
		size_t left = until - w->b->len;

		mime_put(w, "<tr><td style=\"font-family:Arial,Helvetica,"
			"sans-serif;font-size:%upx;line-height:%upx;color:"
			"#%06x;padding:0 12px 8px 12px;\" align=\"left\" "
			"valign=\"top\">\n", 12 + l->sender % 5,
			18 + l->sender % 5, l->sender * 3571u & 0xffffff);
		if (!common && l->tracked) {
			mime_token(track, l->self, F_TRACK + 0x100 + k, 16);
			mime_put(w, "<a href=\"https://t.firma-%u.example/"
				"c/%s?u=%u\" style=\"color:#0b57d0\">\n",
				l->sender / 4, track, k);
		}
		words_prose(m->words, prng_key(common ? template : l->id, k),
			left < 400 ? left / 2 + 1 : 400, 120, w);
		mime_put(w, "%s</td></tr>\n",
			!common && l->tracked ? "</a>" : "");
	}
	mime_put(w, "</table></body></html>\n");
}

static void mime_raw(const struct letter_file *f, uint64_t at, uint8_t *raw,
	size_t len)
{
	uint64_t key = prng_key(f->id, F_PAYLOAD + (at << 8));
	size_t unit = f->stuff == LETTER_HALF ? 512 : 16;

	if (f->stuff == LETTER_DENSE) {
		prng_fill(key, raw, len);
		return;
	}
	/* Of each unit a part is new and the rest repeats the file's own
	 * pattern: 1 of 2, and 1 of 4. */
	for (size_t k = 0; k < len; k += unit) {
		size_t n = len - k < unit ? len - k : unit;
		size_t fresh = f->stuff == LETTER_HALF ? n / 2 : n / 4;

		prng_fill(prng_key(key, k), raw + k, fresh);
		prng_fill(f->id, raw + k + fresh, n - fresh);
	}
}

static void mime_file(struct wr *w, const struct letter_file *f,
	const char *boundary)
{
	static const char *const type[] = {
		"application/pdf", "application/msword", "text/csv"
	};
	static const char *const suffix[] = { "pdf", "doc", "csv" };
	uint8_t raw[MIME_RAW_BYTES];
	char line[77];

	mime_put(w, "--%s\nContent-Type: %s; name=\"%08x.%s\"\n"
		"Content-Transfer-Encoding: base64\nContent-Disposition: %s;\n"
		"\tfilename=\"%08x.%s\"\n\n", boundary,
		f->inline_logo ? "image/png" : type[f->stuff],
		(unsigned)f->id, f->inline_logo ? "png" : suffix[f->stuff],
		f->inline_logo ? "inline" : "attachment", (unsigned)f->id,
		f->inline_logo ? "png" : suffix[f->stuff]);
	for (size_t at = 0; at < f->raw_bytes; at += sizeof(raw)) {
		size_t n = f->raw_bytes - at;

		if (n > sizeof(raw))
			n = sizeof(raw);
		mime_raw(f, at, raw, n);
		for (size_t k = 0; k < n; k += 57) {
			size_t len = base64_put(line, raw + k,
				n - k < 57 ? n - k : 57);

			line[len] = '\n';
			wr_bytes(w, line, len + 1);
		}
	}
}

static void mime_alternative(struct wr *w, const struct letter *l,
	const struct mime_env *m, const char *boundary)
{
	mime_put(w, "--%s\nContent-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: 8bit\n\n", boundary);
	words_prose(m->words, prng_key(l->id, F_BODY), l->text_bytes, 72, w);
	if (l->html_bytes == 0)
		return;
	mime_put(w, "\n--%s\nContent-Type: text/html; charset=utf-8\n"
		"Content-Transfer-Encoding: 8bit\n\n", boundary);
	mime_html(w, l, m);
}

int mime_build(const struct letter *l, const struct mime_env *m,
	struct buf *out, struct err *e)
{
	char boundary[33];
	struct wr w;
	int rc;

	buf_clear(out);
	if ((rc = buf_reserve(out, letter_bytes(l) + 4096, e)) < 0)
		return rc;
	wr_init(&w, out);
	mime_head(&w, l, m);
	if (l->shape == LETTER_TEXT) {
		mime_put(&w, "Content-Type: text/plain; charset=utf-8\n"
			"Content-Transfer-Encoding: 8bit\n\n");
		words_prose(m->words, prng_key(l->id, F_BODY), l->text_bytes,
			72, &w);
		return wr_done(&w, e);
	}
	mime_token(boundary, l->id, F_BOUNDARY, 16);
	mime_put(&w, "Content-Type: multipart/%s;\n\tboundary=\"%s\"\n\n",
		l->shape == LETTER_MIXED ? "mixed" : "alternative", boundary);
	mime_alternative(&w, l, m, boundary);
	for (unsigned k = 0; k < l->nfile; k++)
		mime_file(&w, &l->file[k], boundary);
	mime_put(&w, "--%s--\n", boundary);
	return wr_done(&w, e);
}

uint64_t mime_crypt_bytes(uint64_t plain_bytes)
{
	return 290 + plain_bytes * 3 / 5;
}

int mime_build_crypt(const struct letter *l, uint64_t seed,
	uint64_t plain_bytes, struct buf *out, struct err *e)
{
	static const uint8_t fixed[50] = {
		'C', 'R', 'Y', 'P', 'T', 'E', 'D', 3, 7, 2, 0, 0, 0, 2,
		0, 0, 0, 255,
		6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2e,
		6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1,
		0, 0, 8, 0, 0, 0, 0, 207, 1, 2
	};
	static const uint8_t len65[5] = { 0, 0, 0, 65, 4 };
	static const uint8_t len64[4] = { 0, 0, 0, 64 };
	static const uint8_t len32[4] = { 0, 0, 0, 32 };
	int rc;

	buf_clear(out);
	if ((rc = buf_resize(out, mime_crypt_bytes(plain_bytes), e)) < 0)
		return rc;
	prng_fill(prng_key(l->self, F_PAYLOAD), out->p, out->len);
	memcpy(out->p, fixed, sizeof(fixed));
	prng_fill(prng_key(seed, F_KEYS), out->p + 50, 32);
	memcpy(out->p + 82, len65, sizeof(len65));
	memcpy(out->p + 151, len64, sizeof(len64));
	memcpy(out->p + 219, len32, sizeof(len32));
	static_assert(219 + 4 + 32 == MIME_CRYPT_HEADER, "header layout");
	return 0;
}
