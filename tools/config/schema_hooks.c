/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys: commands, databases, monitoring. */
#include <stdlib.h>

#include "tools/config/schema_judge.h"
#include "tools/config/schema_priv.h"

#define SECRET .flags = SCHEMA_SECRET
#define STATES "start|finish|fail|log"	/* enum config_states, in order */
#define FLOOR .min = INT32_MIN, .max = INT32_MAX

#define SCHEMA_OF config_command
static const struct schema_row command[] = {
	{ KEY(before, WORD), .min = CONFIG_ACTION,
	  .words = "action|repository|configuration|everything" },
	{ KEY(after, WORD), .min = CONFIG_ACTION,
	  .words = "action|repository|configuration|everything|error" },
	{ KEY(when, LIST), .judge = schema_judge_action },
	{ KEY(states, FLAGS), .words = STATES,
	  .fallback = CONFIG_FINISH | CONFIG_FAIL,
	  .min = CONFIG_FINISH | CONFIG_FAIL },
	{ KEY(run, LIST), .flags = SCHEMA_NEEDED },
	{ KEY_AT(timeout, TIME, timeout_secs) },
	{ 0 }
};
#undef SCHEMA_OF

#define SCHEMA_OF config
static const struct schema_row bootstrap[] = {
	{ KEY(store_config_files, BOOL), .fallback = 1 },
	{ 0 }
};
#undef SCHEMA_OF

#define SCHEMA_OF config_message
static const struct schema_row ntfy_message[] = {
	{ KEY(title, STR) }, { KEY(message, STR) }, { KEY(priority, STR) },
	{ KEY(tags, STR) }, { 0 }
};
static const struct schema_row pushover_message[] = {
	{ KEY(message, STR) }, { KEY(priority, STR) },
	{ KEY(expire, INT), FLOOR }, { KEY(retry, INT), FLOOR },
	{ KEY(device, STR) }, { KEY(html, BOOL) }, { KEY(sound, STR) },
	{ KEY(title, STR) }, { KEY(ttl, INT), FLOOR }, { KEY(url, STR) },
	{ KEY(url_title, STR) }, { 0 }
};
static const struct schema_row zabbix_message[] = {
	{ KEY(value, STR) }, { 0 }
};
static const struct schema_row apprise_message[] = {
	{ KEY(title, STR) }, { KEY_AT(body, STR, message) }, { 0 }
};
#undef SCHEMA_OF

/* Its keys are members of the struct around it. */
#define INNER(key) .name = #key, .type = SCHEMA_OBJ, .at = 0
#define GIVEN .flags = SCHEMA_GIVEN
#define MESSAGES(rows) \
	{ KEY(start, OBJ), .sub = rows, GIVEN }, \
	{ KEY(finish, OBJ), .sub = rows, GIVEN }, \
	{ KEY(fail, OBJ), .sub = rows, GIVEN }
#define SOME_STATES(usual) KEY(states, FLAGS), .words = STATES, \
	.fallback = usual, \
	.min = CONFIG_START | CONFIG_FINISH | CONFIG_FAIL
#define ALL_STATES KEY(states, FLAGS), .words = STATES, \
	.min = CONFIG_START | CONFIG_FINISH | CONFIG_FAIL | CONFIG_LOG, \
	.fallback = CONFIG_START | CONFIG_FINISH | CONFIG_FAIL | CONFIG_LOG

#define SCHEMA_OF config_ntfy
static const struct schema_row ntfy[] = {
	{ KEY(topic, STR), .flags = SCHEMA_NEEDED }, { KEY(server, STR) },
	{ KEY(username, STR) }, { KEY(password, STR), SECRET },
	{ KEY(access_token, STR), SECRET }, MESSAGES(ntfy_message),
	{ SOME_STATES(CONFIG_FAIL) }, { 0 }
};
#undef SCHEMA_OF
#define SCHEMA_OF config_pushover
static const struct schema_row pushover[] = {
	{ KEY(token, STR), .flags = SCHEMA_NEEDED | SCHEMA_SECRET },
	{ KEY(user, STR), .flags = SCHEMA_NEEDED },
	MESSAGES(pushover_message), { SOME_STATES(CONFIG_FAIL) }, { 0 }
};
#undef SCHEMA_OF
#define SCHEMA_OF config_zabbix
static const struct schema_row zabbix[] = {
	{ KEY(itemid, STR) }, { KEY(host, STR) }, { KEY(key, STR) },
	{ KEY(server, STR), .flags = SCHEMA_NEEDED }, { KEY(username, STR) },
	{ KEY(password, STR), SECRET }, { KEY(api_key, STR), SECRET },
	MESSAGES(zabbix_message), { SOME_STATES(CONFIG_FAIL) }, { 0 }
};
#undef SCHEMA_OF
#define SCHEMA_OF config_service
static const struct schema_row service[] = {
	{ KEY(url, STR), .flags = SCHEMA_NEEDED | SCHEMA_SECRET },
	{ KEY(label, STR), .flags = SCHEMA_NEEDED }, { 0 }
};
#undef SCHEMA_OF
#define SCHEMA_OF config_apprise
static const struct schema_row apprise[] = {
	{ KEY(services, OBJS), .sub = service,
	  .bytes = sizeof(struct config_service), .flags = SCHEMA_NEEDED },
	{ KEY(send_logs, BOOL) },
	{ KEY(logs_size_limit, INT), .max = INT32_MAX, .fallback = 1500 },
	MESSAGES(apprise_message),
	{ KEY(log, OBJ), .sub = apprise_message, GIVEN },
	{ ALL_STATES }, { 0 }
};
#undef SCHEMA_OF
#define SCHEMA_OF config_healthchecks
#define HEALTHCHECKS(limit) \
	{ KEY(ping_url, STR), .flags = SCHEMA_NEEDED }, \
	{ KEY(verify_tls, BOOL), .fallback = 1 }, { KEY(send_logs, BOOL) }, \
	{ KEY(ping_body_limit, INT), .max = INT32_MAX, .fallback = limit }, \
	{ ALL_STATES }
static const struct schema_row healthchecks[] = {
	HEALTHCHECKS(100000), { KEY(create_slug, BOOL) }, { 0 }
};
static const struct schema_row watchgoose[] = {
	HEALTHCHECKS(10000), { 0 }
};
#undef SCHEMA_OF
#define SCHEMA_OF config_uptime_kuma
static const struct schema_row uptime_kuma[] = {
	{ KEY(push_url, STR), .flags = SCHEMA_NEEDED },
	{ KEY(verify_tls, BOOL), .fallback = 1 },
	{ SOME_STATES(CONFIG_START | CONFIG_FINISH | CONFIG_FAIL) }, { 0 }
};
#undef SCHEMA_OF
#define SCHEMA_OF config_cronitor
static const struct schema_row cronitor[] = {
	{ KEY(ping_url, STR), .flags = SCHEMA_NEEDED }, { 0 }
};
#undef SCHEMA_OF
#define SCHEMA_OF config_pagerduty
static const struct schema_row pagerduty[] = {
	{ KEY(integration_key, STR),
	  .flags = SCHEMA_NEEDED | SCHEMA_SECRET },
	{ KEY(send_logs, BOOL) }, { 0 }
};
#undef SCHEMA_OF
#define SCHEMA_OF config_loki
static const struct schema_row loki_tls[] = {
	{ KEY(cert_path, STR) }, { KEY(key_path, STR) }, { 0 }
};
static const struct schema_row loki[] = {
	{ KEY(url, STR), .flags = SCHEMA_NEEDED },
	{ INNER(tls), .sub = loki_tls },
	{ KEY(labels, PAIRS), .flags = SCHEMA_NEEDED },
	{ KEY(send_logs, BOOL) }, { 0 }
};
#undef SCHEMA_OF
#define SCHEMA_OF config_sentry
static const struct schema_row sentry[] = {
	{ KEY(data_source_name_url, STR),
	  .flags = SCHEMA_NEEDED | SCHEMA_SECRET },
	{ KEY(monitor_slug, STR), .flags = SCHEMA_NEEDED },
	{ KEY(environment, STR) },
	{ SOME_STATES(CONFIG_START | CONFIG_FINISH | CONFIG_FAIL) }, { 0 }
};
#undef SCHEMA_OF

#define PROGRAM(key) { KEY_NOWHERE(key, STR) }
static const struct schema_row zfs[] = {
	PROGRAM(zfs_command), PROGRAM(mount_command),
	PROGRAM(umount_command), { 0 }
};
static const struct schema_row btrfs[] = {
	PROGRAM(btrfs_command), PROGRAM(findmnt_command), { 0 }
};
static const struct schema_row lvm[] = {
	PROGRAM(snapshot_size), PROGRAM(lvcreate_command),
	PROGRAM(lvremove_command), PROGRAM(lvs_command),
	PROGRAM(lsblk_command), PROGRAM(mount_command),
	PROGRAM(umount_command), { 0 }
};
static const struct schema_row systemd[] = {
	PROGRAM(systemd_creds_command),
	PROGRAM(encrypted_credentials_directory), { 0 }
};
static const struct schema_row container[] = {
	PROGRAM(secrets_directory), { 0 }
};
static const struct schema_row cronhub[] = { PROGRAM(ping_url), { 0 } };
static const struct schema_row keepassxc[] = {
	PROGRAM(keepassxc_cli_command), PROGRAM(secret_tool_command),
	{ KEY_NOWHERE(ask_for_password, BOOL) },
	PROGRAM(key_file), PROGRAM(yubikey), { 0 }
};

#define DATABASES(kind, name_of_kind) \
	{ KEY_AT(kind, OBJS, databases), .sub = schema_db_rows, \
	  .bytes = sizeof(struct config_db), .min = name_of_kind, DB_HELP }
#define UNSENT IDLE, .note = "nothing is sent to it: use 'commands:' with " \
	"curl, or prometheus_file"
#define LIVE .note = "no snapshot is made: files are read as they are"
#define SNAPSHOTS(key, title, example_of) \
	{ KEY_IDLE(key, OBJ), .sub = key, .flags = SCHEMA_NULL_OK, LIVE, \
	  .help = title, .example = example_of }
#define MONITOR(key, title, example_of) \
	{ KEY(key, OBJ), .sub = key, GIVEN, UNSENT, .help = title, \
	  .example = example_of }

#define SCHEMA_OF config
const struct schema_row schema_group_hooks[] = {
	{ KEY(commands, OBJS), .sub = command,
	  .bytes = sizeof(struct config_command), .help = "Commands of the "
	  "shell before or after an action, repository, configuration, or "
	  "everything; after: error.  Status 75 leaves the rest out.",
	  .example = "\n    - before: action\n      when: [create]\n"
	  "      run:\n        - echo starting" },
	{ INNER(bootstrap), .sub = bootstrap, .help = "Store "
	  "these files in the archive, for 'config bootstrap'.",
	  .example = "\n    store_config_files: false" },
#define DB_HELP .help = "Dumps of MariaDB.", .example = \
	"\n    - name: mailcow\n      hostname: localhost\n" \
	"      username: mailcow\n      password: \"${DBPASS}\""
	DATABASES(mariadb_databases, CONFIG_DB_MARIADB),
#undef DB_HELP
#define DB_HELP .help = "Of MySQL.", .example = "\n    - name: all"
	DATABASES(mysql_databases, CONFIG_DB_MYSQL),
#undef DB_HELP
#define DB_HELP .help = "Of PostgreSQL.", .example = "\n    - name: all"
	DATABASES(postgresql_databases, CONFIG_DB_POSTGRESQL),
#undef DB_HELP
#define DB_HELP .help = "Of SQLite; 'name' is a label.", \
	.example = "\n    - name: roundcube\n      path: /srv/roundcube.db"
	DATABASES(sqlite_databases, CONFIG_DB_SQLITE),
#undef DB_HELP
#define DB_HELP .help = "Of MongoDB.", .example = "\n    - name: all"
	DATABASES(mongodb_databases, CONFIG_DB_MONGODB),
#undef DB_HELP
#define DB_HELP .help = "Of Redis.  (A key of muniment's own.)", \
	.example = "\n    - name: mailcow\n      hostname: redis-mailcow"
	DATABASES(redis_databases, CONFIG_DB_REDIS),
#undef DB_HELP
	MONITOR(ntfy, "ntfy.", "\n    topic: my-backups"),
	MONITOR(pushover, "Pushover.", "\n    token: app\n    user: me"),
	MONITOR(zabbix, "Zabbix.", "\n    server: https://zabbix.example/"
		"api_jsonrpc.php\n    itemid: '55105'"),
	MONITOR(apprise, "Apprise.", "\n    services:\n"
		"        - url: gotify://host/token\n          label: gotify"),
	MONITOR(healthchecks, "Healthchecks.",
		"\n    ping_url: https://hc-ping.com/your-uuid-here"),
	MONITOR(uptime_kuma, "Uptime Kuma.",
		"\n    push_url: https://kuma.example/api/push/token"),
	MONITOR(cronitor, "Cronitor.",
		"\n    ping_url: https://cronitor.link/d3x0c1"),
	{ KEY_IDLE(cronhub, OBJ), .sub = cronhub, .flags = SCHEMA_EXPERT,
	  .note = "the service is gone", .help = "Cronhub.",
	  .example = "\n    ping_url: https://cronhub.io/ping/1f5e3410" },
	MONITOR(pagerduty, "PagerDuty.",
		"\n    integration_key: a177cad45bd374409f78906a810a3074"),
	MONITOR(loki, "Loki.", "\n    url: http://localhost:3100/loki/api/v1/"
		"push\n    labels:\n        app: muniment"),
	MONITOR(sentry, "Sentry.", "\n    data_source_name_url: "
		"https://key@ingest.us.sentry.io/project\n"
		"    monitor_slug: backup"),
	MONITOR(watchgoose, "Watchgoose.",
		"\n    ping_url: https://watchgoose.example/your-uuid-here"),
	SNAPSHOTS(zfs, "Snapshots of ZFS.", "\n    zfs_command: zfs"),
	SNAPSHOTS(btrfs, "Snapshots of Btrfs.", "\n    btrfs_command: btrfs"),
	SNAPSHOTS(lvm, "Snapshots of LVM.",
		  "\n    snapshot_size: 10%ORIGIN"),
	{ INNER(systemd), .sub = systemd, .help = "How "
	  "{credential systemd NAME} is found without "
	  "$CREDENTIALS_DIRECTORY.",
	  .example = "\n    systemd_creds_command: systemd-creds\n"
	  "    encrypted_credentials_directory: /etc/credstore.encrypted" },
	{ INNER(container), .sub = container, .help = "Where "
	  "{credential container NAME} is found.",
	  .example = "\n    secrets_directory: /run/secrets" },
	{ KEY_IDLE(keepassxc, OBJ), .sub = keepassxc, .note = "KeePassXC is "
	  "not asked: use encryption_passcommand, or {credential file PATH}",
	  .help = "KeePassXC.",
	  .example = "\n    keepassxc_cli_command: keepassxc-cli" },
	{ 0 }
};
