/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a repository, after its last file: what the server has added to
 * it goes, then the folders.  As long as there is a file, or something in the
 * trash, nothing goes, and above all not what could bring it back or tells
 * who has deleted it.
 */
#include "store/served_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/local_trash.h"
#include "store/ops.h"

static int unmake_any(const char *name, uint64_t size, void *ctx)
{
	(void)name;
	(void)size;
	*(bool *)ctx = true;
	return 1;
}

static int unmake_judge(struct served *s, struct err *e)
{
	uint64_t bytes = 0;
	bool any = false;
	unsigned k;
	int rc = 0;

	if (s->o->append_only)
		return err_set(e, ERR_DENIED, "this client may only add "
			"backups ('muniment serve --append-only')");
	for (k = STORE_ROOT; rc == 0 && k < STORE_KINDS; k++)
		rc = s->store->ops->list(s->store, (enum store_kind)k,
			unmake_any, &any, e);
	if (any)
		return err_set(e, ERR_EXIST, "there are still files in the "
			"repository");
	if (rc == 0)
		rc = local_trash_bytes(s->store, &bytes, e);
	if (rc == 0 && bytes > 0)
		rc = err_set(e, ERR_EXIST, "the repository is gone, but the "
			"server keeps what was deleted: in '%s/" LOCAL_TRASH
			"' there", s->path);
	return rc;
}

/* A folder of the server's, and the files that are in it. */
static void unmake_folder(struct served *s, const char *name)
{
	int fd = openat(s->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
		O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *de;

	if (fd >= 0 && !d)
		close(fd);
	while (d && (de = readdir(d)) != NULL)
		unlinkat(fd, de->d_name, 0);
	if (d)
		closedir(d);
	unlinkat(s->dir, name, AT_REMOVEDIR);
}

int served_unmake(struct served *s, const struct served_req *r, struct err *e)
{
	static const char *const files[] = { "quota", "journal", "journal.1" };
	uint64_t n;
	size_t i;
	int rc;

	if (r->body.len > 0)
		return err_set(e, ERR_CONFIG, "a request that is damaged");
	if ((rc = unmake_judge(s, e)) < 0) {
		if (rc == ERR_DENIED)
			served_journal_refused(s, e->msg);
		return rc;
	}
	/* Its folders are empty. */
	local_trash_expire(s->store, "~", &n, NULL);
	unmake_folder(s, "trash");
	unmake_folder(s, "owners");
	unmake_folder(s, "part");
	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlinkat(s->dir, files[i], 0);
	unlinkat(s->root, "serve", AT_REMOVEDIR);
	return local_unmake_inside(s->store, e);
}
