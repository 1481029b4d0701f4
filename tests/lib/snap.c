/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/snap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/world.h"

#define SNAP_DEPTH 1024
#define SNAP_PARTS 64
#define SNAP_PAGE_BYTES 4096u
#define SNAP_PAGES 16384u		/* of heap, that malloc() may need */

struct snap_part {
	char *p;
	size_t len;
};
/* Not among the program's variables: those are put back. */
struct snaps {
	struct fiber *const *fiber;
	unsigned n_fibers;
	struct snap_part part[SNAP_PARTS];
	unsigned n;
	char *heap;
	unsigned char page[SNAP_PAGES];
	struct {
		char *p;		/* pages, parts, stacks */
		size_t cap;
		uint16_t *page;		/* which ones */
		size_t pages;
	} at[SNAP_DEPTH];
};
static struct snaps *snaps;

bool snap_can(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return false;
#else
	return true;
#endif
}

static void *snap_map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		world_die("no memory", NULL);
	return p;
}

static bool snap_stack_of(const struct snaps *s, const char *p, size_t len)
{
	size_t n;
	void *at;
	unsigned i;

	for (i = 0; i < s->n_fibers; i++) {
		fiber_stack(s->fiber[i], &at, &n);
		if ((char *)at >= p && (char *)at < p + len)
			return true;
	}
	return false;
}

/* Variables of libraries, of which core uses few in a sim. */
static bool snap_library(const char *line)
{
	return strstr(line, ".so") && !strstr(line, "/libc.") &&
		!strstr(line, "/libsodium.") && !strstr(line, "/libzstd.");
}

/* Everything that can be written, but for stacks and the heap. */
static void snap_find(struct snaps *s, FILE *f)
{
	unsigned long from, to;
	char line[512];

	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, " rw-p ") || strstr(line, "[stack]") ||
		    snap_library(line) ||
		    sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		if (strstr(line, "[heap]")) {
			s->heap = (char *)from;
		} else if (!snap_stack_of(s, (char *)from, to - from)) {
			if (s->n == SNAP_PARTS)
				world_die("too many parts of memory", NULL);
			s->part[s->n++] = (struct snap_part) {
				(char *)from, to - from };
		}
	}
}

void snap_begin(struct fiber *const *fiber, unsigned n)
{
	static struct snaps s;
	uintptr_t at;
	FILE *f;
	void *p;

	s = (struct snaps) { .fiber = fiber, .n_fibers = n };
	malloc_trim(0);			/* what is free is no page of it */
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT32_MAX);
	if (!(p = malloc(SNAP_PAGES / 2 * SNAP_PAGE_BYTES)))
		world_die("no memory", NULL);
	at = (uintptr_t)p;
	free(p);
	if (!(f = fopen("/proc/self/maps", "r")))
		world_die("/proc/self/maps", NULL);
	snap_find(&s, f);
	fclose(f);
	if (at < (uintptr_t)s.heap || at >= (uintptr_t)sbrk(0))
		world_die("malloc() has its memory elsewhere", NULL);
	snaps = snap_map(sizeof(s));	/* now: it is none of the parts */
	*snaps = s;
}

/* Pages of the heap that were ever written: of a large block that malloc()
 * gave most may never be. */
static size_t snap_heap(struct snaps *s, uint16_t *page)
{
	/* Above it malloc() has given nothing. */
	size_t n = ((size_t)((char *)sbrk(0) - s->heap) -
		mallinfo2().keepcost) / SNAP_PAGE_BYTES + 1;
	size_t i, pages = 0;

	if (n > SNAP_PAGES ||
	    mincore(s->heap, n * SNAP_PAGE_BYTES, s->page) < 0)
		world_die("the heap", NULL);
	for (i = 0; i < n; i++)
		if (s->page[i] & 1)
			page[pages++] = (uint16_t)i;
	return pages;
}

static size_t snap_bytes(const struct snaps *s, size_t pages)
{
	size_t sum = pages * SNAP_PAGE_BYTES, len;
	unsigned i;
	void *p;

	for (i = 0; i < s->n; i++)
		sum += s->part[i].len;
	for (i = 0; i < s->n_fibers; i++) {
		fiber_stack(s->fiber[i], &p, &len);
		sum += len;
	}
	return sum;
}

static void snap_room(struct snaps *s, unsigned depth)
{
	size_t len;

	if (depth >= SNAP_DEPTH)
		world_die("too deep", NULL);
	if (!s->at[depth].page)
		s->at[depth].page = snap_map(SNAP_PAGES * sizeof(uint16_t));
	s->at[depth].pages = snap_heap(s, s->at[depth].page);
	len = snap_bytes(s, s->at[depth].pages);
	if (len <= s->at[depth].cap)
		return;
	if (s->at[depth].p)
		munmap(s->at[depth].p, s->at[depth].cap);
	s->at[depth].cap = len + len / 4;
	s->at[depth].p = snap_map(s->at[depth].cap);
}

void snap_save(unsigned depth)
{
	struct snaps *s = snaps;
	size_t i, len;
	char *to;
	void *p;

	snap_room(s, depth);
	to = s->at[depth].p;
	for (i = 0; i < s->at[depth].pages; i++) {
		memcpy(to, s->heap + s->at[depth].page[i] * SNAP_PAGE_BYTES,
			SNAP_PAGE_BYTES);
		to += SNAP_PAGE_BYTES;
	}
	for (i = 0; i < s->n; i++) {
		memcpy(to, s->part[i].p, s->part[i].len);
		to += s->part[i].len;
	}
	for (i = 0; i < s->n_fibers; i++) {
		fiber_stack(s->fiber[i], &p, &len);
		memcpy(to, p, len);
		to += len;
	}
}

void snap_restore(unsigned depth)
{
	struct snaps *s = snaps;
	const char *from = s->at[depth].p;
	size_t i, len;
	void *p;

	for (i = 0; i < s->at[depth].pages; i++) {
		memcpy(s->heap + s->at[depth].page[i] * SNAP_PAGE_BYTES, from,
			SNAP_PAGE_BYTES);
		from += SNAP_PAGE_BYTES;
	}
	for (i = 0; i < s->n; i++) {
		memcpy(s->part[i].p, from, s->part[i].len);
		from += s->part[i].len;
	}
	for (i = 0; i < s->n_fibers; i++) {	/* as they are there again */
		fiber_stack(s->fiber[i], &p, &len);
		memcpy(p, from, len);
		from += len;
	}
}

void snap_end(void)
{
	struct snaps *s = snaps;
	unsigned i;

	for (i = 0; i < SNAP_DEPTH; i++) {
		if (s->at[i].p)
			munmap(s->at[i].p, s->at[i].cap);
		if (s->at[i].page)
			munmap(s->at[i].page, SNAP_PAGES * sizeof(uint16_t));
	}
	munmap(s, sizeof(*s));
}
