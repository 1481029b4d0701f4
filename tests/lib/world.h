/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_WORLD_H
#define TESTS_LIB_WORLD_H

#include "core/core.h"

/*
 * A small world to break: a source, a repository, a folder to extract to, all
 * below one private folder in memory; and the operations on it that the
 * destructive tests share.  Anything unexpected ends the process with a
 * message.
 */
#define WORLD_PATH 512

struct world {
	char dir[256];
	char source[WORLD_PATH], repo[WORLD_PATH], out[WORLD_PATH];
	struct oid expected;	/* world_digest of the source */
};

void world_make(struct world *w, const char *name);
void world_end(struct world *w);
_Noreturn void world_die(const char *what, const struct err *e);

void world_remove(const char *path);		/* rm -rf */
void world_copy(const char *from, const char *to);	/* cp -a */
/* A file of the source with bytes made from a seed. */
void world_write(struct world *w, const char *name, size_t len, unsigned seed);
/* Names, types, modes, sizes, times, links and contents below a folder. */
struct oid world_digest(const char *path);

extern const struct repo_opts world_opts;	/* the passphrase */
int world_init(struct world *w, struct err *e);
int world_create(struct world *w, const char *name, struct err *e);
int world_create_in(struct world *w, struct repo *r, const char *name,
		    struct err *e);
int world_delete(struct world *w, const char *name, struct err *e);
int world_undelete(struct world *w, const char *name, struct err *e);
/* Keeps the newest archive only. */
int world_prune(struct world *w, struct err *e);
int world_compact(struct world *w, struct err *e);
int world_rekey(struct world *w, struct err *e);
/* And all that is there is sealed anew. */
int world_rekey_full(struct world *w, struct err *e);
int world_list(struct world *w, struct err *e);
/* Three archives, "old", "gone" and the deleted "dead", of which the last has
 * something of its own in packs of its own. */
int world_history(struct world *w, struct err *e);
int world_extract(struct world *w, const char *name, struct err *e);
/* Repository, archives and data; findings of damage to stderr if 'say'. */
int world_check(struct world *w, bool say, struct err *e);
/* What a repair has to mend: some bytes of every data pack; every segment. */
void world_damage_packs(struct world *w);
void world_damage_index(struct world *w);
/* What is lost is no failure of it. */
int world_repair(struct world *w, struct err *e);
/* A repair can be done again, if it did not say that it was done; then a backup
 * of the same files makes all whole. */
void world_heal(struct world *w, bool repaired);
void world_heal_in(struct world *w, struct repo *r, bool repaired);
/* After world_extract: is it the source? */
bool world_same(struct world *w);

#endif
