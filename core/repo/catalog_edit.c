/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding, deleting and renaming archives.  COMMIT POINTS: of a deletion the
 * tombstone, of a rename the new record.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "format/mark.h"
#include "repo/catalog_priv.h"
#include "repo/home.h"
#include "repo/pin.h"
#include "repo/repo.h"
#include "repo/reserve.h"
#include "repo/session.h"
#include "repo/witness.h"

#define CATALOG_ID_MIN 8	/* digits of an id that are enough */
#define CATALOG_NAME_MAX 255

/* Length of the UTF-8 sequence at s, 0 if there is none. */
static size_t catalog_utf8(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t v = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i;

	if (n == 1)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	return n;
}

int catalog_name_check(const char *name, struct err *e)
{
	const unsigned char *s = (const unsigned char *)name;
	size_t n;

	if (!*name)
		return err_set(e, ERR_CONFIG, "the archive name is empty");
	if (strlen(name) > CATALOG_NAME_MAX)
		return err_set(e, ERR_CONFIG, "the archive name is longer than "
			"%d bytes", CATALOG_NAME_MAX);
	for (; *s; s += n) {
		if ((n = catalog_utf8(s)) == 0)
			return err_set(e, ERR_CONFIG,
				"the archive name is not valid UTF-8");
		if (*s < 0x20 || *s == 0x7f)
			return err_set(e, ERR_CONFIG, "the archive name has a "
				"control character in it");
	}
	if (strchr(name, '/'))
		return err_set(e, ERR_CONFIG, "the archive name '%s' has a '/' "
			"in it", name);
	if (strstr(name, "::"))
		return err_set(e, ERR_CONFIG, "the archive name '%s' has '::' "
			"in it", name);
	if (name[0] == ' ' || name[strlen(name) - 1] == ' ')
		return err_set(e, ERR_CONFIG, "the archive name '%s' begins or "
			"ends with a space", name);
	if (!strcmp(name, "latest") || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return err_set(e, ERR_CONFIG, "an archive cannot be called "
			"'%s'", name);
	return 0;
}

static bool catalog_id_prefix(const struct catalog_item *it, const char *hex,
			      size_t len)
{
	char id[OID_HEX_BYTES];

	return strncasecmp(oid_hex(&it->id, id), hex, len) == 0;
}

static int catalog_find_id(const struct catalog *c, const char *hex,
			   const struct catalog_item **out, struct err *e)
{
	size_t len = strlen(hex), i, n = 0;

	if (len < CATALOG_ID_MIN || len >= OID_HEX_BYTES ||
	    strspn(hex, "0123456789abcdefABCDEF") != len)
		return ERR_NOENT;
	for (i = 0; i < c->n; i++)
		if (catalog_id_prefix(c->item[i], hex, len)) {
			*out = c->item[i];
			n++;
		}
	if (n > 1)
		return err_set(e, ERR_CONFIG,
			"the id '%s' fits %zu archives: give more digits",
			hex, n);
	return n ? 0 : ERR_NOENT;
}

int catalog_find(const struct catalog *c, const char *name,
		 const struct catalog_item **out, struct err *e)
{
	struct suggest s = SUGGEST_INIT(name);
	size_t i;
	int rc;

	*out = NULL;
	/* the newest, should two writers have chosen one name at once */
	for (i = c->n; i-- > 0;)
		if (c->item[i]->rec.name &&
		    strcmp(c->item[i]->rec.name, name) == 0) {
			*out = c->item[i];
			return 0;
		}
	if (strcmp(name, "latest") == 0) {
		*out = catalog_latest(c);
		return *out ? 0 : err_set(e, ERR_NOENT,
			"there is no complete archive in the repository yet");
	}
	if ((rc = catalog_find_id(c, name, out, e)) != ERR_NOENT)
		return rc;
	for (i = 0; i < c->n; i++)
		if (c->item[i]->rec.name)
			suggest_add(&s, c->item[i]->rec.name);
	if (suggest_best(&s))
		return err_set(e, ERR_NOENT, "there is no archive '%s' "
			"(did you mean '%s'?)", name, suggest_best(&s));
	return err_set(e, ERR_NOENT, "there is no archive '%s'", name);
}

/* On a full disk the reserve is given up for it. */
static int catalog_put_tombstone(struct repo *r, const char *name,
				 const struct buf *b, struct err *e)
{
	uint64_t given;
	int rc;

	rc = store_put_buf(repo_store(r), STORE_TOMBSTONES, name, b, 0, e);
	if (rc != ERR_FULL)
		return rc;
	if ((rc = reserve_give(r, &given, e)) < 0)
		return rc;
	return store_put_buf(repo_store(r), STORE_TOMBSTONES, name, b, 0, e);
}

int catalog_delete(struct repo *r, const struct catalog_item *it,
		   const char *reason, struct err *e)
{
	struct mark_tombstone t = { .archive = it->rec.session,
				    .record = it->id };
	const char *user = getenv("USER");
	char hex[SID_HEX_BYTES];
	struct buf b = BUF_INIT;
	int rc;

	if ((rc = repo_require(r, KEY_DELETE, e)) < 0)
		return rc;
	t.time_nsec = clock_wall_nsec();
	t.host = mem_str(home_host_name());
	t.user = mem_str(user ? user : "");
	t.reason = mem_str(reason);
	if (!t.host || !t.user || !t.reason)
		rc = err_nomem(e);
	if (rc == 0)
		rc = mark_put_tombstone(repo_ctx(r), &t, &b, e);
	if (rc == 0)
		rc = catalog_put_tombstone(r, sid_hex(&t.archive, hex), &b,
			e);
	if (rc == ERR_EXIST)
		rc = err_set(e, ERR_NOENT, "archive '%s' was already deleted",
			it->rec.name ? it->rec.name : hex);
	if (rc == 0)
		rc = store_sync(repo_store(r), e);
	if (rc == 0)
		pin_note_deleted(r, &t.archive);
	if (rc == 0)
		witness_deleted(r, &t.archive, &t.record);
	buf_release(&b);
	mark_tombstone_release(&t);
	return rc;
}

/* The new record: the old one's tree and times under a new name. */
static int catalog_put_renamed(struct repo *r, const struct catalog_item *it,
			       const char *name, struct oid *id, struct err *e)
{
	const struct session_opts opts = { .comp = COMP_SPEC_DEFAULT,
					   .replaces = &it->rec.session };
	struct catalog_item *copy = mem_zero(1, sizeof(*copy));
	struct session *s = NULL;
	int rc;

	if (!copy)
		return err_nomem(e);
	/* A record of its own, read anew, that the session may change. */
	if ((rc = catalog_read(r, &it->rec.session, copy, e)) < 0 ||
	    (rc = session_begin(&s, r, &opts, e)) < 0)
		goto out;
	/* Listed in this view means that all below is there, too. */
	if (copy->rec.root.kind == DIR_ROOT &&
	    !session_has(s, &copy->rec.root.id)) {
		rc = err_set(e, ERR_NOENT, "archive '%s' is gone: compaction "
			"has removed it", it->rec.name);
		goto out;
	}
	free(copy->rec.name);
	copy->rec.name = mem_str(name);
	free(copy->rec.seen);
	copy->rec.seen = NULL;
	copy->rec.n_seen = 0;
	memset(&copy->rec.prev, 0, sizeof(copy->rec.prev));
	rc = copy->rec.name ? session_commit(s, &copy->rec, id, e) :
		err_nomem(e);
out:
	session_free(s);
	record_release(&copy->rec);
	free(copy);
	return rc;
}

int catalog_rename(struct repo *r, const struct catalog_item *it,
		   const char *name, struct oid *id, struct err *e)
{
	int rc, tries = 0;

	if ((rc = repo_require(r, KEY_APPEND | KEY_READ | KEY_DELETE, e)) < 0 ||
	    (rc = catalog_name_check(name, e)) < 0)
		return rc;
	do {
		rc = catalog_put_renamed(r, it, name, id, e);
	} while (rc == ERR_RETRY && ++tries < 3);
	if (rc == 0)
		rc = catalog_delete(r, it, "renamed", e);
	return rc;
}

int catalog_renew(struct repo *r, const struct catalog_item *it,
		  struct oid *id, struct err *e)
{
	int rc, tries = 0;

	if ((rc = repo_require(r, KEY_APPEND | KEY_READ | KEY_DELETE, e)) < 0)
		return rc;
	do {
		rc = catalog_put_renamed(r, it, it->rec.name, id, e);
	} while (rc == ERR_RETRY && ++tries < 3);
	if (rc == 0)
		rc = catalog_delete(r, it, "sealed anew", e);
	return rc;
}

int catalog_undelete(struct repo *r, const struct catalog_item *it,
		     struct oid *id, struct err *e)
{
	int rc, tries = 0;

	if ((rc = repo_require(r, KEY_APPEND | KEY_READ, e)) < 0)
		return rc;
	do {
		rc = catalog_put_renamed(r, it, it->rec.name, id, e);
	} while (rc == ERR_RETRY && ++tries < 3);
	return rc;
}
