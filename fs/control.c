/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/control.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/state.h"

/* Numbers have a width, so that the length of the text stays the same while
 * somebody reads it. */
#define CONTROL_NUMBER "%20llu\n"
#define CONTROL_EVERY_NSEC INT64_C(200000000)

void control_init(struct control *c)
{
	pthread_mutex_init(&c->mtx, NULL);
}

void control_release(struct control *c)
{
	buf_release(&c->text);
	pthread_mutex_destroy(&c->mtx);
}

static unsigned long long control_resident_bytes(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long long total, pages = 0;
	char line[128];
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, line, sizeof(line) - 1);
	(void)close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	if (sscanf(line, "%llu %llu", &total, &pages) != 2)
		return 0;
	return pages * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static int control_number(struct buf *out, const char *key,
			  unsigned long long value, struct err *e)
{
	return buf_printf(out, e, "%-24s" CONTROL_NUMBER, key, value);
}

static int control_archives(struct buf *out, struct mount *m, struct err *e)
{
	struct view_facts facts;
	struct arch *a;
	int rc;

	if (!m->view)
		return buf_printf(out, e, "archive: %s\n", m->single->name);
	view_facts(m->view, &facts);
	a = view_latest(m->view);
	rc = control_number(out, "archives:", facts.archives, e);
	if (rc == 0)
		rc = buf_printf(out, e, "latest: %s\n", a ? a->name : "");
	return rc;
}

static int control_make(struct buf *out, struct mount *m, struct err *e)
{
	struct reader_stats st;
	unsigned long long asked;
	struct {
		const char *key;
		unsigned long long value;
	} row[] = {
		{ "cache-limit-bytes:", m->cache_bytes },
		{ "cache-bytes:", 0 },
		{ "cache-hits:", 0 },
		{ "cache-misses:", 0 },
		{ "cache-hit-percent:", 0 },
		{ "read-ahead-objects:", 0 },
		{ "pushed-files:", atomic_load(&m->pushed) },
		{ "read-bytes:", 0 },
		{ "plain-bytes:", 0 },
		{ "known-files:", inode_tab_count(m->inodes) },
		{ "memory-bytes:", control_resident_bytes() }
	};
	size_t i;
	int rc;

	reader_stats(m->rd, &st);
	asked = st.hits + st.misses;
	row[1].value = st.cached_bytes;
	row[2].value = st.hits;
	row[3].value = st.misses;
	row[4].value = asked ? st.hits * 100 / asked : 0;
	row[5].value = st.ahead;
	row[7].value = st.read_bytes;
	row[8].value = st.plain_bytes;
	rc = buf_printf(out, e, "repository: %s\n", repo_url(m->r));
	if (rc == 0)
		rc = control_archives(out, m, e);
	for (i = 0; rc == 0 && i < sizeof(row) / sizeof(row[0]); i++)
		rc = control_number(out, row[i].key, row[i].value, e);
	return rc;
}

int control_look(struct control *c, struct mount *m, size_t *len,
		 int64_t *nsec, struct err *e)
{
	int64_t now = clock_wall_nsec();
	struct buf text = BUF_INIT, old;
	int rc = 0;

	pthread_mutex_lock(&c->mtx);
	*len = c->text.len;
	*nsec = c->made_nsec;
	pthread_mutex_unlock(&c->mtx);
	if (*len && now >= *nsec && now - *nsec < CONTROL_EVERY_NSEC)
		return 0;
	rc = control_make(&text, m, e);
	if (rc < 0) {
		buf_release(&text);
		return rc;
	}
	pthread_mutex_lock(&c->mtx);
	old = c->text;
	c->text = text;
	c->made_nsec = now;
	*len = text.len;
	*nsec = now;
	pthread_mutex_unlock(&c->mtx);
	buf_release(&old);
	return 0;
}

int control_read(struct control *c, uint64_t off, size_t size,
		 struct buf *out, struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&c->mtx);
	if (off < c->text.len) {
		if (size > c->text.len - off)
			size = c->text.len - (size_t)off;
		rc = buf_append(out, c->text.p + off, size, e);
	}
	pthread_mutex_unlock(&c->mtx);
	return rc;
}
