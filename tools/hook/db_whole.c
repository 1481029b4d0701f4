/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/hook/db_whole.h"

#include <stdlib.h>
#include <sys/stat.h>

#define PIECE_BYTES (1u << 20)

int db_whole_extract(struct reader *rd, const struct record *rec,
		     const char *path, const char *to, struct cancel *cancel,
		     struct err *e)
{
	struct extract_opts o = { .threads = 1, .cancel = cancel,
		.destination = to, .patterns = pattern_new(),
		.strip_components = 1, .flags = EXTRACT_NO_XATTRS |
			EXTRACT_NO_ACLS | EXTRACT_NO_FLAGS |
			(to ? 0 : EXTRACT_DRY_RUN) };
	struct extract_result res = { 0 };
	char *rule = mem_printf("pp:%s", path);
	const char *p;
	int rc;

	for (p = path; *p; p++)
		o.strip_components += *p == '/';
	rc = rule && o.patterns ? pattern_add_path(o.patterns, rule, e) :
		err_nomem(e);
	if (rc == 0)
		rc = extract_run(rd, rec, &o, &res, e);
	pattern_free(o.patterns);
	free(rule);
	return rc;
}

/* To its end. */
static int read_all(struct file *f, struct db_seen *seen,
		    struct cancel *cancel, struct err *e)
{
	struct buf b = BUF_INIT;
	size_t got = 1;
	int rc = buf_resize(&b, PIECE_BYTES, e);

	while (rc == 0 && got > 0) {
		if ((rc = cancel_check(cancel, e)) < 0 ||
		    (rc = file_read(f, seen->bytes, b.p, PIECE_BYTES, &got,
				    e)) < 0)
			break;
		db_seen_add(seen, b.p, got);
		file_used(f, seen->bytes);
	}
	buf_release(&b);
	return rc;
}

int db_whole(struct reader *rd, const struct record *rec,
	     const struct db_found *d, const struct config_db *db,
	     struct cancel *cancel, struct err *e)
{
	const struct entry *en = &d->file->e;
	struct db_seen seen = { .bytes = 0 };
	struct file *f = NULL;
	const char *lacks;
	int rc;

	if (S_ISDIR(en->mode))
		return db_whole_extract(rd, rec, d->path, NULL, cancel, e);
	rc = file_open(&f, rd, &en->content, en->size, e);
	if (rc == 0)
		rc = read_all(f, &seen, cancel, e);
	file_close(f);
	if (rc < 0)
		return rc;
	lacks = d->kind->judge ? d->kind->judge(db, &seen) : NULL;
	return lacks ? err_set(e, ERR_CORRUPT, "%s (--to-stdout gives what "
			       "there is of it)", lacks) : 0;
}
