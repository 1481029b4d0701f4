/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/keysheet.h"

#include <errno.h>

#include <qrencode.h>

static int escape(struct buf *out, const char *text, struct err *e)
{
	int rc = 0;

	for (; rc == 0 && *text; text++) {
		if (*text == '<' || *text == '>' || *text == '&' ||
		    *text == '"')
			rc = buf_printf(out, e, "&#%d;", *text);
		else
			rc = buf_append(out, text, 1, e);
	}
	return rc;
}

/* One path: a square of 1 x 1 for each dark module, in a quiet zone of 4. */
static int svg(struct buf *out, const QRcode *code, struct err *e)
{
	int size = code->width + 8, x, y, rc;

	rc = buf_printf(out, e, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
			"viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">"
			"<path d=\"", size, size);
	for (y = 0; y < code->width; y++)
		for (x = 0; rc == 0 && x < code->width; x++)
			if (code->data[y * code->width + x] & 1)
				rc = buf_printf(out, e, "M%d %dh1v1h-1z",
						x + 4, y + 4);
	return rc == 0 ? buf_printf(out, e, "\"/></svg>\n") : rc;
}

static int qr(struct buf *out, const struct sid *repo, const uint8_t *slot,
	      struct err *e)
{
	struct buf one = BUF_INIT, text = BUF_INIT;
	QRcode *code = NULL;
	int rc = buf_append(&one, slot, SLOT_BYTES, e);

	if (rc == 0)
		rc = paper_put_file(repo, &one, &text, e);
	if (rc == 0)
		rc = buf_cstr(&text, e);
	if (rc == 0 && !(code = QRcode_encodeString8bit((const char *)text.p,
							0, QR_ECLEVEL_M)))
		rc = errno == ENOMEM ? err_nomem(e) :
			err_set(e, ERR_FAILED, "cannot make the QR code");
	if (rc == 0)
		rc = svg(out, code, e);
	QRcode_free(code);
	buf_release(&text);
	buf_release(&one);
	return rc;
}

static int how_to(struct buf *out, const char *url, struct err *e)
{
	return buf_printf(out, e, "To restore the key: muniment key import "
			  "--paper %s\nThe passphrase is not on this paper; "
			  "without it the key opens nothing.\n\n", url);
}

static int paper(struct buf *out, const char *url, const struct sid *repo,
		 const struct buf *slots, struct err *e)
{
	int rc = how_to(out, url, e);

	return rc == 0 ? paper_put(repo, slots, out, e) : rc;
}

static int html(struct buf *out, const char *url, const struct sid *repo,
		const struct buf *slots, struct err *e)
{
	struct buf text = BUF_INIT;
	size_t at;
	int rc;

	rc = buf_printf(out, e, "<!DOCTYPE html>\n<html lang=\"en\"><head>"
			"<meta charset=\"utf-8\"><title>muniment key</title>"
			"<style>body{font-family:sans-serif;margin:2em}"
			"svg{width:12cm;display:block}"
			"pre{font-size:9pt;page-break-before:always}"
			"</style></head><body>\n<h1>Key of a muniment "
			"repository</h1>\n<p>");
	if (rc == 0)
		rc = escape(out, url, e);
	if (rc == 0)
		rc = buf_printf(out, e, "</p>\n<p>Each code is a key, locked "
				"by a passphrase that is not on this sheet. "
				"Its text goes into <code>muniment key import"
				"</code>; the lines on the next page can be "
				"typed.</p>\n");
	for (at = 0; rc == 0 && at < slots->len; at += SLOT_BYTES)
		rc = qr(out, repo, slots->p + at, e);
	if (rc == 0)
		rc = paper(&text, url, repo, slots, e);
	if (rc == 0)
		rc = buf_cstr(&text, e);
	if (rc == 0)
		rc = buf_printf(out, e, "<pre>");
	if (rc == 0)
		rc = escape(out, (const char *)text.p, e);
	if (rc == 0)
		rc = buf_printf(out, e, "</pre>\n</body></html>\n");
	buf_release(&text);
	return rc;
}

int keysheet_make(struct buf *out, enum keysheet_form form, const char *url,
		  const struct sid *repo, const struct buf *slots,
		  struct err *e)
{
	if (form == KEYSHEET_HTML)
		return html(out, url, repo, slots, e);
	if (form == KEYSHEET_PAPER)
		return paper(out, url, repo, slots, e);
	return paper_put_file(repo, slots, out, e);
}
