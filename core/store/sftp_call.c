/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/sftp_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"

#define LOOKS 256		/* at once */

int sftp_say(uint32_t code, struct err *e, const char *fmt, ...)
{
	static const struct {
		uint32_t code;
		enum err_code err;
		const char *words;
	} row[] = {
		{ SFTP_EOF, ERR_CORRUPT, "it ended too soon" },
		{ SFTP_NO_SUCH_FILE, ERR_NOENT, "no such file or folder" },
		{ SFTP_PERMISSION_DENIED, ERR_DENIED, "permission denied" },
		{ SFTP_WRITE_PROTECT, ERR_DENIED, "write protected" },
		{ SFTP_BAD_MESSAGE, ERR_IO, "the server did not understand" },
		{ SFTP_OP_UNSUPPORTED, ERR_IO, "the server cannot do that" },
		{ SFTP_FILE_EXISTS, ERR_EXIST, "it is there already" },
		{ SFTP_NO_SPACE, ERR_FULL, "no space left" },
		{ SFTP_QUOTA, ERR_FULL, "the quota is used up" },
	};
	const char *words = "the server says that it failed";
	enum err_code err = ERR_IO;
	char text[512];
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (i = 0; i < sizeof(row) / sizeof(*row); i++)
		if (row[i].code == code) {
			err = row[i].err;
			words = row[i].words;
		}
	return err_set(e, err, "%s: %s", text, words);
}

int sftp_say_noent(enum store_kind k, const char *name, struct err *e)
{
	return err_set(e, ERR_NOENT, "there is no '%s/%s'",
		store_kind_name(k), name);
}

int sftp_say_exist(enum store_kind k, const char *name, struct err *e)
{
	return err_set(e, ERR_EXIST, "'%s/%s' is there already",
		store_kind_name(k), name);
}

int sftp_say_short(enum store_kind k, const char *name, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "'%s/%s' is shorter than it should be",
		store_kind_name(k), name);
}

/* Without memory for the request it is as if the server had failed. */
int sftp_call(struct sftp_conn *c, struct sftp_req *r, int put_rc,
	      uint32_t *code)
{
	int rc;

	*code = SFTP_FAILURE;
	if (put_rc < 0)
		return 0;
	rc = sftp_conn_call(c, r);
	if (rc == 0)
		*code = r->good ? (uint32_t)SFTP_OK : r->code;
	return rc;
}

/* One whose reply is a status only. */
static int call_plain(struct sftp_conn *c, struct sftp_req *r, int put_rc,
		      uint32_t *code)
{
	int rc;

	r->want = SFTP_STATUS;
	rc = sftp_call(c, r, put_rc, code);
	sftp_req_release(r);
	return rc;
}

int sftp_lstat(struct sftp_conn *c, const char *path, struct sftp_attrs *at,
	       uint32_t *code)
{
	struct sftp_req r = { .want = SFTP_ATTRS };
	int rc = sftp_call(c, &r, sftp_put_path(&r.head, SFTP_LSTAT, path,
		NULL), code);

	if (rc == 0 && *code == SFTP_OK &&
	    !sftp_get_attrs(r.body.p, r.body.len, at))
		*code = SFTP_BAD_MESSAGE;
	sftp_req_release(&r);
	return rc;
}

int sftp_open(struct sftp_conn *c, const char *path, unsigned flags,
	      struct sftp_handle *h, uint32_t *code)
{
	struct sftp_req r = { .want = SFTP_HANDLE };
	int rc = sftp_call(c, &r, sftp_put_open(&r.head, path, flags, 0600,
		NULL), code);

	if (rc == 0 && *code == SFTP_OK &&
	    !sftp_get_handle(r.body.p, r.body.len, h))
		*code = SFTP_BAD_MESSAGE;
	sftp_req_release(&r);
	return rc;
}

int sftp_remove(struct sftp_conn *c, enum sftp_type t, const char *path,
		uint32_t *code)
{
	struct sftp_req r = { .want = SFTP_STATUS };

	return call_plain(c, &r, sftp_put_path(&r.head, t, path, NULL), code);
}

int sftp_mkdir(struct sftp_conn *c, const char *path, uint32_t *code)
{
	struct sftp_req r = { .want = SFTP_STATUS };

	return call_plain(c, &r, sftp_put_mkdir(&r.head, path, 0700, NULL),
		code);
}

int sftp_rename(struct sftp_conn *c, const char *from, const char *to,
		uint32_t *code)
{
	struct sftp_req r = { .want = SFTP_STATUS };

	return call_plain(c, &r, sftp_put_rename(&r.head, from, to, NULL),
		code);
}

int sftp_link(struct sftp_conn *c, const char *from, const char *to,
	      uint32_t *code)
{
	struct sftp_req r = { .want = SFTP_STATUS };

	return call_plain(c, &r, sftp_put_ext_paths(&r.head,
		"hardlink@openssh.com", from, to, NULL), code);
}

int sftp_fsync(struct sftp_conn *c, const struct sftp_handle *h,
	       uint32_t *code)
{
	struct sftp_req r = { .want = SFTP_STATUS };

	return call_plain(c, &r, sftp_put_ext_handle(&r.head,
		"fsync@openssh.com", h, NULL), code);
}

void sftp_close_later(struct sftp_conn *c, const struct sftp_handle *h)
{
	struct sftp_req r = { .want = SFTP_STATUS };

	if (sftp_put_handle(&r.head, SFTP_CLOSE, h, NULL) == 0)
		sftp_conn_loose(c, &r);
	sftp_req_release(&r);
}

void sftp_remove_later(struct sftp_conn *c, const char *path)
{
	struct sftp_req r = { .want = SFTP_STATUS };

	if (sftp_put_path(&r.head, SFTP_REMOVE, path, NULL) == 0)
		sftp_conn_loose(c, &r);
	sftp_req_release(&r);
}

int sftp_size(struct sftp_conn *c, const char *path, uint64_t *size,
	      bool *inner, uint32_t *code)
{
	char inside[SFTP_PATH_BYTES + sizeof(LAYOUT_INNER)];
	struct sftp_attrs at;
	int rc = sftp_lstat(c, path, &at, code);

	*inner = false;
	if (rc == 0 && *code == SFTP_OK && at.has_mode && S_ISDIR(at.mode)) {
		*inner = true;
		snprintf(inside, sizeof(inside), "%s" LAYOUT_INNER, path);
		rc = sftp_lstat(c, inside, &at, code);
	}
	if (rc < 0 || *code != SFTP_OK)
		return rc;
	if (at.has_mode && !S_ISREG(at.mode))
		*code = SFTP_NO_SUCH_FILE;
	else if (!at.has_size)
		*code = SFTP_BAD_MESSAGE;
	*size = at.size;
	return 0;
}

/* LSTAT of look[at..at+n), of the file itself or inside the folder of that
 * name.  A path that is a folder gets the code SFTP_EOF for the caller. */
static int call_looks(struct sftp_conn *c, struct sftp_look *look, size_t n,
		      bool inside, struct sftp_req *req, struct err *e)
{
	char path[SFTP_PATH_BYTES + sizeof(LAYOUT_INNER)];
	struct sftp_attrs at;
	size_t i, sent;
	int rc = 0, got;

	for (sent = 0; rc == 0 && sent < n; sent++) {
		req[sent] = (struct sftp_req){ .want = SFTP_ATTRS };
		if (inside && look[sent].code != SFTP_EOF)
			continue;
		snprintf(path, sizeof(path), "%s%s", look[sent].path,
			inside ? LAYOUT_INNER : "");
		rc = sftp_put_path(&req[sent].head, SFTP_LSTAT, path, e);
		if (rc == 0)
			sftp_conn_send(c, &req[sent]);
	}
	for (i = 0; i < sent; i++) {
		if (req[i].line.state == LINE_IDLE)
			continue;
		got = sftp_conn_wait(c, &req[i]);
		if (got < 0)
			rc = got;
		look[i].code = req[i].good ? (uint32_t)SFTP_OK : req[i].code;
		if (req[i].good && (!sftp_get_attrs(req[i].body.p,
		    req[i].body.len, &at) || !at.has_size))
			look[i].code = SFTP_BAD_MESSAGE;
		else if (req[i].good && at.has_mode && S_ISDIR(at.mode))
			look[i].code = inside ? SFTP_NO_SUCH_FILE : SFTP_EOF;
		else if (req[i].good && at.has_mode && !S_ISREG(at.mode))
			look[i].code = SFTP_NO_SUCH_FILE;
		else if (req[i].good)
			look[i].size = at.size;
	}
	for (i = 0; i < sent; i++)
		sftp_req_release(&req[i]);
	return rc;
}

int sftp_sizes(struct sftp_conn *c, struct sftp_look *look, size_t n,
	       struct err *e)
{
	struct sftp_req *req = mem_zero(LOOKS, sizeof(*req));
	size_t i, some;
	int rc = req ? 0 : err_nomem(e);

	for (i = 0; rc == 0 && i < n; i += some) {
		some = n - i < LOOKS ? n - i : LOOKS;
		rc = call_looks(c, look + i, some, false, req, e);
		if (rc == 0)
			rc = call_looks(c, look + i, some, true, req, e);
	}
	free(req);
	return rc;
}
