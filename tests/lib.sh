# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
#
# For test scripts:  . "$TOP/tests/lib.sh"
#
# Every command is checked (set -eu).  A failure is a failure of the one thing
# that was meant to fail: must_fail takes the exact exit status.

set -eu

OUT=$TMPDIR/stdout	# what the last must or must_fail printed
ERR=$TMPDIR/stderr

fail() {
	printf 'FAIL: %s\n' "$*" >&2
	exit 1
}

skip() {
	printf '%s\n' "$*"
	exit 77
}

# need CMD...: skip unless all are installed
need() {
	for need_cmd; do
		command -v "$need_cmd" >/dev/null 2>&1 ||
			skip "'$need_cmd' is not installed"
	done
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "only root can do this"
}

need_fuse() {
	need fusermount3
	[ -w /dev/fuse ] || skip "/dev/fuse cannot be opened"
}

run_show() {
	sed 's/^/  stdout: /' "$OUT" >&2
	sed 's/^/  stderr: /' "$ERR" >&2
}

# run_kept STATUS CMD...
run_kept() {
	run_want=$1
	shift
	run_got=0
	"$@" >"$OUT" 2>"$ERR" || run_got=$?
	[ "$run_got" = "$run_want" ] && return 0
	run_show
	fail "exit status $run_got, expected $run_want: $*"
}

# must CMD...: it ends with 0; what it printed is in $OUT and $ERR
must() {
	run_kept 0 "$@"
}

# must_fail STATUS CMD...: it ends with exactly STATUS, which is no signal's,
# and says why on stderr
must_fail() {
	{ [ "$1" -gt 0 ] && [ "$1" -lt 126 ]; } ||
		fail "must_fail: '$1' is not the status of a failure"
	run_kept "$@"
	[ -s "$ERR" ] || fail "failed without a word on stderr: $*"
}

# eq GOT WANT [WHAT]
eq() {
	[ "$1" = "$2" ] || fail "${3:-value} is '$1', expected '$2'"
}

# has FILE TEXT: the file has a line with this text in it
has() {
	grep -qF -e "$2" -- "$1" || {
		sed 's/^/  /' "$1" >&2
		fail "no line of $1 has '$2'"
	}
}

# has_not FILE TEXT
has_not() {
	[ -r "$1" ] || fail "$1 cannot be read"
	if grep -nF -e "$2" -- "$1" >&2; then
		fail "$1 has '$2'"
	fi
}

# wait_for SECONDS CMD...: until it succeeds
wait_for() {
	wait_tries=$(($1 * 20))
	shift
	until "$@"; do
		wait_tries=$((wait_tries - 1))
		[ $wait_tries -gt 0 ] || fail "it never came true: $*"
		sleep 0.05
	done
}

# same_tree [TREESUM-OPTIONS] A B: type, mode, owner, mtime, size, content,
# xattrs, ACLs, hard links, device numbers and link targets are the same
same_tree() {
	same_opts=
	case $1 in
	-*)
		same_opts=$1
		shift
		;;
	esac
	same_a=$1
	same_b=$2
	treesum ${same_opts:+"$same_opts"} "$same_a" >"$TMPDIR/sum.a" ||
		fail "cannot read $same_a"
	treesum ${same_opts:+"$same_opts"} "$same_b" >"$TMPDIR/sum.b" ||
		fail "cannot read $same_b"
	[ -s "$TMPDIR/sum.a" ] || fail "$same_a has nothing in it"
	cmp -s "$TMPDIR/sum.a" "$TMPDIR/sum.b" && return 0
	diff -U0 "$TMPDIR/sum.a" "$TMPDIR/sum.b" | head -n 40 >&2
	fail "$same_a and $same_b differ"
}
