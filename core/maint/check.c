/* SPDX-License-Identifier: BSD-2-Clause */
#include "maint/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "maint/check_priv.h"

void check_say(struct check *c, enum check_severity severity,
	       const char *file, const char *archive, const char *path,
	       const char *fmt, ...)
{
	struct check_finding f = {
		.severity = severity, .file = file, .archive = archive,
		.path = path,
	};
	char text[ERR_MSG_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f.text = text;
	if (severity == CHECK_DAMAGE)
		c->res->damage++;
	if (c->o->finding)
		c->o->finding(&f, c->o->ctx);
}

void check_tick(struct check *c, const char *what)
{
	struct check_progress p = { what, c->done, c->total };

	if (c->o->progress)
		c->o->progress(&p, c->o->ctx);
}

int check_run(struct repo *r, const struct check_opts *o,
	      struct check_result *res, struct err *e)
{
	struct err own = { ERR_OK, "" };
	struct check c = { .repo = r, .o = o, .res = res, .e = e ? e : &own };
	int rc;

	memset(res, 0, sizeof(*res));
	if ((rc = repo_require(r, KEY_READ, c.e)) < 0)
		return rc;
	rc = idx_open(&c.idx, r, IDX_READER, c.e);
	if (rc == ERR_CORRUPT) {
		check_say(&c, CHECK_DAMAGE, NULL, NULL, NULL, "%s",
			c.e->msg);
		goto out;
	}
	if (rc == 0 && (o->flags & (CHECK_REPOSITORY | CHECK_DATA)))
		rc = check_packs(&c);
	if (rc == 0 && (o->flags & CHECK_REPOSITORY) && !*res->position)
		rc = check_parity(&c);
	if (rc == 0 && (o->flags & CHECK_ARCHIVES))
		rc = check_archives(&c);
	if (rc == 0 && res->damage)
		rc = err_set(c.e, ERR_CORRUPT, "the repository is damaged: "
			"%llu findings", (unsigned long long)res->damage);
out:
	idx_close(c.idx);
	map_release(&c.damaged);
	map_release(&c.listed);
	return rc;
}
