/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/state.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *base_of(const struct config *c)
{
	static const char *const var[] = {
		"XDG_STATE_HOME", "STATE_DIRECTORY"
	};
	const struct passwd *pw;
	const char *dir;
	size_t i;

	if (c && c->user_state_directory)
		return mem_str(c->user_state_directory);
	for (i = 0; i < sizeof(var) / sizeof(var[0]); i++) {
		dir = getenv(var[i]);
		/* systemd may give several. */
		if (dir && *dir == '/')
			return mem_printf("%.*s", (int)strcspn(dir, ":"),
					  dir);
	}
	dir = getenv("HOME");
	if ((!dir || !*dir) && (pw = getpwuid(geteuid())))
		dir = pw->pw_dir;
	return mem_printf("%s/.local/state", dir && *dir ? dir : "/root");
}

char *state_dir(const struct config *c, const char *sub,
		const struct sid *repo, struct err *e)
{
	char hex[SID_HEX_BYTES];
	char *base = base_of(c), *path = NULL;

	if (base)
		path = mem_printf("%s/muniment/%s/%s", base, sub,
				  sid_hex(repo, hex));
	free(base);
	if (!path) {
		err_nomem(e);
		return NULL;
	}
	if (io_make_dirs(path, e) < 0) {
		free(path);
		return NULL;
	}
	return path;
}
