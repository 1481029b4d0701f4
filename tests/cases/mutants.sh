#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Each rule of the collector's protocol, left out of the code (tests/mutant.py):
# tests/unit/test_collect.c finds that an archive loses something.  Those that
# take seconds to find are left to "make collect" (MUTANT_ALL=1).
# timeout: 300
. "$TOP/tests/lib.sh"

for name in $("$TOP/tests/mutant.py"); do
	case ${MUTANT_ALL:-}:$name in
	:no-pins | :open-segment | :no-rule-c) continue ;;
	esac
	program="$BUILD/mutant/$name/test_collect"
	[ -x "$program" ] || fail "$program is not built"
	must_fail 1 env COLLECT_RUNS=20000 "$program"
	has "$ERR" "a rule of the protocol is broken"
	echo "$name: $(grep -a COLLECT_SEED "$ERR" || tail -n 2 "$ERR")"
done
