/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_PLACEHOLDER_H
#define TOOLS_PLACEHOLDER_H

#include "core/core.h"

/*
 * borg's placeholders: {hostname} {fqdn} {reverse-fqdn} {now[:FORMAT]}
 * {utcnow[:FORMAT]} {unixtime} {user} {pid} {uuid4} {borgversion} {borgmajor}
 * {borgminor} {borgpatch}; "{{" and "}}" are braces.  All see the
 * same time, so that a name and a comment agree, until placeholder_now().
 * *out is malloc'ed.  ERR_CONFIG names the placeholder that is not known.
 */
int placeholder_expand(char **out, const char *text, struct err *e);
/* The time is another one from here: that of the next who asks. */
void placeholder_now(void);

/* The name of the user that runs this, or the number; this machine's name.
 * Static storage, or what placeholder_as said. */
const char *placeholder_user(void);
const char *placeholder_host(void);
/* Take these names for them, NULL: the true ones.  They stay the caller's. */
void placeholder_as(const char *host, const char *user);

#endif
