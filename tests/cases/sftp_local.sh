#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Records and metadata of a far repository that this machine has read or written
# are not read again; that is not trusted either, and those who look whether the
# repository is whole look there.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
sshd_need
. "$TOP/tests/mount.sh"
trap sshd_stop EXIT
sshd_start ""
export MUNIMENT_RSH="$SSHD_CMD"
unset MUNIMENT_REPO
repo="ssh://$SSHD_USER@127.0.0.1:$SSHD_PORT$PWD/r"
export MUNIMENT_CACHE_DIR="$PWD/cache"

# spoil FILE...
spoil() {
	for f; do
		dd if=/dev/urandom of="$f" bs=64 seek=4 conv=notrunc \
			count=$(($(stat -c %s "$f") / 64 - 4)) status=none
	done
}

kept() {
	find cache/*/meta -type f | wc -l
}

mkdir -p src/a src/b
i=0
while [ $i -lt 300 ]; do
	echo "mail $i" >"src/a/$i"
	i=$((i + 1))
done
must muniment init "$repo"
must muniment create "$repo::one" src
echo more >src/b/more
must muniment create "$repo::two" src
packs=$(find r/meta -type f | wc -l)
eq "$(kept)" "$packs" "packs that were written and are kept"

# the passphrase's hash is made during the login, of what was a key's salt
[ "$(find cache/kdf -type f | wc -l)" = 1 ] || fail "no salt was remembered"
cp cache/kdf/* salt
must_fail 12 env MUNIMENT_PASSPHRASE=another muniment list "$repo"
has "$ERR" "MUNIMENT_PASSPHRASE is wrong"
must env MUNIMENT_NEW_PASSPHRASE=another muniment key change-passphrase "$repo"
cmp -s cache/kdf/* salt || fail "it was forgotten too early"
must_fail 12 muniment list "$repo"
must env MUNIMENT_PASSPHRASE=another muniment list "$repo"
cmp -s cache/kdf/* salt && fail "the new salt was not remembered"
must env MUNIMENT_PASSPHRASE=another \
	MUNIMENT_NEW_PASSPHRASE="$MUNIMENT_PASSPHRASE" \
	muniment key change-passphrase "$repo"
must muniment list "$repo"
(cd r/meta && find . -type f -exec sha256sum {} +) |
	sed 's,\./../,,' | sort >there
(cd cache/*/meta && sha256sum -- *) | sort >here
must diff there here

# what is damaged in the repository is read from here, but not by check
must muniment list "$repo::two"
mv "$OUT" listed
cp -a r/meta whole
cp -a r/archives records
spoil r/meta/*/* r/archives/*
must muniment list "$repo::two"
cmp "$OUT" listed || fail "another listing"
mkdir out
must env -C out muniment extract "$repo::two"
must diff -r src out/src
must_fail 14 muniment check --archives-only "$repo"
must_fail 14 muniment drill "$repo::two"
rm -r r/meta r/archives
mv whole r/meta
mv records r/archives
must muniment check "$repo"
must muniment drill "$repo::two"

# damage here is of no importance, and goes
spoil cache/*/meta/*
must muniment list "$repo::two"
cmp "$OUT" listed || fail "another listing"
(cd cache/*/meta && sha256sum -- *) | sort >here
[ -s here ] || fail "nothing is kept any more"
[ -z "$(comm -13 there here)" ] || fail "damage is kept"

# a machine that knows nothing of it keeps what it reads much of
rm -rf cache
mount_at m "$repo" m
must find m/two m/one
unmount m
eq "$(kept)" "$packs" "packs that were read and are kept"

# compaction reads from here, and what it removes is not kept
rm -rf src/a
must muniment create "$repo::three" src
must muniment delete "$repo::one" two
must muniment compact "$repo"
eq "$(kept)" "$(find r/meta -type f | wc -l)" "packs after compaction"
must muniment check --verify-data "$repo"
