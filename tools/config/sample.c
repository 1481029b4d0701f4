/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/config/sample.h"

#include <string.h>

#include "tools/config/item.h"
#include "tools/config/old.h"
#include "tools/config/schema.h"

static const char head[] =
	"# Configuration of muniment; muniment.yaml(5) says more of each key.\n"
	"# 'muniment config validate' judges it.\n";

static const char head_mailcow[] =
	"#\n"
	"# For mailcow, edit one thing: the path of the repository.  The\n"
	"# passphrase (MUNIMENT_PASSPHRASE or BORG_PASSPHRASE) and the\n"
	"# database's (DBPASS) come from the environment of the container:\n"
	"#\n"
	"#     environment:\n"
	"#       - MUNIMENT_PASSPHRASE=...\n"
	"#       - DBNAME=${DBNAME}\n"
	"#       - DBUSER=${DBUSER}\n"
	"#       - DBPASS=${DBPASS}\n";

static const char mailcow[] =
	"source_directories:\n"
	"  - /mnt/source\n"
	"repositories:\n"
	"  - path: ssh://user@backup.example.com:22/./mailcow\n"
	"    label: offsite\n"
	"exclude_patterns:\n"
	"  - /mnt/source/postfix/public/\n"
	"  - /mnt/source/postfix/private/\n"
	"  - /mnt/source/rspamd/rspamd.sock\n"
	"keep_hourly: 24\n"
	"keep_daily: 7\n"
	"keep_weekly: 4\n"
	"keep_monthly: 6\n"
	"mariadb_databases:\n"
	"  - name: ${DBNAME:-mailcow}\n"
	"    username: ${DBUSER:-mailcow}\n"
	"    password: ${DBPASS}\n"
	"    tls: false\n"
	"    options: --default-character-set=utf8mb4\n";

#define WIDTH 78

/* A paragraph as comment lines. */
static int put_comment(struct buf *out, const char *text, struct err *e)
{
	size_t at = 0, len, room = WIDTH - 2;
	int rc = buf_printf(out, e, "\n#");

	for (; rc == 0 && *text; text += len + strspn(text + len, " ")) {
		len = strcspn(text, " ");
		if (at && at + 1 + len > room) {
			rc = buf_printf(out, e, "\n#");
			at = 0;
		}
		if (rc == 0)
			rc = buf_printf(out, e, " %.*s", (int)len, text);
		at += len + 1;
	}
	return rc == 0 ? buf_printf(out, e, "\n") : rc;
}

/* "key: example", each line a comment. */
static int put_example(struct buf *out, const struct schema_row *row,
		       struct err *e)
{
	const char *p = row->example;
	size_t len;
	int rc;

	rc = buf_printf(out, e, "#%s:%s", row->name, *p == '\n' ? "" : " ");
	while (rc == 0 && *p) {
		len = strcspn(p, "\n");
		rc = buf_append(out, p, len, e);
		p += len;
		if (rc == 0 && *p == '\n') {
			rc = buf_printf(out, e, "\n#");
			p++;
		}
	}
	return rc == 0 ? buf_printf(out, e, "\n") : rc;
}

static int put_row(struct buf *out, const struct schema_row *row,
		   const struct item *root, struct err *e)
{
	const struct item *it = item_get(root, row->name);
	int rc;

	if (!it && (row->flags & SCHEMA_EXPERT || row->use == SCHEMA_IDLE))
		return 0;
	if ((rc = put_comment(out, row->help, e)) < 0)
		return rc;
	if (row->use == SCHEMA_IDLE &&
	    (rc = buf_printf(out, e, "# Without effect: %s.\n",
			     row->note)) < 0)
		return rc;
	if (!it)
		return put_example(out, row, e);
	rc = buf_printf(out, e, "%s:", row->name);
	if (rc == 0)
		rc = item_write(out, it, 4, e);
	return rc == 0 ? buf_printf(out, e, "\n") : rc;
}

static int put_rows(struct buf *out, const struct item *root, struct err *e)
{
	const struct schema_group *g;
	const struct schema_row *row;
	int rc = 0;

	for (g = schema_groups; rc == 0 && g->title; g++) {
		rc = buf_printf(out, e, "\n\n# --- %s ---\n", g->title);
		for (row = g->row; rc == 0 && row->type != SCHEMA_END; row++)
			rc = put_row(out, row, root, e);
	}
	return rc;
}

/* A key that we do not know would be lost. */
static int judge(const struct item *root, struct err *e)
{
	size_t i;

	for (i = 0; i < root->n; i++)
		if (!schema_find(NULL, root->v[i]->key,
				 strlen(root->v[i]->key), 0))
			return item_key_error(root->v[i], e, "'%s' is no key "
					      "that is known here",
					      root->v[i]->key);
	return 0;
}

static int read_source(struct item **root, const char *source,
		       struct strv *names, struct strv *warnings,
		       struct err *e)
{
	struct item_source s = { .names = names };
	int rc = item_load(root, source, &s, e);

	if (rc < 0)
		return rc;
	if (!*root || (*root)->kind != ITEM_MAP)
		return err_set(e, ERR_CONFIG, "%s: a configuration is keys "
			       "with values", source);
	if ((rc = old_apply(*root, warnings, e)) < 0 ||
	    (rc = old_paths(*root, warnings, e)) < 0)
		return rc;
	return judge(*root, e);
}

int sample_write(struct buf *out, const char *source, struct strv *warnings,
		 struct err *e)
{
	struct strv names = STRV_INIT;
	struct item *root = NULL;
	int rc;

	rc = source ? read_source(&root, source, &names, warnings, e) :
		item_parse(&root, "sample", mailcow, sizeof(mailcow) - 1, e);
	if (rc == 0)
		rc = buf_printf(out, e, "%s%s", head,
				source ? "" : head_mailcow);
	if (rc == 0)
		rc = put_rows(out, root, e);
	item_free(root);
	strv_release(&names);
	return rc;
}
