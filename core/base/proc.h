/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdint.h>

/*
 * Which process was it, and can it still be running?  Asked of those who left
 * something behind; the answer may decide what is tried first or tidied away,
 * never whether data may be deleted.
 */
struct proc_id {
	uint64_t host;		/* hash of node name and machine id */
	uint64_t boot;		/* hash of the kernel's boot id; 0: unknown */
	uint64_t pidns;		/* number of the process id namespace */
	uint64_t start;		/* of the process, in ticks since boot */
	uint32_t pid;
};

enum proc_state {
	PROC_ALIVE,
	PROC_DEAD,
	PROC_UNKNOWN		/* another host or container: out of sight */
};

void proc_self(struct proc_id *id);
/* What 'self' can say of 'other'. */
enum proc_state proc_look(const struct proc_id *self,
			  const struct proc_id *other);

#endif
