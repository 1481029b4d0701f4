/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/repo_keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/io.h"
#include "base/mem.h"
#include "format/code.h"
#include "repo/home.h"
#include "repo/repo_priv.h"

#define ALL_RIGHTS (KEY_APPEND | KEY_READ | KEY_DELETE)

static void hash_of(struct oid *out, const struct repo_slot *s)
{
	key_hash(out, NULL, s->bytes, SLOT_BYTES, NULL, 0, NULL, 0);
}

static void name_of(char out[REPO_KEY_NAME_BYTES], const struct repo_slot *s)
{
	struct oid h;

	hash_of(&h, s);
	hex_put(out, h.b, 4);
}

static bool is_mine(const struct repo *r, const struct repo_slot *s)
{
	struct oid h;

	hash_of(&h, s);
	return oid_eq(&h, &r->opened);
}

static int by_age(const void *a, const void *b)
{
	const struct repo_key *x = a, *y = b;

	return x->info.created_secs < y->info.created_secs ? -1 :
		x->info.created_secs > y->info.created_secs ? 1 :
		strcmp(x->name, y->name);
}

int repo_keys_load(struct repo_keys *k, struct repo *r, struct err *e)
{
	struct repo_slots s;
	size_t i;
	int rc;

	memset(k, 0, sizeof(*k));
	rc = repo_slots_read(&s, r->store, &r->info, e);
	if (rc == 0 && !(k->item = mem_zero(s.n, sizeof(*k->item))))
		rc = err_nomem(e);
	for (i = s.n; rc == 0 && i-- > 0; k->n++) {
		struct repo_key *it = &k->item[k->n];

		name_of(it->name, &s.v[i]);
		it->info = s.v[i].info;
		it->mine = is_mine(r, &s.v[i]);
	}
	if (k->n > 1)
		qsort(k->item, k->n, sizeof(*k->item), by_age);
	repo_slots_release(&s);
	return rc;
}

void repo_keys_release(struct repo_keys *k)
{
	free(k->item);
	memset(k, 0, sizeof(*k));
}

/* The one that is meant. */
static int find(const struct repo_slot **out, const struct repo_slots *s,
		const char *which, struct err *e)
{
	char name[REPO_KEY_NAME_BYTES];
	size_t i;

	*out = NULL;
	for (i = 0; i < s->n; i++) {
		name_of(name, &s->v[i]);
		if (strcmp(which, s->v[i].info.label) && strcmp(which, name))
			continue;
		if (*out)
			return err_set(e, ERR_CONFIG, "several keys are "
				"labelled '%s': name it by its eight digits, "
				"as 'key list' shows them", which);
		*out = &s->v[i];
	}
	return *out ? 0 : err_set(e, ERR_NOENT, "there is no key '%s': 'key "
		"list' shows what there is", which);
}

static size_t count_full(const struct repo_slots *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		n += s->v[i].info.rights == ALL_RIGHTS;
	return n;
}

/* Write the key file anew: all slots but 'without', and 'more'. */
static int write_file(const struct repo_slots *s,
		      const struct repo_slot *without, const struct buf *more,
		      struct err *e)
{
	struct buf b = BUF_INIT;
	size_t i;
	int rc = more ? buf_append(&b, more->p, more->len, e) : 0;

	for (i = 0; rc == 0 && i < s->n; i++)
		if (&s->v[i] != without)
			rc = buf_append(&b, s->v[i].bytes, SLOT_BYTES, e);
	if (rc == 0)
		rc = io_publish(AT_FDCWD, s->key_path, b.p, b.len, 0600, e);
	buf_release(&b);
	return rc;
}

static int put_store(struct repo *r, const struct buf *slot, struct err *e)
{
	char hex[SID_HEX_BYTES];
	struct sid name;
	int rc;

	key_random(&name, sizeof(name));
	rc = store_put_buf(r->store, STORE_KEYS, sid_hex(&name, hex), slot, 0,
		e);
	return rc == 0 ? store_sync(r->store, e) : rc;
}

static int del_store(struct repo *r, const struct repo_slot *s, struct err *e)
{
	int rc = store_del(r->store, STORE_KEYS, s->name, e);

	return rc == 0 || rc == ERR_NOENT ? store_sync(r->store, e) : rc;
}

/* 'more' instead of 'old'; either may be NULL. */
static int replace(struct repo *r, const struct repo_slots *s,
		   const struct repo_slot *old, const struct buf *more,
		   struct err *e)
{
	int rc = 0;

	if (r->info.mode == SLOT_KEYFILE)
		return write_file(s, old, more, e);
	if (more)
		rc = put_store(r, more, e);
	if (rc == 0 && old)
		rc = del_store(r, old, e);
	return rc;
}

static int check_secret(const struct repo *r, enum slot_kind kind,
			const char *secret, struct err *e)
{
	if (kind == SLOT_PASSPHRASE && !*secret && r->info.mode == SLOT_REPOKEY)
		return err_set(e, ERR_CONFIG, "the passphrase is empty: "
			"whoever reads the repository could open it");
	if (kind == SLOT_PASSPHRASE && code_like(secret))
		return err_set(e, ERR_CONFIG, "the passphrase looks like a "
			"recovery code: choose another");
	return 0;
}

/* A moment later than every slot there is: the newest one counts. */
static int64_t created_now(const struct repo_slots *s)
{
	int64_t now = clock_wall_nsec() / 1000000000;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i].info.created_secs >= now)
			now = s->v[i].info.created_secs + 1;
	return now;
}

static int seal(struct slot_info *info, const struct slot_bundle *b,
		const char *secret, struct buf *out, struct err *e)
{
	struct key *code;
	int rc;

	if (info->kind == SLOT_PASSPHRASE)
		return slot_seal(info, b, secret, strlen(secret), out, e);
	code = key_alloc(sizeof(*code));
	if (!code)
		return err_nomem(e);
	rc = code_get(code, secret, e);
	if (rc == 0)
		rc = slot_seal(info, b, code->b, sizeof(code->b), out, e);
	key_free(code);
	return rc;
}

static int check_label(const struct repo_slots *s, const char *label,
		       struct err *e)
{
	const char *c;
	size_t i;

	for (c = label; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			break;
	if (!*label || *c || strlen(label) > SLOT_LABEL_MAX)
		return err_set(e, ERR_CONFIG, "a label has 1 to %d bytes and "
			"no control characters", SLOT_LABEL_MAX);
	for (i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].info.label, label))
			return err_set(e, ERR_EXIST, "a key labelled '%s' is "
				"there already", label);
	if (s->n >= REPO_SLOTS_MAX)
		return err_set(e, ERR_CONFIG, "there are %d keys: remove one "
			"first", REPO_SLOTS_MAX);
	return 0;
}

int repo_keys_add(struct repo *r, const struct repo_key_new *n, struct err *e)
{
	struct slot_info info = { .kind = n->kind, .repo = r->info.id };
	struct slot_bundle *b = key_alloc(sizeof(*b));
	struct buf slot = BUF_INIT;
	struct repo_slots s;
	int rc;

	if (!b)
		return err_nomem(e);
	rc = repo_slots_read(&s, r->store, &r->info, e);
	if (rc == 0 && repo_rights(r) != ALL_RIGHTS)
		rc = err_set(e, ERR_DENIED, "only a key with all rights can "
			"make keys");
	if (rc == 0)
		rc = check_label(&s, n->label, e);
	if (rc == 0)
		rc = check_secret(r, n->kind, n->secret, e);
	if (rc < 0)
		goto out;
	BUG_ON(n->rights == 0 || n->rights & ~(uint32_t)ALL_RIGHTS);
	snprintf(info.label, sizeof(info.label), "%s", n->label);
	info.created_secs = created_now(&s);
	info.kdf.passes = KEY_KDF_PASSES;
	info.kdf.mem_kib = n->mem_kib ? n->mem_kib : KEY_KDF_MEM_KIB;
	*b = r->sec->bundle;
	slot_bundle_cut(b, n->rights, &r->sec->keeper);
	rc = seal(&info, b, n->secret, &slot, e);
	if (rc == 0)
		rc = replace(r, &s, NULL, &slot, e);
out:
	buf_release(&slot);
	repo_slots_release(&s);
	key_free(b);
	return rc;
}

int repo_keys_remove(struct repo *r, const char *which, struct err *e)
{
	const struct repo_slot *slot = NULL;
	struct repo_slots s;
	int rc;

	rc = repo_slots_read(&s, r->store, &r->info, e);
	if (rc == 0 && repo_rights(r) != ALL_RIGHTS)
		rc = err_set(e, ERR_DENIED, "only a key with all rights can "
			"remove keys");
	if (rc == 0)
		rc = find(&slot, &s, which, e);
	if (rc == 0 && slot->info.rights == ALL_RIGHTS && count_full(&s) == 1)
		rc = err_set(e, ERR_DENIED, "'%s' is the last key with all "
			"rights: without it nobody could read the backups "
			"again", which);
	if (rc == 0)
		rc = replace(r, &s, slot, NULL, e);
	repo_slots_release(&s);
	return rc;
}

/* The slot whose passphrase is to be changed. */
static int to_change(const struct repo_slot **out, struct repo *r,
		     const struct repo_slots *s, const char *which,
		     struct err *e)
{
	size_t i, n = 0;
	int rc;

	if (which) {
		rc = find(out, s, which, e);
		if (rc == 0 && (*out)->info.kind != SLOT_PASSPHRASE)
			rc = err_set(e, ERR_CONFIG, "'%s' is a recovery code: "
				"remove it and add another", which);
		return rc;
	}
	for (i = 0; i < s->n; i++) {
		if (s->v[i].info.kind != SLOT_PASSPHRASE)
			continue;
		*out = &s->v[i];
		if (is_mine(r, &s->v[i]))
			return 0;
		n++;
	}
	if (n == 1)
		return 0;
	return err_set(e, ERR_CONFIG, n ? "there are several keys with a "
		"passphrase: say which one by --label" : "no key has a "
		"passphrase: 'key add' makes one");
}

int repo_keys_change(struct repo *r, const char *which, const char *secret,
		uint32_t mem_kib, struct err *e)
{
	struct slot_bundle *b = key_alloc(sizeof(*b));
	const struct repo_slot *old = NULL;
	struct buf slot = BUF_INIT;
	struct slot_info info;
	struct repo_slots s;
	int rc;

	if (!b)
		return err_nomem(e);
	rc = repo_slots_read(&s, r->store, &r->info, e);
	if (rc == 0)
		rc = to_change(&old, r, &s, which, e);
	if (rc == 0 && repo_rights(r) != ALL_RIGHTS && !is_mine(r, old))
		rc = err_set(e, ERR_DENIED, "this key can only change its own "
			"passphrase");
	if (rc == 0)
		rc = check_secret(r, SLOT_PASSPHRASE, secret, e);
	if (rc < 0)
		goto out;
	info = old->info;
	info.created_secs = created_now(&s);
	if (mem_kib)
		info.kdf.mem_kib = mem_kib;
	*b = r->sec->bundle;
	slot_bundle_cut(b, info.rights, &r->sec->keeper);
	rc = seal(&info, b, secret, &slot, e);
	if (rc == 0)
		rc = replace(r, &s, old, &slot, e);
out:
	buf_release(&slot);
	repo_slots_release(&s);
	key_free(b);
	return rc;
}

/* The next epoch: a fresh master, this one is the newest of the old ones. */
static int next_epoch(struct slot_bundle *b, struct err *e)
{
	struct key seed, sec;

	if (b->n_old == SLOT_OLD_MAX)
		return err_set(e, ERR_CONFIG, "a repository can have a new "
			"master key %d times, and had", SLOT_OLD_MAX);
	memmove(b->old + 1, b->old, b->n_old * sizeof(b->old[0]));
	b->old[0] = b->master;
	b->n_old++;
	b->epoch++;
	key_random(b->master.b, sizeof(b->master.b));
	key_derive(&seed, &b->master, 1, "x25519  ");
	key_box_pair(&b->box_public, &sec, &seed);
	key_wipe(&seed, sizeof(seed));
	key_wipe(&sec, sizeof(sec));
	return 0;
}

/* Only 'slot' is left. */
static int keep_only(struct repo *r, struct repo_slots *s,
		     const struct buf *slot, unsigned *removed, struct err *e)
{
	size_t i;
	int rc;

	*removed = s->n ? (unsigned)s->n - 1 : 0;
	if (r->info.mode == SLOT_KEYFILE)
		return io_publish(AT_FDCWD, s->key_path, slot->p, slot->len,
			0600, e);
	rc = put_store(r, slot, e);
	for (i = 0; rc == 0 && i < s->n; i++)
		rc = del_store(r, &s->v[i], e);
	return rc;
}

/* As the bundle of the key in use is changed by 'change', in a slot of its own
 * that is the only one left. */
static int remake(struct repo *r, const char *secret, unsigned *removed,
		  int (*change)(struct slot_bundle *b, struct err *e),
		  struct err *e)
{
	struct slot_bundle *b = key_alloc(sizeof(*b));
	struct buf slot = BUF_INIT;
	struct slot_info info;
	struct repo_slots s;
	size_t i = 0;
	int rc;

	*removed = 0;
	if (!b)
		return err_nomem(e);
	rc = repo_slots_read(&s, r->store, &r->info, e);
	if (rc == 0 && repo_rights(r) != ALL_RIGHTS)
		rc = err_set(e, ERR_DENIED, "only a key with all rights can "
			"make a new master key");
	while (rc == 0 && i < s.n && !is_mine(r, &s.v[i]))
		i++;
	if (rc == 0 && i == s.n)
		rc = err_set(e, ERR_NOENT, "somebody has changed the keys "
			"meanwhile: begin again");
	if (rc == 0)
		rc = repo_slot_open(b, &s.v[i], secret, e);
	if (rc == 0)
		rc = change(b, e);
	if (rc < 0)
		goto out;
	info = s.v[i].info;
	info.created_secs = created_now(&s);
	rc = seal(&info, b, secret, &slot, e);
	if (rc == 0)
		rc = keep_only(r, &s, &slot, removed, e);
out:
	buf_release(&slot);
	repo_slots_release(&s);
	key_free(b);
	return rc;
}

int repo_keys_rekey(struct repo *r, const char *secret, unsigned *removed,
	       struct err *e)
{
	return remake(r, secret, removed, next_epoch, e);
}

static int forget_old(struct slot_bundle *b, struct err *e)
{
	(void)e;
	key_wipe(b->old, sizeof(b->old));
	b->n_old = 0;
	return 0;
}

int repo_keys_forget_old(struct repo *r, const char *secret, struct err *e)
{
	struct repo_slots s;
	unsigned removed;
	size_t n;
	int rc = repo_slots_read(&s, r->store, &r->info, e);

	n = s.n;
	repo_slots_release(&s);
	if (rc == 0 && n > 1)
		rc = err_set(e, ERR_DENIED, "there are other keys, which would "
			"still have the older master keys: remove them first");
	return rc == 0 ? remake(r, secret, &removed, forget_old, e) : rc;
}

int repo_keys_export(const char *url, const struct store_opts *o,
		struct buf *slots, struct sid *repo, struct err *e)
{
	struct slot_repo info;
	struct repo_slots s = { NULL, 0, NULL };
	struct store *store;
	size_t i;
	int rc;

	if ((rc = store_open_with(&store, url, 0, o, e)) < 0)
		return rc;
	rc = repo_read_info(store, &info, e);
	if (rc == 0)
		rc = repo_slots_read(&s, store, &info, e);
	for (i = s.n; rc == 0 && i-- > 0; )
		rc = buf_append(slots, s.v[i].bytes, SLOT_BYTES, e);
	if (rc == 0)
		*repo = info.id;
	repo_slots_release(&s);
	store_close(store);
	return rc;
}

/* Of 'slots' those that are not in 's', into 'more'. */
static int new_ones(struct buf *more, const struct repo_slots *s,
		    const struct slot_repo *info, const struct buf *slots,
		    struct err *e)
{
	struct slot_info one;
	size_t at, i;
	int rc = 0;

	for (at = 0; rc == 0 && at < slots->len; at += SLOT_BYTES) {
		const uint8_t *p = slots->p + at;

		rc = slot_get_info(&one, p, SLOT_BYTES, e);
		if (rc == 0 && !sid_eq(&one.repo, &info->id))
			rc = err_set(e, ERR_CONFIG, "this is a key of another "
				"repository");
		for (i = 0; rc == 0 && i < s->n; i++)
			if (!memcmp(s->v[i].bytes, p, SLOT_BYTES))
				break;
		if (rc == 0 && i == s->n)
			rc = buf_append(more, p, SLOT_BYTES, e);
	}
	return rc;
}

static int make_folder_of(const char *path, struct err *e)
{
	char *dir = mem_str(path), *slash;
	int rc = 0;

	if (!dir)
		return err_nomem(e);
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		rc = io_make_dirs(dir, e);
	}
	free(dir);
	return rc;
}

static int import_to(struct repo *r, const struct buf *slots, unsigned *added,
		     struct err *e)
{
	struct buf more = BUF_INIT, one = BUF_INIT;
	struct repo_slots s;
	size_t at;
	int rc;

	/* That none is there is why one is imported. */
	rc = repo_slots_read(&s, r->store, &r->info, e);
	if (rc == ERR_CORRUPT || rc == ERR_AUTH)
		rc = 0;
	if (rc == 0)
		rc = new_ones(&more, &s, &r->info, slots, e);
	if (rc < 0 || more.len == 0)
		goto out;
	*added = (unsigned)(more.len / SLOT_BYTES);
	if (r->info.mode == SLOT_KEYFILE) {
		rc = make_folder_of(s.key_path, e);
		if (rc == 0)
			rc = write_file(&s, NULL, &more, e);
		goto out;
	}
	for (at = 0; rc == 0 && at < more.len; at += SLOT_BYTES) {
		buf_clear(&one);
		rc = buf_append(&one, more.p + at, SLOT_BYTES, e);
		if (rc == 0)
			rc = put_store(r, &one, e);
	}
out:
	buf_release(&one);
	buf_release(&more);
	repo_slots_release(&s);
	return rc;
}

int repo_keys_import(const char *url, const struct store_opts *o,
		const struct sid *repo, const struct buf *slots,
		unsigned *added, struct err *e)
{
	struct repo r = { .store = NULL };
	int rc;

	*added = 0;
	if ((rc = store_open_with(&r.store, url, 0, o, e)) < 0)
		return rc;
	rc = repo_read_info(r.store, &r.info, e);
	if (rc == 0 && !sid_eq(repo, &r.info.id))
		rc = err_set(e, ERR_CONFIG, "this is a key of another "
			"repository than %s", url);
	if (rc == 0)
		rc = import_to(&r, slots, added, e);
	store_close(r.store);
	return rc;
}
