/* SPDX-License-Identifier: BSD-2-Clause */
/* node_exporter's text format: a metric is a row of the table below. */
#include "tools/health_prometheus.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SEC 1000000000.0

/* A value of the i-th thing that a metric is about; false: it has none. */
typedef bool metric_fn(const struct health *h, size_t i, double *v);
enum metric_of { OF_REPOSITORY, OF_SERIES, OF_CHECK };
struct metric {
	const char *name;
	enum metric_of of;
	const char *help;
	metric_fn *fn;
};

static bool v_status(const struct health *h, size_t i, double *v)
{
	(void)i;
	*v = h->level;
	return true;
}

static bool v_up(const struct health *h, size_t i, double *v)
{
	(void)i;
	*v = h->reached;
	return !h->local;
}

static bool v_archives(const struct health *h, size_t i, double *v)
{
	(void)i;
	*v = (double)h->s.count;
	return h->s.read_nsec != 0;
}

static bool v_free(const struct health *h, size_t i, double *v)
{
	(void)i;
	*v = (double)h->s.free_bytes;
	return h->s.total_bytes != 0;
}

static bool v_exported(const struct health *h, size_t i, double *v)
{
	(void)i;
	*v = h->exported_nsec != 0;
	return h->s.has_id;
}

static bool v_run_end(const struct health *h, size_t i, double *v)
{
	(void)i;
	*v = (double)h->s.finished_nsec / SEC;
	return h->s.finished_nsec != 0;
}

static bool v_run_secs(const struct health *h, size_t i, double *v)
{
	(void)i;
	*v = (double)(h->s.finished_nsec - h->s.started_nsec) / SEC;
	return h->s.finished_nsec != 0;
}

static bool v_run_status(const struct health *h, size_t i, double *v)
{
	(void)i;
	*v = h->s.status;
	return h->s.finished_nsec != 0;
}

static bool v_good(const struct health *h, size_t i, double *v)
{
	(void)i;
	*v = (double)h->s.success_nsec / SEC;
	return h->s.success_nsec != 0;
}

static bool v_start(const struct health *h, size_t i, double *v)
{
	*v = (double)h->s.archive[i].start_nsec / SEC;
	return true;
}

static bool v_files(const struct health *h, size_t i, double *v)
{
	*v = (double)h->s.archive[i].files;
	return true;
}

static bool v_bytes(const struct health *h, size_t i, double *v)
{
	*v = (double)h->s.archive[i].bytes;
	return true;
}

static bool v_stored(const struct health *h, size_t i, double *v)
{
	*v = (double)h->s.archive[i].stored_bytes;
	return true;
}

static bool v_check(const struct health *h, size_t i, double *v)
{
	*v = (double)h->check[i].done_nsec / SEC;
	return true;
}

static const struct metric table[] = {
	{ "status", OF_REPOSITORY,
	  "0 good, 1 warning, 2 critical, as 'muniment status' says.",
	  v_status },
	{ "repository_up", OF_REPOSITORY,
	  "The repository was reached when this was written.", v_up },
	{ "archives", OF_REPOSITORY, "Archives in the repository.",
	  v_archives },
	{ "free_bytes", OF_REPOSITORY, "Free space where it is.", v_free },
	{ "key_exported", OF_REPOSITORY,
	  "A copy of the key was made on this machine.", v_exported },
	{ "last_run_timestamp_seconds", OF_REPOSITORY,
	  "End of the last configured run.", v_run_end },
	{ "last_run_duration_seconds", OF_REPOSITORY, "How long it took.",
	  v_run_secs },
	{ "last_run_exit_status", OF_REPOSITORY,
	  "Its exit status: 0 done, 1 with warnings, else failed.",
	  v_run_status },
	{ "last_good_run_timestamp_seconds", OF_REPOSITORY,
	  "End of the last run that did not fail.", v_good },
	{ "newest_archive_timestamp_seconds", OF_SERIES,
	  "Time of the newest complete archive.", v_start },
	{ "newest_archive_files", OF_SERIES, "Files in it.", v_files },
	{ "newest_archive_bytes", OF_SERIES, "Their size.", v_bytes },
	{ "newest_archive_stored_bytes", OF_SERIES,
	  "What it added to the repository.", v_stored },
	{ "last_check_timestamp_seconds", OF_CHECK,
	  "When a check was done last.", v_check }
};

static int put_value(struct buf *b, const char *s, struct err *e)
{
	int rc = buf_append(b, "\"", 1, e);

	for (; rc == 0 && *s; s++)
		rc = *s == '\n' ? buf_append(b, "\\n", 2, e) :
			buf_printf(b, e, "%s%c", strchr("\\\"", *s) ? "\\" :
				   "", *s);
	return rc < 0 ? rc : buf_append(b, "\"", 1, e);
}

static int put_sample(struct buf *b, const struct metric *m,
		      const struct health *h, size_t i, struct err *e)
{
	double v;
	int rc;

	if (!m->fn(h, i, &v))
		return 0;
	rc = buf_printf(b, e, "muniment_%s{repository=", m->name);
	if (rc == 0)
		rc = put_value(b, health_name(h), e);
	if (rc == 0 && m->of != OF_REPOSITORY)
		rc = buf_printf(b, e, ",%s=", m->of == OF_SERIES ? "series" :
				"check");
	if (rc == 0 && m->of != OF_REPOSITORY)
		rc = put_value(b, m->of == OF_SERIES ? h->s.archive[i].series :
			       h->check[i].name, e);
	return rc < 0 ? rc : buf_printf(b, e, "} %.15g\n", v);
}

int health_prometheus_put(struct buf *b, const struct health *h, size_t n,
			  struct err *e)
{
	const struct metric *m;
	size_t k, i, j, of;
	int rc = 0;

	for (k = 0; rc == 0 && k < sizeof(table) / sizeof(table[0]); k++) {
		m = &table[k];
		rc = buf_printf(b, e, "# HELP muniment_%s %s\n"
				"# TYPE muniment_%s gauge\n", m->name, m->help,
				m->name);
		for (i = 0; rc == 0 && i < n; i++) {
			of = m->of == OF_SERIES ? h[i].s.n_archives :
				m->of == OF_CHECK ? h[i].n_checks : 1;
			for (j = 0; rc == 0 && j < of; j++)
				rc = put_sample(b, m, &h[i], j, e);
		}
	}
	return rc;
}

int health_prometheus_write(const char *path, const struct health *h, size_t n,
			    struct err *e)
{
	struct buf b = BUF_INIT;
	mode_t mask;
	int rc = health_prometheus_put(&b, h, n, e);

	if (rc == 0) {
		mask = umask(022);
		rc = io_publish(AT_FDCWD, path, b.p, b.len, 0644, e);
		umask(mask);
	}
	buf_release(&b);
	return rc;
}
