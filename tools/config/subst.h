/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_SUBST_H
#define CONFIG_SUBST_H

#include "tools/config/item.h"

/*
 * In every value below 'root': the names of its "constants:", as {name}
 * (\{name\} stays {name}; quoted for the shell in commands), then, if 'env',
 * ${NAME}, ${NAME-default} and ${NAME:-default} (\${NAME} stays ${NAME}; the
 * default is used if the variable is not there).  ERR_CONFIG.
 */
int subst_apply(struct item *root, bool env, struct err *e);

/* How credentials are found. */
struct subst_places {
	const char *secrets_directory;		/* of containers */
	const char *encrypted_directory;	/* of systemd-creds */
	const char *systemd_creds;		/* the program */
};
/*
 * The value of "{credential file PATH}", "{credential container NAME}",
 * "{credential systemd NAME}" into *out, without its last line end; NULL: it
 * is no such thing.  Wipe and free it.  ERR_CONFIG.
 */
int subst_credential(char **out, const struct item *it,
		     const struct subst_places *at, struct err *e);

#endif
