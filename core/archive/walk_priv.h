/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_WALK_PRIV_H
#define ARCHIVE_WALK_PRIV_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "archive/walk.h"
#include "base/buf.h"

/*
 * The names of one directory.  Sorted by bytes after walk_names_sort.
 */
struct walk_name {
	uint64_t key;		/* eight bytes behind the common prefix */
	uint64_t ino;		/* d_ino: only good against another d_ino */
	uint32_t off;		/* in text, NUL-terminated */
	uint8_t type;		/* DT_* */
	uint8_t round;		/* of the listing that saw it last */
};
struct walk_names {
	struct walk_name *v;
	size_t n, cap;
	struct buf text;
};

const char *walk_names_at(const struct walk_names *l, size_t i);
/* Append what the directory holds; 'fd' is read from where it stands.  'dents'
 * is room for getdents, kept by the caller.  *errnum: trouble of the source;
 * what was read before it is there. */
int walk_names_read(struct walk_names *l, int fd, struct buf *dents,
		    unsigned round, int *errnum, struct err *e);
int walk_names_add(struct walk_names *l, const char *name, uint64_t ino,
		   unsigned type, unsigned round, struct err *e);
/* Sort; of a name that is there twice the last round's stays. */
void walk_names_sort(struct walk_names *l);
/* The first name >= 'name' (len bytes of it, then 'tail'). */
size_t walk_names_place(const struct walk_names *l, const char *name,
			size_t len, const char *tail);
/* The index of a name, or -1. */
ssize_t walk_names_find(const struct walk_names *l, const char *name);
void walk_names_clear(struct walk_names *l);	/* keeps some room */
void walk_names_release(struct walk_names *l);

/* openat with O_CLOEXEC, and O_NOATIME where that is allowed. */
int walk_open(int dirfd, const char *name, int flags);
#define WALK_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)

/*
 * The sources, as a tree of the names they have in the archive.
 */
struct walk_source {
	char *name;		/* "" at the root */
	char *path;		/* on disk, normalised; the root's only if it
				 * is a source */
	bool given;		/* a source; else it only leads to some */
	struct walk_source **child;	/* sorted by name */
	size_t n, cap;
};
/* Two sources that would have one name in the archive: the second is given to
 * error() as EEXIST and left out. */
int walk_source_new(struct walk_source **out, const struct strv *paths,
		    const struct walk_ops *ops, void *ctx, struct err *e);
void walk_source_free(struct walk_source *s);		/* NULL ok */

/*
 * A maildir: what its cur/ and new/ held.
 */
enum walk_box { WALK_CUR, WALK_NEW, WALK_NO_BOX };
struct walk_mail {
	struct walk_names listed[2];	/* taken by the frame of the box */
	struct walk_names fresh[2];	/* another listing, made later */
	bool have_listed, have_fresh;
	bool fresh_sure;		/* nothing changed meanwhile */
	char last[NAME_MAX + 1];	/* of the last one that came under
					 * another name than listed */
};
enum walk_box walk_mail_box(const char *name);
bool walk_mail_is(int fd, const struct walk_names *names);
/* Before one of the boxes is walked: list both.  *errnum as above. */
int walk_mail_list(struct walk_mail *m, int fd, struct buf *dents,
		   int *errnum, struct err *e);
struct walk_moved {
	int dirfd;		/* of its box, to be closed; -1: it is gone */
	enum walk_box box;
	char name[NAME_MAX + 1];
	struct stat st;
};
/* A listed message that is not there any more: where is it now? */
int walk_mail_find(struct walk_mail *m, int fd, const char *name,
		   uint64_t ino, struct buf *dents, struct walk_moved *out,
		   struct err *e);
void walk_mail_free(struct walk_mail *m);		/* NULL ok */

/*
 * A directory on the way down.  Frame 0 is the root of the archive.  Frames
 * [0, n_entered) have been entered, and those behind them wait until there is
 * something to be put into them.
 */
struct walk_frame {
	int fd;			/* -1: none, or closed meanwhile */
	int basefd;		/* -1, or of its parent on disk, if that is not
				 * what the frame before it has open */
	struct stat st;
	bool implicit;
	bool lost;		/* could not be opened again */
	struct walk_source *node;	/* NULL, or more sources below it */
	size_t next_child;		/* of the node */
	struct walk_names names;
	size_t next;			/* of the names */
	size_t path_len, stored_len;	/* with its own name */
	size_t name_off;		/* of its name in 'stored' */
	char *saved_path;	/* of the frame before it, if this one is
				 * somewhere else on disk */
	dev_t root_dev;		/* of the source it belongs to */
	struct walk_mail *mail;		/* it is a maildir */
	enum walk_box box;		/* or one of its boxes */
	size_t renamed;			/* 'next' when mail->last came */
};
struct walk {
	const struct walk_opts *o;
	const struct walk_ops *ops;
	void *ctx;
	struct err *e;
	struct walk_source *root;
	struct walk_frame *frame;
	size_t depth, cap, n_entered;
	struct buf path, stored;	/* of the entry at hand, C strings */
	struct walk_names names;	/* of a directory not yet pushed */
	struct buf dents;
};

/* Where an entry is, while it is looked at. */
struct walk_spot {
	int dirfd;
	int basefd;		/* as in the frame */
	char *saved_path;
	const char *name;
	size_t path_len, stored_len;	/* before it */
	struct walk_source *node;
	bool listed;		/* its directory has it, not only a source */
	uint64_t ino;		/* as listed */
};

/* walk.c: a frame for the directory at the spot, whose basefd and saved path
 * it takes; w->names become its own.  fd -1: only sources below it count.
 * The fd is taken also on failure. */
int walk_push(struct walk *w, struct walk_spot *at, int fd,
	      const struct stat *st, bool implicit);
struct walk_frame *walk_top(struct walk *w);
/* Enter what waits. */
int walk_enter(struct walk *w);
/* Back to shorter paths. */
void walk_cut(struct walk *w, const char *saved_path, size_t path_len,
	      size_t stored_len);
void walk_error(struct walk *w, const char *path, const char *op, int errnum);
/* For every source at and below s (NULL ok), and without s itself. */
void walk_error_all(struct walk *w, const struct walk_source *s,
		    const char *op, int errnum);
void walk_error_below(struct walk *w, const struct walk_source *s,
		      const char *op, int errnum);
void walk_excluded(struct walk *w, const char *path);

/* walk_visit.c: the next entry of the top frame. */
int walk_visit(struct walk *w, const char *name, struct walk_source *node,
	       bool listed, uint64_t ino);
int walk_visit_root(struct walk *w);
/* walk_dir.c: the directory at the spot, which 'st' describes.  1: it is
 * another one by now. */
int walk_dir_visit(struct walk *w, struct walk_spot *at, struct stat *st,
		   bool take);
/* Only sources below it matter. */
int walk_dir_through(struct walk *w, struct walk_spot *at);

#endif
