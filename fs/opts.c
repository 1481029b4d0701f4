/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/opts.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum opts_what {
	OPTS_FLAG,		/* sets a bool */
	OPTS_UID, OPTS_GID, OPTS_UMASK, OPTS_FSNAME,
	OPTS_PASS,
	OPTS_DROP,
	OPTS_REFUSE
};
struct opts_row {
	const char *name;
	enum opts_what what;
	size_t at;		/* OPTS_FLAG */
	const char *why;	/* OPTS_REFUSE */
};

static const struct opts_row opts_row[] = {
	{ "allow_other", OPTS_FLAG, offsetof(struct opts, allow_other), NULL },
	{ "ignore_permissions", OPTS_FLAG,
	  offsetof(struct opts, ignore_permissions), NULL },
	{ "nonempty", OPTS_FLAG, offsetof(struct opts, nonempty), NULL },
	{ "versions", OPTS_FLAG, offsetof(struct opts, versions), NULL },
	{ "uid", OPTS_UID, 0, NULL },
	{ "gid", OPTS_GID, 0, NULL },
	{ "umask", OPTS_UMASK, 0, NULL },
	{ "fsname", OPTS_FSNAME, 0, NULL },
	{ "exec", OPTS_PASS, 0, NULL },
	{ "noexec", OPTS_PASS, 0, NULL },
	{ "atime", OPTS_PASS, 0, NULL },
	{ "noatime", OPTS_PASS, 0, NULL },
	{ "allow_root", OPTS_PASS, 0, NULL },
	/* What mount(8) and fstab say without meaning us; the mount is always
	 * ro, nosuid, nodev. */
	{ "ro", OPTS_DROP, 0, NULL },
	{ "rw", OPTS_DROP, 0, NULL },
	{ "nosuid", OPTS_DROP, 0, NULL },
	{ "nodev", OPTS_DROP, 0, NULL },
	{ "suid", OPTS_DROP, 0, NULL },
	{ "dev", OPTS_DROP, 0, NULL },
	{ "relatime", OPTS_DROP, 0, NULL },
	{ "default_permissions", OPTS_DROP, 0, NULL },
	{ "defaults", OPTS_DROP, 0, NULL },
	{ "auto", OPTS_DROP, 0, NULL },
	{ "noauto", OPTS_DROP, 0, NULL },
	{ "user", OPTS_DROP, 0, NULL },
	{ "users", OPTS_DROP, 0, NULL },
	{ "nouser", OPTS_DROP, 0, NULL },
	{ "nofail", OPTS_DROP, 0, NULL },
	{ "_netdev", OPTS_DROP, 0, NULL },
	{ "allow_damaged_files", OPTS_REFUSE, 0, "zeroes in place of lost "
	  "bytes are never shown; a damaged file cannot be read, all others "
	  "can" },
};

static const struct opts_row *opts_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(opts_row) / sizeof(opts_row[0]); i++)
		if (strcmp(opts_row[i].name, name) == 0)
			return &opts_row[i];
	return NULL;
}

static int opts_number(const char *name, const char *value, int base,
		       unsigned long max, unsigned long *out, struct err *e)
{
	char *end = NULL;

	errno = 0;
	if (value && *value >= '0' && *value <= '9')
		*out = strtoul(value, &end, base);
	if (!end || *end || errno || *out > max)
		return err_set(e, ERR_CONFIG, "mount option '%s' needs %s, as "
			       "in %s", name,
			       base == 8 ? "an octal number" : "a number",
			       base == 8 ? "umask=0077" : "uid=5000");
	return 0;
}

static int opts_id(const char *name, const char *value, bool *has,
		   unsigned *out, struct err *e)
{
	unsigned long n = 0;
	int rc = opts_number(name, value, 10, UINT32_MAX - 1ul, &n, e);

	if (rc < 0)
		return rc;
	*has = true;
	*out = (unsigned)n;
	return 0;
}

static int opts_umask(struct opts *o, const char *value, struct err *e)
{
	unsigned long n = 0;
	int rc = opts_number("umask", value, 8, 0777, &n, e);

	if (rc < 0)
		return rc;
	o->has_umask = true;
	o->umask = (mode_t)n;
	return 0;
}

static int opts_fsname(struct opts *o, const char *value, struct err *e)
{
	if (!value || !*value)
		return err_set(e, ERR_CONFIG, "mount option 'fsname' needs a "
			       "name");
	free(o->fsname);
	o->fsname = mem_str(value);
	return o->fsname ? 0 : err_nomem(e);
}

static int opts_apply(struct opts *o, const struct opts_row *row,
		      const char *value, struct err *e)
{
	switch (row->what) {
	case OPTS_UID:
		return opts_id("uid", value, &o->has_uid, &o->uid, e);
	case OPTS_GID:
		return opts_id("gid", value, &o->has_gid, &o->gid, e);
	case OPTS_UMASK:
		return opts_umask(o, value, e);
	case OPTS_FSNAME:
		return opts_fsname(o, value, e);
	case OPTS_REFUSE:
		return err_set(e, ERR_CONFIG, "mount option '%s': %s",
			       row->name, row->why);
	case OPTS_FLAG:
	case OPTS_PASS:
	case OPTS_DROP:
		break;
	}
	if (value)
		return err_set(e, ERR_CONFIG, "mount option '%s' takes no "
			       "value", row->name);
	if (row->what == OPTS_FLAG)
		*(bool *)((char *)o + row->at) = true;
	if (row->what == OPTS_PASS)
		return buf_printf(&o->pass, e, ",%s", row->name);
	return 0;
}

static int opts_one(struct opts *o, char *word, struct err *e)
{
	char *value = strchr(word, '=');
	const struct opts_row *row;

	/* For systemd and mount(8), not for us. */
	if (strncmp(word, "x-", 2) == 0 || strncmp(word, "X-", 2) == 0 ||
	    strncmp(word, "comment=", 8) == 0)
		return 0;
	if (value)
		*value++ = '\0';
	row = opts_find(word);
	if (!row)
		return err_set(e, ERR_CONFIG, "there is no mount option '%s'",
			       word);
	return opts_apply(o, row, value, e);
}

int opts_parse(struct opts *o, const char *text, struct err *e)
{
	char *copy, *at, *word;
	int rc = 0;

	memset(o, 0, sizeof(*o));
	copy = mem_str(text ? text : "");
	if (!copy)
		return err_nomem(e);
	for (at = copy; rc == 0 && (word = strsep(&at, ",")) != NULL;)
		if (*word)
			rc = opts_one(o, word, e);
	free(copy);
	if (rc == 0)
		rc = buf_cstr(&o->pass, e);
	return rc;
}

void opts_release(struct opts *o)
{
	free(o->fsname);
	buf_release(&o->pass);
	memset(o, 0, sizeof(*o));
}
