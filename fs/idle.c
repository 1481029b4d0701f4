/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/idle.h"

#include <string.h>

#define IDLE_NSEC INT64_C(2000000000)
#define IDLE_LOOK 30		/* every so often: the archives anew */
#define IDLE_DROP_MAX 1000	/* names that are told at once */

/* The kernel keeps what was looked at: not of this folder in the archive's
 * root. */
static void idle_drop_folder(struct mount *m, uint64_t root,
			     const struct dir_layer *layer)
{
	struct err e = { ERR_OK, "" };
	const struct entry *en;
	struct tree_iter it;
	unsigned i;
	int rc;

	memset(&it, 0, sizeof(it));
	rc = tree_iter_init(&it, m->rd, &layer->ref, 0, &e);
	for (i = 0; rc == 0 && i < IDLE_DROP_MAX; i++) {
		if (tree_iter_next(&it, &en, &e) <= 0)
			break;
		(void)fuse_lowlevel_notify_inval_entry(m->se, root,
			(const char *)en->name, en->name_len);
	}
	tree_iter_release(&it);
}

static void idle_drop(struct mount *m, struct arch *a)
{
	struct inode_make mk = {
		.parent = inode_get(m->inodes, FUSE_ROOT_ID), .arch = a,
		.place = a->serial, .kind = INODE_ARCH
	};
	uint64_t root = inode_tab_find(m->inodes, &mk);
	unsigned i;

	if (m->o.versions)
		return;		/* that would pull away the folder that
				 * somebody is in: it is in others, too */
	(void)fuse_lowlevel_notify_inval_entry(m->se, FUSE_ROOT_ID, a->name,
					       strlen(a->name));
	/* Something below was in use when its name in the root went: the
	 * archive's root has no name any more, but what is in it has. */
	if (root == 0 || !arch_is_open(a))
		return;
	for (i = 0; i < a->root->n; i++)
		idle_drop_folder(m, root, &a->root->layer[i]);
}

/* Let go of archives that were deleted.  Without a lock, and by no thread that
 * the kernel waits for: it waits here for lookups that are under way. */
static void idle_let_go(struct mount *m)
{
	struct arch *a;
	uint64_t at = 0;

	while ((a = view_next_unlisted(m->view, at)) != NULL) {
		at = a->serial + 1;
		if (inode_tab_of(m->inodes, a) > 0)
			idle_drop(m, a);
		arch_idle(a, &m->ao, m->inodes);
	}
}

void idle_look(struct mount *m)
{
	int64_t now = clock_mono_nsec();

	mount_pin_tick(m->pin);
	if (!m->view || mount_pin_count(m->pin) == 0)
		return;		/* the store is not asked without need */
	if (now - m->idle_nsec < IDLE_NSEC)
		return;
	m->idle_nsec = now;
	if (m->idle_count++ % IDLE_LOOK == 0)
		view_refresh(m->view);
	idle_let_go(m);
}
