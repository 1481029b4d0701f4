/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/fstab.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool fstab_is_helper(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;
	const char *name = slash ? slash + 1 : argv0;

	return name && (!strcmp(name, "mount.muniment") ||
			!strcmp(name, "mount.fuse.muniment"));
}

/* Options that are ours: variables of the environment. */
static const struct fstab_row {
	const char *option, *variable;
} fstab_row[] = {
	{ "passphrase_file=", "MUNIMENT_PASSPHRASE_FILE" },
	{ "key_file=", "MUNIMENT_KEY_FILE" }
};

static const struct fstab_row *fstab_find(const char *text, size_t len)
{
	size_t i, n;

	for (i = 0; i < sizeof(fstab_row) / sizeof(fstab_row[0]); i++) {
		n = strlen(fstab_row[i].option);
		if (len >= n && !strncmp(text, fstab_row[i].option, n))
			return &fstab_row[i];
	}
	return NULL;
}

/* Options of one -o: ours into the environment, the others into 'rest'. */
static int take_options(struct buf *rest, const char *text, struct err *e)
{
	const struct fstab_row *row;
	size_t len, n;
	char *path;
	int rc = 0;

	for (; rc == 0 && *text; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		if (len == 0)
			continue;
		row = fstab_find(text, len);
		if (!row) {
			rc = buf_printf(rest, e, "%s%.*s", rest->len ? "," :
					"", (int)len, text);
			continue;
		}
		n = strlen(row->option);
		path = mem_printf("%.*s", (int)(len - n), text + n);
		if (!path || setenv(row->variable, path, 1) < 0)
			rc = err_nomem(e);
		free(path);
	}
	return rc;
}

/* The operands stand before the options; getopt(3) finds them anywhere. */
static int take_words(struct buf *rest, int argc, char *const *argv,
		      bool *fake, struct err *e)
{
	int c, rc = 0;

	opterr = 0;
	optind = 1;
	while (rc == 0 && (c = getopt(argc, argv, "fnsvwrN:t:o:")) != -1) {
		if (c == '?')
			return err_set(e, ERR_CONFIG, "mount.muniment has no "
				       "option '-%c'", optopt);
		if (c == 'f')
			*fake = true;
		if (c == 'o')
			rc = take_options(rest, optarg, e);
	}
	if (rc == 0 && argc - optind != 2)
		return err_set(e, ERR_CONFIG, "mount.muniment takes a "
			       "repository and a mount point");
	return rc;
}

int fstab_words(struct strv *out, int argc, char *const *argv, bool *fake,
		struct err *e)
{
	struct buf rest = BUF_INIT;
	char **copy;
	int i, rc;

	*fake = false;
	/* getopt sorts the words. */
	copy = mem_zero((size_t)argc + 1, sizeof(*copy));
	if (!copy)
		return err_nomem(e);
	for (i = 0; i < argc; i++)
		copy[i] = argv[i];
	rc = take_words(&rest, argc, copy, fake, e);
	if (rc == 0)
		rc = strv_add(out, "muniment", e);
	if (rc == 0)
		rc = strv_add(out, "mount", e);
	if (rc == 0 && rest.len > 0 && (rc = buf_cstr(&rest, e)) == 0) {
		rc = strv_add(out, "-o", e);
		if (rc == 0)
			rc = strv_add(out, (char *)rest.p, e);
	}
	for (i = optind; rc == 0 && i < argc; i++)
		rc = strv_add(out, copy[i], e);
	free(copy);
	buf_release(&rest);
	return rc;
}
