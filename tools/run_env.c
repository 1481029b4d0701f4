/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/run_env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/placeholder.h"
#include "tools/remote.h"

/* 'value' NULL: take it away. */
static int set(struct run_env *v, const char *name, const char *value,
	       struct err *e)
{
	const char *was = getenv(name);
	char *kept = was ? mem_printf("%s=%s", name, was) : mem_str(name);
	int rc;

	if (!kept)
		return err_nomem(e);
	if ((rc = strv_take(&v->saved, kept, e)) < 0)
		return rc;
	if (value ? setenv(name, value, 1) : unsetenv(name))
		return err_errno(e, errno, "cannot set %s", name);
	return 0;
}

static int set_if(struct run_env *v, const char *name, const char *value,
		  struct err *e)
{
	return value ? set(v, name, value, e) : 0;
}

static int set_below(struct run_env *v, const char *name, const char *base,
		     const char *below, struct err *e)
{
	char *path;
	int rc;

	if (!base)
		return 0;
	path = mem_printf("%s/%s", base, below);
	if (!path)
		return err_nomem(e);
	rc = set(v, name, path, e);
	free(path);
	return rc;
}

/* The configuration's passphrase takes the place of any other. */
static int set_passphrase(struct run_env *v, const struct config *c,
			  struct err *e)
{
	static const char *const others[] = {
		"MUNIMENT_PASSPHRASE", "MUNIMENT_PASSPHRASE_FILE",
		"MUNIMENT_PASSCOMMAND", "MUNIMENT_PASSPHRASE_FD",
		"BORG_PASSPHRASE", "BORG_PASSPHRASE_FILE", "BORG_PASSCOMMAND",
		"BORG_PASSPHRASE_FD"
	};
	size_t i;
	int rc = 0;

	if (!c->encryption_passphrase && !c->encryption_passcommand &&
	    !c->encryption_passphrase_file)
		return 0;
	for (i = 0; rc == 0 && i < sizeof(others) / sizeof(others[0]); i++)
		rc = set(v, others[i], NULL, e);
	if (rc < 0)
		return rc;
	if (c->encryption_passphrase)
		return set(v, "MUNIMENT_PASSPHRASE", c->encryption_passphrase,
			   e);
	if (c->encryption_passcommand)
		return set(v, "MUNIMENT_PASSCOMMAND",
			   c->encryption_passcommand, e);
	return set(v, "MUNIMENT_PASSPHRASE_FILE",
		   c->encryption_passphrase_file, e);
}

static int set_all(struct run_env *v, const struct config *c, struct err *e)
{
	const char *base = c->borg_base_directory;
	int rc = set_passphrase(v, c, e);

	if (rc == 0)
		rc = set_below(v, "MUNIMENT_CACHE_DIR", base,
			       ".cache/muniment", e);
	if (rc == 0)
		rc = set_below(v, "MUNIMENT_CONFIG_DIR", base,
			       ".config/muniment", e);
	if (rc == 0)
		rc = set_if(v, "MUNIMENT_CACHE_DIR", c->borg_cache_directory,
			    e);
	if (rc == 0)
		rc = set_if(v, "MUNIMENT_CONFIG_DIR",
			    c->borg_config_directory, e);
	if (rc == 0)
		rc = set_if(v, "MUNIMENT_KEYS_DIR", c->borg_keys_directory, e);
	if (rc == 0)
		rc = set_if(v, "MUNIMENT_KEY_FILE", c->borg_key_file, e);
	if (rc == 0)
		rc = set_if(v, "TMPDIR", c->temporary_directory, e);
	return rc;
}

static bool given(const struct app *a, const char *name)
{
	unsigned i;

	return a->given && opt_find(app_groups, 0, name, &i) &&
		a->given->seen[i];
}

static void set_options(struct app *a, const struct config *c)
{
	struct app_opts *o = &a->o;

	if (!given(a, "lock-wait"))
		o->lock_wait = c->lock_wait > INT32_MAX ? INT32_MAX :
			(unsigned)c->lock_wait;
	if (!given(a, "umask"))
		o->umask = c->umask;
	if (c->ssh_command && !given(a, "rsh"))
		o->rsh = c->ssh_command;
	if (c->remote_path && !given(a, "remote-path"))
		o->remote_path = c->remote_path;
	if (c->upload_rate_limit > 0 && !given(a, "upload-ratelimit"))
		o->upload_kib = c->upload_rate_limit > INT32_MAX ? INT32_MAX :
			(unsigned)c->upload_rate_limit;
	if (c->progress && !given(a, "progress") && !given(a, "no-progress"))
		o->progress = APP_PROGRESS_ON;
}

static int change_dir(struct run_env *v, const struct config *c,
		      struct err *e)
{
	if (!c->working_directory)
		return 0;
	v->cwd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->cwd < 0)
		return err_errno(e, errno, "cannot open the current folder");
	if (chdir(c->working_directory) < 0) {
		const char *why = strerror(errno);

		return config_error(c, "working_directory", e,
				    "cannot change to '%s': %s",
				    c->working_directory, why);
	}
	return 0;
}

int run_env_enter(struct run_env *v, struct app *a, const struct config *c,
		  struct err *e)
{
	int rc;

	memset(v, 0, sizeof(*v));
	v->cwd = -1;
	v->o = a->o;
	set_options(a, c);
	v->umask = umask((mode_t)a->o.umask);
	placeholder_as(c->archive_hostname, c->archive_username);
	rc = set_all(v, c, e);
	if (rc == 0)
		rc = remote_setup(a, e);
	return rc < 0 ? rc : change_dir(v, c, e);
}

static void restore(char *line)
{
	char *eq = strchr(line, '=');

	if (!eq) {
		unsetenv(line);
		return;
	}
	*eq = 0;
	setenv(line, eq + 1, 1);
	key_wipe(eq + 1, strlen(eq + 1));
}

void run_env_leave(struct run_env *v, struct app *a)
{
	size_t i;

	if (v->cwd >= 0) {
		if (fchdir(v->cwd) < 0)
			a->warned = true;
		close(v->cwd);
	}
	umask(v->umask);
	placeholder_as(NULL, NULL);
	for (i = v->saved.n; i > 0; i--)
		restore(v->saved.v[i - 1]);
	strv_release(&v->saved);
	a->o = v->o;
	if (remote_setup(a, NULL) < 0)
		a->warned = true;
}
