/* SPDX-License-Identifier: BSD-2-Clause */
/* What repositories over ssh are made of: addresses, commands, messages. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/rate.h"
#include "store/rsh.h"
#include "store/sftp_msg.h"
#include "store/sshurl.h"
#include "store/store.h"

static struct err e;

static void url_is(const char *url, const char *user, const char *host,
		   unsigned port, const char *path)
{
	struct sshurl u;

	assert_true(sshurl_is(url));
	check_ok(sshurl_parse(&u, url, &e), &e);
	if (user)
		assert_string_equal(u.user, user);
	else
		assert_null(u.user);
	assert_string_equal(u.host, host);
	assert_int_equal(u.port, port);
	assert_string_equal(u.path, path);
	sshurl_release(&u);
}

static void test_url(void **state)
{
	(void)state;
	url_is("ssh://user@rsync.net:22/./mailcow", "user", "rsync.net", 22,
		"mailcow");
	url_is("ssh://h/./a/b/", NULL, "h", 0, "a/b");
	url_is("ssh://h/~/a", NULL, "h", 0, "a");
	url_is("ssh://h/.", NULL, "h", 0, ".");
	url_is("ssh://h/./", NULL, "h", 0, ".");
	url_is("ssh://h/~", NULL, "h", 0, ".");
	url_is("ssh://h/", NULL, "h", 0, "/");
	url_is("ssh://h//a", NULL, "h", 0, "/a");
	url_is("ssh://h/.hidden", NULL, "h", 0, "/.hidden");
	url_is("ssh://u@[fe80::1%eth0]:2222/b", "u", "fe80::1%eth0", 2222,
		"/b");
	url_is("ssh://[::1]/b", NULL, "::1", 0, "/b");
	url_is("sftp://u@h:65535/b", "u", "h", 65535, "/b");
	url_is("user@rsync.net:mailcow", "user", "rsync.net", 0, "mailcow");
	url_is("h:/b", NULL, "h", 0, "/b");
	url_is("h:~/b", NULL, "h", 0, "b");
	url_is("h:./b", NULL, "h", 0, "b");
	url_is("h:b:c", NULL, "h", 0, "b:c");
	url_is("u@[::1]:b", "u", "::1", 0, "b");
	url_is("[::1]:b", NULL, "::1", 0, "b");
	url_is("u1-sub2@h.example.org:b", "u1-sub2", "h.example.org", 0, "b");
}

static void test_url_bad(void **state)
{
	static const char *const bad[] = { "ssh://", "ssh:///b", "ssh://h",
		"ssh://-oProxyCommand=x/b", "-oProxyCommand=x:b",
		"ssh://-u@h/b", "-u@h:b", "ssh://u@/b", "ssh://@h/b",
		"ssh://h:0/b", "ssh://h:65536/b", "ssh://h:x/b", "ssh://h:/b",
		"ssh://h:22x/b", "ssh://[::1/b", "ssh://[::1]x/b",
		"ssh://h x/b", "ssh://h;x/b", "ssh://u'@h/b", "ssh://h/~u/b",
		"h:~u/b", "h:", "ssh://h/\n", "ssh://h\x01/b" };
	static const char *const local[] = { "/a", "./a:b", "a", "a/b:c",
		"::1", "file:///a", "s3://h/b", "", ":b" };
	char longer[5000];
	struct sshurl u;
	struct store *s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_true(sshurl_is(bad[i]));
		check_err(sshurl_parse(&u, bad[i], &e), ERR_CONFIG, &e);
		check_err(store_open(&s, bad[i], 0, &e), ERR_CONFIG, &e);
		err_clear(&e);
	}
	for (i = 0; i < sizeof(local) / sizeof(*local); i++)
		assert_false(sshurl_is(local[i]));
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "h:", 2);
	longer[sizeof(longer) - 1] = '\0';
	check_err(sshurl_parse(&u, longer, &e), ERR_CONFIG, &e);
	err_clear(&e);
}

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void rsh_of(struct rsh *r, const char *const *words)
{
	struct strv v = STRV_INIT;

	for (; *words; words++)
		check_ok(strv_add(&v, *words, &e), &e);
	check_ok(rsh_parse(r, v.v, &e), &e);
	strv_release(&v);
}

static void test_rsh(void **state)
{
	struct rsh r;

	(void)state;
	check_ok(rsh_parse(&r, NULL, &e), &e);
	assert_false(r.run);
	rsh_release(&r);
	rsh_of(&r, ARGV("/usr/bin/ssh", "-q", "-Ci", "/k", "-p",
		"23", "-i/l", "-oStrictHostKeyChecking=accept-new", "-o",
		"UserKnownHostsFile /f", "-o", "ServerAliveInterval=10",
		"-o", "User=u", "-F", "/c", "-oBatchMode=yes"));
	assert_false(r.run);
	assert_true(r.compress);
	assert_int_equal(r.port, 23);
	assert_int_equal(r.identities.n, 2);
	assert_string_equal(r.identities.v[0], "/k");
	assert_string_equal(r.identities.v[1], "/l");
	assert_int_equal(r.strict, RSH_ACCEPT_NEW);
	assert_string_equal(r.known_hosts, "/f");
	assert_string_equal(r.user, "u");
	assert_string_equal(r.config, "/c");
	rsh_release(&r);
}

static void rsh_runs(const char *const *argv)
{
	struct rsh r;

	rsh_of(&r, argv);
	assert_true(r.run);
	rsh_release(&r);
}

static void test_rsh_run(void **state)
{
	(void)state;
	rsh_runs(ARGV("myssh"));
	rsh_runs(ARGV("sshpass", "-e", "ssh"));
	rsh_runs(ARGV("ssh", "-o", "ControlPath=/x"));
	rsh_runs(ARGV("ssh", "-o", "PermitLocalCommand=yes"));
	rsh_runs(ARGV("ssh", "-w", "0"));
	rsh_runs(ARGV("ssh", "-i"));
	rsh_runs(ARGV("ssh", "-p", "x"));
	rsh_runs(ARGV("ssh", "-p", "0"));
	rsh_runs(ARGV("ssh", "otherhost"));
	rsh_runs(ARGV("ssh", "-o", "PreferredAuthentications=password"));
}

static void test_rate(void **state)
{
	struct rate r;
	int64_t now = 5;
	uint64_t sent = 0;
	size_t n;

	(void)state;
	rate_init(&r, 0, now);
	assert_int_equal(rate_allow(&r, 1 << 30, now), 1 << 30);
	rate_init(&r, 1000000, now);
	for (; now < 10ll * 1000000000; now += 1234567) {
		n = rate_allow(&r, 4096, now);
		rate_take(&r, n);
		sent += n;
	}
	assert_true(sent > 9800000 && sent <= 10100000);
	/* A long rest gives no more than a tenth of a second's. */
	now += 1000ll * 1000000000;
	assert_int_equal(rate_allow(&r, 1 << 20, now), 100000);
	rate_init(&r, 5, now);
	assert_int_equal(rate_allow(&r, 100, now), 1);
	rate_take(&r, 1);
	assert_int_equal(rate_allow(&r, 100, now + 1000), 0);
	assert_int_equal(rate_allow(&r, 100, now + 200000000), 1);
}

/* As OpenSSH sends them. */
static void test_replies(void **state)
{
	static const uint8_t names[] = "\0\0\0\1\0\0\0\3abc\0\0\0\2ls"
		"\0\0\0\x0f\0\0\0\0\0\0\1\0\0\0\0\1\0\0\0\2\0\0\x81\x80"
		"\0\0\0\5\0\0\0\6";
	static const uint8_t longer[] = "\0\0\1\1";
	uint8_t space[88] = { 0 }, handle[4 + 257] = { 0 };
	struct sftp_handle h;
	struct sftp_space sp;
	struct sftp_name name;
	const uint8_t *data;
	uint32_t n, code;
	struct rd r;
	size_t len;

	(void)state;
	assert_true(sftp_get_names(&r, names, sizeof(names) - 1, &n));
	assert_int_equal(n, 1);
	assert_true(sftp_get_name(&r, &name));
	assert_true(rd_done(&r));
	assert_int_equal(name.len, 3);
	assert_memory_equal(name.name, "abc", 3);
	assert_int_equal(name.at.size, 256);
	assert_int_equal(name.at.mode, 0100600);
	assert_int_equal(name.at.mtime, 6);
	for (len = 4; len < sizeof(names) - 1; len++) {
		assert_true(sftp_get_names(&r, names, len, &n));
		assert_false(sftp_get_name(&r, &name));
	}
	assert_false(sftp_get_status("\0\0\0", 3, &code));
	assert_true(sftp_get_status("\0\0\0\4", 4, &code));
	assert_int_equal(code, SFTP_FAILURE);
	assert_false(sftp_get_data(longer, 4, &data, &len));
	memcpy(handle, longer, 4);
	assert_false(sftp_get_handle(handle, sizeof(handle), &h));
	handle[3] = 0;
	assert_true(sftp_get_handle(handle, 4 + 256, &h));
	assert_int_equal(h.len, 256);
	space[15] = 2;
	space[23] = 9;
	space[39] = 7;
	assert_true(sftp_get_space(space, sizeof(space), &sp));
	assert_int_equal(sp.total_bytes, 18);
	assert_int_equal(sp.free_bytes, 14);
	space[8] = 0xff;
	assert_false(sftp_get_space(space, sizeof(space), &sp));
	assert_false(sftp_get_space(space, sizeof(space) - 1, &sp));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_url_bad),
		cmocka_unit_test(test_rsh),
		cmocka_unit_test(test_rsh_run),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
