/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/source_priv.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define AT(member) offsetof(struct source_args, member)
#define TEXT(name, member, value, help) \
	{ OPT_STR, 0, name, AT(member), value, help, 0, NULL }
#define BOOL(letter, name, member, help) \
	{ OPT_BOOL, letter, name, AT(member), NULL, help, 0, NULL }
const struct opt_row source_rows[] = {
	BOOL(0, "exclude-caches", exclude_caches,
	     "leave out folders with a CACHEDIR.TAG"),
	{ OPT_LIST, 0, "exclude-if-present", AT(exclude_if_present), "NAME",
	  "leave out folders that have a file of this name", 0, NULL },
	BOOL(0, "keep-exclude-tags|keep-tag-files", keep_exclude_tags,
	     "but keep such a folder and that file"),
	BOOL(0, "exclude-nodump", exclude_nodump,
	     "leave out files with the flag nodump"),
	BOOL('x', "one-file-system", one_file_system,
	     "stay in the file system of each PATH"),
	TEXT("stdin-name", stdin_name, "NAME",
	     "name of what PATH - reads (default: stdin)"),
	TEXT("stdin-user", stdin_user, "USER", "its owner (default: root)"),
	TEXT("stdin-group", stdin_group, "GROUP",
	     "its group (default: root)"),
	{ OPT_FN, 0, "stdin-mode", AT(stdin_mode), "M",
	  "its mode (default: 0660)", 0, opt_set_octal },
	BOOL(0, "content-from-command", from_command,
	     "the operands are a command: archive what it writes"),
	BOOL(0, "paths-from-stdin", paths_from_stdin,
	     "read the paths from standard input; nothing below them"),
	BOOL(0, "paths-from-command", paths_from_command,
	     "the operands are a command that writes the paths"),
	TEXT("paths-delimiter", delimiter, "TEXT",
	     "what stands between such paths: \\n (the default), \\0, ..."),
	{ 0 }
};
#undef TEXT
#undef BOOL

/* "\n", "\0", "\t" and "\\" as written in C. */
static int parse_delimiter(struct buf *out, const char *text, struct err *e)
{
	static const char from[] = "n0tr\\", to[] = "\n\0\t\r\\";
	const char *p;
	int rc = 0;

	for (text = text ? text : "\\n"; rc == 0 && *text; text++) {
		if (*text != '\\') {
			rc = buf_append(out, text, 1, e);
			continue;
		}
		p = text[1] ? strchr(from, text[1]) : NULL;
		if (!p)
			return err_set(e, ERR_CONFIG, "--paths-delimiter "
				       "knows \\n, \\0, \\t, \\r and \\\\");
		rc = buf_append(out, to + (p - from), 1, e);
		text++;
	}
	if (rc == 0 && out->len == 0)
		return err_set(e, ERR_CONFIG, "--paths-delimiter is empty");
	return rc;
}

static int read_all(struct buf *out, int fd, struct err *e)
{
	ssize_t n;
	int rc;

	for (;;) {
		if ((rc = buf_reserve(out, 65536, e)) < 0)
			return rc;
		n = read(fd, out->p + out->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, errno,
					 "cannot read the list of paths");
		if (n == 0)
			return 0;
		out->len += (size_t)n;
	}
}

/* The pattern set that takes these paths and nothing below them: "pf" rules
 * come first whatever their place is. */
static int add_listed(struct source *s, const char *path, struct err *e)
{
	char *rule = mem_printf("+ pf:%s", path);
	int rc;

	if (!rule)
		return err_nomem(e);
	rc = pattern_add_line(s->patterns, rule, e);
	free(rule);
	return rc == 0 ? strv_add(&s->paths, path, e) : rc;
}

static int split_paths(struct source *s, struct buf *list,
		       const struct buf *delim, struct err *e)
{
	uint8_t *p, *end, *hit;
	int rc;

	if ((rc = buf_cstr(list, e)) < 0)
		return rc;
	p = list->p;
	end = p + list->len;
	while (rc == 0 && p < end) {
		hit = memmem(p, (size_t)(end - p), delim->p, delim->len);
		if (!hit)
			hit = end;
		*hit = 0;
		if (hit > p)
			rc = add_listed(s, (char *)p, e);
		p = hit < end ? hit + delim->len : end;
	}
	return rc == 0 ? pattern_add_line(s->patterns, "! re:^", e) : rc;
}

static int read_list(struct source *s, const struct source_args *o,
		     struct call *c, struct err *e)
{
	struct buf list = BUF_INIT, delim = BUF_INIT;
	int fd = STDIN_FILENO, rc;

	if ((rc = parse_delimiter(&delim, o->delimiter, e)) < 0)
		goto out;
	if (o->rules.rules.n) {
		rc = err_set(e, ERR_CONFIG, "patterns and lists of paths "
			     "cannot be used together");
		goto out;
	}
	if (o->paths_from_command &&
	    (rc = child_read_from(&s->child, c->words.v + c->at, -1, &fd,
				 e)) < 0)
		goto out;
	s->patterns = pattern_new();
	rc = s->patterns ? read_all(&list, fd, e) : err_nomem(e);
	if (o->paths_from_command)
		close(fd);
	if (rc == 0)
		rc = child_wait(&s->child, e);
	if (rc == 0)
		rc = split_paths(s, &list, &delim, e);
	if (rc == 0 && s->paths.n == 0)
		rc = err_set(e, ERR_CONFIG, "the list of paths is empty");
	s->listed = true;
out:
	buf_release(&list);
	buf_release(&delim);
	return rc;
}

static int finish_command(void *ctx, struct err *e)
{
	struct source *s = ctx;

	return child_wait(&s->child, e);
}

int source_add_stream(struct source *s, const struct create_stream *st,
		      struct err *e)
{
	struct create_stream *v;

	v = mem_resize(s->stream, s->n_streams + 1, sizeof(*v));
	if (!v)
		return err_nomem(e);
	s->stream = v;
	v[s->n_streams++] = *st;
	return 0;
}

struct source_text {
	struct source_text *next;
	int fd;
};

static int open_text(void *ctx, int *fd, struct err *e)
{
	struct source_text *t = ctx;

	if (lseek(t->fd, 0, SEEK_SET) < 0)
		return err_errno(e, errno, "cannot read what was made in "
				 "memory");
	*fd = t->fd;
	return 0;
}

int source_add_text(struct source *s, const char *name, const char *text,
		    struct err *e)
{
	struct source_text *t = mem_zero(1, sizeof(*t));
	struct create_stream st = { .open = open_text, .name = name,
				    .mode = 0600, .ctx = t };
	size_t len = strlen(text);

	if (!t)
		return err_nomem(e);
	t->next = s->texts;
	s->texts = t;
	t->fd = memfd_create("muniment", MFD_CLOEXEC);
	if (t->fd < 0 || write(t->fd, text, len) != (ssize_t)len)
		return err_errno(e, errno, "cannot make a file in memory");
	return source_add_stream(s, &st, e);
}

static void texts_release(struct source *s)
{
	struct source_text *t;

	while ((t = s->texts)) {
		s->texts = t->next;
		if (t->fd >= 0)
			close(t->fd);
		free(t);
	}
}

/* A name or a number; NULL: 0. */
static int parse_owner(uint32_t *id, const char *text, bool group,
		       struct err *e)
{
	const struct passwd *pw = text && !group ? getpwnam(text) : NULL;
	const struct group *gr = text && group ? getgrnam(text) : NULL;
	unsigned long v;
	char *end;

	*id = pw ? pw->pw_uid : gr ? gr->gr_gid : 0;
	if (!text || pw || gr)
		return 0;
	v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || v > UINT32_MAX - 1)
		return err_set(e, ERR_CONFIG, "there is no %s '%s'",
			       group ? "group" : "user", text);
	*id = (uint32_t)v;
	return 0;
}

static int set_stream(struct source *s, const struct source_args *o, int fd,
		      struct err *e)
{
	struct create_stream st;
	uint32_t uid, gid;
	int rc;

	if ((rc = parse_owner(&uid, o->stdin_user, false, e)) < 0 ||
	    (rc = parse_owner(&gid, o->stdin_group, true, e)) < 0)
		return rc;
	st = (struct create_stream){
		.fd = fd,
		.name = o->stdin_name ? o->stdin_name : "stdin",
		.mode = o->stdin_mode ? o->stdin_mode : 0660,
		.uid = uid, .gid = gid,
		.finish = fd == STDIN_FILENO ? NULL : finish_command,
		.ctx = s
	};
	return source_add_stream(s, &st, e);
}

static int start_command(struct source *s, const struct source_args *o,
			 struct call *c, struct err *e)
{
	int fd, rc;

	if ((rc = child_read_from(&s->child, c->words.v + c->at, STDIN_FILENO,
				 &fd, e)) < 0)
		return rc;
	if ((rc = set_stream(s, o, fd, e)) < 0)
		close(fd);
	return rc;
}

static int take_paths(struct source *s, const struct source_args *o,
		      struct call *c, struct err *e)
{
	const struct strv *roots;
	const char *word;
	size_t i;
	int rc;

	if ((rc = rules_build(&s->patterns, &o->rules, NULL, 0, e)) < 0)
		return rc;
	while ((word = call_word(c))) {
		if (!*word)
			return err_set(e, ERR_CONFIG, "a path is empty");
		if (strcmp(word, "-")) {
			rc = strv_add(&s->paths, word, e);
		} else if (s->n_streams) {
			rc = err_set(e, ERR_CONFIG, "standard input can be "
				     "read only once");
		} else {
			rc = set_stream(s, o, STDIN_FILENO, e);
		}
		if (rc < 0)
			return rc;
	}
	roots = s->patterns ? pattern_roots(s->patterns) : NULL;
	for (i = 0; rc == 0 && roots && i < roots->n; i++)
		rc = strv_add(&s->paths, roots->v[i], e);
	if (rc == 0 && s->paths.n == 0 && !s->n_streams)
		return err_set(e, ERR_CONFIG, "nothing to archive: name at "
			       "least one PATH (or - for standard input)");
	return rc;
}

int source_open(struct source *s, const struct source_args *o,
		struct call *c, struct err *e)
{
	bool command = o->from_command || o->paths_from_command;

	memset(s, 0, sizeof(*s));
	if (o->from_command + o->paths_from_stdin + o->paths_from_command > 1)
		return err_set(e, ERR_CONFIG, "--content-from-command, "
			       "--paths-from-stdin and --paths-from-command "
			       "cannot be used together");
	if (command && call_words_left(c) == 0)
		return err_set(e, ERR_CONFIG, "the command is missing: write "
			       "it at the end, behind --");
	if (o->delimiter && !o->paths_from_stdin && !o->paths_from_command)
		return err_set(e, ERR_CONFIG, "--paths-delimiter is for "
			       "--paths-from-stdin and --paths-from-command");
	if (o->from_command)
		return start_command(s, o, c, e);
	if (o->paths_from_stdin && call_words_left(c) > 0)
		return call_no_more(c, e);
	if (o->paths_from_stdin || o->paths_from_command)
		return read_list(s, o, c, e);
	return take_paths(s, o, c, e);
}

void source_fill(struct source *s, const struct source_args *o,
		 struct create_opts *co)
{
	co->walk = (struct walk_opts){
		.paths = &s->paths, .patterns = s->patterns,
		.one_file_system = o->one_file_system,
		.exclude_caches = o->exclude_caches,
		.exclude_if_present = o->exclude_if_present.n ?
			&o->exclude_if_present : NULL,
		.keep_exclude_tags = o->keep_exclude_tags,
		.exclude_nodump = o->exclude_nodump
	};
	co->stream = s->stream;
	co->n_streams = s->n_streams;
}

void source_release(struct source *s)
{
	size_t i;

	for (i = 0; i < s->n_streams; i++)
		if (s->stream[i].finish == finish_command)
			close(s->stream[i].fd);
	free(s->stream);
	child_kill(&s->child);
	strv_release(&s->paths);
	texts_release(s);
	pattern_free(s->patterns);
	s->patterns = NULL;
}
