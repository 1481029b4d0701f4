/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/alarm.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/talk.h"

static void say(const struct witness_finding *f, void *ctx)
{
	struct app *a = ctx;
	size_t i;

	for (i = 0; i < a->alarmed.n; i++)	/* by an action before */
		if (!strcmp(a->alarmed.v[i], f->text))
			return;
	strv_add(&a->alarmed, f->text, NULL);
	talk_warn("%s", f->text);
	if (!a->unlike)
		talk_warn("if that is right (an older copy was put back on "
			  "purpose, say): 'muniment log accept'; if not, keep "
			  "the repository's disk as it is, and look who can "
			  "write to it. 'muniment log' shows what is there");
	a->unlike = true;
}

void alarm_set(struct repo_opts *o, struct app *a)
{
	o->alarm = say;
	o->alarm_ctx = a;
}

/* 1: yes, 0: no, -1: nothing is said. */
static int answer(const char *name, const char *borg)
{
	static const char *const yes[] = { "yes", "y", "true", "1" };
	const char *v = getenv(name);
	size_t i;

	if ((!v || !*v) && borg)
		v = getenv(borg);
	if (!v || !*v)
		return -1;
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!strcasecmp(v, yes[i]))
			return 1;
	return 0;
}

static int moved(const struct repo *r, const char *was, struct err *e)
{
	switch (answer("MUNIMENT_RELOCATED_REPO_ACCESS_IS_OK",
		       "BORG_RELOCATED_REPO_ACCESS_IS_OK")) {
	case 1:
		return 0;
	case 0:
		return err_set(e, ERR_ROLLBACK, "the repository at %s was at "
			       "%s before, and MUNIMENT_RELOCATED_REPO_ACCESS_"
			       "IS_OK is not yes", repo_url(r), was);
	}
	talk_warn("the repository at %s was at %s before; it is the same one",
		  repo_url(r), was);
	return 0;
}

static int other(const struct repo *r, struct err *e)
{
	if (answer("MUNIMENT_UNKNOWN_REPO_ACCESS_IS_OK", NULL) == 1)
		return 0;
	return err_set(e, ERR_ROLLBACK, "at %s there was another repository "
		       "when this machine was there last: nothing was done. If "
		       "it was made anew on purpose: 'muniment log accept %s'",
		       repo_url(r), repo_url(r));
}

int alarm_place(const struct repo *r, struct err *e)
{
	struct err why = { ERR_OK, "" };
	char *was = NULL;
	enum place_state at;
	int rc = place_check(&at, &was, repo_url(r), repo_id(r), e);

	if (rc == 0 && at == PLACE_OTHER)
		rc = other(r, e);
	if (rc == 0 && at == PLACE_MOVED)
		rc = moved(r, was, e);
	if (rc == 0 && at != PLACE_SAME &&
	    place_keep(repo_url(r), repo_id(r), &why) < 0)
		talk_info("the repository's place is not noted: %s", why.msg);
	free(was);
	return rc;
}

int alarm_expect(struct app *a, struct repo *r, struct err *e)
{
	uint8_t head[WITNESS_HEAD_BYTES];

	if (!a->o.expect_head)
		return 0;
	if (!code_words_get(head, sizeof(head), a->o.expect_head))
		return err_set(e, ERR_CONFIG, "--expect-head takes the eight "
			       "words that a backup shows as its state");
	return witness_expect(r, head, e);
}

char *alarm_words(char out[ALARM_WORDS_BYTES], const struct oid *record)
{
	char *c;

	code_words(out, record->b, WITNESS_HEAD_BYTES);
	for (c = out; *c; c++)
		if (*c == ' ')
			*c = '-';
	return out;
}
