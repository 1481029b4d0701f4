#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A store made by a real Dovecot: out by extract and through the mount, the
# same to the last attribute; and Dovecot reads what came back.
. "$TOP/tests/lib.sh"

need doveadm muniment unshare
need_fuse
need_root

# Dovecot does not read mail as root: the same user under another number.
ordinary() {
	HOME=$PWD/home USER=mail unshare --user --map-user=1000 \
		--map-group=1000 "$@"
}
ordinary true 2>/dev/null || skip "no user namespaces here"
export MUNIMENT_PASSPHRASE=secret MUNIMENT_REPO="$PWD/r"

# conf LOCATION >FILE
conf() {
	cat <<END
log_path = $PWD/dovecot.log
base_dir = $PWD/run
state_dir = $PWD/run
mail_uid = 1000
mail_gid = 1000
ssl = no
mail_location = $1
END
}
dove() {
	dove_conf=$1
	shift
	ordinary doveadm -c "$dove_conf" "$@" </dev/null
}

mkdir run home
conf "maildir:$PWD/vmail/Maildir" >dovecot.conf
mkdir vmail
dove dovecot.conf mailbox create INBOX Sent "Projekte &- Übersicht" \
	2>err || { cat err dovecot.log >&2; fail "no mailbox was made"; }
n=0
while [ $n -lt 120 ]; do
	n=$((n + 1))
	box=INBOX
	[ $((n % 3)) = 0 ] && box=Sent
	[ $((n % 5)) = 0 ] && box="Projekte &- Übersicht"
	printf '%s\r\n' "From: a@example.org" "To: b@example.org" \
		"Subject: mail $n" "Message-ID: <$n@example.org>" "" \
		"Body of mail $n." |
		ordinary doveadm -c dovecot.conf save \
			-m "$box" || fail "mail $n was not saved"
done
dove dovecot.conf flags add '\Seen' mailbox INBOX 1:20
dove dovecot.conf flags add '\Answered' mailbox Sent 1:5
# a copy is a hard link
dove dovecot.conf copy Sent mailbox INBOX 1:10
eq "$(find vmail -type f -links +1 | wc -l)" 20 "hard-linked messages"

# subjects of all messages, as Dovecot reads them
subjects() {
	for box in INBOX Sent "Projekte &- Übersicht"; do
		dove "$1" fetch "mailbox hdr.subject hdr.message-id text" \
			mailbox "$box" ALL
	done
}
subjects dovecot.conf >before
eq "$(grep -c '^hdr.subject: mail' before)" 130 "messages before"

must muniment init r
sleep 2.1	# what is younger is looked at again
must muniment create ::a vmail
mkdir out mnt
(cd out && must muniment extract ::a)
same_tree vmail out/vmail
must muniment mount r mnt
same_tree vmail mnt/a/vmail

conf "maildir:$PWD/out/vmail/Maildir" >out.conf
subjects out.conf >after
cmp before after || fail "Dovecot reads something else in what was extracted"

# In the mount: Dovecot moves what is in new/, so a writable layer lies above
# what cannot be written.
mkdir upper work over
must mount -t overlay -o "lowerdir=mnt/a,upperdir=upper,workdir=work" \
	overlay over
conf "maildir:$PWD/over/vmail/Maildir:INDEX=MEMORY" >over.conf
subjects over.conf >after
cmp before after || fail "Dovecot reads something else in the mount"
umount over
same_tree vmail mnt/a/vmail
must muniment umount mnt

# An hour later: flags, a delivery, a move; nothing is read twice.
dove dovecot.conf flags add '\Flagged' mailbox INBOX 30
dove dovecot.conf move Sent mailbox INBOX 40
printf 'Subject: mail 121\r\n\r\nNew.\r\n' |
	ordinary doveadm -c dovecot.conf save
must muniment create --json ::b vmail
python3 - "$OUT" <<'END' || fail "messages were stored again"
import json, sys
stats = json.load(open(sys.argv[1]))["archive"]["stats"]
sys.exit(stats["deduplicated_size"] > 60000)
END
mkdir out2
(cd out2 && must muniment extract ::b)
same_tree vmail out2/vmail
must muniment check --verify-data
