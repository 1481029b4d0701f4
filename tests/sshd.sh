# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh disable=SC2034,SC2120
#
# For test scripts, after lib.sh:  . "$TOP/tests/sshd.sh"
#
# An OpenSSH server of the test's own on the loopback: its configuration, its
# keys, a free port.  Nothing of the machine's ssh is used.
#
#   sshd_start [CONFIGURATION-LINE...]	sets SSHD_PORT, and SSHD_CMD: an ssh
#					command with the client's key, for
#					MUNIMENT_RSH; SSHD_SFTP is its subsystem
#   sshd_stop

SSHD_DIR=$TMPDIR/sshd
SSHD_PROGRAM=$(command -v sshd || echo /usr/sbin/sshd)
SSHD_USER=$(id -un)

sshd_need() {
	need ssh ssh-keygen python3
	[ -x "$SSHD_PROGRAM" ] || skip "'sshd' is not installed"
	[ "$(id -u)" != 0 ] || [ -d /run/sshd ] || mkdir -p /run/sshd
}

sshd_keys() {
	mkdir -m 700 "$SSHD_DIR"
	for sshd_key in host user; do
		ssh-keygen -q -t ed25519 -N '' -C "$sshd_key" \
			-f "$SSHD_DIR/$sshd_key"
	done
	cp "$SSHD_DIR/user.pub" "$SSHD_DIR/authorized"
	chmod 600 "$SSHD_DIR/authorized"
}

sshd_free_port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

sshd_answers() {
	python3 -c 'import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
sys.exit(s.recv(4) != b"SSH-")' "$1" 2>/dev/null
}

# SHLVL: bash does not read the .bashrc of whoever runs the tests.
sshd_start() {
	[ -d "$SSHD_DIR" ] || sshd_keys
	SSHD_PORT=${SSHD_PORT:-$(sshd_free_port)}
	{
		printf '%s\n' "$@"
		cat <<-END
		Port $SSHD_PORT
		ListenAddress 127.0.0.1
		HostKey $SSHD_DIR/host
		AuthorizedKeysFile $SSHD_DIR/authorized
		PidFile none
		StrictModes no
		UsePAM no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PermitRootLogin yes
		MaxStartups 100
		SetEnv SHLVL=2
		Subsystem sftp ${SSHD_SFTP:-internal-sftp}
		END
	} >"$SSHD_DIR/config"
	"$SSHD_PROGRAM" -D -e -f "$SSHD_DIR/config" 2>>"$SSHD_DIR/log" &
	SSHD_PID=$!
	wait_for 10 sshd_answers "$SSHD_PORT"
	printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" \
		"$(cut -d' ' -f1,2 "$SSHD_DIR/host.pub")" >"$SSHD_DIR/known"
	SSHD_CMD="ssh -F none -i '$SSHD_DIR/user' -o IdentitiesOnly=yes"
	SSHD_CMD="$SSHD_CMD -o UserKnownHostsFile='$SSHD_DIR/known'"
}

sshd_stop() {
	[ -n "${SSHD_PID:-}" ] || return 0
	kill "$SSHD_PID" 2>/dev/null || :
	wait "$SSHD_PID" 2>/dev/null || :
	SSHD_PID=
}

# line_start OPTIONS...: a bad line to the server (tests/tools/badline.c); sets
# LINE_PORT
line_start() {
	rm -f "$TMPDIR/line.port"
	"$BUILD/tools/badline" "$TMPDIR/line.port" "$SSHD_PORT" "$@" &
	LINE_PID=$!
	wait_for 10 test -s "$TMPDIR/line.port"
	LINE_PORT=$(cat "$TMPDIR/line.port")
	sed "1s/]:[0-9]* /]:$LINE_PORT /;q" "$SSHD_DIR/known" \
		>"$SSHD_DIR/known.line"
	cat "$SSHD_DIR/known.line" >>"$SSHD_DIR/known"
}

line_stop() {
	[ -n "${LINE_PID:-}" ] || return 0
	kill "$LINE_PID" 2>/dev/null || :
	wait "$LINE_PID" 2>/dev/null || :
	LINE_PID=
}
