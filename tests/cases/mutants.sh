#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Each rule of the collector's protocol, left out of the code (tests/mutant.py):
# an archive loses something, and both searches find it, the one through orders
# at random (tests/unit/test_collect.c) and, but for rule C, the one through all
# of them (tests/unit/test_orders.c).  What takes longer than seconds is left to
# "make collect" (MUTANT_ALL=1).
# timeout: 300
. "$TOP/tests/lib.sh"

# broken PROGRAM: ends because it has found something.
broken() {
	must_fail 1 env COLLECT_RUNS=20000 "$BUILD/mutant/$name/$1"
	has "$ERR" "a rule of the protocol is broken"
}

for name in $("$TOP/tests/mutant.py"); do
	case ${MUTANT_ALL:-}:$name in
	:no-pins | :no-rule-c | :check-late) ;;
	*)
		broken test_collect
		echo "$name: $(grep -a COLLECT_SEED "$ERR")"
		;;
	esac
	# Where it takes two of a kind.
	case ${MUTANT_ALL:-}:$name in
	*:late-n) ORDERS=collectors ;;
	*:open-segment) ORDERS=share ;;
	*:pack-level) ORDERS="more" ;;
	:no-pins | *:no-rule-c | *:check-late) continue ;;
	*:no-pins) ORDERS="read" ;;
	*) ORDERS=same ;;
	esac
	export ORDERS
	broken test_orders
	echo "$name: $(grep -a "^$ORDERS: " "$ERR")"
done
