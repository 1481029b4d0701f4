/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SFTP_MSG_H
#define STORE_SFTP_MSG_H

#include "base/buf.h"
#include "base/rd.h"

/*
 * Messages of SFTP version 3 (draft-ietf-secsh-filexfer-02), as bytes.  What
 * a server sends is anything at all: the parsers check every length.
 */
enum sftp_type {
	SFTP_INIT = 1, SFTP_VERSION, SFTP_OPEN, SFTP_CLOSE, SFTP_READ,
	SFTP_WRITE, SFTP_LSTAT, SFTP_FSTAT, SFTP_SETSTAT, SFTP_FSETSTAT,
	SFTP_OPENDIR, SFTP_READDIR, SFTP_REMOVE, SFTP_MKDIR, SFTP_RMDIR,
	SFTP_REALPATH, SFTP_STAT, SFTP_RENAME,
	SFTP_STATUS = 101, SFTP_HANDLE, SFTP_DATA, SFTP_NAME, SFTP_ATTRS,
	SFTP_EXTENDED = 200, SFTP_EXTENDED_REPLY = 201
};
enum sftp_status {
	SFTP_OK, SFTP_EOF, SFTP_NO_SUCH_FILE, SFTP_PERMISSION_DENIED,
	SFTP_FAILURE, SFTP_BAD_MESSAGE, SFTP_NO_CONNECTION,
	SFTP_CONNECTION_LOST, SFTP_OP_UNSUPPORTED,
	/* Of later versions, said by some all the same. */
	SFTP_FILE_EXISTS = 11, SFTP_WRITE_PROTECT = 12, SFTP_NO_SPACE = 14,
	SFTP_QUOTA = 15
};
enum sftp_open_flags {
	SFTP_O_READ = 1, SFTP_O_WRITE = 2, SFTP_O_CREAT = 8, SFTP_O_EXCL = 32
};
enum { SFTP_PACKET_MAX = 262144 + 1024, SFTP_HANDLE_MAX = 256 };

struct sftp_handle {
	uint32_t len;
	uint8_t b[SFTP_HANDLE_MAX];
};
struct sftp_attrs {
	bool has_size, has_mode, has_mtime;
	uint64_t size;
	uint32_t mode;		/* with the file's type */
	uint32_t mtime;
};
struct sftp_name {
	const uint8_t *name;	/* into the message; no NUL behind it */
	size_t len;
	struct sftp_attrs at;
};
struct sftp_limits {
	uint64_t packet, read, write, handles;
};
struct sftp_space {
	uint64_t free_bytes, total_bytes;
};

/* Requests, whole but for the id: a message begins with its length, its type
 * and the id at byte 5.  All append to b, which is empty before. */
enum { SFTP_ID_AT = 5, SFTP_HEAD_BYTES = 9 };
int sftp_put_init(struct buf *b, struct err *e);
int sftp_put_path(struct buf *b, enum sftp_type t, const char *path,
		  struct err *e);		/* LSTAT, OPENDIR, REMOVE ... */
int sftp_put_open(struct buf *b, const char *path, unsigned flags,
		  uint32_t mode, struct err *e);
int sftp_put_mkdir(struct buf *b, const char *path, uint32_t mode,
		   struct err *e);
int sftp_put_rename(struct buf *b, const char *from, const char *to,
		    struct err *e);
int sftp_put_handle(struct buf *b, enum sftp_type t,
		    const struct sftp_handle *h, struct err *e);
int sftp_put_read(struct buf *b, const struct sftp_handle *h, uint64_t off,
		  uint32_t len, struct err *e);
/* The head of a WRITE; 'len' bytes are to follow it. */
int sftp_put_write(struct buf *b, const struct sftp_handle *h, uint64_t off,
		   uint32_t len, struct err *e);
int sftp_put_ext(struct buf *b, const char *name, struct err *e);
int sftp_put_ext_handle(struct buf *b, const char *name,
			const struct sftp_handle *h, struct err *e);
/* One path, or two if 'to' is not NULL. */
int sftp_put_ext_paths(struct buf *b, const char *name, const char *from,
		       const char *to, struct err *e);

/* Bodies of replies: what follows the id.  false: not such a message. */
bool sftp_get_status(const void *p, size_t len, uint32_t *code);
bool sftp_get_handle(const void *p, size_t len, struct sftp_handle *h);
/* Where the bytes of a DATA begin. */
bool sftp_get_data(const void *p, size_t len, const uint8_t **data,
		   size_t *n);
bool sftp_get_attrs(const void *p, size_t len, struct sftp_attrs *at);
bool sftp_get_limits(const void *p, size_t len, struct sftp_limits *l);
bool sftp_get_space(const void *p, size_t len, struct sftp_space *s);
/* NAME: begin, then each of *n with next. */
bool sftp_get_names(struct rd *r, const void *p, size_t len, uint32_t *n);
bool sftp_get_name(struct rd *r, struct sftp_name *name);
/* What follows the length and type of a VERSION: the version, then one
 * extension after the other until false (which ends damaged ones, too). */
bool sftp_get_version(struct rd *r, const void *p, size_t len, uint32_t *v);
bool sftp_get_extension(struct rd *r, struct sftp_name *name);

#endif
