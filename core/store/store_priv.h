/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_STORE_PRIV_H
#define STORE_STORE_PRIV_H

#include "store/store.h"

/* The words that a store without paths of its own shares with the others. */
int store_say_noent(enum store_kind k, const char *name, struct err *e);
int store_say_exist(enum store_kind k, const char *name, struct err *e);
int store_say_short(enum store_kind k, const char *name, struct err *e);

#endif
