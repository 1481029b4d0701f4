/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/spot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "tools/source.h"
#include "tools/talk.h"

#define PART (256u << 10)

struct spot {
	struct task *t;
	struct app *a;
	uint64_t threshold;	/* a random number below it: into the sample */
	uint64_t source, sample, differ;
	struct buf ours, theirs;
	struct err *e;
};

static bool chosen(const struct spot *s)
{
	uint64_t v;

	/* At least one; and all, if there is no randomness. */
	return s->sample == 0 || getrandom(&v, sizeof(v), 0) !=
		(ssize_t)sizeof(v) || v < s->threshold;
}

/* 1: the same; 0: not; < 0: the repository. */
static int same_bytes(struct spot *s, int fd, struct file *f, uint64_t size)
{
	uint64_t off = 0;
	size_t got;
	ssize_t n;
	int rc;

	for (;;) {
		n = pread(fd, s->ours.p, PART, (off_t)off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return 0;
		if (n == 0)
			return off == size;
		rc = file_read(f, off, s->theirs.p, (size_t)n, &got, s->e);
		if (rc < 0)
			return rc;
		if (got != (size_t)n || memcmp(s->ours.p, s->theirs.p, got))
			return 0;
		off += (uint64_t)n;
	}
}

static int same_file(struct spot *s, const struct walk_item *it)
{
	struct tree_iter at = { .rd = NULL };
	const struct entry *en;
	struct file *f = NULL;
	int fd, rc;

	rc = tree_find(&at, s->t->rd, &s->t->it->rec.root, it->stored, &en,
		       s->e);
	if (rc < 0 || !S_ISREG(en->mode)) {
		tree_iter_release(&at);
		return rc == ERR_NOENT ? 0 : rc;
	}
	fd = openat(it->dirfd, it->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
		    O_NONBLOCK);
	rc = fd < 0 ? 0 : file_open(&f, s->t->rd, &en->content, en->size,
				    s->e);
	if (rc == 0 && fd >= 0)
		rc = same_bytes(s, fd, f, en->size);
	file_close(f);
	if (fd >= 0)
		close(fd);
	tree_iter_release(&at);
	return rc;
}

static int on_item(const struct walk_item *it, void *ctx)
{
	struct spot *s = ctx;
	int rc;

	if (it->implicit || S_ISFIFO(it->st.st_mode) ||
	    S_ISSOCK(it->st.st_mode))
		return 0;
	s->source++;
	if (!S_ISREG(it->st.st_mode) || !chosen(s))
		return 0;
	s->sample++;
	rc = same_file(s, it);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		s->differ++;
		talk_warn("spot check: '%s' is not in the archive as it is on "
			  "the disk", it->path);
	}
	return 0;
}

static int judge(const struct spot *s, const struct config_check *row,
		 struct err *e)
{
	uint64_t archived = s->t->it->rec.root.files;
	uint64_t delta = archived > s->source ? archived - s->source :
		s->source - archived;

	if (s->source == 0)
		return err_set(e, ERR_FAILED, "spot check: there are no files "
			       "in the sources");
	if ((double)delta * 100 / (double)s->source >
	    row->count_tolerance_percentage)
		return err_set(e, ERR_FAILED, "spot check: the sources have %"
			       PRIu64 " files, the archive '%s' has %" PRIu64
			       ": more than %g %% difference", s->source,
			       s->t->it->rec.name, archived,
			       row->count_tolerance_percentage);
	if (s->sample && (double)s->differ * 100 / (double)s->sample >
	    row->data_tolerance_percentage)
		return err_set(e, ERR_FAILED, "spot check: %" PRIu64 " of %"
			       PRIu64 " files are not in the archive '%s' as "
			       "they are on the disk: more than %g %%",
			       s->differ, s->sample, s->t->it->rec.name,
			       row->data_tolerance_percentage);
	talk_info("spot check: %" PRIu64 " files, %" PRIu64 " of them "
		  "compared, %" PRIu64 " differ", s->source, s->sample,
		  s->differ);
	return 0;
}

int spot_check(struct task *t, struct app *a, const struct config_check *row,
	       struct err *e)
{
	static const struct walk_ops ops = { .item = on_item };
	const struct config *c = a->config;
	struct source_args none = { .exclude_caches = c->exclude_caches,
		.keep_exclude_tags = c->keep_exclude_tags,
		.exclude_nodump = c->exclude_nodump,
		.one_file_system = c->one_file_system,
		.exclude_if_present = c->exclude_if_present };
	double share = row->data_sample_percentage / 100;
	struct spot s = { .t = t, .a = a, .e = e,
		.threshold = share >= 1 ? UINT64_MAX :
			(uint64_t)(share * 18446744073709551615.0) };
	struct create_opts co = { .name = NULL };
	struct strv sources = STRV_INIT;
	struct source src;
	int rc;

	rc = source_configure(&src, &none, c, &sources, e);
	if (rc == 0)
		rc = buf_resize(&s.ours, PART, e);
	if (rc == 0)
		rc = buf_resize(&s.theirs, PART, e);
	if (rc == 0) {
		source_fill(&src, &none, &co);
		co.walk.cancel = a->cancel;
		rc = walk_run(&co.walk, &ops, &s, e);
	}
	/* What is made, not walked, is in the archive, too. */
	s.source += src.n_streams;
	if (rc == 0)
		rc = judge(&s, row, e);
	source_release(&src);
	strv_release(&sources);
	buf_release(&s.ours);
	buf_release(&s.theirs);
	return rc;
}
