/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/opts.h"

#include <string.h>

#include "tests/lib/check.h"

static void test_good(void **state)
{
	struct opts o;
	struct err e;

	(void)state;
	check_ok(opts_parse(&o, NULL, &e), &e);
	assert_false(o.allow_other || o.has_uid || o.has_umask);
	opts_release(&o);
	check_ok(opts_parse(&o, "rw,allow_other,uid=5000,gid=0,,umask=0077,"
			    "noexec,x-systemd.automount,_netdev,fsname=a/b",
			    &e), &e);
	assert_true(o.allow_other && o.has_uid && o.has_gid && o.has_umask);
	assert_int_equal(o.uid, 5000);
	assert_int_equal(o.gid, 0);
	assert_int_equal(o.umask, 077);
	assert_string_equal(o.fsname, "a/b");
	assert_string_equal((const char *)o.pass.p, ",noexec");
	assert_false(o.ignore_permissions || o.nonempty);
	opts_release(&o);
	check_ok(opts_parse(&o, "ignore_permissions,nonempty,versions",
			    &e), &e);
	assert_true(o.ignore_permissions && o.nonempty && o.versions);
	opts_release(&o);
	opts_release(&o);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *word;
	} bad[] = {
		{ "allow_othr", "'allow_othr'" },
		{ "uid", "uid=5000" },
		{ "uid=", "uid=5000" },
		{ "uid=vmail", "uid=5000" },
		{ "uid=-1", "uid=5000" },
		{ "uid=4294967295", "uid=5000" },
		{ "uid=99999999999999999999", "uid=5000" },
		{ "gid=5 ", "number" },
		{ "umask=9", "octal" },
		{ "umask=01000", "octal" },
		{ "allow_other=1", "takes no value" },
		{ "noexec=1", "takes no value" },
		{ "fsname=", "needs a name" },
		{ "versions=1", "takes no value" },
		{ "allow_damaged_files", "zeroes" },
		{ "ro,fd=5", "'fd'" },
	};
	struct opts o;
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&e, 0, sizeof(e));
		check_err(opts_parse(&o, bad[i].text, &e), ERR_CONFIG, &e);
		if (!strstr(e.msg, bad[i].word))
			fail_msg("%s: '%s'", bad[i].text, e.msg);
		opts_release(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
