/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lib/fiber.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/lib/world.h"

#define FIBER_STACK_BYTES (4u << 20)	/* touched as needed */
#define FIBER_LEAVE_BYTES 512		/* of the frames that leave it */

struct fiber {
	ucontext_t here, back;
	fiber_fn *fn;
	void *arg;
	char *stack;
	char *low;			/* nothing below it matters */
	bool ended;
	/* What AddressSanitizer keeps of a stack that is left. */
	void *here_fake, *back_fake;
	const void *back_stack;
	size_t back_bytes;
};

static struct fiber *fiber_now;

#ifdef __SANITIZE_ADDRESS__
void __sanitizer_start_switch_fiber(void **fake, const void *bottom,
				    size_t size);
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom,
				     size_t *size);
#else
static void __sanitizer_start_switch_fiber(void **fake, const void *bottom,
					   size_t size)
{
	(void)fake;
	(void)bottom;
	(void)size;
}

static void __sanitizer_finish_switch_fiber(void *fake, const void **bottom,
					    size_t *size)
{
	(void)fake;
	(void)bottom;
	(void)size;
}
#endif

static void fiber_leave(struct fiber *f)
{
	f->low = (char *)__builtin_frame_address(0) - FIBER_LEAVE_BYTES;
	__sanitizer_start_switch_fiber(f->ended ? NULL : &f->here_fake,
		f->back_stack, f->back_bytes);
	swapcontext(&f->here, &f->back);
	__sanitizer_finish_switch_fiber(f->here_fake, &f->back_stack,
		&f->back_bytes);
}

static void fiber_main(void)
{
	struct fiber *f = fiber_now;

	__sanitizer_finish_switch_fiber(NULL, &f->back_stack, &f->back_bytes);
	f->fn(f->arg);
	f->ended = true;
	fiber_leave(f);
}

struct fiber *fiber_new(fiber_fn *fn, void *arg)
{
	struct fiber *f = calloc(1, sizeof(*f));

	if (!f || getcontext(&f->here) < 0)
		world_die("no memory", NULL);
	f->fn = fn;
	f->arg = arg;
	f->stack = mmap(NULL, FIBER_STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f->stack == MAP_FAILED)
		world_die("no memory", NULL);
	f->low = f->stack + FIBER_STACK_BYTES;
	f->here.uc_stack.ss_sp = f->stack;
	f->here.uc_stack.ss_size = FIBER_STACK_BYTES;
	makecontext(&f->here, fiber_main, 0);
	return f;
}

bool fiber_go(struct fiber *f)
{
	fiber_now = f;
	__sanitizer_start_switch_fiber(&f->back_fake, f->stack,
		FIBER_STACK_BYTES);
	swapcontext(&f->back, &f->here);
	__sanitizer_finish_switch_fiber(f->back_fake, NULL, NULL);
	fiber_now = NULL;
	return !f->ended;
}

struct fiber *fiber_current(void)
{
	return fiber_now;
}

void fiber_stop(void)
{
	fiber_leave(fiber_now);
}

void fiber_stack(const struct fiber *f, void **from, size_t *len)
{
	*from = f->ended ? f->stack : f->low;
	*len = f->ended ? 0 : (size_t)(f->stack + FIBER_STACK_BYTES - f->low);
}

void fiber_free(struct fiber *f)
{
	if (!f)
		return;
	munmap(f->stack, FIBER_STACK_BYTES);
	free(f);
}
