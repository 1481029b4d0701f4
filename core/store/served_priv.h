/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERVED_PRIV_H
#define STORE_SERVED_PRIV_H

#include <pthread.h>

#include "store/serve_msg.h"
#include "store/served.h"

enum {
	SERVED_WORKERS = 4,
	SERVED_QUEUE = 1024,		/* requests that wait */
	SERVED_PUTS = 64		/* begun, or refused and still coming */
};
/* Bytes that were received and wait for what is to be done with them. */
#define SERVED_WAITING_MAX ((uint64_t)128 << 20)

/* A request that waits for a worker. */
struct served_req {
	struct served_req *next;
	uint8_t type;
	uint32_t id;
	struct serve_put put;		/* SERVE_PUT: and body is the file */
	struct buf body;
};

/* A file on its way in. */
struct served_put {
	bool used, refused;		/* refused: bytes are thrown away */
	uint32_t id;
	struct serve_put msg;
	uint64_t got;			/* of msg.size */
	uint64_t saved;			/* of these, in its part */
	struct buf b;
};

struct served {
	const struct served_opts *o;
	char *path;			/* of the repository, canonical */
	struct store *store;
	int root, dir;			/* the repository, its serve/ */
	uint32_t confined;
	/* The reader's alone. */
	struct served_put put[SERVED_PUTS];
	uint64_t put_bytes;		/* of them */
	bool spoke;			/* since the last look */

	pthread_mutex_t out_mtx;	/* a leaf: the output */
	bool broken;			/* out_mtx: nobody reads it any more */

	pthread_mutex_t quota_mtx;	/* order: first */
	bool counted;			/* quota_mtx, as all below */
	int quota_fd;
	int64_t counted_nsec;

	pthread_mutex_t journal_mtx;	/* a leaf */
	int journal_fd;			/* journal_mtx, as all below */
	uint64_t n_put, n_del, bytes_put;

	pthread_mutex_t mtx;		/* a leaf, of all below */
	pthread_cond_t work_cv, done_cv;
	struct served_req *head, **tail;
	unsigned n_queued;
	uint64_t waiting;		/* bytes, queued or at work */
	bool stop;
	pthread_t tid[SERVED_WORKERS];
	unsigned n_threads;
};

/* served.c */
/* A frame with a body; a client that does not read is none any more. */
void served_send(struct served *s, const struct serve_frame *f,
		 const void *body);
/* What is in b, which is released: one or more whole frames for 'id'. */
void served_send_buf(struct served *s, uint32_t id, struct buf *b);
/* The end of a request.  rc is 0 or what e says. */
void served_end(struct served *s, uint32_t id, int rc, const struct err *e);
bool served_broken(struct served *s);

/* served_open.c: judge the path, open the store, be confined to it. */
int served_open(struct served *s, const struct serve_hello *h, struct err *e);
/* The path that 'path' leads to, also if its end is not there yet: free it. */
int served_path(char **out, const char *path, struct err *e);

/* served_put.c */
/* The reader's: 0, or the client does not keep to the protocol. */
int served_put_begin(struct served *s, uint32_t id, const uint8_t *p,
		     size_t len, struct err *e);
int served_put_data(struct served *s, uint32_t id, const uint8_t *p,
		    size_t len, struct err *e);
int served_put_stop(struct served *s, uint32_t id, struct err *e);
/* Keep what has come of large files, for when the client comes again. */
void served_put_save(struct served *s);
void served_put_release(struct served *s);
/* A worker's: all of it is here. */
void served_put_do(struct served *s, struct served_req *r);
/* Parts that nobody has come for; once, at the beginning. */
void served_put_tidy(struct served *s);

/* served_get.c: a worker's. */
void served_get_do(struct served *s, struct served_req *r);

/* served_unmake.c: a worker's. */
int served_unmake(struct served *s, const struct served_req *r,
		  struct err *e);

/* served_rights.c: may this client?  ERR_DENIED, in words. */
int served_rights_put(struct served *s, const struct serve_name *n,
		      struct err *e);
int served_rights_del(struct served *s, const struct serve_name *n,
		      struct err *e);
/* It was deleted. */
void served_rights_deleted(struct served *s, const struct serve_name *n);
void served_rights_tidy(struct served *s);

/* served_quota.c: room for so many bytes, until the end.  ERR_FULL. */
int served_quota_begin(struct served *s, uint64_t bytes, struct err *e);
void served_quota_end(struct served *s, uint64_t bytes);

/* served_journal.c: what was done, in a file that the client cannot reach. */
void served_journal_open(struct served *s);
void served_journal_put(struct served *s, const struct serve_name *n,
			uint64_t bytes);
void served_journal_del(struct served *s, const struct serve_name *n);
void served_journal_refused(struct served *s, const char *why);
void served_journal_close(struct served *s);
/* The day, LOCAL_TRASH_DAY_BYTES; so many days ago. */
void served_journal_day(char *out, unsigned ago);

/* served_confine.c */
/* The file system, before there are threads; then the system calls.  A set of
 * enum serve_confined: what is in force. */
uint32_t served_confine_files(int root);
uint32_t served_confine_calls(void);

#endif
