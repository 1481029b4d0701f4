/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of pax headers: "LENGTH KEY=VALUE\n". */
#include "archive/tar_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/wr.h"
#include "format/entry.h"
#include "format/node.h"

#define PAX_ATTRS_MAX 4096

int tar_map_add(struct tar_map *m, uint64_t off, uint64_t len, struct err *e)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 64;
		struct tar_extent *x;

		if (m->n >= TAR_READ_MAP_MAX)
			return err_set(e, ERR_CORRUPT,
				"a sparse file has too many regions");
		x = mem_resize(m->x, cap, sizeof(*x));
		if (!x)
			return err_nomem(e);
		m->x = x;
		m->cap = cap;
	}
	m->x[m->n++] = (struct tar_extent) { off, len };
	return 0;
}

void tar_pax_reset(struct tar_pax *x)
{
	struct tar_pax old = *x;

	memset(x, 0, sizeof(*x));
	x->map = old.map;
	x->attr = old.attr;
	x->cap_attr = old.cap_attr;
	x->bytes = old.bytes;
	buf_clear(&x->bytes);
}

void tar_pax_release(struct tar_pax *x)
{
	free(x->attr);
	buf_release(&x->bytes);
	memset(x, 0, sizeof(*x));
}

bool tar_pax_number(const char *p, size_t len, uint64_t *out)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned digit = (unsigned char)p[i] - (unsigned)'0';

		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return len > 0;
}

static bool pax_time(struct timespec *ts, const char *p, size_t len)
{
	bool minus = len > 0 && *p == '-';
	const char *dot;
	uint64_t sec = 0;
	long nsec = 0, unit = 100000000;
	size_t i, whole;

	p += minus;
	len -= minus;
	dot = memchr(p, '.', len);
	whole = dot ? (size_t)(dot - p) : len;
	if (!tar_pax_number(p, whole, &sec) || sec > (uint64_t)TAR_SECS_MAX)
		return false;
	for (i = whole + 1; i < len; i++, unit /= 10) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		nsec += unit * (p[i] - '0');
	}
	ts->tv_sec = minus ? -(time_t)sec : (time_t)sec;
	ts->tv_nsec = nsec;
	if (minus && nsec) {
		ts->tv_sec--;
		ts->tv_nsec = 1000000000 - nsec;
	}
	return true;
}

/* --- extended attributes --- */

int tar_pax_attr(struct tar_pax *x, const void *name, size_t name_len,
		 const void *value, size_t value_len, struct err *e)
{
	struct tar_attr *a;
	int rc;

	if (name_len == 0 || name_len > XATTR_NAME_BYTES ||
	    value_len > XATTR_VALUE_BYTES || memchr(name, 0, name_len) ||
	    x->n_attr >= PAX_ATTRS_MAX) {
		x->lost = true;
		return 0;
	}
	if (x->n_attr == x->cap_attr) {
		size_t cap = x->cap_attr ? x->cap_attr * 2 : 16;

		a = mem_resize(x->attr, cap, sizeof(*a));
		if (!a)
			return err_nomem(e);
		x->attr = a;
		x->cap_attr = cap;
	}
	a = &x->attr[x->n_attr];
	a->order = (uint32_t)x->n_attr;
	a->name = x->bytes.len;
	a->name_len = (uint32_t)name_len;
	if ((rc = buf_append(&x->bytes, name, name_len, e)) < 0)
		return rc;
	a->value = x->bytes.len;
	a->value_len = (uint32_t)value_len;
	if ((rc = buf_append(&x->bytes, value, value_len, e)) < 0)
		return rc;
	x->n_attr++;
	return 0;
}

static int attr_cmp(const void *a, const void *b, void *ctx)
{
	const uint8_t *bytes = ((struct tar_pax *)ctx)->bytes.p;
	const struct tar_attr *x = a, *y = b;
	int c = node_name_cmp(bytes + x->name, x->name_len, bytes + y->name,
		y->name_len);

	return c ? c : x->order < y->order ? -1 : x->order > y->order;
}

int tar_pax_set(struct tar_pax *x, struct buf *out, struct err *e)
{
	const uint8_t *bytes = x->bytes.p;
	struct wr w;
	size_t i, n = 0;

	buf_clear(out);
	if (x->n_attr == 0)
		return 0;
	qsort_r(x->attr, x->n_attr, sizeof(*x->attr), attr_cmp, x);
	/* The last of a name counts. */
	for (i = 0; i < x->n_attr; i++) {
		struct tar_attr *a = &x->attr[i];

		if (n > 0 && x->attr[n - 1].name_len == a->name_len &&
		    memcmp(bytes + x->attr[n - 1].name, bytes + a->name,
			   a->name_len) == 0)
			n--;
		x->attr[n++] = *a;
	}
	x->n_attr = n;
	wr_init(&w, out);
	wr_varint(&w, n);
	for (i = 0; i < n; i++) {
		const struct tar_attr *a = &x->attr[i];

		wr_varint(&w, a->name_len);
		wr_bytes(&w, bytes + a->name, a->name_len);
		wr_varint(&w, a->value_len);
		wr_bytes(&w, bytes + a->value, a->value_len);
	}
	return wr_done(&w, e);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ?
		c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "user.a%3Db": '=' cannot stand in a key.  Appended to out. */
static int pax_unescape(struct buf *out, const char *p, size_t len,
			struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < len; i++) {
		char c = p[i];

		if (c == '%' && i + 2 < len && hex_digit(p[i + 1]) >= 0 &&
		    hex_digit(p[i + 2]) >= 0) {
			c = (char)(hex_digit(p[i + 1]) << 4 |
				   hex_digit(p[i + 2]));
			i += 2;
		}
		rc = buf_append(out, &c, 1, e);
	}
	return rc;
}

/* --- the records that are known --- */

struct pax_record {
	struct tar_text key, value;
	const char *rest;	/* of the key, behind a prefix */
	size_t rest_len;
};
struct pax_row {
	const char *key;	/* one that ends with '.' is a prefix */
	int (*fn)(struct tar_pax *x, const struct pax_record *r,
		  const struct pax_row *row, struct err *e);
	size_t at;		/* of the field */
	unsigned has;
};

static int pax_bad(const struct pax_record *r, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "bad value of '%.*s'",
		(int)(r->key.len < 100 ? r->key.len : 100), r->key.p);
}

static void *pax_field(struct tar_pax *x, const struct pax_row *row)
{
	return (char *)x + row->at;
}

static int take_text(struct tar_pax *x, const struct pax_record *r,
		     const struct pax_row *row, struct err *e)
{
	struct tar_text *t = pax_field(x, row);

	if (memchr(r->value.p, 0, r->value.len))
		return pax_bad(r, e);
	*t = r->value;
	if (r->value.len == 0)
		t->p = NULL;		/* back to the header's */
	return 0;
}

/* Empty: as if there was no such record. */
static bool take_nothing(struct tar_pax *x, const struct pax_record *r,
			 const struct pax_row *row)
{
	if (r->value.len == 0)
		x->has &= ~row->has;
	else
		x->has |= row->has;
	return r->value.len == 0;
}

static int take_number(struct tar_pax *x, const struct pax_record *r,
		       const struct pax_row *row, struct err *e)
{
	if (take_nothing(x, r, row))
		return 0;
	return tar_pax_number(r->value.p, r->value.len, pax_field(x, row)) ?
		0 : pax_bad(r, e);
}

/* A negative owner is the same as in 32 bits without a sign. */
static int take_owner(struct tar_pax *x, const struct pax_record *r,
		      const struct pax_row *row, struct err *e)
{
	bool minus = r->value.len > 0 && *r->value.p == '-';
	uint64_t n;

	if (take_nothing(x, r, row))
		return 0;
	if (!tar_pax_number(r->value.p + minus, r->value.len - minus, &n) ||
	    n > (minus ? (uint64_t)1 << 31 : UINT32_MAX))
		return pax_bad(r, e);
	*(uint64_t *)pax_field(x, row) = minus ? UINT32_MAX - n + 1 : n;
	return 0;
}

static int take_time(struct tar_pax *x, const struct pax_record *r,
		     const struct pax_row *row, struct err *e)
{
	if (take_nothing(x, r, row))
		return 0;
	return pax_time(pax_field(x, row), r->value.p, r->value.len) ? 0 :
		pax_bad(r, e);
}

static int take_flags(struct tar_pax *x, const struct pax_record *r,
		      const struct pax_row *row, struct err *e)
{
	(void)e;
	if (!take_nothing(x, r, row))
		x->fsflags = tar_meta_flags_parse(r->value.p, r->value.len);
	return 0;
}

static int take_socket(struct tar_pax *x, const struct pax_record *r,
		       const struct pax_row *row, struct err *e)
{
	(void)e;
	if (!take_nothing(x, r, row) &&
	    (r->value.len != 6 || memcmp(r->value.p, "socket", 6) != 0))
		x->has &= ~row->has;
	return 0;
}

static int take_mark(struct tar_pax *x, const struct pax_record *r,
		     const struct pax_row *row, struct err *e)
{
	(void)e;
	take_nothing(x, r, row);
	return 0;
}

static int take_xattr(struct tar_pax *x, const struct pax_record *r,
		      const struct pax_row *row, struct err *e)
{
	struct buf name = BUF_INIT;
	int rc;

	(void)row;
	rc = pax_unescape(&name, r->rest, r->rest_len, e);
	if (rc == 0)
		rc = tar_pax_attr(x, name.p, name.len, r->value.p,
			r->value.len, e);
	buf_release(&name);
	return rc;
}

static int take_acl(struct tar_pax *x, const struct pax_record *r,
		    const struct pax_row *row, struct err *e)
{
	bool access = row->has;
	const char *name = access ? "system.posix_acl_access" :
		"system.posix_acl_default";
	struct buf acl = BUF_INIT;
	int rc;

	rc = tar_meta_acl_parse(&acl, r->value.p, r->value.len, access, e);
	if (rc == ERR_CORRUPT || rc == ERR_NOENT) {
		err_clear(e);
		x->lost = true;
		rc = 0;
	} else if (rc == 0 && acl.len) {
		rc = tar_pax_attr(x, name, strlen(name), acl.p, acl.len, e);
	}
	buf_release(&acl);
	return rc;
}

/* 0.0: an offset, then its length, again and again. */
static int take_sparse_offset(struct tar_pax *x, const struct pax_record *r,
			      const struct pax_row *row, struct err *e)
{
	(void)row;
	if (x->sparse_half || !tar_pax_number(r->value.p, r->value.len,
					      &x->sparse_off))
		return pax_bad(r, e);
	x->sparse_half = true;
	return 0;
}

static int take_sparse_bytes(struct tar_pax *x, const struct pax_record *r,
			     const struct pax_row *row, struct err *e)
{
	uint64_t len;

	if (!x->sparse_half || !tar_pax_number(r->value.p, r->value.len, &len))
		return pax_bad(r, e);
	x->sparse_half = false;
	x->has |= row->has;
	return tar_map_add(x->map, x->sparse_off, len, e);
}

/* 0.1: "offset,length,offset,length" */
static int take_sparse_map(struct tar_pax *x, const struct pax_record *r,
			   const struct pax_row *row, struct err *e)
{
	const char *p = r->value.p, *end = p + r->value.len;
	uint64_t v[2];
	unsigned half = 0;
	int rc = 0;

	x->has |= row->has;
	x->map->n = 0;
	while (rc == 0 && p < end) {
		const char *stop = memchr(p, ',', (size_t)(end - p));

		if (!stop)
			stop = end;
		if (!tar_pax_number(p, (size_t)(stop - p), &v[half]))
			return pax_bad(r, e);
		if (half)
			rc = tar_map_add(x->map, v[0], v[1], e);
		half ^= 1;
		p = stop + 1;
	}
	return rc < 0 || !half ? rc : pax_bad(r, e);
}

#define AT(member) offsetof(struct tar_pax, member)
static const struct pax_row pax_rows[] = {
	{ "path", take_text, AT(path), 0 },
	{ "linkpath", take_text, AT(link), 0 },
	{ "uname", take_text, AT(uname), 0 },
	{ "gname", take_text, AT(gname), 0 },
	{ "size", take_number, AT(size), PAX_SIZE },
	{ "uid", take_owner, AT(uid), PAX_UID },
	{ "gid", take_owner, AT(gid), PAX_GID },
	{ "mtime", take_time, AT(mtime), PAX_MTIME },
	{ "atime", take_time, AT(atime), PAX_ATIME },
	{ "ctime", take_time, AT(ctime), PAX_CTIME },
	{ "SCHILY.devmajor", take_number, AT(major), PAX_MAJOR },
	{ "SCHILY.devminor", take_number, AT(minor), PAX_MINOR },
	{ "SCHILY.fflags", take_flags, 0, PAX_FFLAGS },
	{ "SCHILY.acl.access", take_acl, 0, 1 },
	{ "SCHILY.acl.default", take_acl, 0, 0 },
	{ "SCHILY.xattr.", take_xattr, 0, 0 },
	{ "MUNIMENT.type", take_socket, 0, PAX_SOCKET },
	{ "MUNIMENT.changed", take_mark, 0, PAX_CHANGED },
	{ "GNU.sparse.major", take_number, AT(sparse_major),
	  PAX_SPARSE_MAJOR },
	{ "GNU.sparse.minor", take_number, AT(sparse_minor),
	  PAX_SPARSE_MINOR },
	{ "GNU.sparse.name", take_text, AT(sparse_name), 0 },
	{ "GNU.sparse.realsize", take_number, AT(sparse_size),
	  PAX_SPARSE_SIZE },
	{ "GNU.sparse.size", take_number, AT(sparse_size), PAX_SPARSE_SIZE },
	{ "GNU.sparse.offset", take_sparse_offset, 0, 0 },
	{ "GNU.sparse.numbytes", take_sparse_bytes, 0, PAX_SPARSE_MAP },
	{ "GNU.sparse.map", take_sparse_map, 0, PAX_SPARSE_MAP }
};
#define PAX_ROWS (sizeof(pax_rows) / sizeof(*pax_rows))

static int pax_record(struct tar_pax *x, struct pax_record *r, struct err *e)
{
	size_t i;

	for (i = 0; i < PAX_ROWS; i++) {
		const struct pax_row *row = &pax_rows[i];
		size_t len = strlen(row->key);
		bool prefix = row->key[len - 1] == '.';

		if (r->key.len < len || (!prefix && r->key.len != len) ||
		    memcmp(r->key.p, row->key, len) != 0)
			continue;
		r->rest = r->key.p + len;
		r->rest_len = r->key.len - len;
		return row->fn(x, r, row, e);
	}
	return 0;	/* a word of others: not ours to judge */
}

int tar_pax_apply(struct tar_pax *x, const struct buf *records,
		  struct err *e)
{
	const char *p = (const char *)records->p, *end;
	int rc = 0;

	if (records->len == 0)
		return 0;
	end = p + records->len;
	while (rc == 0 && p < end) {
		const char *blank = memchr(p, ' ', (size_t)(end - p)), *eq;
		const char *stop;
		struct pax_record r = { { NULL, 0 }, { NULL, 0 }, NULL, 0 };
		uint64_t len;

		if (!blank || !tar_pax_number(p, (size_t)(blank - p), &len) ||
		    len > (size_t)(end - p) || len < (size_t)(blank - p) + 3 ||
		    p[len - 1] != '\n')
			return err_set(e, ERR_CORRUPT,
				"a pax header is damaged");
		stop = p + len - 1;
		r.key.p = blank + 1;
		eq = memchr(r.key.p, '=', (size_t)(stop - r.key.p));
		if (!eq)
			return err_set(e, ERR_CORRUPT,
				"a pax header is damaged");
		r.key.len = (size_t)(eq - r.key.p);
		r.value.p = eq + 1;
		r.value.len = (size_t)(stop - eq - 1);
		rc = pax_record(x, &r, e);
		p = stop + 1;
	}
	if (rc == 0 && x->sparse_half)
		rc = err_set(e, ERR_CORRUPT, "a pax header is damaged: half a "
			"region of a sparse file");
	return rc;
}
