/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TARFILE_H
#define TOOLS_TARFILE_H

#include "tools/child.h"

/*
 * The tar file of export-tar and import-tar, through a filter if its name or
 * --tar-filter says so.  A new file gets its name when it is complete; "-" is
 * standard output or input; what is there and is no regular file is written
 * to as it is.
 */
struct tarfile {
	int fd;			/* for the tar stream */
	struct child child;	/* the filter */
	char *path, *tmp;	/* of a new file */
	struct strv filter;
	bool reading;
};
/* 'filter': NULL or "auto": by the end of the name. */
int tarfile_create(struct tarfile *t, const char *name, const char *filter,
		   struct err *e);
int tarfile_open(struct tarfile *t, const char *name, const char *filter,
		 struct err *e);
/* All was written, or read: waits for the filter, names the file. */
int tarfile_finish(struct tarfile *t, struct err *e);
/* Ends the filter, removes what is not finished.  Zeroed with fd -1: ok. */
void tarfile_release(struct tarfile *t);

/* The filter's command for a name, or NULL: none. */
const char *tarfile_filter(const char *name, bool decompress);

#endif
