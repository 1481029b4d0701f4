/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX ACLs and file flags: Linux's bytes, and the words that tar has. */
#include "archive/tar_priv.h"

#include <grp.h>
#include <linux/fs.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

/*
 * system.posix_acl_access: le32 version 2, then entries of le16 tag, le16
 * permissions, le32 id, sorted by tag and id.
 */
#define ACL_VERSION 2
#define ACL_ENTRIES_MAX 8191	/* of 8 bytes, in a value of 64 KiB */
#define ACL_NO_ID UINT32_MAX
enum acl_tag {
	ACL_USER_OBJ = 0x01, ACL_USER = 0x02, ACL_GROUP_OBJ = 0x04,
	ACL_GROUP = 0x08, ACL_MASK = 0x10, ACL_OTHER = 0x20
};
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

static const char *acl_tag_name(unsigned tag)
{
	switch (tag) {
	case ACL_USER_OBJ:
	case ACL_USER:
		return "user";
	case ACL_GROUP_OBJ:
	case ACL_GROUP:
		return "group";
	case ACL_MASK:
		return "mask";
	case ACL_OTHER:
		return "other";
	default:
		return NULL;
	}
}

int tar_meta_acl_text(struct buf *out, const uint8_t *acl, size_t len,
		      struct err *e)
{
	const char *sep = "";
	struct rd r;
	int rc = 0;

	rd_init(&r, acl, len);
	if (rd_le32(&r) != ACL_VERSION)
		rd_fail(&r);
	while (rc == 0 && !r.bad && rd_left(&r) > 0) {
		unsigned tag = rd_le16(&r), perm = rd_le16(&r);
		uint32_t id = rd_le32(&r);
		const char *name = acl_tag_name(tag);
		char who[16] = "";

		if (r.bad || !name || perm > 7)
			break;
		if (tag == ACL_USER || tag == ACL_GROUP)
			snprintf(who, sizeof(who), "%u", id);
		rc = buf_printf(out, e, "%s%s:%s:%c%c%c", sep, name, who,
			perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-',
			perm & 1 ? 'x' : '-');
		sep = ",";
	}
	if (rc == 0 && !rd_done(&r))
		return err_set(e, ERR_CORRUPT, "not an ACL");
	return rc;
}

/* The part up to a ':' or the end. */
static struct tar_text acl_field(const char **p, const char *end)
{
	const char *stop = memchr(*p, ':', (size_t)(end - *p));
	struct tar_text t = { *p, 0 };

	if (!stop)
		stop = end;
	t.len = (size_t)(stop - *p);
	*p = stop < end ? stop + 1 : end;
	return t;
}

static bool text_is(struct tar_text t, const char *word)
{
	return t.len == strlen(word) && memcmp(t.p, word, t.len) == 0;
}

static bool acl_perm(struct tar_text t, uint16_t *perm)
{
	size_t i;

	*perm = 0;
	for (i = 0; i < t.len; i++)
		switch (t.p[i]) {
		case 'r':
			*perm |= 4;
			break;
		case 'w':
			*perm |= 2;
			break;
		case 'x':
			*perm |= 1;
			break;
		case '-':
			break;
		case ' ':
		case '\t':
		case '#':
			return true;	/* "#effective:..." */
		default:
			return false;
		}
	return t.len > 0;
}

/* A number; or star's fourth field; or a name that is known here. */
static int acl_id(struct acl_entry *a, struct tar_text who, struct tar_text id,
		  struct err *e)
{
	const struct passwd *pw = NULL;
	const struct group *gr = NULL;
	uint64_t n;
	char name[256];

	if (tar_pax_number(who.p, who.len, &n) ||
	    tar_pax_number(id.p, id.len, &n)) {
		if (n >= ACL_NO_ID)
			return err_set(e, ERR_CORRUPT, "not an ACL");
		a->id = (uint32_t)n;
		return 0;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(who.len < 255 ? who.len :
		255), who.p);
	if (a->tag == ACL_USER && (pw = getpwnam(name)))
		a->id = pw->pw_uid;
	else if (a->tag == ACL_GROUP && (gr = getgrnam(name)))
		a->id = gr->gr_gid;
	if (!pw && !gr)
		return err_set(e, ERR_NOENT, "no owner has the name '%s'",
			name);
	return 0;
}

static int acl_entry(struct acl_entry *a, const char *p, const char *end,
		     struct err *e)
{
	struct tar_text tag = acl_field(&p, end), who, perm, id;

	if (text_is(tag, "default"))
		tag = acl_field(&p, end);
	who = acl_field(&p, end);
	perm = acl_field(&p, end);
	id = acl_field(&p, end);
	a->id = ACL_NO_ID;
	if (text_is(tag, "user") || text_is(tag, "u"))
		a->tag = who.len ? ACL_USER : ACL_USER_OBJ;
	else if (text_is(tag, "group") || text_is(tag, "g"))
		a->tag = who.len ? ACL_GROUP : ACL_GROUP_OBJ;
	else if (text_is(tag, "mask") || text_is(tag, "m"))
		a->tag = ACL_MASK;
	else if (text_is(tag, "other") || text_is(tag, "o"))
		a->tag = ACL_OTHER;
	else
		return err_set(e, ERR_CORRUPT, "not an ACL");
	/* Solaris and BSD write "other:r-x" and "mask:r-x". */
	if (a->tag >= ACL_MASK && who.len) {
		id = perm;
		perm = who;
	}
	if (!acl_perm(perm, &a->perm))
		return err_set(e, ERR_CORRUPT, "not an ACL");
	return a->tag == ACL_USER || a->tag == ACL_GROUP ?
		acl_id(a, who, id, e) : 0;
}

static int acl_cmp(const void *x, const void *y)
{
	const struct acl_entry *a = x, *b = y;

	if (a->tag != b->tag)
		return a->tag < b->tag ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int acl_put(struct buf *out, struct buf *list, bool access,
		   struct err *e)
{
	struct acl_entry *a = (struct acl_entry *)(void *)list->p;
	size_t n = list->len / sizeof(*a), i;
	struct wr w;

	if (n == 0 || (access && n <= 3))
		return 0;
	if (n > ACL_ENTRIES_MAX)
		return err_set(e, ERR_CORRUPT, "not an ACL: too long");
	qsort(a, n, sizeof(*a), acl_cmp);
	wr_init(&w, out);
	wr_le32(&w, ACL_VERSION);
	for (i = 0; i < n; i++) {
		wr_le16(&w, a[i].tag);
		wr_le16(&w, a[i].perm);
		wr_le32(&w, a[i].id);
	}
	return wr_done(&w, e);
}

int tar_meta_acl_parse(struct buf *out, const char *text, size_t len,
		       bool access, struct err *e)
{
	const char *p = text, *end = text + len;
	struct buf list = BUF_INIT;
	struct acl_entry a;
	int rc = 0;

	while (rc == 0 && p < end) {
		const char *stop = p, *stripped = p;

		while (stop < end && *stop != ',' && *stop != '\n')
			stop++;
		while (stripped < stop && (*stripped == ' ' ||
					   *stripped == '\t'))
			stripped++;
		if (stripped < stop && *stripped != '#') {
			rc = acl_entry(&a, stripped, stop, e);
			if (rc == 0)
				rc = buf_append(&list, &a, sizeof(a), e);
		}
		p = stop + 1;
	}
	if (rc == 0)
		rc = acl_put(out, &list, access, e);
	buf_release(&list);
	return rc;
}

/* --- file flags: libarchive's names; the first of a flag is written --- */

static const struct {
	const char *name;
	uint32_t flag;
} flag_row[] = {
	{ "sappnd", FS_APPEND_FL }, { "schg", FS_IMMUTABLE_FL },
	{ "noatime", FS_NOATIME_FL }, { "compress", FS_COMPR_FL },
	{ "nodump", FS_NODUMP_FL }, { "sync", FS_SYNC_FL },
	{ "sappend", FS_APPEND_FL }, { "schange", FS_IMMUTABLE_FL },
	{ "simmutable", FS_IMMUTABLE_FL }
};
#define FLAG_ROWS (sizeof(flag_row) / sizeof(*flag_row))

bool tar_meta_flags_text(char out[64], uint32_t fsflags)
{
	size_t i, len = 0;

	for (i = 0; i < FLAG_ROWS; i++) {
		if (!(fsflags & flag_row[i].flag))
			continue;
		fsflags &= ~flag_row[i].flag;
		len += (size_t)snprintf(out + len, 64 - len, "%s%s",
			len ? "," : "", flag_row[i].name);
	}
	return len > 0;
}

uint32_t tar_meta_flags_parse(const char *text, size_t len)
{
	const char *end = text + len, *p = text;
	uint32_t flags = 0;
	size_t i;

	while (p < end) {
		const char *stop = memchr(p, ',', (size_t)(end - p));
		struct tar_text word = { p, 0 };

		if (!stop)
			stop = end;
		word.len = (size_t)(stop - p);
		for (i = 0; i < FLAG_ROWS; i++)
			if (text_is(word, flag_row[i].name))
				flags |= flag_row[i].flag;
		p = stop + 1;
	}
	return flags;
}
