/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_ENTRY_H
#define FORMAT_ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "base/oid.h"
#include "base/rd.h"
#include "base/wr.h"

/*
 * One thing in a directory: a file with its metadata and where its content
 * is.  The pointers belong to whoever made the entry (a decoded node keeps
 * them alive, see node.h).
 */
#define ENTRY_NAME_MAX 255
#define ENTRY_INLINE_MAX 128	/* content kept in the entry itself */
#define ENTRY_PIECES_MAX 4	/* pieces kept in the entry itself */
#define ENTRY_XATTR_INLINE_MAX 1024
#define ENTRY_TARGET_MAX 4095

/* How a piece of a file is made from its object. */
enum piece_transform {
	PIECE_RAW = 0,		/* the object's bytes */
	PIECE_HOLE = 1,		/* zeroes that no disk block holds; no object */
	PIECE_BASE64 = 2	/* the object's bytes, base64-encoded again */
};
struct piece {
	enum piece_transform transform;
	uint64_t len;		/* in the file, >= 1 */
	struct oid id;		/* not for a hole */
	/* PIECE_BASE64: */
	uint16_t line_len;	/* characters a line, a multiple of 4 */
	bool crlf;		/* line end */
	bool last_eol;		/* the last line has one too */
};
/* u8 transform, varint len; for base64 varint line_len / 4 (0: one line),
 * u8 crlf | last_eol << 1; then the id, unless it is a hole.  Lengths: RAW at
 * most OBJ_MAX_BYTES, BASE64 twice that + 4; crlf only where a line ends. */
void piece_put(struct wr *w, const struct piece *p);
void piece_get(struct rd *r, struct piece *p);	/* r->bad on nonsense */

enum content_kind {
	CONTENT_NONE = 0,	/* empty, or not a regular file */
	CONTENT_INLINE = 1,	/* 1 .. ENTRY_INLINE_MAX bytes here */
	CONTENT_ONE = 2,	/* one raw object is the whole file */
	CONTENT_PIECES = 3,	/* 1 .. ENTRY_PIECES_MAX pieces here */
	CONTENT_LIST = 4	/* root of a piece list (list.h) */
};
struct content {
	enum content_kind kind;
	const uint8_t *data;	/* INLINE */
	uint32_t data_len;
	struct oid id;		/* ONE, LIST */
	uint8_t level;		/* LIST: height of the root */
	uint8_t n_pieces;
	struct piece piece[ENTRY_PIECES_MAX];
};
/* The form in a piece of local state such as the file-state cache (a node
 * keeps the ids apart, content.h): u8 kind; INLINE varint length, bytes;
 * PIECES u8 count, all pieces without ids; LIST u8 level; then the ids. */
void content_put(struct wr *w, const struct content *c);
void content_get(struct rd *r, struct content *c);	/* points into r */

/* Where a directory's listing is, and what is below it. */
enum dir_kind { DIR_EMPTY = 0, DIR_INLINE = 1, DIR_ROOT = 2 };
struct dir_ref {
	enum dir_kind kind;
	const uint8_t *data;	/* INLINE: an encoded leaf node */
	uint32_t data_len;
	struct oid id;		/* ROOT */
	uint8_t level;		/* ROOT: height, 0: a leaf */
	uint64_t entries;	/* in this directory */
	uint64_t files;		/* non-directories below, at any depth */
	uint64_t bytes;		/* of regular files, hard links each time */
};
/* u8 kind; INLINE varint length, bytes; ROOT u8 level; unless EMPTY varint
 * entries, files, bytes; ROOT id. */
void dir_ref_put(struct wr *w, const struct dir_ref *d);
void dir_ref_get(struct rd *r, struct dir_ref *d);	/* points into r */

enum entry_flags {
	ENTRY_IMPLICIT = 1 << 0,	/* a parent that was not itself asked
					 * for: carries names only */
	ENTRY_CHANGED = 1 << 1,		/* changed while it was read */
	ENTRY_ATIME = 1 << 2,		/* has atime */
	ENTRY_CTIME = 1 << 3,		/* has ctime */
	ENTRY_LOST = 1 << 4		/* a repair found parts of the content
					 * lost, and made holes of them */
};

struct entry {
	const uint8_t *name;
	uint16_t name_len;
	uint16_t flags;			/* enum entry_flags */
	uint32_t mode;			/* type and permissions as st_mode */
	uint32_t uid, gid;
	uint32_t fsflags;		/* FS_IOC_GETFLAGS, those kept */
	struct timespec mtime, atime, ctime;
	uint64_t size;			/* of the content as stored (INLINE,
					 * PIECES: their sum), of symlinks the
					 * target's, of all else 0 */
	uint64_t links;			/* st_nlink of non-directories, >= 1 */
	uint64_t link_group;		/* nonzero: same number, same file */
	uint32_t rdev_major, rdev_minor;
	const uint8_t *xattrs;		/* encoded set, see below */
	uint32_t xattrs_len;
	struct oid xattrs_id;		/* nonzero: the set is an object */
	const uint8_t *target;		/* symlink */
	uint16_t target_len;
	struct content content;		/* regular file */
	struct dir_ref dir;		/* directory */
};

/*
 * Extended attributes, POSIX ACLs among them, as one blob, sorted by name (as
 * node_name_cmp), no name twice: varint count (at least 1: no attributes, no
 * set), then per attribute varint name length, name, varint value length,
 * value.  Kept in the entry up to ENTRY_XATTR_INLINE_MAX, else as a data
 * object.
 */
#define XATTR_SET_MAX (1u << 20)
#define XATTR_NAME_BYTES 255
#define XATTR_VALUE_BYTES 65536
struct xattr_iter {
	struct rd r;
	uint64_t left;
	const char *last;	/* name before */
	size_t last_len;
};
struct xattr_item {
	const char *name;	/* not terminated */
	size_t name_len;
	const uint8_t *value;
	size_t value_len;
};
void xattr_iter_init(struct xattr_iter *it, const void *set, size_t len);
/* false: no more; then rd_done(&it->r) tells whether the set was sound. */
bool xattr_iter_next(struct xattr_iter *it, struct xattr_item *out);

#endif
