/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_MAILSTORE_H
#define TESTS_MAILSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "tests/lib/letter.h"
#include "tests/lib/words.h"

/*
 * A made-up mail server's data in a folder, as mailcow keeps it:
 *   vmail/DOMAIN/USER/Maildir/{cur,new,tmp,.Folder}, vmail/sieve,
 *   vmail/_garbage, crypt, redis, rspamd, postfix, mysql
 * and the model of it: which message lies where under which name.  The model
 * is kept in ROOT.mkmail beside the folder, so that the store can be carried
 * on hour by hour.  Time is the model's own and starts on a Monday, 9:00.
 *
 * Where a row says f(...), the value is not stored but computed again.
 */
#define MAILSTORE_START_SECS 1772442000	/* 2026-03-02 09:00 UTC */
#define MAILSTORE_PATH_BYTES 1024
#define MAILSTORE_NAME_BYTES 256

enum mail_profile { MAIL_PLAIN, MAIL_CRYPT };

enum folder_kind {
	FOLDER_INBOX, FOLDER_SENT, FOLDER_DRAFTS, FOLDER_JUNK, FOLDER_TRASH,
	FOLDER_ARCHIVE, FOLDER_OWN
};

enum mail_bits {
	MAIL_NEW = 1 << 0,	/* in new/, not in cur/ */
	MAIL_BARE = 1 << 1,	/* imported: a name without S= and W= */
	MAIL_DRAFT = 1 << 2, MAIL_FLAGGED = 1 << 3, MAIL_PASSED = 1 << 4,
	MAIL_REPLIED = 1 << 5, MAIL_SEEN = 1 << 6, MAIL_TRASHED = 1 << 7,
	MAIL_KEYWORD_A = 1 << 8,	/* to 1 << 12: a..e */
	MAIL_GONE = 1 << 13,	/* unlinked; the row goes soon */
	MAIL_TWIN = 1 << 14	/* one of two files with one base name */
};

/* One name of a message; hard links are rows with equal 'msg'. */
struct mail {
	uint32_t msg;			/* number within the user: identity */
	uint32_t uid;			/* in the folder */
	int64_t arrived_secs;
	int64_t named_secs;		/* when it got this base name */
	uint32_t gen;			/* base name: f(user, msg, gen) */
	uint32_t size_bytes, wire_bytes;	/* S= and W= */
	uint32_t bits;
};

struct folder {
	char *name;			/* "" is INBOX, others ".Name" */
	enum folder_kind kind;
	uint32_t validity, next_uid;
	uint32_t listed_uid;		/* uids below it are in uidlist */
	uint32_t stale;			/* lines in uidlist without a mail */
	bool dead;
	struct mail *mail;
	size_t n, cap;
};

enum mailbox_state { MAILBOX_LIVE, MAILBOX_GARBAGE, MAILBOX_PURGED };

struct mailbox {
	char *home;			/* "vmail/example.org/anna" */
	char *address;
	enum mailbox_state state;
	uint32_t gone_hour;
	uint32_t next_msg;
	struct folder *folder;		/* folder[0] is INBOX; six fixed */
	size_t n, cap;
};

/* What mailstore_create is asked for. */
struct mailstore_opts {
	uint64_t seed;
	enum mail_profile profile;
	uint64_t mails;
	uint64_t bytes;		/* about, on disk; 0: as it comes */
	unsigned users;		/* 0: from the number of mails */
};

struct mailstore {
	char *root;
	int rootfd;
	uid_t owner;			/* of all files; (uid_t)-1: ours */
	uint64_t seed;
	enum mail_profile profile;
	uint32_t hour;			/* steps made since the start */
	struct letter_pool pool;
	struct words words;
	struct mailbox *box;
	size_t n;
	int64_t touched_after_secs;	/* wall time when this run began */
};

/* Model and folders for a new store; 'root' must be absent or empty. */
int mailstore_create(struct mailstore *s, const char *root,
		     const struct mailstore_opts *o, struct err *e);
/* The store that was made by an earlier run. */
int mailstore_open(struct mailstore *s, const char *root, struct err *e);
/* Write the model down. */
int mailstore_save(const struct mailstore *s, struct err *e);
void mailstore_release(struct mailstore *s);

int64_t mailstore_now_secs(const struct mailstore *s);
uint64_t mailstore_key(const struct mailstore *s, unsigned user, uint32_t msg,
		       unsigned space);

/* Model only, nothing on disk.  The row that is returned is valid until the
 * next row is added to the folder. */
int mailstore_add_mail(struct folder *f, const struct mail *row,
		       struct mail **out, struct err *e);
int mailstore_add_folder(struct mailbox *b, const char *name,
			 enum folder_kind kind, uint32_t validity,
			 struct err *e);
void mailstore_sweep(struct folder *f);		/* rows with MAIL_GONE */

/* "1772442000.M1P2.host,S=1,W=1" without flags. */
void mailstore_base_name(const struct mailstore *s, unsigned user,
			 const struct mail *m, char out[MAILSTORE_NAME_BYTES]);
/* The first 'secs.MusecPpid.host' that the message ever had. */
void mailstore_guid(const struct mailstore *s, unsigned user,
		    const struct mail *m, char out[MAILSTORE_NAME_BYTES]);
void mailstore_mail_path(const struct mailstore *s, unsigned user,
			 const struct folder *f, const struct mail *m,
			 char out[MAILSTORE_PATH_BYTES]);
void mailstore_folder_path(const struct mailbox *b, const struct folder *f,
			   const char *leaf, char out[MAILSTORE_PATH_BYTES]);

/* The message itself, as the profile keeps it; sets size_bytes and
 * wire_bytes of 'm'.  Any thread, if 'm' is its own. */
int mailstore_build(const struct mailstore *s, unsigned user, struct mail *m,
		    struct buf *out, struct err *e);
/* mtime of the message, as the server would show it as INTERNALDATE. */
struct timespec mailstore_mtime(const struct mailstore *s, unsigned user,
				const struct mail *m);

#endif
