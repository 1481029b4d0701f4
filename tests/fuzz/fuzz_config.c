/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration, all the way from its bytes into struct config, but for
 * other files.  Besides not crashing: what is wrong is told with its line, and
 * a tree that is written as YAML is read as the same tree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/config/item_priv.h"
#include "tools/config/old.h"
#include "tools/config/schema.h"
#include "tools/config/subst.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

/* A tag is not written, and a key can be too long for one line. */
static bool can_be_written(const struct item *it)
{
	size_t i;

	if (it->tag != ITEM_PLAIN || (it->key && strlen(it->key) > 200))
		return false;
	for (i = 0; i < it->n; i++)
		if (!can_be_written(it->v[i]))
			return false;
	return true;
}

static void write_and_read(const struct item *root)
{
	struct buf text = { .max = 32u << 20 };
	struct item *again = NULL;
	struct err e;

	if (!can_be_written(root) || root->kind != ITEM_MAP || root->n == 0 ||
	    item_write(&text, root, 0, NULL) < 0)
		goto out;
	if (item_parse(&again, "again", (char *)text.p, text.len, &e) < 0 ||
	    !item_equal(root, again)) {
		fprintf(stderr, "%.*s\n", (int)text.len, (char *)text.p);
		abort();
	}
out:
	item_free(again);
	buf_release(&text);
}

/* Looking up the name of this host may take long. */
static bool asks_the_network(const uint8_t *p, size_t len)
{
	return memmem(p, len, "fqdn", 4) != NULL;
}

static void told(int rc, const struct err *e)
{
	if (rc < 0 && (rc != ERR_CONFIG ||
		       strncmp(e->msg, "fuzz, line ", 11) != 0)) {
		fprintf(stderr, "%d: %s\n", rc, e->msg);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct strv warnings = STRV_INIT, secrets = STRV_INIT;
	struct schema_bind_opts o = { .warnings = &warnings };
	struct item *root = NULL;
	struct config c = { 0 };
	struct err e;
	int rc;

	if (len > 1u << 16 || asks_the_network(p, len))
		return 0;
	rc = item_parse(&root, "fuzz", (const char *)p, len, &e);
	told(rc, &e);
	if (rc < 0 || !root)
		return 0;
	write_and_read(root);
	rc = item_merge(root, &e);
	if (rc == 0 && root->kind == ITEM_MAP &&
	    (rc = old_apply(root, &warnings, &e)) == 0 &&
	    (rc = subst_apply(root, true, &e)) == 0 &&
	    (rc = old_apply(root, &warnings, &e)) == 0 &&
	    (rc = old_paths(root, &warnings, &e)) == 0)
		rc = schema_bind(&c, root, &o, &secrets, &e);
	told(rc, &e);
	schema_release(&c);
	strv_release(&warnings);
	strv_release(&secrets);
	item_free(root);
	return 0;
}
