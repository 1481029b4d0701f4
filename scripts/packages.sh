# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The one list of what muniment needs, as Debian 12's packages; sourced by
# scripts/check and scripts/demo.
#
# shellcheck disable=SC2034

# To build and to mount.
packages_build=(
	gcc make pkg-config libc6-dev
	libfuse3-dev fuse3 libsodium-dev libzstd-dev libxxhash-dev
	libpcre2-dev libjansson-dev
)

# To test, lint, fuzz and compare.
packages_test=(
	build-essential binutils python3 procps util-linux diffutils
	libcmocka-dev
	libacl1-dev acl attr e2fsprogs libcap2-bin
	clang libclang-rt-14-dev strace valgrind
	shellcheck man-db groff-base
	borgbackup restic squashfs-tools squashfuse rsync zstd
	dovecot-core libarchive-tools python3-nacl python3-zstandard
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
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install \
		-qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
		"${missing[@]}" </dev/null || return 1
}
