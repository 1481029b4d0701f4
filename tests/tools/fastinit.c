/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fastinit PATH...: make repositories whose passphrase, $MUNIMENT_PASSPHRASE,
 * is turned into a key as quickly as it may be, for tests that run the program
 * hundreds of times.  What protects the passphrase is no part of what they
 * test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

static int pass_cb(char **pass, const char *url, unsigned attempt,
		   bool confirm, void *ctx, struct err *e)
{
	const char *s = getenv("MUNIMENT_PASSPHRASE");

	(void)url;
	(void)confirm;
	(void)ctx;
	if (!s || attempt > 0)
		return err_set(e, ERR_AUTH, "MUNIMENT_PASSPHRASE is not set");
	*pass = key_alloc(strlen(s) + 1);
	if (!*pass)
		return err_nomem(e);
	memcpy(*pass, s, strlen(s) + 1);
	return 0;
}

int main(int argc, char **argv)
{
	struct repo_init init = { .mode = SLOT_REPOKEY, .kdf_mem_kib = 19456 };
	struct repo_opts o = { .pass = pass_cb };
	struct repo *r;
	struct err e;
	int i, rc;

	rc = key_setup(&e);
	for (i = 1; rc == 0 && i < argc; i++) {
		rc = repo_create(&r, argv[i], &init, &o, &e);
		repo_close(r);
	}
	if (rc < 0)
		fprintf(stderr, "fastinit: %s\n", e.msg);
	return rc < 0;
}
