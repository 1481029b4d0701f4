/* SPDX-License-Identifier: BSD-2-Clause */
/* muniment(1) has every action, option, placeholder and exit status, and no
 * option that there is not. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/check.h"
#include "tools/cmd.h"

static struct buf page;		/* "\-" is '-' in it, and it is a string */

static int load(void **state)
{
	const char *top = getenv("TOP");
	char path[4096];
	struct buf raw = { .max = 1 << 20 };
	struct err e;
	size_t i;
	int rc;

	(void)state;
	snprintf(path, sizeof(path), "%s/man/muniment.1", top ? top : ".");
	rc = io_read_file(AT_FDCWD, path, &raw, &e);
	check_ok(rc, &e);
	for (i = 0; i < raw.len; i++) {
		if (raw.p[i] == '\\' && i + 1 < raw.len && raw.p[i + 1] == '-')
			i++;
		check_ok(buf_append(&page, raw.p + i, 1, &e), &e);
	}
	check_ok(buf_cstr(&page, &e), &e);
	buf_release(&raw);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	buf_release(&page);
	return 0;
}

/* The text from a heading to the next of its kind or above. */
static char *section(const char *macro, const char *title)
{
	char head[128];
	const char *p, *end, *sh;

	snprintf(head, sizeof(head), "\n%s %s", macro, title);
	for (p = (char *)page.p; (p = strstr(p, head)); p++)
		if (strchr(",\n", p[strlen(head)]))
			break;
	if (!p)
		return NULL;
	p += strlen(head);
	end = strstr(p, "\n.SH ");
	sh = !strcmp(macro, ".SS") ? strstr(p, "\n.SS ") : NULL;
	if (sh && (!end || sh < end))
		end = sh;
	return strndup(p, end ? (size_t)(end - p) : strlen(p));
}

/* The option stands there as a whole word. */
static bool has_option(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *p;

	for (p = text; p && (p = strstr(p, "--")); p += 2)
		if (!strncmp(p + 2, name, len) &&
		    !isalnum((unsigned char)p[2 + len]) && p[2 + len] != '-')
			return true;
	return false;
}

static unsigned check_rows(const struct opt_group *g, const char *where,
			   const char *own, const char *shared)
{
	const struct opt_row *row;
	char name[OPT_NAME_MAX];
	unsigned bad = 0, i;

	for (; g->row; g++)
		for (row = g->row; row->type != OPT_END; row++)
			for (i = 0; opt_name(row, i, name); i++)
				if (!has_option(own, name) &&
				    !has_option(shared, name)) {
					print_error("man/muniment.1: %s: no "
						    "--%s\n", where, name);
					bad++;
				}
	return bad;
}

static void test_options(void **state)
{
	char *shared = section(".SH", "OPTIONS OF SEVERAL ACTIONS");
	char *common = section(".SH", "COMMON OPTIONS"), *own;
	const struct cmd *const *c;
	unsigned bad;

	(void)state;
	assert_non_null(shared);
	assert_non_null(common);
	bad = check_rows(app_groups, "common", common, "");
	for (c = cmd_table; *c; c++) {
		own = section(".SS", (*c)->name);
		if (!own) {
			print_error("man/muniment.1: no .SS %s\n", (*c)->name);
			bad++;
			continue;
		}
		bad += check_rows((*c)->groups, (*c)->name, own, shared);
		free(own);
	}
	free(shared);
	free(common);
	assert_int_equal(bad, 0);
}

static bool in_groups(const struct opt_group *g, const char *name)
{
	const struct opt_row *row;
	char one[OPT_NAME_MAX];
	unsigned i;

	for (; g->row; g++)
		for (row = g->row; row->type != OPT_END; row++)
			for (i = 0; opt_name(row, i, one); i++)
				if (!strcmp(one, name))
					return true;
	return false;
}

/* Options of other programs in the examples. */
static bool is_foreign(const char *name)
{
	return !strcmp(name, "all-databases");
}

static void test_no_others(void **state)
{
	const struct cmd *const *c;
	char name[64];
	const char *p = (char *)page.p;
	unsigned bad = 0;
	size_t len;

	(void)state;
	while ((p = strstr(p, "--"))) {
		p += 2;
		len = strspn(p, "abcdefghijklmnopqrstuvwxyz-");
		if (len == 0 || len >= sizeof(name) || p[len - 1] == '-')
			continue;
		memcpy(name, p, len);
		name[len] = 0;
		for (c = cmd_table; *c; c++)
			if (in_groups((*c)->groups, name))
				break;
		if (!*c && !in_groups(app_groups, name) && !is_foreign(name)) {
			print_error("man/muniment.1: there is no --%s\n",
				    name);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

/* A group's rows must fit the parser's memory, and no two may have one name
 * or letter. */
static void test_rows(void **state)
{
	const struct cmd *const *c;
	const struct opt_group *g;
	const struct opt_row *row;
	bool letter[128], common[128] = { false };
	char name[OPT_NAME_MAX];
	unsigned n;

	(void)state;
	for (row = app_groups[0].row; row->type != OPT_END; row++)
		common[(unsigned char)row->letter] = row->letter != 0;
	for (c = cmd_table; *c; c++) {
		memcpy(letter, common, sizeof(letter));
		n = 0;
		for (g = (*c)->groups; g->row; g++)
			for (row = g->row; row->type != OPT_END; row++, n++) {
				assert_true(opt_name(row, 0, name));
				assert_false(in_groups(app_groups, name));
				assert_false(letter[(unsigned char)
						    row->letter]);
				letter[(unsigned char)row->letter] =
					row->letter != 0;
				assert_non_null(row->help);
			}
		assert_true(n < OPT_ROWS_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_no_others),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
