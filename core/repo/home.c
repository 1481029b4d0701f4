/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo/home.h"

#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/proc.h"
#include "codec/key.h"

static char *home_dir(const char *own, const char *xdg, const char *below)
{
	const char *dir = getenv(own);
	const struct passwd *pw;

	if (dir && *dir)
		return mem_str(dir);
	dir = getenv(xdg);
	if (dir && *dir == '/')
		return mem_printf("%s/muniment", dir);
	dir = getenv("HOME");
	if ((!dir || !*dir) && (pw = getpwuid(geteuid())))
		dir = pw->pw_dir;
	if (!dir || !*dir)
		return NULL;
	return mem_printf("%s/%s/muniment", dir, below);
}

char *home_cache(void)
{
	return home_dir("MUNIMENT_CACHE_DIR", "XDG_CACHE_HOME", ".cache");
}

char *home_config(void)
{
	return home_dir("MUNIMENT_CONFIG_DIR", "XDG_CONFIG_HOME", ".config");
}

char *home_state(void)
{
	const char *xdg = getenv("XDG_STATE_HOME");

	/* systemd's StateDirectory= */
	return home_dir("MUNIMENT_STATE_DIR", xdg && *xdg == '/' ?
			"XDG_STATE_HOME" : "STATE_DIRECTORY", ".local/state");
}

char *home_repo_cache(const struct sid *repo, const char *sub)
{
	char hex[SID_HEX_BYTES];
	char *base = home_cache();
	char *path = NULL;

	if (base)
		path = mem_printf("%s/%s%s%s", base, sid_hex(repo, hex),
			sub ? "/" : "", sub ? sub : "");
	free(base);
	if (path && (io_make_dirs(path, NULL) < 0 ||
		     access(path, W_OK | X_OK) < 0)) {
		free(path);
		path = NULL;
	}
	return path;
}

char *home_key_file(const struct sid *repo)
{
	const char *own = getenv("MUNIMENT_KEY_FILE");
	char hex[SID_HEX_BYTES];
	char *base, *path;

	if (!own || !*own)
		own = getenv("BORG_KEY_FILE");
	if (own && *own)
		return mem_str(own);
	own = getenv("MUNIMENT_KEYS_DIR");
	if (!own || !*own)
		own = getenv("BORG_KEYS_DIR");
	if (own && *own)
		return mem_printf("%s/%s", own, sid_hex(repo, hex));
	base = home_config();
	if (!base)
		return NULL;
	path = mem_printf("%s/keys/%s", base, sid_hex(repo, hex));
	free(base);
	return path;
}

/* The first line of a small file, or "". */
static void home_read_line(const char *path, char *out, size_t room)
{
	struct buf b = { NULL, 0, 0, 4096 };

	out[0] = '\0';
	if (io_read_file(AT_FDCWD, path, &b, NULL) == 0 &&
	    buf_cstr(&b, NULL) == 0)
		snprintf(out, room, "%.*s",
			(int)strcspn((char *)b.p, "\n"), (char *)b.p);
	buf_release(&b);
}

static void home_client_from_machine(struct sid *out)
{
	char line[64];
	struct oid h;

	home_read_line("/etc/machine-id", line, sizeof(line));
	key_hash(&h, NULL, "muniment client ", 16, line, strlen(line),
		home_host_name(), strlen(home_host_name()));
	memcpy(out->b, h.b, sizeof(out->b));
}

int home_client_id(struct sid *out, struct err *e)
{
	char line[64], hex[SID_HEX_BYTES + 1];
	char *dir = home_config();
	char *path = dir ? mem_printf("%s/client", dir) : NULL;
	int rc = 0;

	if (dir && !path) {
		rc = err_nomem(e);
		goto out;
	}
	if (path) {
		home_read_line(path, line, sizeof(line));
		if (sid_parse(out, line))
			goto out;
		key_random(out->b, sizeof(out->b));
		sid_hex(out, hex);
		hex[SID_HEX_BYTES - 1] = '\n';
		if (io_make_dirs(dir, NULL) == 0 &&
		    io_publish(AT_FDCWD, path, hex, SID_HEX_BYTES, 0600,
			       NULL) == 0)
			goto out;
	}
	home_client_from_machine(out);
out:
	free(path);
	free(dir);
	return rc;
}

static char home_host_buf[256], home_boot_buf[64];
static uint64_t home_start_ticks, home_ns;
static pthread_once_t home_once = PTHREAD_ONCE_INIT;

static void home_learn(void)
{
	struct proc_id self;

	if (gethostname(home_host_buf, sizeof(home_host_buf) - 1) < 0)
		home_host_buf[0] = '\0';
	home_read_line("/proc/sys/kernel/random/boot_id", home_boot_buf,
		sizeof(home_boot_buf));
	proc_self(&self);
	home_start_ticks = self.start;
	home_ns = self.pidns;
}

const char *home_host_name(void)
{
	pthread_once(&home_once, home_learn);
	return home_host_buf;
}

const char *home_boot_id(void)
{
	pthread_once(&home_once, home_learn);
	return home_boot_buf;
}

uint64_t home_pid_start(void)
{
	pthread_once(&home_once, home_learn);
	return home_start_ticks;
}

uint64_t home_pid_ns(void)
{
	pthread_once(&home_once, home_learn);
	return home_ns;
}
