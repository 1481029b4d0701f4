/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/io.h"
#include "base/mem.h"

#define MANIFEST_MAX_BYTES (1u << 31)

void manifest_release(struct manifest *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->row[i].path);
	free(m->row);
	memset(m, 0, sizeof(*m));
}

static int manifest_put_path(struct buf *b, const char *path, struct err *e)
{
	char text[4];
	int rc = 0;

	for (const char *p = path; rc == 0 && *p; p++) {
		uint8_t c = (uint8_t)*p;

		if (c > ' ' && c != '%' && c != 0x7f) {
			rc = buf_append(b, p, 1, e);
			continue;
		}
		text[0] = '%';
		hex_put(text + 1, &c, 1);
		rc = buf_append(b, text, 3, e);
	}
	return rc < 0 ? rc : buf_append(b, "\n", 1, e);
}

int manifest_save(const struct manifest *m, const char *path, struct err *e)
{
	struct buf b = BUF_INIT;
	char hex[OID_HEX_BYTES];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < m->n; i++) {
		const struct manifest_row *r = &m->row[i];

		rc = buf_printf(&b, e, "%c %04o %u %u %" PRIu64 " %" PRId64
			" %s %" PRIu64 " %s ", r->type, r->mode, r->uid,
			r->gid, r->size_bytes, r->mtime_nsec,
			oid_hex(&r->hash, hex), r->links, r->message);
		if (rc == 0)
			rc = manifest_put_path(&b, r->path, e);
	}
	if (rc == 0)
		rc = io_publish(AT_FDCWD, path, b.p, b.len, 0644, e);
	buf_release(&b);
	return rc;
}

/* In place; false if a '%' is not followed by two digits. */
static bool manifest_get_path(char *path)
{
	char *to = path, pair[3] = "";

	for (char *p = path; *p; p++) {
		if (*p == '%') {
			if (!p[1] || !p[2])
				return false;
			memcpy(pair, p + 1, 2);
			if (!hex_get((uint8_t *)to, 1, pair))
				return false;
			p += 2;
			to++;
			continue;
		}
		*to++ = *p;
	}
	*to = 0;
	return true;
}

static int manifest_get_row(struct manifest *m, char *line, struct err *e)
{
	struct manifest_row r = { .path = NULL };
	char hex[OID_HEX_BYTES];
	int at = 0;

	if (sscanf(line, "%c %o %u %u %" SCNu64 " %" SCNd64 " %64s %" SCNu64
		" %23s %n", &r.type, &r.mode, &r.uid, &r.gid, &r.size_bytes,
		&r.mtime_nsec, hex, &r.links, r.message, &at) != 9 ||
	    at == 0 || !oid_parse(&r.hash, hex) ||
	    !manifest_get_path(line + at))
		return err_set(e, ERR_CORRUPT, "not a row of a manifest: "
			"'%.80s'", line);
	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 1024;
		struct manifest_row *p = mem_resize(m->row, cap, sizeof(*p));

		if (!p)
			return err_nomem(e);
		m->row = p;
		m->cap = cap;
	}
	r.path = mem_str(line + at);
	if (!r.path)
		return err_nomem(e);
	m->row[m->n++] = r;
	return 0;
}

int manifest_load(struct manifest *m, const char *path, struct err *e)
{
	struct buf b = { .max = MANIFEST_MAX_BYTES };
	char *line, *end;
	int rc;

	if ((rc = io_read_file(AT_FDCWD, path, &b, e)) < 0)
		goto out;
	if ((rc = buf_cstr(&b, e)) < 0)
		goto out;
	for (line = (char *)b.p; rc == 0 && *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end) {
			rc = err_set(e, ERR_CORRUPT,
				"manifest '%s' is cut short", path);
			break;
		}
		*end = 0;
		rc = manifest_get_row(m, line, e);
	}
out:
	buf_release(&b);
	return rc;
}

static struct manifest_row *manifest_find(const struct manifest *m,
	const char *path)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(m->row[mid].path, path);

		if (c == 0)
			return &m->row[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static int manifest_name_box(struct manifest *m, const struct mailstore *s,
	unsigned user, struct err *e)
{
	const struct mailbox *b = &s->box[user];
	char path[MAILSTORE_PATH_BYTES];

	for (size_t k = 0; k < b->n; k++) {
		for (size_t i = 0; i < b->folder[k].n; i++) {
			const struct mail *of = &b->folder[k].mail[i];
			struct manifest_row *r;

			mailstore_mail_path(s, user, &b->folder[k], of, path);
			r = manifest_find(m, path);
			if (!r || *r->message != '-')
				return err_set(e, ERR_CORRUPT, "the model has "
					"mail '%s', the disk has %s", path,
					r ? "it once" : "not");
			snprintf(r->message, sizeof(r->message), "%u.%u", user,
				of->msg);
		}
	}
	return 0;
}

static bool manifest_is_mail(const struct manifest_row *r)
{
	const char *slash = strrchr(r->path, '/');

	return r->type == 'f' && slash && slash - r->path > 4 &&
		(!strncmp(slash - 4, "/cur", 4) ||
		!strncmp(slash - 4, "/new", 4));
}

int manifest_name_mail(struct manifest *m, const struct mailstore *s,
	struct err *e)
{
	int rc = 0;

	for (unsigned u = 0; rc == 0 && u < s->n; u++)
		if (s->box[u].state != MAILBOX_PURGED)
			rc = manifest_name_box(m, s, u, e);
	for (size_t i = 0; rc == 0 && i < m->n; i++)
		if (*m->row[i].message == '-' && manifest_is_mail(&m->row[i]))
			rc = err_set(e, ERR_CORRUPT, "the disk has mail '%s', "
				"the model has not", m->row[i].path);
	return rc;
}

static void manifest_field(FILE *out, uint64_t *bad, const char *path,
	const char *field, int64_t want, int64_t have)
{
	if (want == have)
		return;
	++*bad;
	fprintf(out, "differs %s: %s %" PRId64 ", not %" PRId64 "\n", path,
		field, have, want);
}

static uint64_t manifest_compare_row(const struct manifest_row *w,
	const struct manifest_row *h, enum manifest_ignore ignore, FILE *out)
{
	uint64_t bad = 0;

	manifest_field(out, &bad, w->path, "type", w->type, h->type);
	if (!(ignore & MANIFEST_MODES))
		manifest_field(out, &bad, w->path, "mode", w->mode, h->mode);
	if (!(ignore & MANIFEST_OWNER)) {
		manifest_field(out, &bad, w->path, "uid", w->uid, h->uid);
		manifest_field(out, &bad, w->path, "gid", w->gid, h->gid);
	}
	manifest_field(out, &bad, w->path, "size", (int64_t)w->size_bytes,
		(int64_t)h->size_bytes);
	if (!(ignore & MANIFEST_TIMES) &&
	    !(w->type == 'd' && (ignore & MANIFEST_DIR_TIMES)))
		manifest_field(out, &bad, w->path, "mtime", w->mtime_nsec,
			h->mtime_nsec);
	if (!oid_eq(&w->hash, &h->hash)) {
		bad++;
		fprintf(out, "differs %s: content\n", w->path);
	}
	return bad;
}

/* Two names are one file in the one if and only if in the other.  LINKS is
 * the place of the group's first row, so equal groups have equal numbers
 * once both sides have the same paths. */
static uint64_t manifest_compare_links(const struct manifest_row *w,
	const struct manifest_row *h, FILE *out)
{
	uint64_t bad = 0;

	manifest_field(out, &bad, w->path, "links", (int64_t)w->links,
		(int64_t)h->links);
	return bad;
}

uint64_t manifest_compare(const struct manifest *want,
	const struct manifest *have, enum manifest_ignore ignore, FILE *out)
{
	uint64_t bad = 0, gaps = 0;
	size_t i = 0, j = 0;

	while (i < want->n || j < have->n) {
		int c = i == want->n ? 1 : j == have->n ? -1 :
			strcmp(want->row[i].path, have->row[j].path);

		if (c < 0) {
			fprintf(out, "missing %s\n", want->row[i++].path);
			gaps++;
		} else if (c > 0) {
			fprintf(out, "extra %s\n", have->row[j++].path);
			gaps++;
		} else {
			bad += manifest_compare_row(&want->row[i++],
				&have->row[j++], ignore, out);
		}
	}
	for (i = 0; gaps == 0 && !(ignore & MANIFEST_LINKS) && i < want->n; i++)
		bad += manifest_compare_links(&want->row[i], &have->row[i],
			out);
	return bad + gaps;
}
