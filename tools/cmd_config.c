/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/bootstrap.h"
#include "tools/cmd.h"
#include "tools/config/config_show.h"
#include "tools/config/sample.h"
#include "tools/json.h"
#include "tools/talk.h"

#define USUAL_PATH "/etc/muniment/config.yaml"

struct config_args {
	const char *source, *destination, *option;
	bool show, overwrite, json;
	struct bootstrap_args bootstrap;
};
#define AT(member) offsetof(struct config_args, member)
static const struct opt_row rows[] = {
	{ OPT_STR, 0, "source", AT(source), "FILE",
	  "generate: a configuration whose values to take (also -s FILE)", 0,
	  NULL },
	{ OPT_STR, 'd', "destination", AT(destination), "PATH",
	  "generate: the file to write (default: " USUAL_PATH "; -: standard "
	  "output); bootstrap: the folder to write below (default: /)", 0,
	  NULL },
	{ OPT_BOOL, 0, "overwrite", AT(overwrite), NULL,
	  "generate: replace a file that is there", 0, NULL },
	{ OPT_BOOL, 's', "show", AT(show), NULL,
	  "validate: print what the files mean", 0, NULL },
	{ OPT_STR, 0, "option", AT(option), "KEY",
	  "show: only this key", 0, NULL },
	{ OPT_BOOL, 0, "json", AT(json), NULL, "show: as JSON", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ bootstrap_rows, AT(bootstrap), "bootstrap" },
	{ 0 }
};

static void tell(const struct strv *warnings)
{
	size_t i;

	for (i = 0; i < warnings->n; i++)
		talk_warn("%s", warnings->v[i]);
}

static int write_whole(int fd, const char *path, const struct buf *text,
		       struct err *e)
{
	struct iovec iov = { text->p, text->len };
	int rc = io_writev(fd, &iov, 1, path, e);

	if (rc == 0 && fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
		rc = err_errno(e, errno, "cannot write '%s'", path);
	return rc;
}

/* Made anew, or not at all. */
static int write_new(const char *path, const struct buf *text, struct err *e)
{
	int fd, rc;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_EXIST, "'%s' is there already: "
			       "--overwrite replaces it, --destination names "
			       "another", path);
	if (fd < 0)
		return err_errno(e, errno, "cannot make '%s'", path);
	rc = write_whole(fd, path, text, e);
	if (close(fd) < 0 && rc == 0)
		rc = err_errno(e, errno, "cannot write '%s'", path);
	if (rc < 0)
		unlink(path);
	return rc;
}

static int make_parent(const char *path, struct err *e)
{
	char *copy = mem_str(path);
	int rc;

	if (!copy)
		return err_nomem(e);
	rc = io_make_dirs(dirname(copy), e);
	free(copy);
	return rc;
}

static int generate(struct app *a, struct call *c, struct config_args *o,
		    struct err *e)
{
	const char *path = o->destination ? o->destination : USUAL_PATH;
	struct strv warnings = STRV_INIT;
	struct buf text = BUF_INIT;
	struct stat st;
	int rc;

	if (o->show && !o->source)	/* borgmatic's -s */
		o->source = call_word(c);
	if (o->show && !o->source)
		return err_set(e, ERR_CONFIG, "-s needs a file: -s FILE");
	if ((rc = call_no_more(c, e)) < 0)
		return rc;
	if (o->destination && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFIG, "--destination '%s' is a "
			       "folder: name the file", path);
	rc = sample_write(&text, o->source, &warnings, e);
	tell(&warnings);
	strv_release(&warnings);
	if (rc == 0 && !strcmp(path, "-")) {
		fwrite(text.p, 1, text.len, stdout);
	} else if (rc == 0 && a->o.dry_run) {
		talk_line("would write '%s'", path);
	} else if (rc == 0) {
		rc = make_parent(path, e);
		if (rc == 0)
			rc = o->overwrite ? io_publish(AT_FDCWD, path, text.p,
				text.len, 0600, e) : write_new(path, &text, e);
		if (rc == 0)
			printf("wrote '%s'\nedit it (the repository's path "
			       "above all), then run 'muniment config "
			       "validate'\n", path);
	}
	buf_release(&text);
	return rc;
}

static int find(struct strv *files, struct app *a, struct err *e)
{
	int rc = config_find(files, &a->o.config, e);

	if (rc == 0 && files->n == 0)
		rc = err_set(e, ERR_CONFIG, "no configuration was found: name "
			     "it with -c, or write one with 'muniment config "
			     "generate'");
	return rc;
}

/* The last error stays in 'e', and those before it are told. */
static int each_file(struct app *a, struct config_args *o, json_t *all,
		     int (*one)(struct config_args *o, const struct config *c,
				json_t *all, struct err *e), struct err *e)
{
	const struct config_load_opts lo = {
		.overrides = &a->o.override, .keep_credentials = true,
		.no_environment_interpolation = a->o.no_environment
	};
	struct strv files = STRV_INIT, warnings = STRV_INIT;
	struct config *c = NULL;
	struct err why;
	size_t i;
	int rc, worst;

	worst = find(&files, a, e);
	for (i = 0; worst != ERR_NOMEM && i < files.n; i++) {
		rc = config_load(&c, files.v[i], &lo, &warnings, &why);
		tell(&warnings);
		strv_release(&warnings);
		if (rc == 0)
			rc = one(o, c, all, &why);
		config_free(c);
		if (rc == 0)
			continue;
		if (worst < 0)
			talk_error(e);
		worst = err_set(e, why.code, "%s", why.msg);
	}
	strv_release(&files);
	return worst;
}

static int print_yaml(const struct config *c, const char *option,
		      struct err *e)
{
	struct buf text = BUF_INIT;
	int rc = config_show_yaml(&text, c, option, e);

	if (rc == 0)
		fwrite(text.p, 1, text.len, stdout);
	if (text.p)
		explicit_bzero(text.p, text.len);
	buf_release(&text);
	return rc;
}

static int validate_one(struct config_args *o, const struct config *c,
			json_t *all, struct err *e)
{
	(void)all;
	if (!o->show) {
		printf("%s: valid\n", c->file);
		return 0;
	}
	printf("# %s\n", c->file);
	return print_yaml(c, NULL, e);
}

static int show_one(struct config_args *o, const struct config *c, json_t *all,
		    struct err *e)
{
	json_t *v = NULL;
	int rc;

	if (!o->json)
		return print_yaml(c, o->option, e);
	rc = config_show_json(&v, c, o->option, e);
	if (rc == 0 && json_array_append_new(all, v) < 0)
		rc = err_nomem(e);
	return rc;
}

static int show(struct app *a, struct config_args *o, struct err *e)
{
	json_t *all = json_array();
	int rc;

	if (!all)
		return err_nomem(e);
	rc = each_file(a, o, all, show_one, e);
	if (rc < 0 || !o->json) {
		json_decref(all);
		return rc;
	}
	return json_print(all, e);
}

static int run(struct app *a, struct call *c, struct err *e)
{
	struct config_args *o = c->args;
	const char *verb = call_word(c);
	int rc;

	if (verb && !strcmp(verb, "generate"))
		return generate(a, c, o, e);
	if (verb && !strcmp(verb, "bootstrap")) {
		o->bootstrap.destination = o->destination;
		return bootstrap_run(a, c, &o->bootstrap, e);
	}
	if (!verb || (strcmp(verb, "validate") != 0 &&
		      strcmp(verb, "show") != 0))
		return err_set(e, ERR_CONFIG, "config needs to be told what to "
			       "do: generate, validate, show or "
			       "bootstrap%s%s%s",
			       verb ? ", not '" : "", verb ? verb : "",
			       verb ? "'" : "");
	if ((rc = call_no_more(c, e)) < 0)
		return rc;
	if (*verb == 's')
		return show(a, o, e);
	return each_file(a, o, NULL, validate_one, e);
}

const struct cmd cmd_config = {
	.name = "config",
	.synopsis = "generate|validate|show|bootstrap",
	.brief = "write, judge and show configuration files",
	.text =
	"generate   writes a file with every key and a word on it; for\n"
	"           mailcow only the repository's path has to be filled in\n"
	"validate   judges the files of -c, or those that a run would read,\n"
	"           and touches nothing\n"
	"show       prints what they mean, with everything replaced; secrets\n"
	"           only for a --option\n"
	"bootstrap  brings back the configuration files that an archive of\n"
	"           --repository has\n"
	"\n"
	"  muniment config generate -d data/conf/borgmatic/etc/config.yaml\n"
	"  muniment config validate\n",
	.groups = groups,
	.args_bytes = sizeof(struct config_args),
	.flags = CMD_ALONE | CMD_DRY_RUN,
	.verb = 1,
	.words_max = 2,
	.run = run
};
