/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/mailside.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wr.h"
#include "tests/lib/base64.h"
#include "tests/lib/maildisk.h"
#include "tests/lib/prng.h"

enum { SPACE_REDIS = 0x500, SPACE_SQL, SPACE_QUEUE, SPACE_BLOB, SPACE_QUOTA };

enum {
	UID_DOVECOT = 401, UID_REDIS = 999, UID_RSPAMD = 101,
	UID_POSTFIX = 100
};

/*
 * The hour at which a record last changed: one in a hundred changes hourly,
 * some daily, most hardly ever, as counters and caches do.
 */
static uint32_t mailside_version(uint64_t key, uint32_t hour)
{
	double kind = prng_unit(key, 0);
	uint32_t period = kind < 0.01 ? 1 : kind < 0.1 ? 24 :
		kind < 0.4 ? 168 : 10000;

	return (hour + (uint32_t)prng_below(key, 1, period)) / period;
}

static uint64_t mailside_clamp(uint64_t v, uint64_t min, uint64_t max)
{
	return v < min ? min : v > max ? max : v;
}

static int mailside_redis(struct mailstore *s, struct buf *b, struct err *e)
{
	uint64_t want = mailside_clamp(s->pool.mails * 200, 64u << 10,
		50u << 20);
	struct wr w;
	int rc;

	buf_clear(b);
	wr_init(&w, b);
	wr_bytes(&w, "REDIS0011\xfa\tredis-ver\0057.4.2", 26);
	for (uint64_t i = 0; w.rc == 0 && b->len < want; i++) {
		uint64_t key = mailstore_key(s, 0, (uint32_t)i, SPACE_REDIS);
		uint8_t value[96];
		char name[64];
		int n = snprintf(name, sizeof(name), "RS_%016llx_%llu",
			(unsigned long long)prng_u64(key, 2),
			(unsigned long long)i);

		wr_u8(&w, 4);
		wr_u8(&w, (uint8_t)n);
		wr_bytes(&w, name, (size_t)n);
		prng_fill(prng_key(key, mailside_version(key, s->hour)), value,
			sizeof(value) / 2);
		memset(value + 48, (int)(i & 15), 48);
		wr_bytes(&w, value, 16 + prng_below(key, 3, 80));
	}
	wr_u8(&w, 0xff);
	if ((rc = wr_done(&w, e)) < 0)
		return rc;
	/* redis writes a new file and renames it over. */
	rc = maildisk_put(s, "redis/temp-1.rdb", 0600, UID_REDIS, b->p, b->len,
		e);
	return rc < 0 ? rc : maildisk_rename(s, "redis/temp-1.rdb",
		"redis/dump.rdb", e);
}

static int mailside_sql_user(const struct mailstore *s, unsigned user,
	struct buf *b, struct err *e)
{
	const struct mailbox *x = &s->box[user];
	uint64_t bytes = 0, n = 0;
	int rc;

	for (size_t k = 0; k < x->n; k++) {
		n += x->folder[k].n;
		for (size_t i = 0; i < x->folder[k].n; i++)
			bytes += x->folder[k].mail[i].size_bytes;
	}
	rc = buf_printf(b, e, "INSERT INTO `mailbox` VALUES ('%s',"
		"'{SSHA256}%016llx','%s','maildir:','/var/%s/',3221225472,"
		"NULL,1,NULL);\n", x->address,
		(unsigned long long)prng_u64(s->seed, user), x->address,
		x->home);
	if (rc == 0)
		rc = buf_printf(b, e, "INSERT INTO `quota2` VALUES ('%s',"
			"%llu,%llu);\n", x->address, (unsigned long long)bytes,
			(unsigned long long)n);
	return rc;
}

static int mailside_sql(struct mailstore *s, struct buf *b, struct err *e)
{
	uint64_t rows = mailside_clamp(s->pool.mails / 10, 100, 100000);
	uint8_t raw[600];
	char text[BASE64_CHARS(600) + 1];
	int rc;

	buf_clear(b);
	rc = buf_printf(b, e, "-- MariaDB dump 10.19\n-- Server version\t"
		"10.11.8-MariaDB\n\nLOCK TABLES `mailbox` WRITE;\n");
	for (unsigned u = 0; rc == 0 && u < s->n; u++)
		if (s->box[u].state == MAILBOX_LIVE)
			rc = mailside_sql_user(s, u, b, e);
	for (uint64_t i = 0; rc == 0 && i < rows; i++) {
		uint64_t key = mailstore_key(s, 0, (uint32_t)i, SPACE_SQL);
		size_t n = 60 + prng_below(key, 2, sizeof(raw) - 60);

		prng_fill(prng_key(key, mailside_version(key, s->hour)), raw,
			n);
		text[base64_put(text, raw, n)] = 0;
		rc = buf_printf(b, e, "INSERT INTO `sogo_store` VALUES (%llu,"
			"'%016llx.ics',1754000000,1754000000,0,'%s',NULL);\n",
			(unsigned long long)i,
			(unsigned long long)prng_u64(key, 3), text);
	}
	if (rc == 0)
		rc = buf_printf(b, e, "UNLOCK TABLES;\n-- Dump completed\n");
	if (rc < 0)
		return rc;
	return maildisk_put(s, "mysql/mailcow.sql", 0600, UID_REDIS, b->p,
		b->len, e);
}

/* Queue files stay for some hours; which, is decided by their number. */
static int mailside_queue(struct mailstore *s, struct buf *b, struct err *e)
{
	char path[64];
	struct stat st;
	int rc = 0;

	for (uint32_t i = s->hour > 40 ? s->hour - 40 : 0;
	     rc == 0 && i <= s->hour; i++) {
		uint64_t key = mailstore_key(s, 0, i, SPACE_QUEUE);
		bool there;

		snprintf(path, sizeof(path), "postfix/deferred/%X/%010llX",
			(unsigned)(prng_u64(key, 0) & 15),
			(unsigned long long)(prng_u64(key, 1) >> 24));
		there = fstatat(s->rootfd, path, &st, 0) == 0;
		if (i + prng_below(key, 2, 40) < s->hour) {
			if (there)
				rc = maildisk_unlink(s, path, e);
			continue;
		}
		if (there)
			continue;
		if ((rc = buf_resize(b, 2000 + prng_below(key, 3, 20000), e)))
			break;
		prng_fill(key, b->p, b->len);
		rc = maildisk_put(s, path, 0700, UID_POSTFIX, b->p, b->len, e);
	}
	return rc;
}

static int mailside_blob(struct mailstore *s, const char *path, uid_t uid,
	uint64_t key, size_t len, struct buf *b, struct err *e)
{
	int rc = buf_resize(b, len, e);

	if (rc < 0)
		return rc;
	prng_fill(key, b->p, len);
	/* Half of a compiled database is tables that compress. */
	for (size_t at = 0; at + 64 <= len; at += 64)
		memset(b->p + at + 32, (int)(at >> 12), 32);
	return maildisk_put(s, path, 0644, uid, b->p, len, e);
}

static int mailside_rspamd(struct mailstore *s, struct buf *b, struct err *e)
{
	uint64_t key = prng_key(s->seed, SPACE_BLOB);
	int rc;

	buf_clear(b);
	rc = buf_printf(b, e, "{\"scanned\":%u,\"learned\":%u,"
		"\"actions\":{\"reject\":%u,\"no action\":%u}}\n",
		s->hour * 131 + 70000, s->hour / 3 + 900,
		s->hour * 9 + 4000, s->hour * 120 + 60000);
	if (rc == 0)
		rc = maildisk_put(s, "rspamd/stats.ucl", 0644, UID_RSPAMD,
			b->p, b->len, e);
	/* A round-robin database: the same length, one column moves on. */
	if (rc == 0 && (rc = buf_resize(b, 512 << 10, e)) == 0) {
		for (size_t row = 0; row < b->len / 512; row++)
			prng_fill(prng_key(key, row + s->hour / 128 * 4096 +
				(row < s->hour % 128 ? 2048 : 0)),
				b->p + row * 512, 512);
		rc = maildisk_put(s, "rspamd/rspamd.rrd", 0644, UID_RSPAMD,
			b->p, b->len, e);
	}
	return rc;
}

static int mailside_pem(struct mailstore *s, const char *path,
	const char *what, uint64_t key, size_t bytes, struct err *e)
{
	struct buf b = BUF_INIT;
	uint8_t raw[160];
	char text[BASE64_CHARS(160) + 1];
	int rc;

	prng_fill(key, raw, bytes);
	text[base64_put(text, raw, bytes)] = 0;
	rc = buf_printf(&b, e, "-----BEGIN %s KEY-----\n%.64s\n%s\n"
		"-----END %s KEY-----\n", what, text,
		strlen(text) > 64 ? text + 64 : "", what);
	if (rc == 0)
		rc = maildisk_put(s, path, 0640, UID_DOVECOT, b.p, b.len, e);
	buf_release(&b);
	return rc;
}

static int mailside_sieve(struct mailstore *s, unsigned user, struct err *e)
{
	static const char script[] = "require [\"fileinto\"];\n"
		"if header :contains \"subject\" \"Rechnung\" {\n"
		"\tfileinto \"Archive\";\n\tstop;\n}\n";
	const struct mailbox *b = &s->box[user];
	char path[MAILSTORE_PATH_BYTES], target[MAILSTORE_PATH_BYTES + 8];
	int rc;

	snprintf(path, sizeof(path), "%s/sieve", b->home);
	if ((rc = maildisk_dir(s, path, 0700, 0, e)) < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/sieve/sogo.sieve", b->home);
	if ((rc = maildisk_put(s, path, 0600, 0, script, sizeof(script) - 1,
		e)) < 0)
		return rc;
	snprintf(target, sizeof(target), "/var/%s", path);
	snprintf(path, sizeof(path), "vmail/sieve/%s.sieve", b->address);
	return b->state == MAILBOX_LIVE ?
		maildisk_symlink(s, target, path, e) : 0;
}

static const struct {
	const char *path;
	mode_t mode;
	uid_t uid;
} mailside_dirs[] = {
	{ "vmail/sieve", 0755, 0 }, { "vmail/_garbage", 0700, 0 },
	{ "crypt", 0755, UID_DOVECOT }, { "redis", 0755, UID_REDIS },
	{ "rspamd", 0755, UID_RSPAMD }, { "postfix", 0755, UID_POSTFIX },
	{ "postfix/active", 0700, UID_POSTFIX },
	{ "postfix/deferred", 0700, UID_POSTFIX },
	{ "postfix/hold", 0700, UID_POSTFIX },
	{ "postfix/incoming", 0700, UID_POSTFIX },
	{ "postfix/maildrop", 01730, UID_POSTFIX },
	{ "mysql", 0700, UID_REDIS }
};

int mailside_make(struct mailstore *s, struct err *e)
{
	static const char global[] = "require [\"mailbox\"];\nkeep;\n";
	uint64_t key = prng_key(s->seed, SPACE_BLOB + 0x40);
	struct buf b = BUF_INIT;
	char path[64];
	int rc = 0;

	for (size_t k = 0; rc == 0 &&
	     k < sizeof(mailside_dirs) / sizeof(*mailside_dirs); k++)
		rc = maildisk_dir(s, mailside_dirs[k].path,
			mailside_dirs[k].mode, mailside_dirs[k].uid, e);
	for (unsigned k = 0; rc == 0 && k < 16; k++) {
		snprintf(path, sizeof(path), "postfix/deferred/%X", k);
		rc = maildisk_dir(s, path, 0700, UID_POSTFIX, e);
	}
	if (rc == 0)
		rc = mailside_pem(s, "crypt/ecprivkey.pem", "PRIVATE", key,
			138, e);
	if (rc == 0)
		rc = mailside_pem(s, "crypt/ecpubkey.pem", "PUBLIC", key + 1,
			91, e);
	for (unsigned k = 0; rc == 0 && k < 4; k++) {
		snprintf(path, sizeof(path), "rspamd/%016llx.%s",
			(unsigned long long)prng_u64(key, k),
			k & 1 ? "hsmp" : "hs");
		rc = mailside_blob(s, path, UID_RSPAMD, key + 2 + k,
			(128u << 10) + k * 77777, &b, e);
	}
	for (unsigned k = 0; rc == 0 && k < 2; k++)
		rc = maildisk_put(s, k ? "vmail/sieve/global_sieve_after.sieve"
			: "vmail/sieve/global_sieve_before.sieve", 0644, 0,
			global, sizeof(global) - 1, e);
	if (rc == 0)
		rc = maildisk_put(s, "vmail/shared-mailboxes.db", 0600, 0,
			"", 0, e);
	buf_release(&b);
	return rc;
}

int mailside_scripts(struct mailstore *s, struct err *e)
{
	int rc = 0;

	for (unsigned u = 0; rc == 0 && u < s->n; u++)
		rc = mailside_sieve(s, u, e);
	return rc;
}

int mailside_step(struct mailstore *s, struct err *e)
{
	struct buf b = BUF_INIT;
	int rc = mailside_redis(s, &b, e);

	if (rc == 0)
		rc = mailside_sql(s, &b, e);
	if (rc == 0)
		rc = mailside_queue(s, &b, e);
	if (rc == 0)
		rc = mailside_rspamd(s, &b, e);
	buf_release(&b);
	return rc;
}
