/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/json.h"
#include "tools/keysheet.h"
#include "tools/pass.h"
#include "tools/repoarg.h"
#include "tools/talk.h"

#define IMPORT_MAX (1u << 20)

struct key_args {
	const char *path, *label, *role, *kdf;
	bool paper, html, recovery, json;
};
#define AT(member) offsetof(struct key_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "paper", AT(paper), NULL,
	  "export, import: lines that can be typed, each with a check", 0,
	  NULL },
	{ OPT_BOOL, 0, "qr-html", AT(html), NULL,
	  "export: a page with QR codes, to print", 0, NULL },
	{ OPT_STR, 0, "path", AT(path), "PATH",
	  "export, import: the file (default: standard output or input)", 0,
	  NULL },
	{ OPT_STR, 0, "label", AT(label), "LABEL",
	  "add: what the new key is called; remove, change-passphrase: the "
	  "key that is meant", 0, NULL },
	{ OPT_BOOL, 0, "recovery", AT(recovery), NULL,
	  "add: a key of twenty words, printed once, instead of a passphrase",
	  0, NULL },
	{ OPT_STR, 0, "role", AT(role), "ROLE",
	  "add: full (the default), or append, which can add archives and read "
	  "none", 0, NULL },
	{ OPT_STR, 0, "kdf", AT(kdf), "COST",
	  "add, change-passphrase: normal (64 MiB for each try of a "
	  "passphrase) or strong (1 GiB)", 0, NULL },
	{ OPT_BOOL, 0, "json", AT(json), NULL, "list: as JSON", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" }, { 0 }
};

struct key_call {
	struct app *a;
	struct call *c;
	const struct key_args *o;
	struct repoarg ra;
};

static int parse_kdf(uint32_t *mem_kib, const char *text, struct err *e)
{
	*mem_kib = 0;
	if (!text)
		return 0;
	*mem_kib = KEY_KDF_MEM_KIB;
	if (!strcmp(text, "normal"))
		return 0;
	*mem_kib = KEY_KDF_STRONG_MEM_KIB;
	return !strcmp(text, "strong") ? 0 : err_set(e, ERR_CONFIG,
		"--kdf is normal or strong, not '%s'", text);
}

static int parse_role(uint32_t *rights, const char *text, struct err *e)
{
	*rights = KEY_APPEND | KEY_READ | KEY_DELETE;
	if (!text || !strcmp(text, "full"))
		return 0;
	*rights = KEY_APPEND;
	return !strcmp(text, "append") ? 0 : err_set(e, ERR_CONFIG,
		"--role is full or append, not '%s'", text);
}

/* The file of export and import; NULL: standard output or input. */
static int take_path(struct key_call *k, const char **path, struct err *e)
{
	const char *word = call_word(k->c);

	if (word && k->o->path)
		return err_set(e, ERR_CONFIG, "two files are named: --path %s "
			       "and '%s'", k->o->path, word);
	*path = word ? word : k->o->path;
	if (*path && !strcmp(*path, "-"))
		*path = NULL;
	return call_no_more(k->c, e);
}

static int write_new(const char *path, const struct buf *text, struct err *e)
{
	struct iovec iov = { text->p, text->len };
	int fd, rc;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_EXIST, "'%s' is there already: nothing "
			       "is overwritten", path);
	if (fd < 0)
		return err_errno(e, errno, "cannot make '%s'", path);
	rc = io_writev(fd, &iov, 1, path, e);
	if (rc == 0 && fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
		rc = err_errno(e, errno, "cannot write '%s'", path);
	if (close(fd) < 0 && rc == 0)
		rc = err_errno(e, errno, "cannot write '%s'", path);
	return rc;
}

static int run_export(struct key_call *k, struct err *e)
{
	enum keysheet_form form = k->o->html ? KEYSHEET_HTML : k->o->paper ?
		KEYSHEET_PAPER : KEYSHEET_FILE;
	struct buf slots = BUF_INIT, text = BUF_INIT;
	const char *path = NULL;
	struct sid repo;
	int rc;

	rc = take_path(k, &path, e);
	if (rc == 0 && k->o->html && k->o->paper)
		rc = err_set(e, ERR_CONFIG, "--paper and --qr-html cannot be "
			     "used together");
	if (rc == 0)
		rc = repo_keys_export(k->ra.url, &k->a->store, &slots, &repo,
				      e);
	if (rc == 0)
		rc = keysheet_make(&text, form, k->ra.url, &repo, &slots, e);
	if (rc == 0 && path)
		rc = write_new(path, &text, e);
	else if (rc == 0)
		fwrite(text.p, 1, text.len, stdout);
	if (rc == 0)
		pin_note_exported(&repo);
	buf_release(&text);
	buf_release(&slots);
	return rc;
}

/* A key file as it is, or text; 1: it was a key file. */
static int import_raw(struct paper *p, const struct buf *b, struct err *e)
{
	struct slot_info info;
	int rc;

	if (b->len == 0 || b->len % SLOT_BYTES ||
	    slot_get_info(&info, b->p, SLOT_BYTES, NULL) < 0)
		return 0;
	p->repo = info.repo;
	rc = buf_append(&p->slots, b->p, b->len, e);
	return rc < 0 ? rc : 1;
}

static int import_text(struct paper *p, struct buf *b, const char *path,
		       struct err *e)
{
	char *line, *rest;
	int rc = import_raw(p, b, e);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if ((rc = buf_cstr(b, e)) < 0)
		return rc;
	rest = (char *)b->p;
	while (rc == 0 && (line = strsep(&rest, "\n")))
		rc = paper_line(p, line, e);
	if (rc == 0)
		rc = paper_end(p, e);
	return rc < 0 ? err_ctx(e, "'%s'", path ? path : "standard input") : 0;
}

/* Typed line by line; one with a mistake is asked for again. */
static int import_typed(struct paper *p, struct app *a, struct err *e)
{
	char line[256];
	struct err why;
	int rc = 0;

	fprintf(stderr, "Type the lines of the paper, from the one with the "
		"id on; spaces do not matter.\n");
	while (rc == 0 && !p->file && !paper_complete(p)) {
		if (p->lines)
			fprintf(stderr, "%u: ", p->have + 1);
		if (cancel_wanted(a->cancel) ||
		    !fgets(line, sizeof(line), stdin))
			break;
		err_clear(&why);
		rc = paper_line(p, line, &why);
		if (rc == ERR_CONFIG) {
			fprintf(stderr, "%s\n", why.msg);
			rc = 0;
		} else if (rc < 0) {
			*e = why;
		}
	}
	while (rc == 0 && p->file && fgets(line, sizeof(line), stdin))
		rc = paper_line(p, line, e);
	return rc == 0 ? paper_end(p, e) : rc;
}

static int import_read(struct paper *p, struct key_call *k, const char *path,
		       struct err *e)
{
	struct buf b = { NULL, 0, 0, IMPORT_MAX };
	int rc;

	if (!path && isatty(STDIN_FILENO))
		return import_typed(p, k->a, e);
	rc = io_read_file(AT_FDCWD, path ? path : "/dev/stdin", &b, e);
	if (rc == 0)
		rc = import_text(p, &b, path, e);
	buf_release(&b);
	return rc;
}

static int run_import(struct key_call *k, struct err *e)
{
	struct paper p = PAPER_INIT;
	const char *path = NULL;
	unsigned added;
	int rc;

	rc = take_path(k, &path, e);
	if (rc == 0)
		rc = import_read(&p, k, path, e);
	if (rc == 0)
		rc = repo_keys_import(k->ra.url, &k->a->store, &p.repo,
				      &p.slots, &added, e);
	if (rc == 0 && added)
		printf("%u key%s brought back\n", added, added == 1 ? "" :
		       "s");
	else if (rc == 0)
		printf("nothing to bring back: the key is there\n");
	paper_release(&p);
	return rc;
}

static const char *rights_word(uint32_t rights)
{
	return rights == KEY_APPEND ? "append" : rights & KEY_DELETE ? "full" :
		"read";
}

static json_t *item_json(const struct repo_key *it)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:b}", "name",
			 it->name, "label", it->info.label, "kind",
			 it->info.kind == SLOT_KEY ? "recovery" : "passphrase",
			 "role", rights_word(it->info.rights), "created",
			 (json_int_t)it->info.created_secs, "kdf_kib",
			 (json_int_t)it->info.kdf.mem_kib, "in_use", it->mine);
}

static int list_json(const struct repo_keys *k, struct err *e)
{
	json_t *list = json_array(), *all;
	size_t i;

	for (i = 0; i < k->n; i++)
		json_array_append_new(list, item_json(&k->item[i]));
	all = json_pack("{s:o}", "keys", list);
	if (!all)
		return err_nomem(e);
	json_dumpf(all, stdout, JSON_INDENT(4));
	putchar('\n');
	json_decref(all);
	return 0;
}

static void list_plain(const struct repo_keys *k)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		const struct repo_key *it = &k->item[i];
		time_t made = (time_t)it->info.created_secs;
		char day[16] = "?";
		struct tm tm;

		if (localtime_r(&made, &tm))
			strftime(day, sizeof(day), "%Y-%m-%d", &tm);
		printf("%s  %-10s  %-6s  %s  %-6s  %s%s\n", it->name,
		       it->info.kind == SLOT_KEY ? "recovery" : "passphrase",
		       rights_word(it->info.rights), day,
		       it->info.kdf.mem_kib >= KEY_KDF_STRONG_MEM_KIB ?
		       "strong" : "", it->info.label,
		       it->mine ? " (in use)" : "");
	}
}

static int run_list(struct key_call *k, struct repo *r, struct err *e)
{
	struct repo_keys keys = { NULL, 0 };
	int rc = call_no_more(k->c, e);

	if (rc == 0)
		rc = repo_keys_load(&keys, r, e);
	if (rc == 0 && k->o->json)
		rc = list_json(&keys, e);
	else if (rc == 0)
		list_plain(&keys);
	repo_keys_release(&keys);
	return rc;
}

static int add_recovery(struct repo *r, struct repo_key_new *n, struct err *e)
{
	struct key *secret = key_alloc(sizeof(*secret));
	char *code = key_alloc(CODE_BYTES);
	int rc;

	if (!secret || !code) {
		rc = err_nomem(e);
		goto out;
	}
	key_random(secret->b, sizeof(secret->b));
	code_put(code, secret);
	n->kind = SLOT_KEY;
	n->secret = code;
	rc = repo_keys_add(r, n, e);
	if (rc == 0) {
		fputs(code, stdout);
		talk_info("keep these words in a safe place: where a "
			  "passphrase is asked for, they open the repository");
	}
out:
	key_free(code);
	key_free(secret);
	return rc;
}

static int run_add(struct key_call *k, struct repo *r, struct err *e)
{
	struct repo_key_new n = { .label = k->o->label,
				  .kind = SLOT_PASSPHRASE };
	char *pass = NULL;
	int rc = call_no_more(k->c, e);

	if (rc == 0 && !n.label)
		n.label = k->o->recovery ? "recovery" : k->o->role;
	if (rc == 0 && !n.label)
		rc = err_set(e, ERR_CONFIG, "how is the new key called? "
			     "--label LABEL");
	if (rc == 0)
		rc = repo_require(r, KEY_APPEND | KEY_READ | KEY_DELETE, e);
	if (rc == 0)
		rc = parse_role(&n.rights, k->o->role, e);
	if (rc == 0)
		rc = parse_kdf(&n.mem_kib, k->o->kdf, e);
	if (rc < 0)
		return rc;
	if (k->o->recovery)
		return add_recovery(r, &n, e);
	rc = pass_new(&pass, k->ra.url, k->a->cancel, e);
	n.secret = pass;
	if (rc == 0)
		rc = repo_keys_add(r, &n, e);
	key_free(pass);
	return rc;
}

static int run_remove(struct key_call *k, struct repo *r, struct err *e)
{
	const char *which = call_word(k->c);
	int rc = call_no_more(k->c, e);

	if (rc == 0 && which && k->o->label)
		rc = err_set(e, ERR_CONFIG, "two keys are named: --label %s "
			     "and '%s'", k->o->label, which);
	if (!which)
		which = k->o->label;
	if (rc == 0 && !which)
		rc = err_set(e, ERR_CONFIG, "which key? 'key list' shows "
			     "their labels");
	return rc == 0 ? repo_keys_remove(r, which, e) : rc;
}

static int run_change(struct key_call *k, struct repo *r, struct err *e)
{
	uint32_t mem_kib;
	char *pass = NULL;
	int rc = call_no_more(k->c, e);

	if (rc == 0)
		rc = parse_kdf(&mem_kib, k->o->kdf, e);
	if (rc == 0)
		rc = pass_new(&pass, k->ra.url, k->a->cancel, e);
	if (rc == 0)
		rc = repo_keys_change(r, k->o->label, pass, mem_kib, e);
	if (rc == 0)
		printf("the passphrase was changed%s\n",
		       repo_mode(r) == SLOT_REPOKEY ? "; exports of the key "
		       "that were made before still open with the old one" :
		       "");
	key_free(pass);
	return rc;
}

/* What can be done, and how. */
static const struct key_verb {
	const char *name;
	size_t keep;		/* operands behind the repository's */
	int (*closed)(struct key_call *k, struct err *e);
	int (*opened)(struct key_call *k, struct repo *r, struct err *e);
} verb[] = {
	{ "list", 0, NULL, run_list },
	{ "export", 0, run_export, NULL },
	{ "import", 0, run_import, NULL },
	{ "change-passphrase", 0, NULL, run_change },
	{ "add", 0, NULL, run_add },
	{ "remove", 1, NULL, run_remove },
};
#define VERBS (sizeof(verb) / sizeof(verb[0]))

static int find_verb(const struct key_verb **out, const char *word,
		     struct err *e)
{
	struct suggest s = SUGGEST_INIT(word ? word : "");
	size_t i;

	for (i = 0; word && i < VERBS; i++) {
		if (!strcmp(word, verb[i].name)) {
			*out = &verb[i];
			return 0;
		}
		suggest_add(&s, verb[i].name);
	}
	if (word && suggest_best(&s))
		return err_set(e, ERR_CONFIG, "unknown action 'key %s': did "
			       "you mean '%s'?", word, suggest_best(&s));
	return err_set(e, ERR_CONFIG, "'key' is followed by list, export, "
		       "import, add, remove or change-passphrase");
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct key_call k = { .a = a, .c = c, .o = c->args };
	const struct key_verb *v = NULL;
	struct repo *r = NULL;
	size_t keep;
	int rc;

	rc = find_verb(&v, call_word(c), e);
	if (rc < 0 || !v)
		return rc;
	keep = v->keep && !k.o->label ? v->keep : 0;
	rc = repoarg_take(&k.ra, a, c, NULL, REPOARG_REPO, keep, e);
	if (rc == 0 && v->closed)
		rc = v->closed(&k, e);
	else if (rc == 0)
		rc = app_open(a, k.ra.url, &r, e);
	if (rc == 0 && v->opened)
		rc = v->opened(&k, r, e);
	repo_close(r);
	repoarg_release(&k.ra);
	return rc;
}

const struct cmd cmd_key = {
	.name = "key",
	.synopsis = "list|export|import|change-passphrase|add|remove [REPO]",
	.brief = "who can open a repository: passphrases, copies on paper",
	.text =
	"A repository has one or more keys; each is locked by a passphrase of\n"
	"its own, or is a recovery code of twenty words, which is typed where\n"
	"a passphrase is asked for.\n"
	"\n"
	"list shows them. export prints them, still locked, as text, for\n"
	"paper or as a page with QR codes; import brings such a copy back.\n"
	"change-passphrase replaces the passphrase of one. add makes one more\n"
	"(--recovery: a code; --role append: a key for a machine that shall\n"
	"not be able to read what it backs up), remove takes one away.\n"
	"\n"
	"  muniment key export --paper /backup/mail\n"
	"  muniment key add --recovery /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct key_args),
	.want = REPOARG_REPO,
	.verb = 1,
	.run = run
};
