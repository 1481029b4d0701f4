/* SPDX-License-Identifier: BSD-2-Clause */
/* muniment.yaml(5) lists the rows of the schema: each key, at its depth, in
 * their order, with what it means here. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/check.h"
#include "tools/config/schema.h"

static struct buf page;
static char *at;		/* behind the last key that was found */
static unsigned depth;

static int load(void **state)
{
	const char *top = getenv("TOP");
	char path[4096];
	struct err e;

	(void)state;
	page.max = 1 << 20;
	snprintf(path, sizeof(path), "%s/man/muniment.yaml.5", top ? top : ".");
	check_ok(io_read_file(AT_FDCWD, path, &page, &e), &e);
	check_ok(buf_cstr(&page, &e), &e);
	at = strstr((char *)page.p, "\n.Sh KEYS\n");
	assert_non_null(at);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	buf_release(&page);
	return 0;
}

/* The next ".It Ic NAME", and the text up to the macro behind it. */
static void next_key(char name[80], char *text, size_t size)
{
	char *end;
	size_t len = 0;

	for (; at; at = strchr(at + 1, '\n')) {
		if (!strncmp(at, "\n.Bl ", 5))
			depth++;
		if (!strncmp(at, "\n.El\n", 5))
			depth--;
		if (!strncmp(at, "\n.It Ic ", 8) || !strncmp(at, "\n.Sh S", 6))
			break;
	}
	*name = *text = 0;
	if (!at || at[3] != 't')
		return;
	at += 8;
	end = strchr(at, '\n');
	snprintf(name, 80, "%.*s", (int)(end - at), at);
	for (at = end; *at == '\n' && at[1] != '.'; at = end) {
		end = strchr(at + 1, '\n');
		len += (size_t)snprintf(text + len, size - len, "%s%.*s",
					len ? " " : "", (int)(end - at - 1),
					at + 1);
		assert_true(len < size);
	}
}

static void check_rows(const struct schema_row *row, unsigned kind,
		       unsigned want)
{
	char name[80], text[2048];

	for (; row->type != SCHEMA_END; row++) {
		if (!schema_has(row, kind))
			continue;
		next_key(name, text, sizeof(text));
		assert_string_equal(name, row->name);
		assert_int_equal(depth, want);
		assert_true((row->use == SCHEMA_DOES) == !row->note);
		if (!!strstr(text, "ithout effect") !=
		    (row->use == SCHEMA_IDLE) ||
		    !!strstr(text, "Refused") != (row->use == SCHEMA_REFUSED) ||
		    (row->note && !strstr(text, row->note)) ||
		    (row->help && strlen(text) < strlen(row->help) / 2))
			fail_msg("man/muniment.yaml.5: %s: '%s'", name, text);
		if (row->sub)
			check_rows(row->sub, (unsigned)row->min, want + 1);
	}
}

static void test_keys(void **state)
{
	const struct schema_group *g;
	char name[80], text[2048];

	(void)state;
	for (g = schema_groups; g->title; g++)
		check_rows(g->row, 0, 1);
	next_key(name, text, sizeof(text));
	assert_string_equal(name, "");
}

/* What `generate` and the loader need of each row. */
static void test_rows(void **state)
{
	const struct schema_group *g;
	const struct schema_row *row;

	(void)state;
	for (g = schema_groups; g->title; g++)
		for (row = g->row; row->type != SCHEMA_END; row++) {
			assert_non_null(row->help);
			assert_non_null(row->example);
			assert_ptr_equal(schema_find(NULL, row->name,
						     strlen(row->name), 0),
					 row);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
