/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams in an archive: any number, before a walk or without one. */
#include "archive/create.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/check.h"
#include "tests/lib/treekit.h"
#include "tests/lib/workdir.h"

static struct treekit k;
static struct err e;

static int setup(void **state)
{
	(void)state;
	treekit_make(&k);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	treekit_end(&k);
	return 0;
}

/* A stream with a text; what was asked of it is noted. */
struct text {
	const char *text;
	int fd;
	int finish_rc;
};
static char order[256];

static int text_open(void *ctx, int *fd, struct err *err)
{
	struct text *t = ctx;
	int p[2];

	(void)err;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], t->text, strlen(t->text)),
			 (ssize_t)strlen(t->text));
	close(p[1]);
	t->fd = *fd = p[0];
	snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s,",
		 t->text);
	return 0;
}

static int text_finish(void *ctx, struct err *err)
{
	struct text *t = ctx;

	close(t->fd);
	return t->finish_rc < 0 ? err_set(err, ERR_FAILED, "it failed") : 0;
}

#define N_MAX 8
struct make {
	struct text text[N_MAX];
	struct create_stream stream[N_MAX];
	struct strv paths;
	struct create_opts o;
};

/* Names up to a NULL; the text of each is its place. */
static void fill(struct make *m, const char *archive,
		 const char *const *names)
{
	static const char *const texts[] = { "0", "1", "2", "3", "4", "5" };
	static const struct comp_spec comp = COMP_SPEC_DEFAULT;
	size_t n;

	memset(m, 0, sizeof(*m));
	order[0] = 0;
	for (n = 0; names[n]; n++) {
		m->text[n].text = texts[n];
		m->stream[n] = (struct create_stream){
			.open = text_open, .finish = text_finish,
			.name = names[n], .mode = 0600, .ctx = &m->text[n]
		};
	}
	m->o = (struct create_opts){
		.name = archive, .stream = m->stream, .n_streams = n,
		.comp = comp, .threads = k.threads,
		.files_cache = FSTATE_DEFAULT, .walk.paths = &m->paths
	};
}

/* Made of these streams, and of folders s1 and s2 if 'walk' says so. */
static void expect(const char *const *names, bool walk, const char *want)
{
	static unsigned serial;
	struct create_result res;
	struct make m;
	char name[32], *got;

	snprintf(name, sizeof(name), "a%u", serial++);
	fill(&m, name, names);
	if (walk) {
		mkdir("m", 0755);
		check_ok(strv_add(&m.paths, "m", &e), &e);
	}
	check_ok(create_run(k.repo, &m.o, &res, &e), &e);
	check_ok(reader_refresh(k.rd, &e), &e);
	got = treekit_list(&k, &res.rec);
	assert_string_equal(got, want);
	assert_int_equal(res.rec.stats.bytes, m.o.n_streams);
	free(got);
	create_result_release(&res);
	strv_release(&m.paths);
}
#define gives(walk, want, ...) \
	expect((const char *const[]){ __VA_ARGS__, NULL }, walk, want)

static void test_places(void **state)
{
	(void)state;
	gives(false, "i b\ni b/c\nf b/c/d 600 0\nf b/c/e 600 2\nf b! 600 1\n",
	      "b/c/d", "b!", "b/c/e");
	assert_string_equal(order, "0,1,2,");
	gives(true, "f l 600 0\nd m 755\ni n\nf n/o 600 1\n", "l", "n/o");
	gives(true, "i a\nf a/z 600 1\nd m 755\nf z 600 0\n", "z", "a/z");
	assert_string_equal(order, "0,1,");
}

static void refused(enum err_code code, bool walk, const char *const *names,
		    int finish_rc)
{
	struct create_result res;
	struct make m;

	fill(&m, "never", names);
	m.text[0].finish_rc = finish_rc;
	if (walk)
		check_ok(strv_add(&m.paths, "m", &e), &e);
	check_err(create_run(k.repo, &m.o, &res, &e), code, &e);
	create_result_release(&res);
	strv_release(&m.paths);
}
#define REFUSED(code, walk, rc, ...) \
	refused(code, walk, (const char *const[]){ __VA_ARGS__, NULL }, rc)

static void test_refused(void **state)
{
	(void)state;
	REFUSED(ERR_CONFIG, false, 0, "a", "b", "a");
	REFUSED(ERR_CONFIG, false, 0, "a/b", "a");
	mkdir("m", 0755);
	REFUSED(ERR_CONFIG, true, 0, "m/x");
	REFUSED(ERR_FAILED, true, -1, "x", "y");
	assert_string_equal(order, "0,");
	REFUSED(ERR_FAILED, false, -1, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, workdir_setup,
				      workdir_teardown);
}
