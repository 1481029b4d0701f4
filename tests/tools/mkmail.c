/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Makes mail servers' data for tests and measurements, carries it on hour by
 * hour, writes down what is there, and compares a restore with that.
 */
#include <getopt.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/maildisk.h"
#include "tests/lib/mailhour.h"
#include "tests/lib/mailplan.h"
#include "tests/lib/mailside.h"
#include "tests/lib/manifest.h"
#include "tests/lib/tinytree.h"

static const char usage[] =
"mkmail --out DIR [--seed N] [--profile plain|crypt] [--preset xs|s|m]\n"
"       [--mails N] [--bytes-approx N[K|M|G]] [--users N] [--threads N]\n"
"       [--manifest FILE] [--stats]             make a mail store\n"
"mkmail --out DIR --evolve HOURS [--incident NAME] [--manifest FILE]\n"
"                                               carry it on (NAME: hacked,\n"
"       client-bug, imapsync, rsync, extract, rewrite)\n"
"mkmail --out DIR --tiny N [--seed N] [--evolve HOUR] [--manifest FILE]\n"
"                                               make N tiny files, or do\n"
"                                               what changes in HOUR (1...)\n"
"mkmail --out DIR --scan --manifest FILE        write down what is in DIR\n"
"mkmail --out DIR --verify FILE [--ignore owner,links,modes,times,dirtimes]\n"
"                                               compare; 1 if it differs\n";

struct mkmail {
	struct mailstore_opts store;
	const char *out, *manifest, *verify, *incident;
	enum manifest_ignore ignore;
	uint64_t tiny;
	unsigned threads;
	uint32_t evolve;
	bool scan, stats;
};

static uint64_t mkmail_number(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (*end == 'K' || *end == 'M' || *end == 'G')
		v *= *end == 'K' ? 0x1p10 : *end == 'M' ? 0x1p20 : 0x1p30;
	else if (*end)
		v = -1;
	if (end == text || v < 0 || v > 1e18) {
		fprintf(stderr, "mkmail: not a number: '%s'\n", text);
		exit(2);
	}
	return (uint64_t)v;
}

static void mkmail_preset(struct mkmail *o, const char *name)
{
	static const struct {
		const char *name;
		unsigned users;
		uint64_t mails, bytes;
	} preset[] = {
		{ "xs", 4, 2000, 100u << 20 },
		{ "s", 10, 20000, 1300ull << 20 },
		{ "m", 50, 250000, 16ull << 30 }
	};

	for (size_t k = 0; k < 3; k++) {
		if (strcmp(preset[k].name, name) != 0)
			continue;
		o->store.users = preset[k].users;
		o->store.mails = preset[k].mails;
		o->store.bytes = preset[k].bytes;
		return;
	}
	fprintf(stderr, "mkmail: no preset is called '%s'\n", name);
	exit(2);
}

static void mkmail_ignore(struct mkmail *o, const char *list)
{
	static const char *const name[] = {
		"owner", "links", "dirtimes", "times", "modes"
	};

	while (*list) {
		size_t len = strcspn(list, ","), k = 0;

		while (k < 5 && (strlen(name[k]) != len ||
		       strncmp(name[k], list, len) != 0))
			k++;
		if (k == 5) {
			fprintf(stderr, "mkmail: cannot ignore '%s'\n", list);
			exit(2);
		}
		o->ignore |= (enum manifest_ignore)(1 << k);
		list += len + (list[len] == ',');
	}
}

enum mkmail_option {
	O_OUT, O_SEED, O_PROFILE, O_PRESET, O_MAILS, O_BYTES, O_USERS,
	O_THREADS, O_MANIFEST, O_STATS, O_EVOLVE, O_INCIDENT, O_TINY, O_SCAN,
	O_VERIFY, O_IGNORE
};

static const struct option mkmail_options[] = {
	{ "out", required_argument, NULL, O_OUT },
	{ "seed", required_argument, NULL, O_SEED },
	{ "profile", required_argument, NULL, O_PROFILE },
	{ "preset", required_argument, NULL, O_PRESET },
	{ "mails", required_argument, NULL, O_MAILS },
	{ "bytes-approx", required_argument, NULL, O_BYTES },
	{ "users", required_argument, NULL, O_USERS },
	{ "threads", required_argument, NULL, O_THREADS },
	{ "manifest", required_argument, NULL, O_MANIFEST },
	{ "stats", no_argument, NULL, O_STATS },
	{ "evolve", required_argument, NULL, O_EVOLVE },
	{ "incident", required_argument, NULL, O_INCIDENT },
	{ "tiny", required_argument, NULL, O_TINY },
	{ "scan", no_argument, NULL, O_SCAN },
	{ "verify", required_argument, NULL, O_VERIFY },
	{ "ignore", required_argument, NULL, O_IGNORE },
	{ NULL, 0, NULL, 0 }
};

static void mkmail_profile(struct mkmail *o, const char *name)
{
	if (strcmp(name, "plain") != 0 && strcmp(name, "crypt") != 0) {
		fprintf(stderr, "mkmail: no profile is called '%s'\n", name);
		exit(2);
	}
	o->store.profile = *name == 'c' ? MAIL_CRYPT : MAIL_PLAIN;
}

static void mkmail_option(struct mkmail *o, int c, const char *arg)
{
	switch ((enum mkmail_option)c) {
	case O_OUT:
		o->out = arg;
		break;
	case O_SEED:
		o->store.seed = mkmail_number(arg);
		break;
	case O_PROFILE:
		mkmail_profile(o, arg);
		break;
	case O_PRESET:
		mkmail_preset(o, arg);
		break;
	case O_MAILS:
		o->store.mails = mkmail_number(arg);
		o->store.bytes = 0;
		o->store.users = 0;
		break;
	case O_BYTES:
		o->store.bytes = mkmail_number(arg);
		break;
	case O_USERS:
		o->store.users = (unsigned)mkmail_number(arg);
		break;
	case O_THREADS:
		o->threads = (unsigned)mkmail_number(arg);
		break;
	case O_MANIFEST:
		o->manifest = arg;
		break;
	case O_STATS:
		o->stats = true;
		break;
	case O_EVOLVE:
		o->evolve = (uint32_t)mkmail_number(arg);
		break;
	case O_INCIDENT:
		o->incident = arg;
		break;
	case O_TINY:
		o->tiny = mkmail_number(arg);
		break;
	case O_SCAN:
		o->scan = true;
		break;
	case O_VERIFY:
		o->verify = arg;
		break;
	case O_IGNORE:
		mkmail_ignore(o, arg);
		break;
	}
}

static int mkmail_manifest(const struct mkmail *o, const struct mailstore *s,
	struct err *e)
{
	struct manifest m = MANIFEST_INIT;
	int rc = 0;

	if (!o->manifest)
		return 0;
	rc = manifest_scan(&m, o->out, o->threads, e);
	if (rc == 0 && s)
		rc = manifest_name_mail(&m, s, e);
	if (rc == 0)
		rc = manifest_save(&m, o->manifest, e);
	manifest_release(&m);
	return rc;
}

static int mkmail_verify(const struct mkmail *o, struct err *e)
{
	struct manifest want = MANIFEST_INIT, have = MANIFEST_INIT;
	uint64_t bad = 0;
	int rc = manifest_load(&want, o->verify, e);

	if (rc == 0)
		rc = manifest_scan(&have, o->out, o->threads, e);
	if (rc == 0)
		bad = manifest_compare(&want, &have, o->ignore, stdout);
	manifest_release(&want);
	manifest_release(&have);
	return rc < 0 ? rc : bad > 0;
}

static int mkmail_tiny(const struct mkmail *o, struct err *e)
{
	int rc = o->evolve ? tinytree_step(o->out, o->store.seed, o->tiny,
		o->evolve, e) : tinytree_make(o->out, o->store.seed, o->tiny,
		e);

	return rc < 0 ? rc : mkmail_manifest(o, NULL, e);
}

static int mkmail_stats(const struct mailstore *s, struct err *e)
{
	struct mailplan_stats st;
	int rc = mailplan_stats(s, &st, e);

	if (rc < 0)
		return rc;
	printf("users %u\nmails %" PRIu64 "\nmean_bytes %" PRIu64 "\np10 %"
		PRIu64 "\nmedian %" PRIu64 "\np90 %" PRIu64 "\np99 %" PRIu64
		"\nparts %" PRIu64 "\nunique_parts_percent %.1f\n"
		"unique_bytes_percent %.1f\n", s->pool.users, st.mails,
		st.size[4], st.size[0], st.size[1], st.size[2], st.size[3],
		st.parts, 100.0 * (double)st.unique_parts / (double)st.parts,
		100.0 * (double)st.unique_part_bytes /
		(double)st.part_bytes);
	return 0;
}

static int mkmail_make(const struct mkmail *o, struct mailstore *s,
	struct err *e)
{
	int rc = mailstore_create(s, o->out, &o->store, e);

	if (rc == 0)
		rc = maildisk_dir(s, "vmail", 0700, 0, e);
	if (rc == 0)
		rc = mailside_make(s, e);
	for (unsigned u = 0; rc == 0 && u < s->n; u++)
		rc = maildisk_make_box(s, u, o->threads, e);
	if (rc == 0)
		rc = mailside_scripts(s, e);
	if (rc == 0)
		rc = mailside_step(s, e);
	if (rc == 0)
		rc = maildisk_settle(s, e);
	return rc;
}

static int mkmail_evolve(const struct mkmail *o, struct mailstore *s,
	struct err *e)
{
	struct mailhour_stats st = { .delivered = 0 };
	int rc = mailstore_open(s, o->out, e);

	for (uint32_t k = 0; rc == 0 && k < o->evolve; k++)
		rc = mailhour_step(s, &st, e);
	if (rc == 0 && o->incident)
		rc = mailhour_incident(s, o->incident, &st, e);
	if (rc == 0)
		printf("hour %u: delivered %" PRIu64 " (%" PRIu64 " bytes), "
			"seen %" PRIu64 ", flagged %" PRIu64 ", moved %" PRIu64
			", copied %" PRIu64 ", expunged %" PRIu64
			", folders %" PRIu64 ", mailboxes %" PRIu64 "\n",
			s->hour, st.delivered, st.delivered_bytes, st.seen,
			st.flagged, st.moved, st.copied, st.expunged,
			st.folders, st.boxes);
	return rc;
}

static int mkmail_mail(const struct mkmail *o, struct err *e)
{
	struct mailstore s = { .root = NULL };
	int rc = o->evolve || o->incident ? mkmail_evolve(o, &s, e) :
		mkmail_make(o, &s, e);

	if (rc == 0)
		rc = mailstore_save(&s, e);
	if (rc == 0 && o->stats)
		rc = mkmail_stats(&s, e);
	if (rc == 0)
		rc = mkmail_manifest(o, &s, e);
	mailstore_release(&s);
	return rc;
}

int main(int argc, char **argv)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct mkmail o = { .store = { .seed = 1 },
		.threads = cpus > 1 ? (unsigned)cpus : 1 };
	struct err e = { .code = ERR_OK };
	int c, rc;

	mkmail_preset(&o, "xs");
	while ((c = getopt_long(argc, argv, "", mkmail_options, NULL)) != -1) {
		if (c == '?') {
			fputs(usage, stderr);
			return 2;
		}
		mkmail_option(&o, c, optarg);
	}
	if (!o.out || optind != argc || sodium_init() < 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (o.verify)
		rc = mkmail_verify(&o, &e);
	else if (o.scan)
		rc = mkmail_manifest(&o, NULL, &e);
	else if (o.tiny)
		rc = mkmail_tiny(&o, &e);
	else
		rc = mkmail_mail(&o, &e);
	if (rc < 0)
		fprintf(stderr, "mkmail: %s\n", e.msg);
	return rc < 0 ? 2 : rc;
}
