/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_CUTOS_H
#define TESTS_LIB_CUTOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a power cut may leave of a folder.  While it is on, system calls are
 * passed on to what os_now was, and those that worked are followed in a model
 * of the disk that promises only this: bytes are there after fsync or
 * fdatasync of the file, a name is as it was at the last fsync of its folder
 * or as any change since has made it, each name for itself.  Of several
 * threads one call goes on at a time.
 */
void cutos_start(const char *root);
void cutos_stop(void);		/* nothing if it is not on */
/* Called after each call that changed the model; NULL: nothing is. */
void cutos_watch(void (*fn)(void *ctx), void *ctx);

struct cutos_state {
	bool there, folder;
	bool torn;		/* some of its bytes are not safe */
	unsigned file;		/* number of the file, whatever its name */
	const uint8_t *p;
	size_t len;
};
/* All that may be found under a name in the folders of 'path' as they are now.
 * Returns how many; a bug if that is more than 'max'. */
size_t cutos_states(const char *path, struct cutos_state *out, size_t max);
/* Calls fn with the path of each name that may be found in a folder. */
void cutos_names(const char *path, void (*fn)(const char *path, void *ctx),
		 void *ctx);

/*
 * One disk that may be found, as it is now: 'emit' gets each folder before
 * what is in it, and each file.  'pick' decides, a number below n: which of a
 * name's states (0: the one that is safe, n - 1: the newest), how many of a
 * file's bytes that are not safe are there, and whether the rest is zeros (1)
 * or the file is short (0).  To be called by cutos_watch's function.
 */
struct cutos_disk {
	size_t (*pick)(size_t n, void *ctx);
	void (*emit)(const char *path, bool folder, const uint8_t *p,
		     size_t len, void *ctx);
	void *ctx;
};
void cutos_disk(const struct cutos_disk *d);

#endif
