/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_feed.h"

#include <string.h>

#define PIECE_BYTES (1u << 20)
#define LINE_BYTES 4096		/* a longer line is never renamed */

struct feed {
	struct db_proc *p;
	const struct db_load *l;
	int (*rename)(const struct db_load *l, const char *line, size_t len,
		      struct buf *out, bool *changed, struct err *e);
	struct buf in, out;
	size_t at;		/* first byte of 'in' that was not written */
	bool middle;		/* ... is in the middle of a line */
	struct err *e;
};

/* One whole line of 'in'. */
static int put_line(struct feed *f, size_t len)
{
	const char *line = (const char *)f->in.p + f->at;
	bool changed = false;
	int rc;

	buf_clear(&f->out);
	rc = f->rename(f->l, line, len, &f->out, &changed, f->e);
	if (rc < 0 || !changed)
		return rc;
	if (f->out.len)
		rc = db_proc_write(f->p, f->out.p, f->out.len, f->e);
	return rc < 0 ? rc : 1;
}

/* What can be said of the lines in hand; the beginning of one waits, unless
 * it is the 'last'. */
static int put_lines(struct feed *f, bool last)
{
	size_t from = f->at, left;
	const uint8_t *eol;
	int rc = 0;

	while (f->at < f->in.len) {
		left = f->in.len - f->at;
		eol = memchr(f->in.p + f->at, '\n', left);
		if (!eol && !last && !f->middle && left < LINE_BYTES)
			break;
		if (eol)
			left = (size_t)(eol - f->in.p) - f->at + 1;
		if (!f->middle && left <= LINE_BYTES) {
			if (f->at > from)
				rc = db_proc_write(f->p, f->in.p + from,
						   f->at - from, f->e);
			from = f->at;
			if (rc == 0)
				rc = put_line(f, left);
			if (rc < 0)
				return rc;
			if (rc == 1)
				from += left;
			rc = 0;
		}
		f->at += left;
		f->middle = !eol;
	}
	return f->at > from ? db_proc_write(f->p, f->in.p + from,
					    f->at - from, f->e) : 0;
}

static int put(struct feed *f, bool last)
{
	int rc;

	if (!f->rename)
		f->at = f->in.len;
	rc = f->rename ? put_lines(f, last) :
		db_proc_write(f->p, f->in.p, f->in.len, f->e);
	if (rc == 0 && f->at) {
		memmove(f->in.p, f->in.p + f->at, f->in.len - f->at);
		f->in.len -= f->at;
		f->at = 0;
	}
	return rc;
}

int db_feed(struct db_proc *p, struct reader *rd, const struct entry *en,
	    int (*rename)(const struct db_load *l, const char *line,
			  size_t len, struct buf *out, bool *changed,
			  struct err *e),
	    const struct db_load *l, uint64_t *fed, struct err *e)
{
	struct feed f = { .p = p, .l = l, .rename = rename, .e = e };
	struct file *file = NULL;
	size_t got = 1;
	int rc = file_open(&file, rd, &en->content, en->size, e);

	while (rc == 0 && got > 0) {
		if ((rc = buf_reserve(&f.in, PIECE_BYTES, e)) < 0 ||
		    (rc = file_read(file, *fed, f.in.p + f.in.len,
				    PIECE_BYTES, &got, e)) < 0)
			break;
		f.in.len += got;
		rc = put(&f, got == 0);
		if (rc == 0)
			*fed += got;
		file_used(file, *fed);
	}
	file_close(file);
	buf_release(&f.in);
	buf_release(&f.out);
	return rc;
}
