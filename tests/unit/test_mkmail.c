/* SPDX-License-Identifier: BSD-2-Clause */

/* The generator that other tests judge by: same seed, same store; the model
 * is what is on disk; a difference is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/lib/maildisk.h"
#include "tests/lib/mailhour.h"
#include "tests/lib/mailplan.h"
#include "tests/lib/mailside.h"
#include "tests/lib/manifest.h"
#include "tests/lib/tinytree.h"

static char scratch[256];

static char *in_scratch(const char *name)
{
	char *path = mem_printf("%s/%s", scratch, name);

	assert_non_null(path);
	return path;
}

static void make(const char *name, enum mail_profile profile,
	unsigned threads, struct mailstore *s)
{
	struct mailstore_opts o = { .seed = 7, .profile = profile,
		.mails = 400, .bytes = 4u << 20 };
	char *path = in_scratch(name);
	struct err e = { .code = ERR_OK };

	assert_int_equal(mailstore_create(s, path, &o, &e), 0);
	assert_int_equal(maildisk_dir(s, "vmail", 0700, 0, &e), 0);
	assert_int_equal(mailside_make(s, &e), 0);
	for (unsigned u = 0; u < s->n; u++)
		assert_int_equal(maildisk_make_box(s, u, threads, &e), 0);
	assert_int_equal(mailside_scripts(s, &e), 0);
	assert_int_equal(mailside_step(s, &e), 0);
	assert_int_equal(maildisk_settle(s, &e), 0);
	assert_int_equal(mailstore_save(s, &e), 0);
	free(path);
}

static void scan(const char *name, struct manifest *m)
{
	char *path = in_scratch(name);
	struct err e = { .code = ERR_OK };

	assert_int_equal(manifest_scan(m, path, 2, &e), 0);
	free(path);
}

static void assert_same(const char *a, const char *b)
{
	struct manifest x = MANIFEST_INIT, y = MANIFEST_INIT;

	scan(a, &x);
	scan(b, &y);
	assert_true(x.n > 100);
	assert_int_equal(manifest_compare(&x, &y, 0, stderr), 0);
	manifest_release(&x);
	manifest_release(&y);
}

static void hours(struct mailstore *s, unsigned n, struct mailhour_stats *st)
{
	struct err e = { .code = ERR_OK };

	while (n-- > 0) {
		int rc = mailhour_step(s, st, &e);

		if (rc < 0)
			fprintf(stderr, "hour %u: %s\n", s->hour, e.msg);
		assert_int_equal(rc, 0);
	}
}

static void assert_model_is_disk(const struct mailstore *s, const char *name)
{
	struct manifest m = MANIFEST_INIT;
	struct err e = { .code = ERR_OK };

	scan(name, &m);
	if (manifest_name_mail(&m, s, &e) < 0)
		fail_msg("%s", e.msg);
	manifest_release(&m);
}

static void same_seed_same_store(void **state)
{
	struct mailhour_stats st = { .delivered = 0 };
	struct mailstore a, b;
	struct err e = { .code = ERR_OK };
	char *path;

	(void)state;
	make("a", MAIL_PLAIN, 0, &a);
	make("b", MAIL_PLAIN, 4, &b);
	assert_same("a", "b");
	/* One goes on as it is, the other from its state file. */
	hours(&a, 30, &st);
	hours(&b, 10, &st);
	assert_int_equal(mailstore_save(&b, &e), 0);
	mailstore_release(&b);
	path = in_scratch("b");
	assert_int_equal(mailstore_open(&b, path, &e), 0);
	hours(&b, 20, &st);
	assert_same("a", "b");
	assert_model_is_disk(&b, "b");
	mailstore_release(&a);
	mailstore_release(&b);
	free(path);
}

static void weeks_go_well(void **state)
{
	struct mailhour_stats st = { .delivered = 0 };
	struct mailstore s;

	(void)state;
	make("weeks", MAIL_CRYPT, 2, &s);
	hours(&s, 126, &st);
	assert_model_is_disk(&s, "weeks");
	assert_true(st.delivered > 300);
	assert_true(st.seen > 0 && st.flagged > 0 && st.moved > 0);
	assert_true(st.copied > 0 && st.expunged > 0 && st.boxes > 0);
	mailstore_release(&s);
}

static void incidents_go_well(void **state)
{
	static const char *const name[] = {
		"hacked", "imapsync", "extract", "rsync", "extract",
		"rewrite", "client-bug"
	};
	struct mailhour_stats st = { .delivered = 0 };
	struct mailstore s;
	struct err e = { .code = ERR_OK };

	(void)state;
	make("incidents", MAIL_PLAIN, 2, &s);
	for (size_t k = 0; k < 7; k++) {
		hours(&s, 1, &st);
		if (mailhour_incident(&s, name[k], &st, &e) < 0)
			fail_msg("%s: %s", name[k], e.msg);
		assert_model_is_disk(&s, "incidents");
	}
	assert_int_equal(mailhour_incident(&s, "fire", &st, &e), ERR_CONFIG);
	mailstore_release(&s);
}

/* A path of the store's with two names, or of mail. */
static const struct manifest_row *row_of(const struct manifest *m, bool linked)
{
	for (size_t i = 0; i < m->n; i++)
		if (linked ? m->row[i].links == i + 1 :
		    m->row[i].type == 'f' && m->row[i].size_bytes > 1000)
			return &m->row[i];
	fail();
	return NULL;
}

static void assert_seen(const struct manifest *want, const char *name,
	enum manifest_ignore ignore, bool seen)
{
	struct manifest have = MANIFEST_INIT;
	FILE *out = tmpfile();

	assert_non_null(out);
	scan(name, &have);
	assert_int_equal(manifest_compare(want, &have, ignore, out) > 0, seen);
	assert_int_equal(ftell(out) > 0, seen);
	fclose(out);
	manifest_release(&have);
}

static void file_copy(int dir, const char *from, const char *to)
{
	struct stat st;
	struct timespec ts[2];
	char block[4096];
	ssize_t n;
	int in = openat(dir, from, O_RDONLY), out;

	out = openat(dir, to, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(in >= 0 && out >= 0 && fstat(in, &st) == 0);
	while ((n = read(in, block, sizeof(block))) > 0)
		assert_int_equal(write(out, block, (size_t)n), n);
	ts[0] = st.st_atim;
	ts[1] = st.st_mtim;
	assert_int_equal(fchmod(out, st.st_mode & 07777), 0);
	assert_int_equal(fchown(out, st.st_uid, st.st_gid), 0);
	assert_int_equal(futimens(out, ts), 0);
	close(in);
	close(out);
}

static void differences_are_seen(void **state)
{
	struct mailstore s;
	struct manifest m = MANIFEST_INIT, again = MANIFEST_INIT;
	struct err e = { .code = ERR_OK };
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT }, { 5, 6 } };
	const struct manifest_row *r;
	char *path = in_scratch("m.man");
	int fd;

	(void)state;
	make("d", MAIL_PLAIN, 2, &s);
	scan("d", &m);
	assert_int_equal(manifest_save(&m, path, &e), 0);
	assert_int_equal(manifest_load(&again, path, &e), 0);
	assert_int_equal(manifest_compare(&m, &again, 0, stderr), 0);
	assert_seen(&again, "d", 0, false);

	/* A second name becomes a file of its own. */
	r = row_of(&m, true);
	file_copy(s.rootfd, r->path, "copy");
	assert_int_equal(renameat(s.rootfd, "copy", s.rootfd, r->path), 0);
	assert_seen(&m, "d", MANIFEST_DIR_TIMES, true);
	assert_seen(&m, "d", MANIFEST_DIR_TIMES | MANIFEST_LINKS, false);

	/* One byte, with size and time as before. */
	r = row_of(&m, false);
	fd = openat(s.rootfd, r->path, O_WRONLY);
	assert_int_equal(pwrite(fd, "\1", 1, 500), 1);
	ts[1].tv_sec = r->mtime_nsec / 1000000000;
	ts[1].tv_nsec = r->mtime_nsec % 1000000000;
	assert_int_equal(futimens(fd, ts), 0);
	close(fd);
	assert_seen(&m, "d", MANIFEST_DIR_TIMES | MANIFEST_LINKS, true);

	assert_int_equal(unlinkat(s.rootfd, r->path, 0), 0);
	assert_seen(&m, "d", MANIFEST_DIR_TIMES | MANIFEST_LINKS, true);
	manifest_release(&m);
	manifest_release(&again);
	mailstore_release(&s);
	free(path);
}

static void model_without_file_is_seen(void **state)
{
	struct mailstore s;
	struct manifest m = MANIFEST_INIT;
	struct err e = { .code = ERR_OK };
	char path[MAILSTORE_PATH_BYTES];

	(void)state;
	make("gone", MAIL_PLAIN, 2, &s);
	assert_true(s.box[0].folder[0].n > 0);
	mailstore_mail_path(&s, 0, &s.box[0].folder[0],
		&s.box[0].folder[0].mail[0], path);
	assert_int_equal(maildisk_unlink(&s, path, &e), 0);
	scan("gone", &m);
	assert_int_equal(manifest_name_mail(&m, &s, &e), ERR_CORRUPT);
	manifest_release(&m);
	mailstore_release(&s);
}

static void stores_are_not_overwritten(void **state)
{
	struct mailstore_opts o = { .seed = 7, .mails = 10 };
	struct mailstore s;
	struct err e = { .code = ERR_OK };
	char *path = in_scratch("gone");

	(void)state;
	assert_true(mailstore_create(&s, path, &o, &e) < 0);
	mailstore_release(&s);
	free(path);
}

static void tiny_trees_are_equal(void **state)
{
	char *a = in_scratch("t1"), *b = in_scratch("t2");
	struct manifest m = MANIFEST_INIT;
	struct err e = { .code = ERR_OK };

	(void)state;
	assert_int_equal(tinytree_make(a, 3, 5000, &e), 0);
	assert_int_equal(tinytree_make(b, 3, 5000, &e), 0);
	assert_same("t1", "t2");
	scan("t1", &m);
	assert_int_equal(tinytree_step(a, 3, 5000, 1, &e), 0);
	assert_seen(&m, "t1", 0, true);
	assert_int_equal(tinytree_step(b, 3, 5000, 1, &e), 0);
	assert_same("t1", "t2");
	manifest_release(&m);
	free(a);
	free(b);
}

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	/* Five days of renames take five times as long on a disk. */
	if (!tmp)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(scratch, sizeof(scratch), "%.200s/test_mkmail-XXXXXX", tmp);
	return sodium_init() < 0 || !mkdtemp(scratch) ? -1 : 0;
}

static int tear_down(void **state)
{
	struct mailstore s = { .rootfd = open("/", O_RDONLY | O_DIRECTORY) };

	(void)state;
	return maildisk_remove_tree(&s, scratch, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_same_store),
		cmocka_unit_test(weeks_go_well),
		cmocka_unit_test(incidents_go_well),
		cmocka_unit_test(differences_are_seen),
		cmocka_unit_test(model_without_file_is_seen),
		cmocka_unit_test(stores_are_not_overwritten),
		cmocka_unit_test(tiny_trees_are_equal),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
