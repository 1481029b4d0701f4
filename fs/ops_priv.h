/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FS_OPS_PRIV_H
#define FS_OPS_PRIV_H

#include "fs/attr.h"
#include "fs/dates.h"
#include "fs/state.h"

/* Below an archive nothing ever changes. */
#define OPS_FOREVER_SECS (365.0 * 86400)
/* In the root of a repository it does. */
#define OPS_ROOT_SECS 1.0

/* ops.c: what the operations share. */
struct mount *ops_mount(fuse_req_t req);
/* The inode of a request; NULL: ESTALE was answered. */
struct inode *ops_node(fuse_req_t req, fuse_ino_t ino);
/* The listing of a directory inode.  ERR_NOENT: it is none. */
int ops_dir(struct mount *m, struct inode *n, const struct dir **out,
	    struct err *e);
/* The entry of a INODE_ENTRY, valid until cursor_close(*c), which the caller
 * owes also after failure. */
int ops_entry(struct mount *m, struct inode *n, struct cursor **c,
	      const struct entry **out, struct err *e);
/* The stored path of what is in directory n, layer 'layer': "srv/vmail/" or
 * "".  Replaces out. */
int ops_path(const struct inode *n, const struct dir *d, unsigned layer,
	     struct buf *out, struct err *e);
/* Answer with the errno for e, after a line in the log for what is damaged
 * or unreachable.  n: what the request is about. */
void ops_fail(fuse_req_t req, struct inode *n, const struct err *e);

/* ops_dir.c */
/* A listing on its way to the kernel.  Offsets: 0 ".", 1 "..", from 2 on as
 * the kind of directory has it; an entry comes with the offset behind it. */
struct ops_list {
	fuse_req_t req;
	struct mount *m;
	struct inode *n;
	bool plus;
	char *buf;
	size_t size, used;
	uint64_t *id;		/* inodes that were entered for it */
	size_t n_id;
};
bool ops_list_full(const struct ops_list *l, const char *name);
/* There is room, ops_list_full() said. */
void ops_list_add(struct ops_list *l, const char *name,
		  const struct fuse_entry_param *ep, uint64_t next);
/* A name with its type only: the kernel looks it up when it needs more. */
void ops_list_name(struct ops_list *l, const char *name, uint64_t ino,
		   mode_t type, uint64_t next);
void ops_reply_entry(fuse_req_t req, const struct fuse_entry_param *ep);
/* The inode of an entry of the directory n, one of an archive, and what the
 * kernel is told of it. */
int ops_enter_at(struct mount *m, struct inode *n, uint64_t place,
		 const struct entry *en, struct fuse_entry_param *ep,
		 struct err *e);
void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		 struct fuse_file_info *fi);
void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		     struct fuse_file_info *fi);

/* ops_view.c: all but INODE_ENTRY; INODE_ARCH has attributes there only. */
void ops_view_getattr(fuse_req_t req, struct inode *n);
void ops_view_lookup(fuse_req_t req, struct inode *n, const char *name);
int ops_view_list(struct ops_list *l, uint64_t off, struct err *e);
/* Of a symlink; with a NUL behind it. */
int ops_view_target(const struct inode *n, struct buf *out, struct err *e);
/* .muniment, in whatever is the root. */
bool ops_view_is_control(const struct inode *parent, const char *name);
void ops_view_lookup_control(fuse_req_t req, struct inode *root);
void ops_view_read_control(fuse_req_t req, struct inode *n, size_t size,
			   uint64_t off);

/* ops_merged.c: INODE_MERGED */
void ops_merged_getattr(fuse_req_t req, struct inode *n);
void ops_merged_lookup(fuse_req_t req, struct inode *n, const char *name);
int ops_merged_list(struct ops_list *l, uint64_t off, struct err *e);

/* ops_file.c */
void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	      struct fuse_file_info *fi);
void ops_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
	       struct fuse_file_info *fi);
void ops_readlink(fuse_req_t req, fuse_ino_t ino);

/* ops_meta.c */
void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
		  size_t size);
void ops_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void ops_statfs(fuse_req_t req, fuse_ino_t ino);
void ops_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
	       struct fuse_file_info *fi, unsigned flags, const void *in,
	       size_t in_len, size_t out_len);
void ops_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups);
void ops_forget_multi(fuse_req_t req, size_t n,
		      struct fuse_forget_data *forget);

#endif
