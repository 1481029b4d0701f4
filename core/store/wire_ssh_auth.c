/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/wire_priv.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define AUTH_SECRET_BYTES 1024

struct auth {
	ssh_session s;
	struct wire_dial *d;
	struct strv files;		/* of private keys, in their order */
	char why[512];			/* what was wrong with one */
	const char *tried;		/* one of them, before all others */
	bool stop;			/* the user, or the line, had enough */
	struct err *e;
};

static char *auth_home(void)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *home = pw ? pw->pw_dir : getenv("HOME");

	return mem_str(home ? home : "/");
}

/* -i's, the first of the configuration's, ssh's usual ones. */
static int auth_files(struct auth *a)
{
	static const char *const usual[] = { "id_ed25519", "id_ecdsa",
		"id_rsa" };
	char *home = auth_home(), *own = NULL, *path;
	size_t i;
	int rc = home ? 0 : err_nomem(a->e);

	for (i = 0; rc == 0 && i < a->d->rsh.identities.n; i++) {
		const char *f = a->d->rsh.identities.v[i];

		path = strncmp(f, "~/", 2) == 0 ?
			mem_printf("%s/%s", home, f + 2) : mem_str(f);
		rc = path ? strv_take(&a->files, path, a->e) :
			err_nomem(a->e);
	}
	if (rc == 0 && a->d->rsh.identities.n == 0 &&
	    ssh_options_get(a->s, SSH_OPTIONS_IDENTITY, &own) == SSH_OK) {
		rc = strv_add(&a->files, own, a->e);
		ssh_string_free_char(own);
	}
	for (i = 0; rc == 0 && a->d->rsh.identities.n == 0 &&
	     i < sizeof(usual) / sizeof(*usual); i++) {
		path = mem_printf("%s/.ssh/%s", home, usual[i]);
		rc = path ? strv_take(&a->files, path, a->e) :
			err_nomem(a->e);
	}
	free(home);
	return rc;
}

/* As OpenSSH: others must not be able to read it. */
static bool auth_mode_ok(struct auth *a, const char *file)
{
	struct stat st;

	if (stat(file, &st) < 0) {
		if (a->d->rsh.identities.n)
			snprintf(a->why, sizeof(a->why),
				"there is no key file '%s'", file);
		return false;
	}
	if (st.st_uid != getuid() || (st.st_mode & 077) == 0)
		return true;
	snprintf(a->why, sizeof(a->why), "the key file '%s' can be read by "
		"others (mode %04o) and is not used: chmod 600 '%s'", file,
		(unsigned)st.st_mode & 07777, file);
	return false;
}

/* libssh asks here for the passphrase of a key file. */
static int auth_secret(const char *prompt, char *out, size_t len, int echo,
		       int verify, void *ctx)
{
	struct auth *a = ctx;
	char text[256];

	(void)prompt;
	(void)echo;
	(void)verify;
	if (!a->d->o.ask || a->files.n == 0)
		return -1;
	snprintf(text, sizeof(text), "Passphrase for the ssh key %.200s: ",
		a->files.v[0]);
	if (a->d->o.ask(text, out, len, a->d->o.ctx, a->e) < 0) {
		a->stop = a->e && a->e->code == ERR_CANCEL;
		return -1;
	}
	return 0;
}

static int auth_key(struct auth *a, ssh_key key)
{
	int rc = ssh_userauth_publickey(a->s, NULL, key);

	if (rc == SSH_AUTH_SUCCESS)
		a->d->key = key;	/* for the next connection */
	else
		ssh_key_free(key);
	return rc;
}

static ssh_key auth_load(struct auth *a, const char *file)
{
	struct auth one = { .s = a->s, .d = a->d, .e = a->e };
	ssh_key key = NULL;

	if (strv_add(&one.files, file, a->e) < 0)
		return NULL;
	if (ssh_pki_import_privkey_file(file, NULL, auth_secret, &one,
	    &key) != SSH_OK) {
		key = NULL;
		snprintf(a->why, sizeof(a->why), a->d->o.ask ?
			"the key file '%s' cannot be opened (damaged, or a "
			"wrong passphrase)" : "the key file '%s' cannot be "
			"opened (damaged, or it has a passphrase and there "
			"is no terminal to ask for it at: use ssh-agent)",
			file);
	}
	a->stop = one.stop;
	strv_release(&one.files);
	return key;
}

/* Would the server take it?  Asked before a passphrase is. */
static bool auth_is_welcome(struct auth *a, const char *file)
{
	char *pub = mem_printf("%s.pub", file);
	ssh_key key = NULL;
	int rc = SSH_AUTH_SUCCESS;

	if (pub && access(pub, R_OK) == 0 &&
	    ssh_pki_import_pubkey_file(pub, &key) == SSH_OK)
		rc = ssh_userauth_try_publickey(a->s, NULL, key);
	ssh_key_free(key);
	free(pub);
	return rc == SSH_AUTH_SUCCESS;
}

/* FILE-cert.pub, if there is one, put to the private key. */
static bool auth_certify(ssh_key key, const char *file)
{
	char *path = mem_printf("%s-cert.pub", file);
	ssh_key cert = NULL;
	bool ok = path && access(path, R_OK) == 0 &&
		ssh_pki_import_cert_file(path, &cert) == SSH_OK &&
		ssh_pki_copy_cert_to_privkey(cert, key) == SSH_OK;

	ssh_key_free(cert);
	free(path);
	return ok;
}

static int auth_file(struct auth *a, const char *file)
{
	char *cert = mem_printf("%s-cert.pub", file);
	bool has_cert = cert && access(cert, R_OK) == 0;
	ssh_key key = NULL;
	int rc = SSH_AUTH_DENIED;

	free(cert);
	if (!auth_mode_ok(a, file) ||
	    (!has_cert && !auth_is_welcome(a, file)))
		return rc;
	if (!(key = auth_load(a, file)))
		return rc;
	if (has_cert && auth_certify(key, file) &&
	    (rc = ssh_userauth_publickey(a->s, NULL, key)) == SSH_AUTH_SUCCESS)
		a->d->key = key;
	else
		rc = auth_key(a, key);
	return rc;
}

/* Without it OpenSSL would ask at the terminal. */
static int auth_nobody(const char *prompt, char *out, size_t len, int echo,
		       int verify, void *ctx)
{
	(void)prompt;
	(void)out;
	(void)len;
	(void)echo;
	(void)verify;
	(void)ctx;
	return -1;
}

/* The first key file, if it was named, or no agent comes before it. */
static const char *auth_first(const struct auth *a)
{
	size_t i;

	if (a->d->rsh.identities.n)
		return a->files.v[0];
	for (i = 0; i < a->files.n && !getenv("SSH_AUTH_SOCK"); i++)
		if (access(a->files.v[i], F_OK) == 0)
			return a->files.v[i];
	return NULL;
}

/* What is likely to do and bothers nobody: the key of the last connection, or
 * the first one, if it opens without a passphrase.  Two waits less than after
 * asking what the server would take. */
static int auth_straight(struct auth *a)
{
	const char *file = auth_first(a);
	char *cert = file ? mem_printf("%s-cert.pub", file) : NULL;
	ssh_key key = a->d->key;

	a->d->key = NULL;
	if (!key && cert && access(cert, F_OK) < 0 && auth_mode_ok(a, file) &&
	    ssh_pki_import_privkey_file(file, NULL, auth_nobody, NULL,
		    &key) == SSH_OK)
		a->tried = file;
	free(cert);
	return key ? auth_key(a, key) : SSH_AUTH_DENIED;
}

static int auth_try(struct auth *a)
{
	int rc = auth_straight(a);
	size_t i;

	if (rc == SSH_AUTH_SUCCESS || rc == SSH_AUTH_ERROR)
		return rc;
	rc = ssh_userauth_none(a->s, NULL);
	if (rc == SSH_AUTH_SUCCESS || rc == SSH_AUTH_ERROR)
		return rc;
	if (!a->d->rsh.identities_only)
		rc = ssh_userauth_agent(a->s, NULL);
	for (i = 0; rc != SSH_AUTH_SUCCESS && !a->stop && i < a->files.n; i++)
		if (ssh_is_connected(a->s) && a->files.v[i] != a->tried)
			rc = auth_file(a, a->files.v[i]);
	return rc;
}

int wire_ssh_auth(ssh_session s, struct wire_dial *d, struct err *e)
{
	struct auth a = { .s = s, .d = d, .e = e };
	char *user = NULL;
	int rc;

	if ((rc = auth_files(&a)) < 0)
		goto out;
	rc = auth_try(&a);
	if (rc == SSH_AUTH_SUCCESS) {
		rc = 0;
		goto out;
	}
	if (a.stop && e && e->code != ERR_OK) {
		rc = e->code;
		goto out;
	}
	if (!ssh_is_connected(s)) {
		rc = err_set(e, ERR_IO, "'%s' hung up while logging in: %s",
			d->u.host, ssh_get_error(s));
		goto out;
	}
	ssh_options_get(s, SSH_OPTIONS_USER, &user);
	rc = err_set(e, ERR_DENIED, "'%s' does not let '%s' in with any key "
		"of ours%s%s", d->u.host, user ? user : "", *a.why ? ": " :
		"", a.why);
	ssh_string_free_char(user);
out:
	strv_release(&a.files);
	return rc;
}
