#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 120
#
# A mount over ssh: mailboxes come out of it through a line that breaks, and
# while the server is away and comes back.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need
. "$TOP/tests/mount.sh"
trap 'line_stop; sshd_stop' EXIT
sshd_start ""
export MUNIMENT_RSH="$SSHD_CMD"
unset MUNIMENT_REPO

mkdir -p src/cur
head -c 3000000 /dev/urandom >src/big
i=0
while [ $i -lt 300 ]; do
	head -c 3000 /dev/urandom >"src/cur/mail.$i"
	i=$((i + 1))
done
must muniment create r::a src

# every connection is lost after some 900 KB
line_start --cut 900000 --step 100000
mount_at m "ssh://$SSHD_USER@127.0.0.1:$LINE_PORT$PWD/r" m
must cp -a m/a/src out
must diff -r src out
[ "$(ls m)" != "" ] || fail "nothing is in the mount"
unmount m
line_stop
rm -rf out

# a server that is killed, and started again
line_start
mount_at m "ssh://$SSHD_USER@127.0.0.1:$LINE_PORT$PWD/r" m
must ls m/a/src/cur
must cmp m/a/src/cur/mail.7 src/cur/mail.7
line_stop
sshd_stop
diff -r src m/a/src >"$OUT" 2>&1 &
reader=$!
sleep 1
sshd_start ""
cat "$SSHD_DIR/known.line" >>"$SSHD_DIR/known"
rm "$TMPDIR/line.port"
"$BUILD/tools/badline" "$TMPDIR/line.port" "$SSHD_PORT" \
	--port "$LINE_PORT" &
LINE_PID=$!
wait $reader || {
	run_show
	fail "what is read after the server was away is not the same"
}
unmount m
