#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# make install: what an administrator expects where, and all of it goes again.
# exclusive: make looks at the build folder that the others use
. "$TOP/tests/lib.sh"

[ -x "$BUILD/muniment" ] || skip "there is no program yet"
must make -s -C "$TOP" BUILD="$BUILD" DESTDIR="$PWD/d" PREFIX=/usr install
d=d/usr
[ -x $d/bin/muniment ] || fail "no program"
cmp "$BUILD/muniment" $d/bin/muniment || fail "another program"
eq "$(readlink $d/sbin/mount.muniment)" ../bin/muniment
eq "$(readlink $d/sbin/mount.fuse.muniment)" ../bin/muniment
cmp $d/sbin/mount.muniment $d/bin/muniment || fail "the link is broken"
n=3
for page in "$TOP"/man/*.[158]; do
	[ -e "$page" ] || continue
	cmp "$page" "$d/share/man/man${page##*.}/${page##*/}"
	n=$((n + 1))
done
for file in bash:bash-completion/completions/muniment \
	zsh:zsh/site-functions/_muniment \
	fish:fish/vendor_completions.d/muniment.fish; do
	muniment completion "${file%%:*}" | cmp - "$d/share/${file#*:}"
	n=$((n + 1))
done

# cron and systemd: the path of the program, and nothing that systemd minds
cmp "$TOP/scripts/muniment.cron" $d/share/doc/muniment/muniment.cron
units=$d/lib/systemd/system
has $units/muniment.service "ExecStart=/usr/bin/muniment "
cmp "$TOP/scripts/muniment.timer" $units/muniment.timer
n=$((n + 3))
if command -v systemd-analyze >/dev/null 2>&1; then
	sed "s|=/usr/bin/muniment|=$PWD/$d/bin/muniment|" \
		$units/muniment.service >muniment.service
	cp $units/muniment.timer .
	must systemd-analyze verify --man=no ./muniment.service \
		./muniment.timer
	[ ! -s "$ERR" ] || fail "systemd-analyze: $(cat "$ERR")"
	must systemd-analyze security --offline=yes --threshold=70 \
		./muniment.service
fi
eq "$(find d ! -type d | wc -l)" $n "number of installed files"

# a second time over the first, then away
must make -s -C "$TOP" BUILD="$BUILD" DESTDIR="$PWD/d" PREFIX=/usr install
must make -s -C "$TOP" BUILD="$BUILD" DESTDIR="$PWD/d" PREFIX=/usr uninstall
eq "$(find d ! -type d)" "" "what uninstall left"
