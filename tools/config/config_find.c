/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/config/config.h"

static bool is_yaml(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot > name &&
		(!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

/* The *.yaml and *.yml of a folder, sorted; not those in folders of it. */
static int add_folder(struct strv *out, const char *path, struct err *e)
{
	struct strv here = STRV_INIT;
	struct dirent *d;
	struct stat st;
	size_t i;
	char *name;
	int rc = 0;
	DIR *dir = opendir(path);

	if (!dir)
		return err_set(e, ERR_CONFIG, "%s: the configuration folder "
			       "cannot be read: %s", path, strerror(errno));
	while (rc == 0 && (d = readdir(dir))) {
		if (!is_yaml(d->d_name))
			continue;
		name = mem_printf("%s%s%s", path, path[strlen(path) - 1] ==
				  '/' ? "" : "/", d->d_name);
		if (!name) {
			rc = err_nomem(e);
		} else if (stat(name, &st) == 0 && S_ISDIR(st.st_mode)) {
			free(name);
		} else {
			rc = strv_take(&here, name, e);
		}
	}
	closedir(dir);
	strv_sort(&here);
	for (i = 0; rc == 0 && i < here.n; i++)
		rc = strv_add(out, here.v[i], e);
	strv_release(&here);
	return rc;
}

/* 'usual': one of the default places, which may be missing. */
static int add_place(struct strv *out, const char *path, bool usual,
		     struct err *e)
{
	struct stat st;

	if (*path && stat(path, &st) == 0)
		return S_ISDIR(st.st_mode) ? add_folder(out, path, e) :
			strv_add(out, path, e);
	if (usual && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (usual && errno == EACCES)
		return 0;	/* root's, and we are not root */
	return err_set(e, ERR_CONFIG, "%s: there is no such configuration "
		       "file or folder", path);
}

static int add_usual(struct strv *out, const char *program, struct err *e)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *base, *path[4] = { NULL };
	size_t i;
	int rc = 0;

	base = xdg && *xdg ? mem_str(xdg) :
		mem_printf("%s/.config", home ? home : "");
	path[0] = mem_printf("/etc/%s/config.yaml", program);
	path[1] = mem_printf("/etc/%s.d", program);
	if (base) {
		path[2] = mem_printf("%s/%s/config.yaml", base, program);
		path[3] = mem_printf("%s/%s.d", base, program);
	}
	for (i = 0; rc == 0 && i < 4; i++)
		rc = path[i] ? add_place(out, path[i], true, e) :
			err_nomem(e);
	for (i = 0; i < 4; i++)
		free(path[i]);
	free(base);
	return rc;
}

int config_find(struct strv *out, const struct strv *given, struct err *e)
{
	size_t i, before;
	int rc = 0;

	for (i = 0; rc == 0 && given && i < given->n; i++) {
		before = out->n;
		rc = add_place(out, given->v[i], false, e);
		if (rc == 0 && out->n == before)
			rc = err_set(e, ERR_CONFIG, "%s: no *.yaml or *.yml "
				     "is in this folder", given->v[i]);
	}
	if (rc < 0 || (given && given->n))
		return rc;
	rc = add_usual(out, "muniment", e);
	if (rc == 0 && out->n == 0)
		rc = add_usual(out, "borgmatic", e);
	return rc;
}
