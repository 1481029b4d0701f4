/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/alarm.h"
#include "tools/json.h"
#include "tools/repoarg.h"
#include "tools/talk.h"
#include "tools/times.h"

#define NOTES_MAX (16u << 20)

struct log_args {
	bool json;
};
#define AT(member) offsetof(struct log_args, member)
static const struct opt_row rows[] = {
	{ OPT_BOOL, 0, "json", AT(json), NULL, "as JSON", 0, NULL },
	{ 0 }
};
static const struct opt_group groups[] = {
	{ rows, 0, "Options" },
	{ 0 }
};

/* The repository's records, and what is wrong with them. */
struct chain {
	struct app *a;
	struct repo *r;
	struct catalog *c;
	const struct witness_finding *f;
	size_t n;
};

/* The findings are the answer here, not a warning beside it. */
static void collect(const struct witness_finding *f, void *ctx)
{
	struct app *a = ctx;

	(void)f;
	a->unlike = true;
}

/* The newest that was made, whatever the clocks say: nobody's record has it
 * before it. */
static const struct catalog_item *head_of(const struct catalog *c)
{
	const struct catalog_item *it;
	struct map before = MAP_INIT;
	uint64_t *value;
	bool was;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (!oid_is_zero(&c->item[i]->rec.prev))
			map_put(&before, c->item[i]->rec.prev.b, &value, &was,
				NULL);
	for (i = c->n; i-- > 0;) {
		it = c->item[i];
		if (!map_get(&before, it->id.b))
			break;
	}
	map_release(&before);
	return c->n ? c->item[i < c->n ? i : c->n - 1] : NULL;
}

static void show(const struct chain *k)
{
	char when[TIMES_BYTES], client[SID_HEX_BYTES], id[OID_HEX_BYTES];
	char words[ALARM_WORDS_BYTES];
	const struct catalog_item *head = head_of(k->c);
	size_t i;

	for (i = 0; i < k->c->n; i++) {
		const struct catalog_item *it = k->c->item[i];

		printf("%.8s %5" PRIu64 "  %s  %.16s  %s%s\n",
		       sid_hex(&it->rec.client, client), it->rec.seq,
		       times_human(when, it->rec.start_nsec),
		       oid_hex(&it->id, id), it->rec.name ? it->rec.name : "",
		       it->deleted ? "  (deleted)" : "");
	}
	for (i = 0; i < k->c->n_bad; i++)
		printf("archives/%s cannot be read: %s\n",
		       sid_hex(&k->c->bad[i]->rec.session, client),
		       k->c->bad[i]->bad.msg);
	if (head)
		printf("State: %s\n", alarm_words(words, &head->id));
	for (i = 0; i < k->n; i++)
		printf("NOT AS IT WAS: %s\n", k->f[i].text);
}

static int show_notes(const struct chain *k, struct err *e)
{
	struct buf b = { NULL, 0, 0, NOTES_MAX };
	int rc = witness_accepted(k->r, &b, e);

	if (rc == 0 && b.len) {
		printf("Accepted on this machine:\n");
		fwrite(b.p, 1, b.len, stdout);
	}
	buf_release(&b);
	return rc;
}

static json_t *record_json(const struct catalog_item *it)
{
	char client[SID_HEX_BYTES], words[ALARM_WORDS_BYTES];

	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:b}", "name",
			 json_text(it->rec.name ? it->rec.name : ""), "id",
			 json_id(&it->id), "client",
			 sid_hex(&it->rec.client, client), "sequence",
			 json_int(it->rec.seq), "previous",
			 oid_is_zero(&it->rec.prev) ? json_null() :
			 json_id(&it->rec.prev), "start",
			 json_time(it->rec.start_nsec), "state",
			 alarm_words(words, &it->id), "deleted", it->deleted);
}

static int show_json(const struct chain *k, struct err *e)
{
	json_t *v = json_object(), *list = json_array(), *f = json_array();
	const struct catalog_item *head = head_of(k->c);
	char words[ALARM_WORDS_BYTES], hex[SID_HEX_BYTES];
	bool bad = json_put_repo(v, k->r, head ? head->rec.start_nsec : 0) < 0;
	size_t i;

	for (i = 0; i < k->c->n; i++)
		bad |= json_array_append_new(list,
			record_json(k->c->item[i])) < 0;
	for (i = 0; i < k->n; i++)
		bad |= json_array_append_new(f, json_pack(
			"{s:s, s:s, s:o, s:o}", "kind",
			witness_kind_name(k->f[i].kind), "session",
			sid_hex(&k->f[i].session, hex), "id",
			json_id(&k->f[i].record), "text",
			json_text(k->f[i].text))) < 0;
	bad |= json_object_set_new(v, "state", head ?
		json_string(alarm_words(words, &head->id)) : json_null()) < 0;
	bad |= json_object_set_new(v, "log", list) < 0;
	bad |= json_object_set_new(v, "findings", f) < 0;
	if (bad) {
		json_decref(v);
		v = NULL;
	}
	return json_print(v, e);
}

/* A place where another repository was is accepted, too. */
static int accept_place(struct chain *k, struct err *e)
{
	char *was = NULL;
	enum place_state at;
	int rc = place_check(&at, &was, repo_url(k->r), repo_id(k->r), e);

	free(was);
	if (rc < 0 || at != PLACE_OTHER)
		return rc;
	printf("accepted: at %s there is another repository than before\n",
	       repo_url(k->r));
	return k->a->o.dry_run ? 0 : place_keep(repo_url(k->r),
						repo_id(k->r), e);
}

static int accept(struct chain *k, struct err *e)
{
	size_t i;
	int rc = accept_place(k, e);

	for (i = 0; rc == 0 && i < k->n; i++)
		printf("%s: %s\n", k->a->o.dry_run ? "would be accepted" :
		       "accepted", k->f[i].text);
	if (rc == 0 && k->n == 0)
		printf("the repository's archives are as this machine has "
		       "seen them\n");
	if (rc == 0 && !k->a->o.dry_run)
		rc = witness_accept(k->r, e);
	if (rc == 0 && !k->a->o.dry_run)
		k->a->unlike = false;
	return rc;
}

static int run(struct app *a, struct call *c, struct err *e)
{
	const struct log_args *o = c->args;
	struct chain k = { .a = a };
	struct repo_opts ro;
	struct repoarg ra = { .url = NULL };
	bool before = a->unlike, accepts = false;
	int rc;

	if (call_words_left(c) && !strcmp(c->words.v[c->at],
					  c->cmd->maybe_verb)) {
		call_word(c);
		accepts = true;
	}
	rc = repoarg_take(&ra, a, c, NULL, REPOARG_REPO, 0, e);
	if (rc == 0)
		rc = call_no_more(c, e);
	if (rc == 0 && accepts && o->json)
		rc = err_set(e, ERR_CONFIG, "'log accept' knows no --json");
	app_repo_opts(a, &ro);
	ro.alarm = collect;
	ro.alarm_ctx = a;
	if (rc == 0)
		rc = repo_open(&k.r, ra.url, &ro, e);
	if (rc == 0 && !accepts)
		rc = alarm_place(k.r, e);
	if (rc == 0)
		rc = alarm_expect(a, k.r, e);
	if (rc == 0)
		rc = catalog_load_all(&k.c, k.r, e);
	if (rc == 0) {
		k.n = witness_findings(k.r, &k.f);
		rc = accepts ? accept(&k, e) : o->json ? show_json(&k, e) :
			(show(&k), show_notes(&k, e));
	}
	a->unlike |= before;
	catalog_free(k.c);
	repo_close(k.r);
	repoarg_release(&ra);
	return rc;
}

const struct cmd cmd_log = {
	.name = "log",
	.synopsis = "[accept] [REPO]",
	.brief = "the chain of archives; is it as this machine has seen it?",
	.text =
	"Shows every archive's record: machine, number, time, id, name; the\n"
	"state as eight words, which --expect-head takes on another machine;\n"
	"and what is not as this machine has seen it before: archives that\n"
	"are gone though nobody deleted them, an older copy in place of the\n"
	"repository, deleted archives that are back. Then the exit status is\n"
	"13, here and of every action, and nothing is pruned or compacted,\n"
	"until it is put right or 'log accept' says that it is right.\n"
	"\n"
	"  muniment log /backup/mail\n"
	"  muniment log accept /backup/mail\n",
	.groups = groups,
	.args_bytes = sizeof(struct log_args),
	.flags = CMD_DRY_RUN,
	.want = REPOARG_REPO,
	.maybe_verb = "accept",
	.words_max = 2,
	.run = run
};
