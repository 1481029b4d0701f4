/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/parity_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/mark.h"
#include "format/parity.h"
#include "repo/repo.h"

#define LEVEL_MAX_BYTES 4096u
#define LEVEL_NUMBER_MAX 1000000u
/* A file of which the store cannot give all is read in such pieces. */
#define PIECE_LARGE (1u << 20)
#define PIECE_SMALL 4096u
#define FILE_MAX_BYTES (2 * (size_t)FMT_PACK_MAX_BYTES)

/* --- the setting --- */

static void level_name(char out[STORE_NAME_MAX], uint32_t number)
{
	snprintf(out, STORE_NAME_MAX, "level.%u", number);
}

/* The newest that can be read; *next: the first number that is free. */
static int level_find(struct repo *r, unsigned *mille, uint32_t *next,
		      struct err *e)
{
	struct err why = { ERR_OK, "" };
	char name[STORE_NAME_MAX];
	struct mark_level l;
	struct buf b = BUF_INIT;
	int rc = 0;

	*mille = 0;
	for (*next = 1; *next < LEVEL_NUMBER_MAX; ++*next) {
		level_name(name, *next);
		buf_clear(&b);
		rc = store_get_all(repo_store(r), STORE_PARITY, name,
			LEVEL_MAX_BYTES, &b, &why);
		if (rc == 0)
			rc = mark_get_level(&l, repo_ctx(r), *next, b.p,
				b.len, &why);
		if (rc == 0)
			*mille = l.mille;
		else if (rc == ERR_CORRUPT || rc == ERR_AUTH)
			log_info("parity", "parity/%s does not count: %s",
				name, why.msg);
		else
			break;
	}
	buf_release(&b);
	if (rc == ERR_NOENT)
		return 0;
	if (rc < 0 && e)
		*e = why;
	return rc;
}

int parity_store_level(struct repo *r, unsigned *mille, struct err *e)
{
	uint32_t next;

	return level_find(r, mille, &next, e);
}

int parity_store_choose(struct repo *r, unsigned mille, struct err *e)
{
	struct mark_level l = { .mille = (uint16_t)mille };
	struct buf b = BUF_INIT;
	char name[STORE_NAME_MAX];
	unsigned now;
	int rc;

	if ((rc = repo_require(r, KEY_APPEND, e)) < 0)
		return rc;
	do {
		if ((rc = level_find(r, &now, &l.number, e)) < 0)
			break;
		if (now == mille)
			break;
		level_name(name, l.number);
		rc = mark_put_level(repo_ctx(r), &l, &b, e);
		if (rc == 0)
			rc = store_put_buf(repo_store(r), STORE_PARITY, name,
				&b, STORE_PUT_RACE, e);
	} while (rc == ERR_EXIST);
	if (rc == 0)
		rc = store_sync(repo_store(r), e);
	buf_release(&b);
	return rc;
}

int parity_store_parse(unsigned *mille, const char *text, struct err *e)
{
	unsigned whole = 0, tenth = 0;
	int end = 0;

	*mille = 0;
	if (!strcmp(text, "none"))
		return 0;
	if (sscanf(text, "%3u%n", &whole, &end) == 1 && text[end] == '.' &&
	    text[end + 1] >= '0' && text[end + 1] <= '9') {
		tenth = (unsigned)(text[end + 1] - '0');
		end += 2;
	}
	if (text[0] < '0' || text[0] > '9' ||
	    (text[end] && strcmp(text + end, "%")) ||
	    whole * 10 + tenth > PARITY_MILLE_MAX)
		return err_set(e, ERR_CONFIG, "parity is a share of up to "
			"%u %% such as 3%% or 2.5%%, or none, not '%s'",
			PARITY_MILLE_MAX / 10, text);
	*mille = whole * 10 + tenth;
	return 0;
}

/* --- names --- */

/* What a parity file says that it belongs to: the name's digits as bytes,
 * zeroes after those of a record. */
static void name_id(struct oid *id, const char *name)
{
	struct sid sid;

	memset(id, 0, sizeof(*id));
	if (oid_parse(id, name))
		return;
	BUG_ON(!sid_parse(&sid, name));
	memcpy(id->b, sid.b, sizeof(sid.b));
}

static const char *name_of(const char *name, unsigned number,
			   char out[PARITY_STORE_NAME_BYTES])
{
	snprintf(out, PARITY_STORE_NAME_BYTES, "%.64s.%u", name, number % 10);
	return out;
}

bool parity_store_owner(const char *text, char name[OID_HEX_BYTES],
			unsigned *number)
{
	size_t len = strlen(text);
	struct oid oid;
	struct sid sid;

	if (len < 2 || len >= PARITY_STORE_NAME_BYTES ||
	    text[len - 2] != '.' || text[len - 1] < '0' ||
	    text[len - 1] >= '0' + PARITY_STORE_TRIES)
		return false;
	memcpy(name, text, len - 2);
	name[len - 2] = '\0';
	*number = (unsigned)(text[len - 1] - '0');
	return oid_parse(&oid, name) || sid_parse(&sid, name);
}

/* --- putting, deleting --- */

/* The name is taken: by the same bytes? */
static int put_same(struct repo *r, const char *name, const struct buf *b,
		    struct err *e)
{
	struct buf there = BUF_INIT;
	int rc;

	rc = store_get_all(repo_store(r), STORE_PARITY, name, FILE_MAX_BYTES,
		&there, e);
	if (rc == 0 && (there.len != b->len ||
			memcmp(there.p, b->p, b->len) != 0))
		rc = ERR_EXIST;
	if (rc == ERR_CORRUPT || rc == ERR_NOENT)
		rc = ERR_EXIST;
	buf_release(&there);
	return rc;
}

int parity_store_put(struct repo *r, const char *name, unsigned mille,
		     const struct iovec *iov, int n, struct err *e)
{
	char file[PARITY_STORE_NAME_BYTES];
	struct buf b = BUF_INIT;
	struct oid id;
	unsigned i;
	int rc;

	name_id(&id, name);
	rc = parity_make(&id, iov, n, mille, &b, e);
	for (i = 0; rc == 0 && i < PARITY_STORE_TRIES; i++) {
		rc = store_put_buf(repo_store(r), STORE_PARITY,
			name_of(name, i, file), &b, 0, e);
		if (rc == ERR_EXIST)
			rc = put_same(r, file, &b, e);
		if (rc != ERR_EXIST)
			break;
		err_clear(e);
		rc = 0;
	}
	buf_release(&b);
	if (rc == 0 && i == PARITY_STORE_TRIES)
		return err_set(e, ERR_EXIST, "parity/%.16s....0 to .%u are "
			"all taken", name, i - 1);
	return rc;
}

int parity_store_del(struct repo *r, const char *name, struct err *e)
{
	char file[PARITY_STORE_NAME_BYTES];
	unsigned i;
	int rc = 0;

	for (i = 0; rc == 0 && i < PARITY_STORE_TRIES; i++) {
		rc = store_del(repo_store(r), STORE_PARITY,
			name_of(name, i, file), e);
		if (rc == ERR_NOENT) {
			err_clear(e);
			rc = 0;
		}
	}
	return rc;
}

/* --- mending --- */

/* What the store cannot give becomes zeroes, which are found to be damage.  A
 * store that does not even know the file's size any more has failed as a
 * whole, as has one that gives less than half of it. */
static int read_pieces(struct store *s, enum store_kind kind,
		       const char *name, uint64_t size, struct buf *out,
		       struct err *e)
{
	uint64_t slow_to = 0, now, lost = 0;	/* small pieces up to there */
	size_t take;
	int rc;

	while (out->len < size) {
		take = out->len < slow_to ? PIECE_SMALL : PIECE_LARGE;
		if (take > size - out->len)
			take = (size_t)(size - out->len);
		rc = store_get(s, kind, name, out->len, take, out, e);
		if (rc == 0)
			continue;
		if (rc != ERR_IO && rc != ERR_CORRUPT)
			return rc;
		if (out->len >= slow_to) {
			slow_to = out->len + take;
			if ((rc = store_stat(s, kind, name, &now, e)) < 0)
				return rc;
			continue;
		}
		lost += take;
		if (lost > size / 2)
			return rc;
		if ((rc = buf_resize(out, out->len + take, e)) < 0)
			return rc;
		memset(out->p + out->len - take, 0, take);
	}
	err_clear(e);
	return 0;
}

static int read_damaged(struct store *s, enum store_kind kind,
			const char *name, struct buf *out, struct err *e)
{
	uint64_t size;
	int rc;

	buf_clear(out);
	if ((rc = store_stat(s, kind, name, &size, e)) < 0)
		return rc;
	if (size > FILE_MAX_BYTES)
		size = FILE_MAX_BYTES;
	rc = store_get(s, kind, name, 0, (size_t)size, out, e);
	if (rc == ERR_IO || rc == ERR_CORRUPT)
		rc = read_pieces(s, kind, name, size, out, e);
	return rc;
}

/* With one parity file, which may be wrong about anything.  'file' may have any
 * length; after a failure what was good in it still is. */
static int mend_with(const struct oid *id, const struct buf *parity,
		     enum store_kind kind, struct buf *file,
		     uint32_t *damaged, struct err *e)
{
	size_t had = file->len, want;
	struct parity y;
	int rc;

	if ((rc = parity_open(&y, id, parity->p, parity->len, e)) < 0)
		return rc;
	want = (size_t)y.shape.bytes;
	if (had < want && (rc = buf_resize(file, want, e)) < 0)
		return rc;
	if (had < want)
		memset(file->p + had, 0, want - had);
	rc = parity_mend(&y, file->p, damaged, e);
	if (rc == 0 && (kind == STORE_DATA || kind == STORE_META))
		rc = pack_scrub(id, file->p, want, e);
	if (rc == 0)
		file->len = want;
	return rc;
}

/* Is there any?  Asked first, since the file that it belongs to is large. */
static int mend_any(struct store *s, const char *name, struct err *e)
{
	char file[PARITY_STORE_NAME_BYTES];
	uint64_t size;
	unsigned i;
	int rc = ERR_NOENT;

	for (i = 0; i < PARITY_STORE_TRIES && rc == ERR_NOENT; i++)
		rc = store_stat(s, STORE_PARITY, name_of(name, i, file), &size,
			e);
	return rc == ERR_NOENT ? err_set(e, rc, "it has no parity") : rc;
}

int parity_store_mend(struct store *s, enum store_kind kind, const char *name,
		      struct buf *out, uint32_t *damaged, struct err *e)
{
	char file[PARITY_STORE_NAME_BYTES];
	struct err one = { ERR_OK, "" };
	struct buf parity = BUF_INIT;
	uint32_t count = 0;
	struct oid id;
	unsigned i;
	int rc;

	name_id(&id, name);
	buf_clear(out);
	if ((rc = mend_any(s, name, e)) < 0 ||
	    (rc = read_damaged(s, kind, name, out, e)) < 0)
		goto out;
	rc = err_set(e, ERR_NOENT, "it has no parity");
	for (i = 0; i < PARITY_STORE_TRIES && rc != 0; i++) {
		int got = read_damaged(s, STORE_PARITY, name_of(name, i, file),
			&parity, &one);

		if (got == 0)
			got = mend_with(&id, &parity, kind, out, &count,
				&one);
		if (got == ERR_NOENT)
			continue;
		rc = got;
		if (rc < 0) {
			err_ctx(&one, "parity/%s", file);
			if (e)
				*e = one;
		}
		if (rc != ERR_CORRUPT && rc != ERR_CONFIG)
			break;
	}
	if (rc == 0)
		err_clear(e);
out:
	buf_release(&parity);
	if (damaged)
		*damaged = count;
	if (rc < 0)
		buf_clear(out);
	return rc;
}

int parity_store_scrub(struct repo *r, const char *text, struct err *e)
{
	char name[OID_HEX_BYTES];
	struct buf b = BUF_INIT;
	struct parity y;
	unsigned number;
	struct oid id;
	int rc;

	if (!parity_store_owner(text, name, &number))
		return err_set(e, ERR_CORRUPT, "it is no parity file");
	name_id(&id, name);
	rc = store_get_all(repo_store(r), STORE_PARITY, text, FILE_MAX_BYTES,
		&b, e);
	if (rc == 0)
		rc = parity_open(&y, &id, b.p, b.len, e);
	if (rc == 0)
		rc = parity_scrub(&y, e);
	buf_release(&b);
	return rc;
}
