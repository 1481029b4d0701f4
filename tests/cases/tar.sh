#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 300
#
# Tar streams: what we write other programs read, and the other way round.
. "$TOP/tests/lib.sh"
need tar bsdtar setfattr setfacl
need_root

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r

# what every format can keep
plain() {
	mkdir -p "$1/d/e" "$1/emptydir"
	echo hello >"$1/small"
	: >"$1/empty"
	head -c 300000 /dev/urandom >"$1/d/mid"
	head -c 3000000 /dev/urandom >"$1/d/big"
	ln "$1/small" "$1/d/e/hard"
	ln "$1/small" "$1/zhard"
	ln -s ../small "$1/d/sym"
	ln -s /nowhere/at/all "$1/broken"
	mkfifo "$1/d/fifo"
	chmod 4755 "$1/d/mid"
	chmod 1777 "$1/emptydir"
	chown 1:2 "$1/d/mid"
	chown -h 3:4 "$1/d/sym"
	find "$1" -exec touch -h -d '2020-02-03 04:05:06' {} +
}
# and what only some can
rich() {
	x=$(printf 'x%.0s' $(seq 200))
	mknod "$1/chr" c 5 300
	mknod "$1/blk" b 8 1
	truncate -s 5000000 "$1/sparse"
	printf x | dd of="$1/sparse" bs=1 seek=3000000 conv=notrunc \
		status=none
	truncate -s 1000000 "$1/allhole"
	printf y | dd of="$1/tailed" bs=1 seek=200000 conv=notrunc status=none
	mkdir -p "$1/$x/$x"
	echo deep >"$1/$x/$x/$x"
	ln "$1/$x/$x/$x" "$1/zlong"
	ln -s "$x/$x/$x" "$1/longlink"
	printf 1 >"$1/$(printf 'b\377d')"
	printf 2 >"$1/$(printf '\303\274ml\303\244ut')"
	printf 3 >"$1/$(printf 'line\nfeed')"
	chown 3000000:4000000000 "$1/empty"
	touch -d '1960-01-01 00:00:00.5' "$1/empty"
	touch -d '2021-02-03 04:05:06.123456789' "$1/small"
}
attrs() {
	setfattr -n user.a -v "$(printf 'v\nal=%%')" "$1/small"
	setfattr -n user.b%c=d -v x "$1/small"
	setfattr -n user.big -v "$(head -c 2000 /dev/zero | tr '\0' q)" "$1/d"
	setfacl -m u:1234:rw,g:55:r "$1/d/mid"
	setfacl -d -m g:55:rx "$1/d"
}

# restored ARCHIVE: into x/
restored() {
	rm -rf x
	mkdir x
	(cd x && must muniment extract "::$1")
}
n=0
# imports TAR [TREESUM-OPTIONS] FOLDER: the tar file has what is in the folder
imports() {
	file=$1
	shift
	n=$((n + 1))
	must muniment import-tar "::i$n" "$file"
	restored "i$n"
	if [ $# = 2 ]; then
		same_tree "$1" "$2" "x/$2"
	else
		same_tree "$1" "x/$1"
	fi
}

plain p
cp -a p q
rich q
cp -a q s
attrs s
must muniment create ::s s

# ours, by others; and by us
must muniment export-tar ::s s.tar
mkdir -p gnu bsd
tar xpf s.tar -C gnu --xattrs --xattrs-include='*' 2>tar.err ||
	fail "$(cat tar.err)"
same_tree -H s gnu/s
# bsdtar has another way to write such a name, and an own idea of half seconds
# before 1970
setfattr -x user.b%c=d s/small
touch -d '1960-01-01 00:00:00' s/empty
must muniment create ::s2 s
must muniment export-tar ::s2 s2.tar
bsdtar -xpf s2.tar -C bsd --acls --xattrs --fflags 2>tar.err ||
	fail "$(cat tar.err)"
same_tree -H s bsd/s
tar tf s2.tar --quoting-style=escape 2>/dev/null >l.gnu
LC_ALL=C.UTF-8 bsdtar tf s2.tar | sed 's/\\377/\\377/' >l.bsd
eq "$(wc -l <l.gnu)" "$(wc -l <l.bsd)" "number of members"
imports s2.tar -H s
must muniment export-tar "::i$n" again.tar
cmp s2.tar again.tar || fail "a tar of an import of a tar is another"
# the same stream makes the same trees
must muniment import-tar ::twice s2.tar
must muniment diff ::twice "i$n"
eq "$(cat "$OUT")" "" "what differs between two imports"
must muniment diff ::s2 twice
eq "$(cat "$OUT")" "" "what differs between the archive and its tar"

# formats of others
for f in oldgnu gnu ustar posix; do
	tar -c --format=$f -f p.tar p
	imports p.tar p
done
cp -a p o
rm o/d/fifo	# which v7 has no type for
touch -d '2020-02-03 04:05:06' o/d
tar -c --format=v7 -f o.tar o
imports o.tar o
for f in ustar pax gnutar; do
	bsdtar -c --format=$f -f p.tar p
	imports p.tar p
done
tar -c --format=gnu -f q.tar q
imports q.tar -m q
tar -c --format=gnu -S -f q.tar q
imports q.tar -mH q
for v in 0.0 0.1 1.0; do
	tar -c --format=posix -S --sparse-version=$v -f q.tar q
	imports q.tar -H q
done
tar -c --format=posix --acls --xattrs --xattrs-include='*' -f s.tar s
imports s.tar s
bsdtar -c --format=pax --acls --xattrs -f s.tar s
imports s.tar -H s
tar -C s -c --format=posix -f s.tar . 	# "./x"
must muniment import-tar ::dot s.tar
must muniment list --short ::dot
has "$OUT" "d/e/hard"
has_not "$OUT" "./"

# through a pipe that is longer than the archive
{ cat p.tar; head -c 3000000 /dev/zero; } | muniment import-tar ::pipe - ||
	fail "import from a pipe"
cat p.tar q.tar >both.tar
must muniment import-tar ::first both.tar
must muniment import-tar --ignore-zeros ::both both.tar
must muniment list --short ::both
has "$OUT" "q/small"
must muniment list --short ::first
has_not "$OUT" "q/small"

# borg's
if command -v borg >/dev/null; then
	export BORG_PASSPHRASE=x BORG_BASE_DIR="$PWD/borg" \
		BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
	must borg init -e none b
	must borg create b::a q
	borg export-tar b::a - | muniment import-tar ::borg - ||
		fail "import of borg's tar"
	restored borg
	same_tree -m q x/q
fi

# sockets: an empty file for others, a socket for us
mkdir k
python3 -c 'import socket
socket.socket(socket.AF_UNIX).bind("k/sock")'
must muniment create ::k k
must muniment export-tar ::k k.tar
imports k.tar k
tar xf k.tar -C gnu 2>/dev/null
[ -f gnu/k/sock ] || fail "no file for the socket"

# some of it, some parts of names less
must muniment export-tar --strip-components 1 ::s part.tar s/d
tar tf part.tar 2>/dev/null >l
has l "d/e/hard"
has_not l "s/"
has_not l "small"
