#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Where words go: levels, the log file and its rotation, journald, priorities.
. "$TOP/tests/lib.sh"
export MUNIMENT_PASSPHRASE=secret

mkdir src
echo one >src/a
must muniment init -e repokey repo

# levels: what -v N shows, and that "-v" takes a number only if it is one
must muniment create --stats repo::l0 src
has "$OUT" "Archive name: l0"
[ ! -s "$ERR" ] || fail "a quiet run said something"
must muniment create --stats -v repo::l1 src
has "$ERR" "made the archive 'l1'"
must muniment create -v 1 repo::l2 src
has "$ERR" "made the archive 'l2'"
must muniment -v 0 create --stats repo::l3 src
has "$OUT" "Archive name: l3"
[ ! -s "$ERR" ] || fail "-v 0 said something"
for level in -v-1 --verbosity=-2 --error; do
	# shellcheck disable=SC2086
	must muniment $level create --stats "repo::x$level" src
	[ ! -s "$OUT" ] || fail "$level answered"
	[ ! -s "$ERR" ] || fail "$level said something"
	# what was asked for by an action of its own is an answer all the same
	# shellcheck disable=SC2086
	must muniment $level list --short repo
	has "$OUT" l0
done
run_kept 2 muniment -v -2 list repo::none
[ ! -s "$ERR" ] || fail "-v -2 said something"
run_kept 2 muniment -v -1 list repo::none
has "$ERR" "none"
touch repo/tmp/foreign
must muniment -v 2 create repo::l4 src
has "$ERR" "store: '$PWD/repo/tmp/foreign' is not ours"
must muniment -v create repo::l5 src
has_not "$ERR" "foreign"
must_fail 3 muniment --log-file-verbosity 3 list repo
has "$ERR" "'--log-file-verbosity' takes a number from -2"
must_fail 3 muniment --syslog-verbosity x list repo

# a log file: 0600, appended to, figures and lists in it, at its own level
must muniment --log-file log create --stats --list repo::f1 src
eq "$(stat -c %a log)" 600 "mode"
has log "INFO: made the archive 'f1'"
has log "ANSWER: Archive name: f1"
has log "INFO: U src/a"
grep -qE '^\[20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3}\] INFO: ' log ||
	fail "the default format"
lines=$(wc -l <log)
must muniment --log-file log --log-file-verbosity 0 create repo::f2 src
eq "$(wc -l <log)" "$lines" "lines after a run at 0"
run_kept 2 muniment -v -2 --log-file log list repo::none
[ ! -s "$ERR" ] || fail "-v -2 said something"
eq "$(grep -c 'ERROR: ' log)" 1 "errors in the log"
has_not log "DEBUG"
must muniment --log-file log --log-file-verbosity 2 create repo::f2b src
has log "DEBUG: '$PWD/repo/tmp/foreign' is not ours"

# its format; and one that there is not is named before anything is done
must muniment --log-file fmt --log-file-format \
	'{levelname:>8}|{prefix}{message}|{{{process}' create repo::f3 src
has fmt "    INFO|made the archive 'f3'|{"
run_kept 1 muniment --log-file fmt --log-file-format '{foo}' list repo
has "$ERR" "{foo} is nothing that a line of the log file can have"
has "$ERR" "levelname"

# a log that cannot be written is a warning; the backup is made
mkdir dir
run_kept 1 muniment --log-file dir create repo::f4 src
has "$ERR" "cannot write the log file 'dir'"
must muniment list --short repo
has "$OUT" f4
if [ -e /dev/full ]; then
	must muniment --log-file /dev/full create repo::f5 src
	eq "$(grep -c 'cannot write the log file' "$ERR")" 1 "complaints"
fi
mkfifo fifo
run_kept 1 timeout 20 muniment --log-file fifo list repo
has "$ERR" "cannot write the log file 'fifo'"

# rotated while it is written to: the rest is in the new file
mkfifo stream
muniment --log-file rot -v -2 create --list repo::rot - <stream &
pid=$!
exec 3>stream
echo data >&3
echo before >>rot
mv rot rot.1
exec 3>&-
wait $pid
has rot "made the archive 'rot'"
has rot.1 before
has_not rot.1 "made the archive 'rot'"

# names cannot write lines of their own
printf x >"src/a
b"
must muniment --log-file esc create --list repo::esc src
eq "$(grep -cv '^\[20' esc)" 0 "lines that are none"

# --log-json has its objects at every level, --show-rc is one
must muniment --log-json --show-rc -v create repo::json src
python3 - "$ERR" <<'END' || fail "JSON"
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
made = [r for r in rows if "made the archive" in r.get("message", "")]
assert made and made[0]["levelname"] == "INFO", rows
assert made[0]["name"] == "muniment.program" and made[0]["time"] > 1e9
assert any("terminating with success status, rc 0" == r.get("message")
           for r in rows), rows
END
run_kept 2 muniment --log-json --show-rc list repo::none
has "$ERR" '"msgid": "Archive.DoesNotExist"'
has "$ERR" "terminating with error status, rc 2"

# nothing but answers on stdout; one sentence, once; no colour in a file
run_kept 2 muniment list repo::none
[ ! -s "$OUT" ] || fail "an error on stdout"
eq "$(wc -l <"$ERR")" 1 "lines of an error"
! grep -q "$(printf '\033')" "$ERR" || fail "colour without a terminal"
color() {
	script -qec "muniment list repo::none" /dev/null </dev/null >seen || :
}
if command -v script >/dev/null 2>&1; then
	TERM=xterm color
	grep -q "$(printf '\033\\[31m')" seen || fail "no colour on a terminal"
	TERM=xterm NO_COLOR=1 color
	! grep -q "$(printf '\033')" seen || fail "NO_COLOR was not honoured"
fi

# stdout and stderr in one place: in the order of what happened
muniment -v create --stats repo::order src >both 2>&1
tail -n 1 both | grep -qF "made the archive 'order'" || {
	cat both
	fail "out of order"
}

# the journal: where it reads stderr, and by its own protocol
: >stream.txt
stream=$(stat -c %d:%i stream.txt)
JOURNAL_STREAM=$stream muniment list repo::none 2>>stream.txt || :
has stream.txt "<3>muniment: "
need_root
unshare -m true 2>/dev/null || skip "no mount namespaces"
cat >journal.py <<'END'
import os, socket, subprocess, sys
path = "/run/systemd/journal/socket"
os.makedirs(os.path.dirname(path))
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
code = subprocess.run(["muniment", "--syslog-verbosity", "1", "list",
                       "repo::none"], stderr=subprocess.PIPE).returncode
assert code == 2, code
subprocess.run(["muniment", "--syslog-verbosity", "1", "create", "repo::j",
                "src"], check=True)
s.setblocking(False)
entries = []
while True:
    try:
        entries.append(dict(line.split("=", 1) for line in
                            s.recv(65536).decode().splitlines()))
    except BlockingIOError:
        break
bad = [x for x in entries if x["PRIORITY"] == "3"]
assert len(bad) == 1 and bad[0]["MUNIMENT_LEVEL"] == "ERROR", entries
assert bad[0]["MUNIMENT_ERROR"] == "Archive.DoesNotExist"
assert bad[0]["SYSLOG_IDENTIFIER"] == "muniment"
assert any(x["PRIORITY"] == "6" and "made the archive" in x["MESSAGE"]
           for x in entries), entries
END
must unshare -m sh -c 'mount -t tmpfs run /run && exec python3 journal.py'
