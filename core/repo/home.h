/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_HOME_H
#define REPO_HOME_H

#include <stdint.h>

#include "base/err.h"
#include "base/sid.h"

/*
 * Folders of the machine: the cache (may vanish at any time, costs only time),
 * the configuration (key files, pins, the machine's client id), and the state
 * (what was done when; losing it costs doing it again).
 * $MUNIMENT_CACHE_DIR or $XDG_CACHE_HOME/muniment or ~/.cache/muniment;
 * $MUNIMENT_CONFIG_DIR or $XDG_CONFIG_HOME/muniment or ~/.config/muniment.
 * $MUNIMENT_STATE_DIR or $XDG_STATE_HOME/muniment, $STATE_DIRECTORY/muniment
 * (systemd's) or ~/.local/state/muniment.
 * All return malloc'ed paths; NULL: no memory, or no home at all.
 */
char *home_cache(void);
char *home_config(void);
char *home_state(void);
/* CACHE/REPO-ID[/sub], made if missing; NULL if it cannot be written: the
 * caller does without. */
char *home_repo_cache(const struct sid *repo, const char *sub);
/* $MUNIMENT_KEY_FILE, $MUNIMENT_KEYS_DIR/REPO-ID or CONFIG/keys/REPO-ID; for
 * both variables borg's are the fallback. */
char *home_key_file(const struct sid *repo);

/* This machine's client id: CONFIG/client, made at the first call; when that
 * cannot be written, made from /etc/machine-id. */
int home_client_id(struct sid *out, struct err *e);

/* Facts about this process, for session files.  Static storage. */
const char *home_host_name(void);
const char *home_boot_id(void);
uint64_t home_pid_start(void);	/* this process's, in ticks; 0: unknown */
uint64_t home_pid_ns(void);	/* its pid namespace; 0: unknown */

#endif
