#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 120
#
# Ways to a server: an agent, other kinds of keys, a host to jump over, IPv6, an
# address that moved; --stats; a limit for what is sent; a full disk.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need
need ssh-agent ssh-add
agent=
trap 'sshd_stop; [ -z "$agent" ] || kill "$agent"' EXIT
sshd_start "ListenAddress ::1"
known=$SSHD_DIR/known
key=$SSHD_DIR/user
export MUNIMENT_PASSPHRASE=secret
mkdir src
echo mail >src/1
must fastinit r
must muniment create r::a src
repo=ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/r

# keys of other kinds
for kind in ecdsa rsa; do
	ssh-keygen -q -t $kind -N '' -f $kind
	cat $kind.pub >>"$SSHD_DIR/authorized"
	must muniment --rsh "ssh -F none -i $PWD/$kind -o \
		UserKnownHostsFile=$known" list "$repo"
done

# an agent, with a key that no file has
ssh-keygen -q -t ed25519 -N '' -f inside
cat inside.pub >>"$SSHD_DIR/authorized"
eval "$(ssh-agent -s)" >/dev/null
agent=$SSH_AGENT_PID
ssh-add -q inside
rm inside inside.pub
must muniment --rsh "ssh -F none -o UserKnownHostsFile=$known" list "$repo"
ssh-add -q -D
kill "$agent"
agent=
unset SSH_AUTH_SOCK SSH_AGENT_PID

# IPv6, both forms
ip6() {
	muniment --rsh "$SSHD_CMD -o StrictHostKeyChecking=accept-new" "$@"
}
if python3 -c 'import socket; socket.create_server(("::1", 0),
		family=socket.AF_INET6)' 2>/dev/null; then
	must ip6 list "ssh://$SSHD_USER@[::1]:$SSHD_PORT$PWD/r"
	must muniment --rsh "$SSHD_CMD -p $SSHD_PORT -o \
		StrictHostKeyChecking=accept-new" list \
		"$SSHD_USER@[::1]:$PWD/r"
fi

# ProxyJump: ssh is run for the first hop
mkdir bin
cat >jump.conf <<END
Host *
	UserKnownHostsFile $known
	IdentityFile $key
	User $SSHD_USER
END
printf '#!/bin/sh\necho "$@" >>%s/jumped\nexec %s -F %s/jump.conf "$@"\n' \
	"$PWD" "$(command -v ssh)" "$PWD" >bin/ssh
chmod +x bin/ssh
cat >conf <<END
Host inner
	HostName 127.0.0.1
	Port $SSHD_PORT
	User $SSHD_USER
	IdentityFile $key
	UserKnownHostsFile $known
	ProxyJump $SSHD_USER@127.0.0.1:$SSHD_PORT
END
must env PATH="$PWD/bin:$PATH" muniment --rsh "ssh -F $PWD/conf" list \
	"inner:$PWD/r"
[ -s jumped ] || fail "nobody jumped"
rm jumped
must env PATH="$PWD/bin:$PATH" muniment --rsh "$SSHD_CMD -J \
	ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT" list "$repo"
[ -s jumped ] || fail "nobody jumped with -J"

export MUNIMENT_RSH="$SSHD_CMD"
# figures, and a limit: 600 KB at 200 KiB a second
head -c 600000 /dev/urandom >src/2
begin=$(date +%s%N)
must muniment --upload-ratelimit 200 create --stats "$repo::b" src
took=$((($(date +%s%N) - begin) / 1000000))
[ $took -ge 2300 ] || fail "600 KB went in $took ms"
grep -q '^Line: [0-9.]* .*B sent, [0-9.]* .*B received, [0-9]* round trips$' \
	"$OUT" || fail "no figures of the line"
must muniment create --json "$repo::c" src
python3 - "$OUT" <<'END'
import json, sys
line = json.load(open(sys.argv[1]))["line"]
assert line["sent"] > 500 and line["received"] > 500, line
assert 5 < line["round_trips"] <= line["requests"], line
END

# nobody is asked anything without a terminal
must_fail 2 setsid muniment --rsh "ssh -F none -o \
	UserKnownHostsFile=$PWD/none" list "$repo" </dev/null

# a server that is full
[ "$(id -u)" = 0 ] || exit 0
mkdir full
mount -t tmpfs -o size=3m none full 2>/dev/null || exit 0
trap 'sshd_stop; umount full' EXIT
must cp -a r full/r
rm -f full/r/reserve/*
head -c 8000000 /dev/urandom >src/3
must_fail 15 muniment create \
	"ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/full/r::d" src
has "$ERR" "no space left"
must muniment check full/r
