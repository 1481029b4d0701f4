#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Sources at the edge: nothing to store, the same twice, one inside another,
# the root of the archive; hard links whose file changes; names around '/'.
. "$TOP/tests/lib.sh"

export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"
must muniment init r

listing() {
	muniment list --short "::$1" | tr '\n' ' '
}
restored() {
	rm -rf out
	mkdir out
	(cd out && must muniment extract "::$1")
}

# nothing to store is an archive, too; a source that is missing is none
mkdir empty src
echo one >src/a
must muniment create --exclude 're:.*' ::excluded src
eq "$(listing excluded)" "" "an archive without entries"
must muniment create ::root ./empty/./
eq "$(listing root)" "" "an empty folder's contents"
(cd empty && must muniment create ::dot .)
eq "$(listing dot)" "" "an empty folder as the root"
for archive in excluded root dot; do
	restored $archive
	eq "$(ls -A out)" "" "what comes out of $archive"
	must muniment diff ::excluded $archive
	eq "$(cat "$OUT")" "" "difference of two empty archives"
done
must muniment info ::excluded
must muniment rename ::excluded still
must muniment export-tar ::still t.tar
eq "$(tar tf t.tar)" "" "an empty tar"
must_fail 2 muniment create ::none missing
must muniment check --verify-data

# a source that is missing beside one that is excluded
must_fail 1 muniment create --exclude src ::half src missing
eq "$(listing half)" "" "the other source was excluded"

# one file, a link, the same twice, one inside another, a relative way up
mkdir -p src/d/e
echo two >src/d/e/f
ln -s d src/l
must muniment create ::one src/a
eq "$(listing one)" "src/a " "one file"
must muniment create ::link src/l
eq "$(listing link)" "src/l " "a link is stored, not followed"
must muniment create ::twice src src
must muniment create ::inside src/d/e/f src src/d
must muniment create ::plain src
eq "$(listing inside)" "$(listing plain)" "sources inside one another"
eq "$(listing twice)" "$(listing plain)" "a source given twice"
(cd src/d && must muniment create ::up ../a e)
has_not "$ERR" "not in the archive"
eq "$(listing up)" "a e e/f " "a relative way up"

# order is by the bytes of names, folder by folder
mkdir -p order/a order/a-c "order/a b"
touch order/a/x order/a.b order/a-c/y order/a0 "order/a b/z" order/a/+
must muniment create ::order order
restored order
same_tree order out/order
must muniment check --verify-data

# what a run without attributes remembers does not hide them from the next
mkdir attrs
echo text >attrs/f
if setfattr -n user.k -v v attrs/f 2>/dev/null ||
	setfattr -n trusted.k -v v attrs/f 2>/dev/null; then
	sleep 2.1
	must muniment create --noxattrs ::without attrs
	must muniment create ::with attrs
	restored with
	eq "$(getfattr -dm - out/attrs/f | grep -c k=)" 1 "attributes"
fi

# a hard link whose file grows after its first name was read
mkdir links
echo short >links/a
ln links/a links/z
i=0
while [ $i -lt 1000 ]; do
	echo "message $i" >"links/m$i"
	i=$((i + 1))
done
for round in 1 2 3; do
	echo short >links/a
	touch links/m*
	muniment create "::grow$round" links 2>err &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		echo more >>links/a
	done
	wait $pid || fail "create of a growing hard link: $(cat err)"
	restored "grow$round"
done
must muniment check --verify-data

# many files that cannot be read, one after the other
if [ -r /proc/self/mem ]; then
	must_fail 1 muniment create --list --read-special ::proc /proc/self/mem
	has "$ERR" "/proc/self/mem"
fi
