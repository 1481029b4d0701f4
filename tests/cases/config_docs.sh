#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What borgmatic's manual shows, page by page, is accepted or explained.
. "$TOP/tests/lib.sh"

export HOME="$PWD"

# good YAML: accepted without a word
good() {
	printf '%s\n' "$1" | sed 1d >c.yaml
	chmod 600 c.yaml
	must muniment -c c.yaml config validate
	[ ! -s "$ERR" ] || fail "it says: $(cat "$ERR")"
}

# told TEXT YAML: accepted, and each word of a warning is this one
told() {
	printf '%s\n' "$2" | sed 1d >c.yaml
	chmod 600 c.yaml
	must muniment -c c.yaml config validate
	eq "$(wc -l <"$ERR")" 1 "lines on stderr"
	has "$ERR" "$1"
}

# set up backups
good '
source_directories:
    - /home
    - /etc
    - /var/log/syslog*

repositories:
    - path: ssh://user@backupserver/./{fqdn}
      label: backupserver
    - path: /mnt/backup.borg
      label: local
      encryption: repokey-aes-ocb
      make_parent_directories: true

exclude_patterns:
    - "*.pyc"
    - ~/*/.cache
exclude_if_present:
    - .nobackup

keep_daily: 7
keep_weekly: 4
keep_monthly: 6

checks:
    - name: repository
    - name: archives
      frequency: 2 weeks

commands:
    - before: action
      when: [create]
      run:
          - echo "Starting backup."
    - after: action
      when: [create, prune]
      states: [finish]
      run:
          - echo "Finished {repository} {configuration_filename}."
    - after: error
      run:
          - send-text-message.sh {error} {output}'

# repositories of other kinds of address
good '
repositories:
    - path: ssh://user@host:23/~/repo
    - path: ssh://user@[::1]/abs/repo
    - path: /backup/{hostname}
    - path: relative/repo'

# patterns
good '
repositories:
    - path: /r
patterns:
    - R /
    - "- /home/*/.cache"
    - "+ /home/susan"
    - "- /home/*"
    - "- re:^/proc"
    - "! sh:/sys"
    - "+ pp:etc"
patterns_from:
    - /etc/borgmatic/patterns'

# databases
good '
repositories:
    - path: /r
mariadb_databases:
    - name: users
      hostname: database1.example.org
      restore_hostname: database2.example.org
      port: 3306
      username: root
      password: trustsome1
      restore_password: "0000"
      tls: false
      options: --skip-comments
      list_options: --skip-ssl
      restore_options: --force
      mariadb_dump_command: docker exec db mariadb-dump
      mariadb_command: docker exec -i db mariadb
postgresql_databases:
    - name: all
      format: custom
      username: postgres
      ssl_mode: require
      pg_dump_command: docker exec pg pg_dump
      psql_command: /usr/bin/psql
sqlite_databases:
    - name: mydb
      path: /var/lib/sqlite3/mydb.sqlite
mongodb_databases:
    - name: messages
      authentication_database: admin
      format: archive
mysql_databases:
    - name: all
      skip_names: [test]
      password_transport: environment
      socket_path: /run/mysqld/mysqld.sock
redis_databases:
    - name: mailcow
      hostname: redis-mailcow'

# checks
good '
repositories:
    - path: /r
checks:
    - name: repository
      frequency: always
      max_duration: 300
    - name: spot
      frequency: 1 day
      only_run_on:
          - Saturday
          - weekday
      count_tolerance_percentage: 10
      data_sample_percentage: 1
      data_tolerance_percentage: 0.5
    - name: extract
      frequency: 10 years
check_last: 3'
good '
repositories:
    - path: /r
checks:
    - name: disabled'

# archive names, retention, output
good '
repositories:
    - path: /r
archive_name_format: "home-{now:%Y-%m-%d}"
match_archives: sh:home-*
keep_within: 3H
keep_secondly: 60
keep_minutely: 60
keep_13weekly: 13
keep_3monthly: -1
log_file: /var/log/x.log
log_file_format: "[{asctime}] {levelname}: {prefix}{message}"
verbosity: 1
syslog_verbosity: -2
skip_actions: [compact]
retries: 2
retry_wait: 10
umask: 0077
lock_wait: 5'

# constants, variables
export MY_PASSPHRASE=x
good '
constants:
    user: foo
    archive_prefix: bar
source_directories:
    - /home/{user}/.config
    - /home/{user}/.ssh
repositories:
    - path: /r
archive_name_format: "{archive_prefix}-{now}"
encryption_passphrase: ${MY_PASSPHRASE:-defaultvalue}
ssh_command: ssh -i \${HOME}/key'

# includes
cat >common.yaml <<'EOF'
repositories:
    - path: repo.borg
source_directories:
    - /home
    - /etc
checks:
    - name: repository
      frequency: 2 weeks
EOF
good '
<<: !include common.yaml
source_directories:
    - !omit /home
    - /var
checks: !retain
    - name: archives'
must muniment -c c.yaml config show --json
eq "$(tr -d ' \n' <"$OUT")" '[{"checks":[{"name":"archives"}],"repositories":'\
'[{"path":"repo.borg"}],"source_directories":["/etc","/var"]}]'

# monitoring: nothing is sent, and that is said
told "healthchecks: has no effect" '
repositories:
    - path: /r
healthchecks:
    ping_url: https://hc-ping.com/addffa72
    send_logs: true
    ping_body_limit: 1000
    states: [start, finish, fail, log]'
told "ntfy: has no effect" '
repositories:
    - path: /r
ntfy:
    topic: my-unique-topic
    server: https://ntfy.my-domain.com
    access_token: tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2
    start:
        title: Starting
        message: Watch this space.
        tags: borgmatic
        priority: min
    states: [start, finish, fail]'
told "pushover: has no effect" '
repositories:
    - path: /r
pushover:
    token: 7ms6TXHpTokTou2P6x4SodDeentHRa
    user: hwRwoWsXMBWwgrSecfa9EfPey55WSN
    start: {message: starting, priority: -2, sound: bike, html: true}
    fail: {priority: 2, expire: 600, retry: 30, url: "https://x"}'
told "apprise: has no effect" '
repositories:
    - path: /r
apprise:
    services:
        - url: gotify://hostname/token
          label: gotify
    send_logs: true
    logs_size_limit: 100
    log: {title: a, body: b}'
told "loki: has no effect" '
repositories:
    - path: /r
loki:
    url: http://localhost:3100/loki/api/v1/push
    labels:
        app: borgmatic
        hostname: __hostname
    tls:
        cert_path: /x
        key_path: /y'
told "zabbix: has no effect" '
repositories:
    - path: /r
zabbix:
    server: http://cloud.zabbix.com/zabbix/api_jsonrpc.php
    itemid: 55105
    api_key: b3baf48cc18844d1
    start: {value: STARTED}'
told "sentry: has no effect" '
repositories:
    - path: /r
sentry:
    data_source_name_url: https://5f80ec@o294220.ingest.us.sentry.io/203069
    monitor_slug: mymonitor'
told "uptime_kuma: has no effect" '
repositories:
    - path: /r
uptime_kuma:
    push_url: https://kuma.my-domain.com/api/push/abcd1234
    verify_tls: false'

# snapshots, with and without values
told "zfs: has no effect: no snapshot" '
repositories:
    - path: /r
zfs:
    zfs_command: /usr/local/bin/zfs'
good '
repositories:
    - path: /r
systemd:
    systemd_creds_command: /usr/local/bin/systemd-creds
container:
    secrets_directory: /run/secrets
encryption_passphrase: "{credential systemd borgmatic.pw}"'
told "btrfs: has no effect" '
repositories:
    - path: /r
btrfs:'

# what lies behind this program's back
told "local_path: has no effect" '
repositories:
    - path: /r
local_path: borg1'
told "borg_exit_codes: has no effect" '
repositories:
    - path: /r
borg_exit_codes:
    - code: 13
      treat_as: warning
    - code: 100
      treat_as: error'
good '
repositories:
    - path: /r
extra_borg_options:
    create: --progress
    prune: --save-space'
