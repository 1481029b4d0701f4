#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The test runner: verdicts, limits, and what it clears away.
. "$TOP/tests/lib.sh"

mkdir -p top/tests/cases
cp "$TOP/tests/run" top/tests/run
unset CI TIMEOUT_SCALE SHORT

# runs STATUS LAST-LINE [NAME]: the runner's own exit status and last line
runs() {
	got=0
	BUILD=build JOBS=2 top/tests/run ${3:+"$3"} >out 2>&1 || got=$?
	[ "$got" = "$1" ] || { cat out; fail "status $got, expected $1"; }
	eq "$(tail -n 1 out)" "$2" "the last line"
}

# put NAME: a test with the rest of the standard input
put() {
	{ echo '#!/bin/sh'; cat; } >"top/tests/cases/$1.sh"
	chmod +x "top/tests/cases/$1.sh"
}

runs 1 "0 passed, 0 failed"

put good <<'E'
[ "$HOME" != / ] && [ -d "$TMPDIR" ] && [ -z "$(ls -A)" ]
E
runs 0 "1 passed, 0 failed"
has out "ok   cases/good.sh"

put bad <<'E'
echo "the reason"; exit 3
E
put skipped <<'E'
echo "no such thing here"; exit 77
E
runs 1 "1 passed, 1 failed, 1 skipped"
has out "     | the reason"
has out "skip cases/skipped.sh"
has out "no such thing here"
[ -x top/build/failed/cases/bad.sh/repro.sh ] || fail "no repro.sh"
has top/build/failed/cases/bad.sh/output "the reason"
top/build/failed/cases/bad.sh/repro.sh >repro.out && fail "repro passed"
has repro.out "the reason"
rm top/tests/cases/bad.sh

runs 0 "1 passed, 0 failed, 1 skipped"
CI=true
export CI
runs 1 "1 passed, 0 failed, 1 skipped"
unset CI TIMEOUT_SCALE SHORT
rm top/tests/cases/skipped.sh

put crash <<'E'
kill -SEGV $$
E
runs 1 "0 passed, 1 failed" crash
has out "SIGSEGV"
rm top/tests/cases/crash.sh

# Time-outs reach what has left the process group.
put slow <<'E'
# timeout: 1
setsid sh -c 'echo $$ >'"$PWD"'/../../pid; exec sleep 987' &
sleep 987
E
runs 1 "0 passed, 1 failed" slow
has out "not done after 1.0 seconds"
rm top/tests/cases/slow.sh

put daemon <<E
(setsid sleep 976 >/dev/null 2>&1 & echo \$! >"$PWD/daemon.pid")
E
runs 1 "0 passed, 1 failed" daemon
has out "left running: sleep 976"
kill -0 "$(cat daemon.pid)" 2>/dev/null && fail "the daemon lives"
rm top/tests/cases/daemon.sh

# A process that ends within the grace time is nobody's fault.
put brief <<'E'
(setsid sleep 0.3 &)
E
runs 0 "1 passed, 0 failed" brief
rm top/tests/cases/brief.sh

put patient <<'E'
# timeout: 121
E
runs 0 "1 passed, 0 failed" patient
SHORT=1 runs 1 "tests/run: no test has 'patient' in its name" patient
rm top/tests/cases/patient.sh

# Two that must not meet.
for i in 1 2; do
	put alone$i <<E
# exclusive
mkdir "$PWD/alone" || exit 1
sleep 0.2
rmdir "$PWD/alone"
E
done
runs 0 "2 passed, 0 failed" alone

if [ "$(id -u)" = 0 ] && mkdir m && mount -t tmpfs none m 2>/dev/null; then
	umount m
	put mounts <<E
mkdir "a b" && mount -t tmpfs none "a b" && echo "\$PWD/a b" >"$PWD/where"
E
	runs 0 "1 passed, 0 failed" mounts
	[ ! -e "$(cat where)" ] || fail "the mount is still there"
fi

TMPDIR=$PWD runs 0 "2 passed, 0 failed" alone
for d in mt-*; do
	[ ! -e "$d" ] || fail "$d was left"
done

# Stopped from outside: nothing lives on.
put long <<E
echo \$\$ >"$PWD/long.pid"
sleep 965
E
BUILD=build top/tests/run long >out 2>&1 &
runner=$!
wait_for 10 test -s long.pid
kill $runner
got=0
wait $runner || got=$?
eq $got 1 "status of the stopped runner"
has out "stopped before the end"
kill -0 "$(cat long.pid)" 2>/dev/null && fail "its test lives"
rm top/tests/cases/long.sh

# A mount whose server hangs, and a process that hangs in it.
if [ "$(id -u)" = 0 ] && [ -w /dev/fuse ]; then
	put hang <<E
# timeout: 2
mkdir m
exec 9<>/dev/fuse
mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 x m || exit 77
ls m
E
	runs 1 "0 passed, 1 failed" hang
	has out "not done after 2.0 seconds"
	has_not /proc/self/mountinfo "$PWD"
fi
