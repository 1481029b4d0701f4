/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cancel.h"

#include <stddef.h>

void cancel_set(struct cancel *c)
{
	atomic_store(&c->want, 1);
}

bool cancel_wanted(const struct cancel *c)
{
	return c && atomic_load(&c->want);
}

int cancel_check(const struct cancel *c, struct err *e)
{
	if (cancel_wanted(c))
		return err_set(e, ERR_CANCEL, "interrupted");
	return 0;
}
