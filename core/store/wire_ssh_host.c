/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/wire_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

/* What is said about a server's key. */
struct host_words {
	char *print;		/* ED25519 SHA256:... */
	char *line;		/* of known_hosts, without the line end */
	char *file;
};

static void host_words_release(struct host_words *h)
{
	free(h->print);
	free(h->line);
	free(h->file);
}

static int host_print(struct host_words *h, ssh_session s)
{
	unsigned char *hash = NULL;
	ssh_key key = NULL;
	char *text = NULL;
	size_t len;

	if (ssh_get_server_publickey(s, &key) == SSH_OK &&
	    ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash,
	    &len) == SSH_OK)
		text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256,
			hash, len);
	if (text)
		h->print = mem_printf("%s %s",
			ssh_key_type_to_char(ssh_key_type(key)), text);
	ssh_string_free_char(text);
	ssh_clean_pubkey_hash(&hash);
	ssh_key_free(key);
	return h->print ? 0 : -1;
}

static int host_words(struct host_words *h, ssh_session s, struct err *e)
{
	char *line = NULL, *file = NULL;

	memset(h, 0, sizeof(*h));
	if (ssh_session_export_known_hosts_entry(s, &line) == SSH_OK)
		h->line = mem_printf("%.*s", (int)strcspn(line, "\r\n"), line);
	if (ssh_options_get(s, SSH_OPTIONS_KNOWNHOSTS, &file) == SSH_OK)
		h->file = mem_str(file);
	else
		h->file = mem_str("~/.ssh/known_hosts");
	ssh_string_free_char(line);
	ssh_string_free_char(file);
	if (host_print(h, s) == 0 && h->line && h->file)
		return 0;
	return err_set(e, ERR_IO, "cannot read the key of the server: %s",
		ssh_get_error(s));
}

static int host_changed(const struct wire_dial *d, const struct host_words *h,
			struct err *e)
{
	return err_set(e, ERR_DENIED, "'%s' shows another key than the one "
		"in '%s': it is another machine, or somebody stands between. "
		"It now is %s. If that is right, remove the old one with "
		"'ssh-keygen -R %s -f %s'", d->u.host, h->file, h->print,
		d->u.host, h->file);
}

static int host_unknown(ssh_session s, struct wire_dial *d,
			const struct host_words *h, struct err *e)
{
	int rc = 0;

	if (d->rsh.strict == RSH_YES)
		rc = ERR_DENIED;
	else if (d->rsh.strict == RSH_ASK && d->o.host)
		rc = d->o.host(d->u.host, h->print, h->line, h->file,
			d->o.ctx, e);
	else if (d->rsh.strict == RSH_ASK)
		rc = ERR_DENIED;
	if (rc < 0 && (d->rsh.strict == RSH_YES || !d->o.host))
		return err_set(e, ERR_DENIED, "the server '%s' is not known, "
			"its key is %s. If that is right, add this line to "
			"'%s': %s", d->u.host, h->print, h->file, h->line);
	if (rc < 0)
		return rc;
	if (ssh_session_update_known_hosts(s) != SSH_OK)
		log_warn("ssh", "the key of '%s' cannot be remembered in "
			"'%s': %s", d->u.host, h->file, ssh_get_error(s));
	return 0;
}

int wire_ssh_host(ssh_session s, struct wire_dial *d, struct err *e)
{
	enum ssh_known_hosts_e is = ssh_session_is_known_server(s);
	struct host_words h;
	int rc;

	if (is == SSH_KNOWN_HOSTS_OK)
		return 0;
	if ((rc = host_words(&h, s, e)) == 0) {
		if (is == SSH_KNOWN_HOSTS_CHANGED ||
		    is == SSH_KNOWN_HOSTS_OTHER)
			rc = host_changed(d, &h, e);
		else if (is == SSH_KNOWN_HOSTS_ERROR)
			rc = err_set(e, ERR_CONFIG, "cannot use '%s': %s",
				h.file, ssh_get_error(s));
		else
			rc = host_unknown(s, d, &h, e);
	}
	host_words_release(&h);
	return rc;
}
