/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mkarchives REPO ARCHIVES FILES: many large archives in a moment.  The first
 * has FILES mails, empty ones, in folders of 10,000; the others, an hour apart,
 * share its trees but for their names.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/create_loose.h"
#include "core/core.h"

#define FOLDER 10000u
#define T0 INT64_C(1700000000)
#define NSEC INT64_C(1000000000)

static unsigned long files;

static int pass_cb(char **pass, const char *url, unsigned attempt,
		   bool confirm, void *ctx, struct err *e)
{
	const char *s = getenv("MUNIMENT_PASSPHRASE");

	(void)url;
	(void)confirm;
	(void)ctx;
	if (!s || attempt > 0)
		return err_set(e, ERR_AUTH, "MUNIMENT_PASSPHRASE is not set");
	*pass = key_alloc(strlen(s) + 1);
	if (!*pass)
		return err_nomem(e);
	memcpy(*pass, s, strlen(s) + 1);
	return 0;
}

static int add_mails(struct create_loose *l, void *ctx, struct err *e)
{
	char path[128];
	struct create_loose_item it = {
		.path = path, .uname = "", .gname = "",
		.en = { .mode = S_IFREG | 0600, .links = 1 }
	};
	unsigned long i;
	int rc = 0;

	(void)ctx;
	(void)e;
	for (i = 0; rc == 0 && i < files; i++) {
		it.path_len = (size_t)snprintf(path, sizeof(path),
			"srv/vmail/example.org/user%04lu/Maildir/cur/"
			"%" PRId64 ".M%luP%lu.mail,S=0,W=0:2,S", i / FOLDER,
			T0 + (int64_t)i, i * 31 % 1000000, i % 30000);
		it.en.mtime.tv_sec = (time_t)(T0 + (int64_t)i);
		rc = create_loose_add(l, &it);
	}
	return rc;
}

static int make_first(struct repo *r, struct create_result *res,
		      struct err *e)
{
	struct create_opts o = {
		.name = "mail-000000", .series = "mail",
		.timestamp_nsec = T0 * NSEC, .comp = COMP_SPEC_DEFAULT,
		.threads_auto = true
	};

	return create_loose_run(r, &o, add_mails, NULL, res, e);
}

static int make_copy(struct repo *r, const struct sid *first, unsigned long no,
		     struct err *e)
{
	static const struct session_opts opts = { .comp = COMP_SPEC_DEFAULT };
	struct catalog_item it = { .deleted = false };
	struct session *s = NULL;
	struct oid id;
	int rc;

	rc = catalog_read(r, first, &it, e);
	if (rc == 0)
		rc = session_begin(&s, r, &opts, e);
	if (rc == 0) {
		free(it.rec.name);
		free(it.rec.seen);
		it.rec.name = mem_printf("mail-%06lu", no);
		it.rec.seen = NULL;
		it.rec.n_seen = 0;
		it.rec.start_nsec += (int64_t)no * 3600 * NSEC;
		it.rec.end_nsec = it.rec.start_nsec;
		memset(&it.rec.prev, 0, sizeof(it.rec.prev));
		rc = it.rec.name ? session_commit(s, &it.rec, &id, e) :
		     err_nomem(e);
	}
	session_free(s);
	record_release(&it.rec);
	return rc;
}

int main(int argc, char **argv)
{
	struct repo_opts o = { .pass = pass_cb };
	const struct catalog_item *first = NULL;
	struct create_result res = { 0 };
	struct catalog *c = NULL;
	struct repo *r = NULL;
	unsigned long n, i;
	struct err e;
	int rc;

	if (argc != 4) {
		fprintf(stderr, "usage: mkarchives REPO ARCHIVES FILES\n");
		return 3;
	}
	n = strtoul(argv[2], NULL, 10);
	files = strtoul(argv[3], NULL, 10);
	err_clear(&e);
	rc = key_setup(&e);
	if (rc == 0)
		rc = repo_open(&r, argv[1], &o, &e);
	if (rc == 0)
		rc = make_first(r, &res, &e);
	if (rc == 0)
		rc = catalog_load(&c, r, &e);
	if (rc == 0)
		rc = catalog_find(c, "mail-000000", &first, &e);
	for (i = 1; rc == 0 && i < n; i++)
		rc = make_copy(r, &first->rec.session, i, &e);
	create_result_release(&res);
	catalog_free(c);
	repo_close(r);
	if (rc < 0)
		fprintf(stderr, "mkarchives: %s\n", e.msg);
	return rc < 0;
}
