/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/local_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

void local_tmp_remove(const struct local *l, const char *path)
{
	char inner[LAYOUT_PATH_BYTES + sizeof(LAYOUT_INNER)];

	if (local_unlink(l->root, path, 0) == 0 || errno == ENOENT)
		return;
	snprintf(inner, sizeof(inner), "%s" LAYOUT_INNER, path);
	local_unlink(l->root, inner, 0);
	if (local_unlink(l->root, path, AT_REMOVEDIR) < 0)
		log_debug("store", "'%s/%s' stays: %s", l->store.url, path,
			strerror(errno));
}

static bool local_tmp_dead(const struct local *l, int dirfd, const char *name)
{
	struct proc_id writer;
	struct stat st;

	if (!layout_tmp_parse(name, &writer)) {
		log_debug("store", "'%s/tmp/%s' is not ours", l->store.url,
			name);
		return false;
	}
	if (local_lstat(dirfd, name, &st) < 0)
		return false;
	return layout_tmp_dead(&l->self, &writer,
		clock_wall_nsec() / 1000000000 - st.st_mtim.tv_sec);
}

static int local_tmp_judge(int dirfd, const char *name, void *ctx)
{
	const struct local *l = ctx;
	char path[4 + 256];

	if (!local_tmp_dead(l, dirfd, name))
		return 0;
	snprintf(path, sizeof(path), "tmp/%s", name);
	log_debug("store", "removing '%s/%s', whose writer is dead",
		l->store.url, path);
	local_tmp_remove(l, path);
	return 0;
}

void local_tmp_tidy(struct local *l)
{
	int errnum = 0;

	pthread_mutex_lock(&l->tidy_mtx);
	if (!l->tidied)
		errnum = local_each(l->root, "tmp", local_tmp_judge, l);
	l->tidied = true;
	pthread_mutex_unlock(&l->tidy_mtx);
	if (errnum != 0)
		log_debug("store", "'%s/tmp': %s", l->store.url,
			strerror(errnum));
}
