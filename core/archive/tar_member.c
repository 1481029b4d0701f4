/* SPDX-License-Identifier: BSD-2-Clause */
/* From header blocks and pax records to a member. */
#include "archive/tar_priv.h"

#include <inttypes.h>
#include <string.h>

/* --- fields of a header --- */

bool tar_member_zero(const uint8_t *b)
{
	return b[0] == 0 && memcmp(b, b + 1, TAR_BLOCK - 1) == 0;
}

bool tar_member_number(const uint8_t *f, unsigned len, int64_t *out)
{
	uint64_t n = 0;
	unsigned i = 0;

	if (f[0] & 0x80) {
		bool minus = f[0] & 0x40;

		n = minus ? ~(uint64_t)0x3f : 0;
		n = (n & ~(uint64_t)0x3f) | (f[0] & 0x3f);
		for (i = 1; i < len; i++) {
			if (n >> 55 != (minus ? 0x1ff : 0))
				return false;
			n = n << 8 | f[i];
		}
		memcpy(out, &n, sizeof(n));
		return true;
	}
	while (i < len && f[i] == ' ')
		i++;
	for (; i < len && f[i] >= '0' && f[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(f[i] - '0');
	*out = (int64_t)n;
	/* Twelve digits are 36 bits. */
	return i == len || f[i] == ' ' || f[i] == '\0';
}

bool tar_member_sum_ok(const uint8_t *b)
{
	const int8_t *s = (const int8_t *)b;
	int64_t want;
	int32_t odd = 8 * ' ';
	unsigned i;

	if (!tar_member_number(b + TAR_SUM, 8, &want))
		return false;
	if (want == tar_sum(b))
		return true;
	/* Some old ones added signed characters. */
	for (i = 0; i < TAR_BLOCK; i++)
		if (i < TAR_SUM || i >= TAR_SUM + 8)
			odd += s[i];
	return want == odd;
}

static int field_text(struct buf *out, const uint8_t *f, size_t room,
		      struct err *e)
{
	return buf_append(out, f, strnlen((const char *)f, room), e);
}

static int head_path(struct tar_read *t, const uint8_t *b, struct err *e)
{
	size_t room = TAR_PREFIX_BYTES;
	int rc;

	buf_clear(&t->path);
	if (memcmp(b + TAR_MAGIC, "ustar", 6) == 0 && b[TAR_PREFIX]) {
		if (memcmp(b + TAR_XSTAR, "tar", 4) == 0)
			room = TAR_PREFIX_XSTAR;
		if ((rc = field_text(&t->path, b + TAR_PREFIX, room, e)) < 0 ||
		    (rc = buf_append(&t->path, "/", 1, e)) < 0)
			return rc;
	}
	return field_text(&t->path, b + TAR_NAME, TAR_NAME_BYTES, e);
}

int tar_member_bad(const struct tar_read *t, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "the tar file has a bad %s in the header"
		" at byte %" PRIu64, what, t->pos - TAR_BLOCK);
}

static int head_owner(struct tar_read *t, const uint8_t *f, uint32_t *out,
		      struct err *e)
{
	int64_t n;

	if (!tar_member_number(f, 8, &n) || n > UINT32_MAX || n < INT32_MIN)
		return tar_member_bad(t, "owner", e);
	*out = (uint32_t)n;
	return 0;
}

static int head_numbers(struct tar_read *t, const uint8_t *b, struct entry *en,
			struct err *e)
{
	bool ustar = memcmp(b + TAR_MAGIC, "ustar", 5) == 0;
	int64_t mode, size, mtime, dev[2] = { 0, 0 };
	int rc;

	if (!tar_member_number(b + TAR_MODE, 8, &mode))
		return tar_member_bad(t, "mode", e);
	if (!tar_member_number(b + TAR_SIZE, 12, &size) || size < 0)
		return tar_member_bad(t, "size", e);
	if (!tar_member_number(b + TAR_MTIME, 12, &mtime) ||
	    mtime > TAR_SECS_MAX || mtime < -TAR_SECS_MAX)
		return tar_member_bad(t, "time", e);
	if ((rc = head_owner(t, b + TAR_UID, &en->uid, e)) < 0 ||
	    (rc = head_owner(t, b + TAR_GID, &en->gid, e)) < 0)
		return rc;
	if (ustar && (!tar_member_number(b + TAR_MAJOR, 8, &dev[0]) ||
		      !tar_member_number(b + TAR_MINOR, 8, &dev[1])))
		return tar_member_bad(t, "device", e);
	en->mode = (uint32_t)mode & 07777;
	en->size = (uint64_t)size;
	en->mtime.tv_sec = mtime;
	en->rdev_major = (uint32_t)dev[0];
	en->rdev_minor = (uint32_t)dev[1];
	return 0;
}

/* --- where the data of a sparse file is --- */

static int map_take(struct tar_read *t, const uint8_t *f, unsigned n,
		    bool *more, struct err *e)
{
	unsigned i;
	int rc;

	for (i = 0; i < n; i++, f += 24) {
		int64_t off, len;

		if (!f[0] || !*more)
			*more = false;
		else if (!tar_member_number(f, 12, &off) ||
			 !tar_member_number(f + 12, 12, &len) ||
			 off < 0 || len < 0)
			return tar_member_bad(t, "region of a sparse file", e);
		else if ((rc = tar_map_add(&t->map, (uint64_t)off,
					   (uint64_t)len, e)) < 0)
			return rc;
	}
	return 0;
}

/* GNU's old form: four regions in the header, more in blocks behind it. */
static int map_old(struct tar_read *t, const uint8_t *b, struct err *e)
{
	bool more = true, block = b[TAR_GNU_MORE];
	int64_t real;
	int rc;

	if (!tar_member_number(b + TAR_GNU_REAL, 12, &real) || real < 0)
		return tar_member_bad(t, "size", e);
	t->m.en.size = (uint64_t)real;
	rc = map_take(t, b + TAR_GNU_SPARSE, 4, &more, e);
	while (rc == 0 && block) {
		if ((rc = tar_read_block(t, &b, e)) < 0)
			break;
		if (!b)
			return tar_read_early(t, e);
		rc = map_take(t, b, 21, &more, e);
		block = b[TAR_GNU_MORE2];
	}
	return rc;
}

/* A line with a number, from the stored content. */
static int map_line(struct tar_read *t, uint64_t *out, struct err *e)
{
	char digits[24];
	size_t n = 0;
	int rc;

	for (;;) {
		uint8_t c;

		if (t->left == 0)
			return tar_member_bad(t, "map of a sparse file", e);
		if ((rc = tar_read_need(t, 1, e)) < 0)
			return rc;
		if (t->len == 0)
			return tar_read_early(t, e);
		c = t->window[t->head];
		tar_read_used(t, 1);
		t->left--;
		if (c == '\n')
			break;
		if (n == sizeof(digits))
			return tar_member_bad(t, "map of a sparse file", e);
		digits[n++] = (char)c;
	}
	return tar_pax_number(digits, n, out) ? 0 :
		tar_member_bad(t, "map of a sparse file", e);
}

/* GNU's form 1.0: the map stands before the content, in blocks of its own. */
static int map_new(struct tar_read *t, struct err *e)
{
	uint64_t before = t->left, n, off, len, pad;
	int rc;

	t->map.n = 0;
	if ((rc = map_line(t, &n, e)) < 0)
		return rc;
	if (n > TAR_READ_MAP_MAX)
		return err_set(e, ERR_CORRUPT,
			"a sparse file has too many regions");
	while (n-- > 0)
		if ((rc = map_line(t, &off, e)) < 0 ||
		    (rc = map_line(t, &len, e)) < 0 ||
		    (rc = tar_map_add(&t->map, off, len, e)) < 0)
			return rc;
	pad = (0 - (before - t->left)) % TAR_BLOCK;
	if (pad > t->left)
		return tar_member_bad(t, "map of a sparse file", e);
	t->left -= pad;
	return tar_read_skip(t, pad, e);
}

/* In order, inside the file, and as many bytes as are stored. */
static int map_judge(struct tar_read *t, struct err *e)
{
	uint64_t end = 0, sum = 0, size = t->m.en.size;
	size_t i, n = 0;

	for (i = 0; i < t->map.n; i++) {
		struct tar_extent *x = &t->map.x[i];

		if (x->off < end || x->off > size || x->len > size - x->off)
			return tar_member_bad(t, "map of a sparse file", e);
		end = x->off + x->len;
		sum += x->len;
		if (x->len)
			t->map.x[n++] = *x;
	}
	t->map.n = n;
	if (sum != t->left)
		return tar_member_bad(t, "map of a sparse file", e);
	t->m.sparse = sum != size;
	return 0;
}

/* --- a member --- */

static void member_pax(struct tar_read *t)
{
	struct entry *en = &t->m.en;
	struct tar_pax *x = &t->pax;

	if (x->has & PAX_SIZE)
		en->size = x->size;
	if (x->has & PAX_UID)
		en->uid = (uint32_t)x->uid;
	if (x->has & PAX_GID)
		en->gid = (uint32_t)x->gid;
	if (x->has & PAX_MTIME)
		en->mtime = x->mtime;
	if (x->has & PAX_ATIME) {
		en->flags |= ENTRY_ATIME;
		en->atime = x->atime;
	}
	if (x->has & PAX_CTIME) {
		en->flags |= ENTRY_CTIME;
		en->ctime = x->ctime;
	}
	if (x->has & PAX_CHANGED)
		en->flags |= ENTRY_CHANGED;
	if (x->has & PAX_MAJOR)
		en->rdev_major = (uint32_t)x->major;
	if (x->has & PAX_MINOR)
		en->rdev_minor = (uint32_t)x->minor;
	if (x->has & PAX_FFLAGS)
		en->fsflags = x->fsflags;
	t->m.lost = x->lost;
}

static void member_owner(char out[256], const uint8_t *field,
			 struct tar_text pax)
{
	const char *p = pax.p ? pax.p : (const char *)field;
	size_t n = pax.p ? pax.len : strnlen(p, TAR_OWNER_BYTES);

	if (n > 255)
		n = 0;
	memcpy(out, p, n);
	out[n] = '\0';
}

static int member_text(struct buf *out, const struct tar_text *pax,
		       struct buf *gnu, bool has_gnu, struct err *e)
{
	if (pax->p || has_gnu)
		buf_clear(out);
	if (pax->p)
		return buf_append(out, pax->p, pax->len, e);
	return has_gnu ? buf_append(out, gnu->p, strnlen((char *)gnu->p,
		gnu->len), e) : 0;
}

static int member_names(struct tar_read *t, const uint8_t *b, struct err *e)
{
	struct tar_pax *x = &t->pax;
	int rc;

	buf_clear(&t->link);
	if (x->sparse_name.p)
		x->path = x->sparse_name;
	if ((rc = head_path(t, b, e)) < 0 ||
	    (rc = field_text(&t->link, b + TAR_LINK, TAR_NAME_BYTES,
			     e)) < 0 ||
	    (rc = member_text(&t->path, &x->path, &t->long_name, t->has_name,
			      e)) < 0 ||
	    (rc = member_text(&t->link, &x->link, &t->long_link, t->has_link,
			      e)) < 0)
		return rc;
	if (memcmp(b + TAR_MAGIC, "ustar", 5) == 0 || x->uname.p)
		member_owner(t->uname, b + TAR_UNAME, x->uname);
	if (memcmp(b + TAR_MAGIC, "ustar", 5) == 0 || x->gname.p)
		member_owner(t->gname, b + TAR_GNAME, x->gname);
	if ((rc = buf_cstr(&t->path, e)) < 0)
		return rc;
	return buf_cstr(&t->link, e);
}

/* Some say a size of what has no content; is it there all the same? */
static int member_no_content(struct tar_read *t, struct err *e)
{
	const uint8_t *next;
	int rc;

	if (t->m.en.size == 0 || (t->m.hard_link && t->has_local))
		return 0;
	if ((rc = tar_read_need(t, TAR_BLOCK, e)) < 0)
		return rc;
	next = t->window + t->head;
	if (t->len < TAR_BLOCK || tar_member_zero(next) ||
	    tar_member_sum_ok(next))
		t->m.en.size = 0;
	return 0;
}

static int member_type(struct tar_read *t, char type, struct err *e)
{
	struct tar_member *m = &t->m;
	uint32_t mode = S_IFREG;
	bool content = false;
	int rc;

	switch (type) {
	case '1':
		m->hard_link = true;
		break;
	case '2':
		mode = S_IFLNK;
		break;
	case '3':
		mode = S_IFCHR;
		break;
	case '4':
		mode = S_IFBLK;
		break;
	case '5':
	case 'D':
		mode = S_IFDIR;
		break;
	case '6':
		mode = S_IFIFO;
		break;
	default:
		m->unknown = !strchr("07S", type) && type != '\0';
		content = true;
	}
	/* Before ustar a folder was a file whose name ends so. */
	if (content && t->path.len && t->path.p[t->path.len - 1] == '/' &&
	    type != 'S')
		mode = S_IFDIR;
	if (content && (t->pax.has & PAX_SOCKET) && m->en.size == 0)
		mode = S_IFSOCK;
	if ((mode != S_IFREG || m->hard_link) &&
	    (rc = member_no_content(t, e)) < 0)
		return rc;
	m->en.mode |= mode;
	t->left = m->en.size;
	t->pad = (unsigned)((0 - t->left) % TAR_BLOCK);
	if (mode != S_IFREG || m->hard_link)
		m->en.size = 0;
	if (mode != S_IFCHR && mode != S_IFBLK)
		m->en.rdev_major = m->en.rdev_minor = 0;
	return 0;
}

/* Names and maps that say one thing and mean another. */
static int member_sparse(struct tar_read *t, const uint8_t *b, struct err *e)
{
	struct tar_pax *x = &t->pax;
	int rc;

	if (!S_ISREG(t->m.en.mode) || t->m.hard_link)
		return 0;
	if (b[TAR_TYPE] == 'S') {
		if ((rc = map_old(t, b, e)) < 0)
			return rc;
		return map_judge(t, e);
	}
	if (x->has & PAX_SPARSE_MAJOR && x->sparse_major == 1) {
		if (x->sparse_minor != 0 || !(x->has & PAX_SPARSE_SIZE))
			return tar_member_bad(t, "map of a sparse file", e);
		if ((rc = map_new(t, e)) < 0)
			return rc;
	} else if (!(x->has & PAX_SPARSE_MAP) ||
		   !(x->has & PAX_SPARSE_SIZE)) {
		t->map.n = 0;
		return t->m.en.size ?
			tar_map_add(&t->map, 0, t->m.en.size, e) : 0;
	}
	t->m.en.size = x->sparse_size;
	return map_judge(t, e);
}

int tar_member_make(struct tar_read *t, const uint8_t *block, struct err *e)
{
	uint8_t b[TAR_BLOCK];
	struct tar_member *m = &t->m;
	int rc;

	memcpy(b, block, TAR_BLOCK);	/* reading on moves the window */
	memset(m, 0, sizeof(*m));
	t->uname[0] = t->gname[0] = '\0';
	t->map.n = 0;
	tar_pax_reset(&t->pax);
	if ((rc = head_numbers(t, b, &m->en, e)) < 0 ||
	    (rc = tar_pax_apply(&t->pax, &t->global, e)) < 0 ||
	    (t->has_local &&
	     (rc = tar_pax_apply(&t->pax, &t->local, e)) < 0))
		return rc;
	member_pax(t);
	if ((rc = member_names(t, b, e)) < 0 ||
	    (rc = member_type(t, (char)b[TAR_TYPE], e)) < 0 ||
	    (rc = member_sparse(t, b, e)) < 0 ||
	    (rc = tar_pax_set(&t->pax, &t->xattrs, e)) < 0)
		return rc;
	m->en.xattrs = t->xattrs.len ? t->xattrs.p : NULL;
	m->en.xattrs_len = (uint32_t)t->xattrs.len;
	m->path = (const char *)t->path.p;
	m->path_len = t->path.len;
	m->link = (const char *)t->link.p;
	m->link_len = t->link.len;
	m->uname = t->uname;
	m->gname = t->gname;
	t->at = 0;
	t->off = 0;
	t->has_local = t->has_name = t->has_link = false;
	return 0;
}
