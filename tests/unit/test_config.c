/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration: what YAML means, key by key, and in what order. */
#include "tools/config/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/check.h"
#include "tests/lib/workdir.h"

static struct strv warnings;

static void put(const char *name, const char *text)
{
	struct err e;

	check_ok(io_publish(AT_FDCWD, name, text, strlen(text), 0600, &e), &e);
}

static int load_with(struct config **c, const char *text,
		     const struct config_load_opts *o, struct err *e)
{
	put("c.yaml", text);
	strv_release(&warnings);
	return config_load(c, "c.yaml", o, &warnings, e);
}

/* It is right, and says so many warnings. */
static struct config *good(const char *text, size_t nwarn)
{
	const struct config_load_opts o = { 0 };
	struct config *c;
	struct err e;
	size_t i;

	check_ok(load_with(&c, text, &o, &e), &e);
	if (warnings.n != nwarn)
		for (i = 0; i < warnings.n; i++)
			print_error("%s\n", warnings.v[i]);
	assert_int_equal(warnings.n, nwarn);
	return c;
}

/* It is refused with these words in it. */
static void bad(const char *text, const char *words)
{
	const struct config_load_opts o = { 0 };
	struct config *c;
	struct err e;

	check_err(load_with(&c, text, &o, &e), ERR_CONFIG, &e);
	assert_null(c);
	if (!strstr(e.msg, words))
		print_error("'%s'\nlacks '%s'\n", e.msg, words);
	assert_non_null(strstr(e.msg, words));
}

#define R "repositories: [{path: /r}]\n"

static void test_guide(void **state)
{
	struct config *c;

	(void)state;
	c = good("source_directories:\n    - /mnt/source\n"
		 "repositories:\n"
		 "    - path: ssh://user@rsync.net:22/./mailcow\n"
		 "      label: rsync\n"
		 "exclude_patterns:\n"
		 "    - '/mnt/source/postfix/public/'\n"
		 "    - '/mnt/source/rspamd/rspamd.sock'\n"
		 "keep_hourly: 24\nkeep_daily: 7\nkeep_weekly: 4\n"
		 "keep_monthly: 6\n"
		 "mysql_databases:\n    - name: mailcow\n"
		 "      username: mailcow\n      password: 0123456\n"
		 "      options: --default-character-set=utf8mb4\n", 0);
	assert_string_equal(c->source_directories.v[0], "/mnt/source");
	assert_int_equal(c->repositories.n, 1);
	assert_string_equal(c->repositories.v[0].label, "rsync");
	assert_int_equal(c->repositories.v[0].line, 4);
	assert_int_equal(c->exclude_patterns.n, 2);
	assert_int_equal(c->keep_hourly, 24);
	assert_int_equal(c->keep_yearly, 0);
	assert_false(config_given(c, "keep_yearly"));
	assert_true(config_given(c, "keep_monthly"));
	assert_int_equal(c->databases.n, 1);
	assert_int_equal(c->databases.v[0].kind, CONFIG_DB_MYSQL);
	assert_string_equal(c->databases.v[0].password, "0123456");
	assert_true(c->databases.v[0].add_drop_database);
	assert_int_equal(c->databases.v[0].tls, CONFIG_AUTO);
	/* what is not there has its default */
	assert_int_equal(c->lock_wait, 1);
	assert_int_equal(c->umask, 0077);
	assert_int_equal(c->compact_threshold, 10);
	assert_int_equal(c->syslog_verbosity, -2);
	assert_true(c->source_directories_must_exist);
	assert_true(c->store_config_files);
	assert_true(c->default_actions);
	assert_int_equal(c->checks.n, 2);
	assert_int_equal(c->checks.v[1].name, CONFIG_CHECK_ARCHIVES);
	assert_int_equal(c->checks.v[1].frequency_secs, 30 * 86400);
	assert_int_equal(c->files.n, 1);
	config_free(c);
}

static void test_guide_as_printed(void **state)
{
	(void)state;
	bad(R "mysql_databases:\n    - name: mailcow\n"
	    "        username: mailcow\n        password: pw\n"
	    "        options: --x\n",
	    "line 4, column 9: 'username:' is indented by 8 spaces (as lines "
	    "4 to 6 are), deeper than 'name:' in line 3, which it belongs "
	    "beside: indent it by 6 spaces");
}

static void test_values(void **state)
{
	struct config *c;

	(void)state;
	c = good(R "one_file_system: yes\numask: 0027\nkeep_daily: -5\n"
		 "archive_name_format: 'x-{now}'\n"
		 "working_directory: 0777\n"
		 "checks:\n    - name: spot\n      frequency: 2 weeks\n"
		 "      only_run_on: [Saturday, weekday]\n"
		 "      count_tolerance_percentage: 10\n"
		 "      data_sample_percentage: 1.5\n"
		 "      data_tolerance_percentage: 0.5\n"
		 "    - name: data\n"
		 "commands:\n    - after: action\n      when: [create]\n"
		 "      states: [fail]\n      run: [echo]\n"
		 "postgresql_databases:\n    - name: all\n"
		 "      format: custom\n"
		 "mariadb_databases:\n    - name: a\n      tls: false\n"
		 "      password_transport: environment\n"
		 "healthchecks:\n    ping_url: https://x\n"
		 "    states: [start, fail]\n", 1);
	assert_non_null(strstr(warnings.v[0], "healthchecks: has no effect"));
	assert_true(c->one_file_system);
	assert_int_equal(c->umask, 0027);
	assert_int_equal(c->keep_daily, CONFIG_COUNT_UNLIMITED);
	assert_string_equal(c->working_directory, "0777");
	assert_int_equal(c->checks.v[0].frequency_secs, 14 * 86400);
	assert_int_equal(c->checks.v[0].only_run_on, 0x7e);
	assert_true(c->checks.v[0].data_sample_percentage > 1.4);
	assert_int_equal(c->checks.v[1].frequency_secs, 0);
	assert_int_equal(c->commands.v[0].after, CONFIG_ACTION);
	assert_int_equal(c->commands.v[0].before, CONFIG_NOWHERE);
	assert_int_equal(c->commands.v[0].states, CONFIG_FAIL);
	assert_int_equal(c->databases.n, 2);
	assert_int_equal(c->databases.v[0].format, CONFIG_DB_FORMAT_CUSTOM);
	assert_int_equal(c->databases.v[1].tls, CONFIG_NO);
	assert_true(c->databases.v[1].password_by_environment);
	assert_true(c->healthchecks.given);
	assert_int_equal(c->healthchecks.states, CONFIG_START | CONFIG_FAIL);
	assert_int_equal(c->healthchecks.ping_body_limit, 100000);
	config_free(c);
}

static void test_environment(void **state)
{
	const struct config_load_opts o = {
		.no_environment_interpolation = true
	};
	struct config *c;
	struct err e;

	(void)state;
	setenv("MUN_X", "with: colon # and 'quote", 1);
	setenv("MUN_EMPTY", "", 1);
	setenv("MUN_N", "5", 1);
	unsetenv("MUN_NO");
	c = good("repositories: [{path: '/r/${MUN_NO:-a b}'}]\n"
		 "log_file: ${MUN_X}\nkeep_daily: ${MUN_N}\n"
		 "source_directories:\n    - '${MUN_NO:-}'\n"
		 "    - ${MUN_NO-}\n    - ${MUN_EMPTY:-set}\n"
		 "    - \\${MUN_X}\n    - $MUN_X\n    - '${ MUN_X}'\n"
		 "    - ${MUN_N}${MUN_N}x\n    - ${MUN_NO-${MUN_N}}\n", 0);
	assert_string_equal(c->repositories.v[0].path, "/r/a b");
	assert_string_equal(c->log_file, "with: colon # and 'quote");
	assert_int_equal(c->keep_daily, 5);
	assert_string_equal(c->source_directories.v[0], "");
	assert_string_equal(c->source_directories.v[1], "");
	assert_string_equal(c->source_directories.v[2], "");
	assert_string_equal(c->source_directories.v[3], "${MUN_X}");
	assert_string_equal(c->source_directories.v[4], "$MUN_X");
	assert_string_equal(c->source_directories.v[5], "${ MUN_X}");
	assert_string_equal(c->source_directories.v[6], "55x");
	assert_string_equal(c->source_directories.v[7], "${MUN_N}");
	config_free(c);
	bad(R "log_file: a\nlog_json: ${MUN_NO}\n", "line 3, column 11: the "
	    "environment has no variable 'MUN_NO'");
	check_ok(load_with(&c, R "log_file: ${MUN_NO}\n", &o, &e), &e);
	assert_string_equal(c->log_file, "${MUN_NO}");
	config_free(c);
}

static void test_constants(void **state)
{
	struct config *c;

	(void)state;
	c = good("constants:\n    who: a b\n    n: 3\n" R
		 "log_file: /l/{who}.{n}\nkeep_daily: '{n}'\n"
		 "archive_name_format: '{who}-{now:%Y}'\n"
		 "working_directory: \\{who\\}/{other}\n"
		 "commands:\n    - before: everything\n"
		 "      run: ['echo {who} {n}']\n", 0);
	assert_string_equal(c->log_file, "/l/a b.3");
	assert_int_equal(c->keep_daily, 3);
	assert_string_equal(c->archive_name_format, "a b-{now:%Y}");
	assert_string_equal(c->working_directory, "{who}/{other}");
	assert_string_equal(c->commands.v[0].run.v[0], "echo 'a b' 3");
	config_free(c);
	bad("constants:\n    a: [1]\n" R, "constants.a: a single value");
}

static void test_merge(void **state)
{
	struct config *c;

	(void)state;
	put("base.yaml", "repositories:\n    - path: /base\n"
	    "keep_daily: 1\nkeep_weekly: 2\n"
	    "exclude_patterns: [a, b, c]\nexclude_if_present: [x]\n"
	    "healthchecks:\n    ping_url: https://base\n"
	    "    send_logs: true\n");
	put("more.yaml", "keep_weekly: 3\nkeep_monthly: 4\n");
	c = good("<<: !include [base.yaml, more.yaml]\n"
		 "repositories:\n    - path: /own\nkeep_daily: 9\n"
		 "exclude_patterns:\n    - !omit b\n    - d\n"
		 "exclude_if_present: !retain [y]\n"
		 "healthchecks:\n    ping_url: https://own\n", 1);
	assert_int_equal(c->repositories.n, 2);
	assert_string_equal(c->repositories.v[0].path, "/base");
	assert_string_equal(c->repositories.v[1].path, "/own");
	assert_int_equal(c->keep_daily, 9);
	assert_int_equal(c->keep_weekly, 3);
	assert_int_equal(c->keep_monthly, 4);
	assert_int_equal(c->exclude_patterns.n, 3);
	assert_string_equal(c->exclude_patterns.v[1], "c");
	assert_string_equal(c->exclude_patterns.v[2], "d");
	assert_int_equal(c->exclude_if_present.n, 1);
	assert_string_equal(c->exclude_if_present.v[0], "y");
	assert_string_equal(c->healthchecks.ping_url, "https://own");
	assert_true(c->healthchecks.send_logs);
	assert_int_equal(c->files.n, 3);
	config_free(c);
	put("dirs.yaml", "- /a\n- /b\n");
	c = good(R "source_directories: !include dirs.yaml\n", 0);
	assert_int_equal(c->source_directories.n, 2);
	config_free(c);
	c = good("repositories:\n    - &r\n      path: /r\n      label: one\n"
		 "    - <<: *r\n      path: /s\n      label: two\n", 0);
	assert_string_equal(c->repositories.v[1].path, "/s");
	config_free(c);
	bad(R "exclude_patterns: !retain [a]\n", "!retain has an effect only");
	bad("<<: !include base.yaml\nexclude_patterns:\n    - !omit zz\n",
	    "the included list has no 'zz'");
	bad("<<: !include nowhere.yaml\n", "/nowhere.yaml' cannot be read");
	put("loop.yaml", "<<: !include c.yaml\n");
	bad(R "<<: !include loop.yaml\n", "includes itself, through others");
}

static void test_overrides(void **state)
{
	struct strv flags = STRV_INIT, over = STRV_INIT;
	const struct config_load_opts o = { &flags, &over, false, false };
	struct config *c;
	struct err e;

	(void)state;
	strv_add(&flags, "keep_daily=8", &e);
	strv_add(&flags, "repositories[0].path=/f", &e);
	strv_add(&flags, "repositories[1].path=/g", &e);
	strv_add(&flags, "source_directories=[/a, /b]", &e);
	strv_add(&flags, "exclude_patterns=*.pyc", &e);
	strv_add(&flags, "log_file=yes", &e);
	strv_add(&flags, "healthchecks.ping_url=https://f", &e);
	strv_add(&over, "retention.keep_weekly=6", &e);
	strv_add(&over, "keep_daily=9", &e);
	check_ok(load_with(&c, "retention:\n    keep_daily: 1\n"
			   "    keep_weekly: 2\n" R, &o, &e), &e);
	assert_int_equal(c->keep_daily, 9);
	assert_int_equal(c->keep_weekly, 6);
	assert_int_equal(c->repositories.n, 2);
	assert_string_equal(c->repositories.v[0].path, "/f");
	assert_string_equal(c->repositories.v[1].path, "/g");
	assert_int_equal(c->source_directories.n, 2);
	assert_string_equal(c->exclude_patterns.v[0], "*.pyc");
	assert_string_equal(c->log_file, "yes");
	assert_string_equal(c->healthchecks.ping_url, "https://f");
	config_free(c);
	strv_add(&over, "keep_dayly=9", &e);
	check_err(load_with(&c, R, &o, &e), ERR_CONFIG, &e);
	assert_string_equal(e.msg, "--override keep_dayly: there is no such "
			    "key: did you mean 'keep_daily'?");
	strv_release(&over);
	strv_add(&flags, "keep_daily=10", &e);
	check_err(load_with(&c, R, &o, &e), ERR_CONFIG, &e);
	assert_string_equal(e.msg, "option '--keep-daily' is given more than "
			    "once");
	strv_release(&flags);
	strv_add(&flags, "keep_daily=ten", &e);
	check_err(load_with(&c, R, &o, &e), ERR_CONFIG, &e);
	assert_non_null(strstr(e.msg, "--keep-daily: keep_daily: 'ten' is no "
			       "whole number"));
	strv_release(&flags);
	strv_add(&flags, "repositories[5].path=/g", &e);
	check_err(load_with(&c, R, &o, &e), ERR_CONFIG, &e);
	strv_release(&flags);
	/* without any file */
	strv_add(&flags, "source_directories=[/a]", &e);
	check_ok(config_load(&c, NULL, &o, &warnings, &e), &e);
	assert_string_equal(c->source_directories.v[0], "/a");
	assert_null(c->file);
	config_free(c);
	strv_release(&flags);
}

static void check_option(const char *name, const char *key,
			 const char *implied)
{
	const char *got_implied;
	char *got;
	struct err e;
	int rc = config_option(&got, &got_implied, name, &e);

	if (!key) {
		check_err(rc, ERR_NOENT, &e);
		return;
	}
	check_ok(rc, &e);
	assert_string_equal(got, key);
	if (implied)
		assert_string_equal(got_implied, implied);
	else
		assert_null(got_implied);
	free(got);
}

static void test_options(void **state)
{
	(void)state;
	check_option("keep-daily", "keep_daily", NULL);
	check_option("repositories[0].path", "repositories[0].path", NULL);
	check_option("healthchecks.ping-url", "healthchecks.ping_url", NULL);
	check_option("atime", "atime", "true");
	check_option("no-atime", "atime", "false");
	check_option("no-owner", NULL, NULL);
	check_option("postgresql-databases[0].no-owner",
		     "postgresql_databases[0].no_owner", "true");
	check_option("mysql-databases[0].no-owner", NULL, NULL);
	check_option("mariadb-databases[2].tls", "mariadb_databases[2].tls",
		     "true");
	check_option("source-directories", "source_directories", NULL);
	check_option("source-directories[1]", "source_directories[1]", NULL);
	check_option("constants", "constants", NULL);
	check_option("no-keep-daily", NULL, NULL);
	check_option("keep-dayly", NULL, NULL);
	check_option("retention.keep-daily", NULL, NULL);
	check_option("keep-daily.x", NULL, NULL);
	check_option("repositories.path", NULL, NULL);
	check_option("", NULL, NULL);
}

static void test_old_forms(void **state)
{
	struct config *c;

	(void)state;
	c = good("location:\n    source_directories: [/a]\n"
		 "    repositories:\n        - user@host:mailcow\n"
		 "        - file:///srv/r\n        - host:/abs\n"
		 "        - h:~/x\n"
		 "    numeric_owner: true\n    exclude_if_present: .nobackup\n"
		 "consistency:\n    checks: [repository, archives]\n"
		 "hooks:\n    before_backup: [echo 1, echo 2]\n"
		 "    after_backup: [echo 3]\n    on_error:\n      - echo 4\n"
		 "    after_everything: echo 5\n",
		 3 /* sections */ + 1 + 3 + 1 + 1 + 1 + 4);
	assert_string_equal(c->repositories.v[0].path,
			    "ssh://user@host/./mailcow");
	assert_string_equal(c->repositories.v[1].path, "/srv/r");
	assert_string_equal(c->repositories.v[2].path, "ssh://host/abs");
	assert_string_equal(c->repositories.v[3].path, "ssh://h/~/x");
	assert_true(c->numeric_ids);
	assert_string_equal(c->exclude_if_present.v[0], ".nobackup");
	assert_int_equal(c->checks.n, 2);
	assert_int_equal(c->checks.v[1].frequency_secs, 0);
	assert_int_equal(c->commands.n, 4);
	assert_int_equal(c->commands.v[0].before, CONFIG_ACTION);
	assert_string_equal(c->commands.v[0].when.v[0], "create");
	assert_int_equal(c->commands.v[0].run.n, 2);
	assert_int_equal(c->commands.v[2].after, CONFIG_ERROR);
	assert_int_equal(c->commands.v[2].when.n, 4);
	assert_int_equal(c->commands.v[3].after, CONFIG_EVERYTHING);
	assert_string_equal(c->commands.v[3].run.v[0], "echo 5");
	config_free(c);
	c = good(R "healthchecks: https://x\ncronitor: https://y\n"
		 "pagerduty: abc\nremote_rate_limit: 3\nprefix: x-\n"
		 "store_config_files: false\n", 3 + 3 + 1 + 1 + 1);
	assert_string_equal(c->pagerduty.integration_key, "abc");
	assert_int_equal(c->upload_rate_limit, 3);
	assert_false(c->store_config_files);
	config_free(c);
	bad(R "storage:\n    umask: 077\numask: 022\n", "keep one of them");
	bad("repositories: [rclone:x]\n", "a repository is a local path");
}

static void test_credentials(void **state)
{
	struct config *c;

	(void)state;
	put("secret", "s e c\n");
	mkdir("run", 0700);
	put("run/pw", "from docker\n");
	c = good(R "encryption_passphrase: '{credential file secret}'\n"
		 "container:\n    secrets_directory: run\n"
		 "mariadb_databases:\n    - name: a\n"
		 "      password: '{credential container pw}'\n", 0);
	assert_string_equal(c->encryption_passphrase, "s e c");
	assert_string_equal(c->databases.v[0].password, "from docker");
	config_free(c);
	setenv("CREDENTIALS_DIRECTORY", "run", 1);
	c = good(R "encryption_passphrase: '{credential systemd pw}'\n", 0);
	assert_string_equal(c->encryption_passphrase, "from docker");
	config_free(c);
	bad(R "encryption_passphrase: '{credential systemd ../secret}'\n",
	    "is no name of a credential");
	bad(R "encryption_passphrase: '{credential keepassxc a b}'\n",
	    "KeePassXC");
	bad(R "encryption_passphrase: '{credential file gone}'\n", "gone");
	unsetenv("CREDENTIALS_DIRECTORY");
	put("creds", "#!/bin/sh\necho \"$1 $2 $3\"\n");
	chmod("creds", 0755);
	c = good(R "encryption_passphrase: '{credential systemd pw}'\n"
		 "systemd:\n    systemd_creds_command: ./creds\n"
		 "    encrypted_credentials_directory: /etc/x\n", 0);
	assert_string_equal(c->encryption_passphrase, "decrypt /etc/x/pw -");
	config_free(c);
}

static void test_permissions(void **state)
{
	const struct config_load_opts o = { 0 };
	struct config *c;
	struct err e;

	(void)state;
	setenv("MUN_X", "x", 1);
	put("w.yaml", R "encryption_passphrase: x\n");
	chmod("w.yaml", 0644);
	strv_release(&warnings);
	check_ok(config_load(&c, "w.yaml", &o, &warnings, &e), &e);
	assert_int_equal(warnings.n, 1);
	assert_non_null(strstr(warnings.v[0], "every user can read it"));
	config_free(c);
	put("w.yaml", R "encryption_passphrase: ${MUN_X}\n");
	chmod("w.yaml", 0644);
	strv_release(&warnings);
	check_ok(config_load(&c, "w.yaml", &o, &warnings, &e), &e);
	assert_int_equal(warnings.n, 0);
	config_free(c);
	chmod("w.yaml", 0666);
	check_ok(config_load(&c, "w.yaml", &o, &warnings, &e), &e);
	assert_int_equal(warnings.n, 1);
	config_free(c);
}

/* Each allocation fails in turn: nothing is lost, nothing crashes. */
static void test_no_memory(void **state)
{
	static const char text[] =
		"constants: {a: b}\nlocation:\n    repositories: [u@h:r]\n"
		"<<: !include base.yaml\n"
		"hooks:\n    before_backup: ['echo {a} ${MUN_N}']\n"
		"    healthchecks: https://x\n"
		"    mysql_databases:\n        - &d {name: a, password: '{cred"
		"ential file secret}'}\n        - <<: *d\n          name: b\n"
		"consistency:\n    checks: [data]\n"
		"    check_repositories: ['*']\nlabels: 1\n";
	struct strv flags = STRV_INIT, over = STRV_INIT;
	const struct config_load_opts o = { &flags, &over, false, false };
	struct config *c = NULL;
	struct err e;
	unsigned long n;
	int rc = ERR_NOMEM;

	(void)state;
	setenv("MUN_N", "5", 1);
	put("base.yaml", "exclude_patterns: [a]\n");
	put("secret", "x\n");
	put("c.yaml", text);
	check_ok(strv_add(&flags, "exclude_patterns=x", &e), &e);
	check_ok(strv_add(&over, "ntfy.topic=x", &e), &e);
	for (n = 1; rc != ERR_CONFIG || !strstr(e.msg, "labels"); n++) {
		assert_true(n < 10000);
		strv_release(&warnings);
		mem_fail(n, 1);
		rc = config_load(&c, "c.yaml", &o, &warnings, &e);
		mem_fail(0, 0);
		assert_int_not_equal(rc, 0);
		assert_null(c);
	}
	assert_true(n > 100);
	strv_release(&flags);
	strv_release(&over);
}

static int teardown(void **state)
{
	(void)state;
	strv_release(&warnings);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guide),
		cmocka_unit_test(test_guide_as_printed),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_old_forms),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
