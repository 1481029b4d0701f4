/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: servestore [append]
 *
 * "muniment serve" on stdin and stdout for the tests of stores, whose packs
 * are not what their names say: nothing is verified.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/served.h"

static int believe(enum store_kind k, const char *name, const uint8_t *p,
		   size_t len, struct err *e)
{
	(void)k;
	(void)name;
	/* One that says so is damaged: for the scrub. */
	if (len >= 6 && memcmp(p, "rotten", 6) == 0)
		return err_set(e, ERR_CORRUPT, "it is rotten");
	return 0;
}

int main(int argc, char **argv)
{
	struct strv none = STRV_INIT;
	struct served_opts o = { .in = STDIN_FILENO, .out = STDOUT_FILENO,
		.paths = &none, .repositories = &none, .client = "",
		.append_only = argc > 1 && !strcmp(argv[1], "append"),
		.verify = believe };
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	if (served_run(&o, &e) == 0)
		return 0;
	fprintf(stderr, "servestore: %s\n", e.msg);
	return 1;
}
