#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Sources with one rule of the collector's protocol left out.

usage: tests/mutant.py                      the names
       tests/mutant.py NAME FILE            that source, with the rule left out
       tests/mutant.py --program NAME DIR   all sources of a program that are
                                            not as they were

A program takes its time at the places which the rules guard, so that real
processes get in between; the one that is called "slow" has all the rules.

The Makefile builds BUILD/mutant/NAME/... of them; tests/cases/mutants.sh and
"make collect" see to it that each is caught, and that "slow" is not."""
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
# A name; the source; what stands there once, and what instead of it.
MUTANTS = {
    "pack-level": ("core/maint/compact_base.c", """\
	if (!g->live || (o->late && !g->late))
		return 0;
	loc = compact_place(c, g->loc, g->n);
""", """\
	if (o->late && !g->late)
		return 0;
	loc = compact_place(c, g->loc, g->n);
	if (!loc && !g->live)
		return 0;
"""),
    "no-w0": ("core/repo/session.c", """\
	if ((rc = session_put_mark(s, 0, e)) < 0)	/* W0 */
		goto out;
""", ""),
    "no-w1": ("core/repo/idx_view.c", """\
		x->generation = l.newest;
""", """\
		x->generation = x->view == IDX_WRITER ? 0 : l.newest;
"""),
    "old-segments": ("core/repo/idx_view.c", """\
		return name->generation >= n;
""", """\
		return true;
"""),
    "open-segment": ("core/repo/session_pack.c", """\
	if ((rc = session_pack_close(s, PACK_DATA, e)) < 0 ||
	    (rc = session_pack_close(s, PACK_META, e)) < 0)
""", """\
	struct session_pack *data = s->open[0];
	unsigned i;

	if (data && data->n && s->open[1] && s->open[1]->n) {
		s->open[0] = NULL;
		if ((rc = session_flush(s, e)) < 0)
			return rc;
		for (i = 0; i < 40; i++) {	/* time passes */
			store_sync(repo_store(s->repo), NULL);
			MUTANT_NAP(20);
		}
		s->open[0] = data;
	}
	if ((rc = session_pack_close(s, PACK_DATA, e)) < 0 ||
	    (rc = session_pack_close(s, PACK_META, e)) < 0)
"""),
    "no-excl": ("core/repo/session_commit.c", """\
	rc = store_put_buf(st, STORE_ARCHIVES, hex, &b, STORE_PUT_RACE, e);
""", """\
	store_del(st, STORE_ARCHIVES, hex, NULL);
	rc = store_put_buf(st, STORE_ARCHIVES, hex, &b, STORE_PUT_RACE, e);
"""),
    "late-n": ("core/maint/compact_end.c", """\
	if (rc == ERR_EXIST)
		rc = err_set(c->e, ERR_RETRY,
			"another compaction was faster");
""", """\
	if (rc == ERR_EXIST) {
		err_clear(c->e);
		c->n++;
		g.base = NULL;
		g.n_base = 0;
		mark_generation_release(&g);
		buf_release(&b);
		return compact_condemn(c);
	}
"""),
    "no-rule-c": ("core/maint/compact_list.c", """\
	for (i = 0; i < c->before.n_condemned; i++)
""", """\
	for (i = 0; i < 0 * c->before.n_condemned; i++)
"""),
    "no-g3": ("core/maint/compact_end.c", """\
	c->left = 0;
	if ((rc = alive_load(&now, c->r, STORE_SESSIONS, c->e)) < 0)
		return rc;
	for (i = 0; rc == 0 && i < now.n; i++) {
""", """\
	c->left = 0;
	for (rc = 0, i = 0; rc == 0 && i < now.n; i++) {
"""),
    "no-fence": ("core/maint/compact_end.c", """\
	rc = record_put_fence(repo_ctx(c->r), session, &b, c->e);
	if (rc == 0) {
""", """\
	rc = record_put_fence(repo_ctx(c->r), session, &b, c->e);
	if (false) {
"""),
    "no-g4": ("core/maint/compact.c", """\
	idx_census_late(c->census);
	if ((rc = compact_list_late(c)) < 0 ||
""", """\
	idx_census_late(c->census);
	if (c->n)
		return 0;
	if ((rc = compact_list_late(c)) < 0 ||
"""),
    # not of the protocol: what a check must know of it
    "check-late": ("core/maint/check_packs.c", """\
		rc = idx_each_reused(now, &g, check_named_cb, named, c->e);
""", """\
		rc = idx_each_pack(now, check_named_cb, named, c->e);
"""),
    "no-pins": ("core/maint/compact_list.c", """\
	for (i = 0; i < pins->n; i++)
""", """\
	for (i = 0; i < 0 * pins->n; i++)
"""),
}

# Where a program takes its time.
SLOW = [
    # between W2 and W3, as the segment that is not closed does
    ("core/repo/session_pack.c", """\
	if ((rc = session_pack_close(s, PACK_DATA, e)) < 0 ||
	    (rc = session_pack_close(s, PACK_META, e)) < 0)
""", """\
	if (s->open[0] && s->open[0]->n && s->open[1] && s->open[1]->n)
		MUTANT_NAP(800);
	if ((rc = session_pack_close(s, PACK_DATA, e)) < 0 ||
	    (rc = session_pack_close(s, PACK_META, e)) < 0)
"""),
    # between G1 and G2: who begins now needs G4
    ("core/maint/compact.c", """\
	if ((rc = compact_condemn(c)) < 0 ||			/* G2 */
""", """\
	MUTANT_NAP(300);
	if ((rc = compact_condemn(c)) < 0 ||			/* G2 */
"""),
    # between G4 and G5: who begins now needs W1
    ("core/maint/compact.c", """\
	if ((rc = compact_g4(c)) < 0 || (rc = compact_g5(c)) < 0)
		return rc;
""", """\
	if ((rc = compact_g4(c)) < 0)
		return rc;
	MUTANT_NAP(300);
	if ((rc = compact_g5(c)) < 0)
		return rc;
"""),
]


def change(texts, path, old, new):
    text = texts.get(path) or (TOP / path).read_text()
    if text.count(old) != 1:
        sys.exit(f"{path} has changed: the text for a mutant is not in it "
                 "once")
    texts[path] = text.replace(old, new)


def program(name, folder):
    texts = {}
    if name != "slow":
        change(texts, *MUTANTS[name])
    for edit in SLOW:
        change(texts, *edit)
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        (folder / Path(path).name).write_text(
            "#include <unistd.h>\n"
            "#define MUTANT_NAP(ms) usleep((ms) * 1000)\n" + text)


def main(argv):
    if len(argv) == 1:
        print("\n".join(MUTANTS))
    elif argv[1] == "--program":
        program(argv[2], Path(argv[3]))
    else:
        texts = {}
        change(texts, *MUTANTS[argv[1]])
        Path(argv[2]).write_text("#define MUTANT_NAP(ms) ((void)0)\n" +
                                 "".join(texts.values()))


if __name__ == "__main__":
    main(sys.argv)
