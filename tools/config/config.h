/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "core/core.h"

/*
 * The configuration, as borgmatic has it.  A member is called as its key and
 * means what muniment.yaml(5) says of it.  What was not given has its default,
 * or else is NULL, 0, false, an empty list, CONFIG_AUTO; where that is not
 * enough, config_given tells.  A list is its entries in the file's order.
 * Strings are final: includes, constants, variables and credentials are
 * replaced; {hostname} and the like are not.
 */

enum config_tri { CONFIG_AUTO, CONFIG_NO, CONFIG_YES };

#define CONFIG_COUNT_UNLIMITED (-1)	/* of keep_*: any negative number is
					 * this one */

/* In each entry of a list of ours 'line' is where it begins in its file. */

struct config_repository {
	unsigned line;
	char *path;		/* a path or URL, "file://" taken off, scp's
				 * form made ssh:// */
	char *label;
	char *encryption, *storage_quota, *parity;
	bool append_only, make_parent_directories;
};
struct config_repositories {
	struct config_repository *v;
	size_t n;
};

enum config_check_name {
	CONFIG_CHECK_REPOSITORY, CONFIG_CHECK_ARCHIVES, CONFIG_CHECK_DATA,
	CONFIG_CHECK_EXTRACT, CONFIG_CHECK_SPOT, CONFIG_CHECK_DRILL,
	CONFIG_CHECK_DISABLED
};
struct config_check {
	unsigned line;
	unsigned name;		/* enum config_check_name */
	int64_t frequency_secs;	/* 0: each time */
	unsigned only_run_on;	/* 1 << tm_wday; 0: every day */
	int64_t max_duration;	/* seconds; 0: none */
	double count_tolerance_percentage, data_sample_percentage,
	       data_tolerance_percentage;
	char *xxh64sum_command;
};
/* If the file has no "checks:" they are repository and archives, monthly. */
struct config_checks {
	struct config_check *v;
	size_t n;
};

enum config_point {
	CONFIG_NOWHERE,
	CONFIG_ACTION, CONFIG_REPOSITORY, CONFIG_CONFIGURATION,
	CONFIG_EVERYTHING,
	CONFIG_ERROR		/* 'after' only */
};
enum config_states {
	CONFIG_START = 1 << 0,	/* start, log: monitoring only */
	CONFIG_FINISH = 1 << 1,
	CONFIG_FAIL = 1 << 2,
	CONFIG_LOG = 1 << 3
};
/* The old before_backup, on_error and their like are entries of this list. */
struct config_command {
	unsigned line;
	unsigned before, after;	/* enum config_point; one is NOWHERE */
	struct strv when;	/* names of actions; empty: any */
	unsigned states;	/* enum config_states; FINISH | FAIL */
	struct strv run;	/* for the shell */
	int64_t timeout_secs;	/* of each line; 0: none */
};
struct config_commands {
	struct config_command *v;
	size_t n;
};

enum config_db_kind {
	CONFIG_DB_POSTGRESQL, CONFIG_DB_MARIADB, CONFIG_DB_MYSQL,
	CONFIG_DB_SQLITE, CONFIG_DB_MONGODB, CONFIG_DB_REDIS
};
enum config_db_format {
	CONFIG_DB_FORMAT_AUTO,	/* none was given */
	CONFIG_DB_FORMAT_PLAIN, CONFIG_DB_FORMAT_CUSTOM, CONFIG_DB_FORMAT_TAR,
	CONFIG_DB_FORMAT_DIRECTORY, CONFIG_DB_FORMAT_ARCHIVE,
	CONFIG_DB_FORMAT_SQL
};
/* An entry of any of the *_databases; a kind uses the members that are keys of
 * it.  Without restore_X a restore goes by X. */
struct config_db {
	unsigned line;
	enum config_db_kind kind;
	char *name;		/* "all" is all of them, but for sqlite */
	struct strv skip_names;
	char *label, *container, *restore_container;
	char *hostname, *restore_hostname;
	int64_t port, restore_port;			/* 0: default */
	char *socket_path, *restore_socket_path;
	char *username, *restore_username, *password, *restore_password;
	bool password_by_environment;	/* password_transport */
	unsigned tls, restore_tls, events, routines, tablespaces;
						/* enum config_tri */
	bool no_owner;
	bool add_drop_database;		/* default: true */
	unsigned format;		/* enum config_db_format */
	char *compression;
	char *ssl_mode, *ssl_cert, *ssl_key, *ssl_root_cert, *ssl_crl;
	char *authentication_database;
	char *path, *restore_path;	/* sqlite: the file */
	/* pg_dump_command, mariadb_dump_command, mysql_dump_command,
	 * mongodump_command, sqlite_command, redis_command */
	char *dump_command;
	/* pg_restore_command, mongorestore_command, sqlite_restore_command */
	char *restore_command;
	/* psql_command, mariadb_command, mysql_command */
	char *client_command;
	char *options, *list_options, *restore_options, *analyze_options;
	int64_t timeout;		/* seconds a dump may take; 0: any */
};
struct config_dbs {
	struct config_db *v;
	size_t n;
};

struct config_pair {
	char *name, *value;
};
struct config_pairs {
	struct config_pair *v;
	size_t n;
};

/* A monitoring hook is on if 'given'; 'states' has its default filled in. */
struct config_message {		/* what one state sends; NULL: the default */
	bool given;
	char *title, *message;	/* 'message': apprise's "body" */
	char *priority, *tags;
	int64_t expire, retry, ttl;			/* pushover */
	char *device, *sound, *url, *url_title;		/* pushover */
	bool html;					/* pushover */
	char *value;					/* zabbix */
};
struct config_ntfy {
	bool given;
	char *topic, *server, *username, *password, *access_token;
	struct config_message start, finish, fail;
	unsigned states;		/* enum config_states, as below */
};
struct config_pushover {
	bool given;
	char *token, *user;
	struct config_message start, finish, fail;
	unsigned states;
};
struct config_zabbix {
	bool given;
	char *itemid, *host, *key, *server, *username, *password, *api_key;
	struct config_message start, finish, fail;
	unsigned states;
};
struct config_service {
	unsigned line;
	char *url, *label;
};
struct config_services {
	struct config_service *v;
	size_t n;
};
struct config_apprise {
	bool given, send_logs;
	struct config_services services;
	int64_t logs_size_limit;	/* bytes */
	struct config_message start, finish, fail, log;
	unsigned states;
};
struct config_healthchecks {		/* watchgoose too */
	bool given, verify_tls, send_logs, create_slug;
	char *ping_url;
	int64_t ping_body_limit;	/* bytes; 0: none */
	unsigned states;
};
struct config_uptime_kuma {
	bool given, verify_tls;
	char *push_url;
	unsigned states;
};
struct config_cronitor {
	bool given;
	char *ping_url;
};
struct config_pagerduty {
	bool given, send_logs;
	char *integration_key;
};
struct config_loki {
	bool given, send_logs;
	char *url, *cert_path, *key_path;	/* tls: cert_path, key_path */
	struct config_pairs labels;
};
struct config_sentry {
	bool given;
	char *data_source_name_url, *monitor_slug, *environment;
	unsigned states;
};

struct config {
	char *file;		/* as it was named; NULL: there is none */
	struct strv files;	/* absolute: it and all that it includes */

	/* What is archived. */
	struct strv source_directories, patterns, patterns_from,
		    exclude_patterns, exclude_from, exclude_if_present;
	bool source_directories_must_exist;	/* default: true */
	struct config_repositories repositories;
	char *working_directory;
	bool one_file_system, numeric_ids, read_special;
	bool atime, ctime;			/* only if asked for */
	bool birthtime, flags;			/* default: true */
	bool exclude_caches, keep_exclude_tags, exclude_nodump;
	char *files_cache;
	char *user_runtime_directory, *user_state_directory;

	/* How. */
	char *encryption_passphrase, *encryption_passcommand;
	char *encryption_passphrase_file;			/* ours */
	char *chunker_params, *compression;
	int64_t checkpoint_interval;		/* seconds */
	int64_t upload_rate_limit;		/* KiB/s; 0: none */
	int64_t retries, retry_wait;		/* count, seconds */
	char *ssh_command, *remote_path, *temporary_directory;
	char *borg_base_directory, *borg_config_directory,
	     *borg_cache_directory, *borg_security_directory,
	     *borg_keys_directory, *borg_key_file;
	unsigned umask;				/* default: 0077 */
	int64_t lock_wait;			/* seconds; default: 1 */
	char *archive_name_format, *match_archives, *prefix;
	char *archive_hostname, *archive_username;
	char *file_list_format, *archive_list_format;
	bool relocated_repo_access_is_ok, unknown_unencrypted_repo_access_is_ok,
	     check_i_know_what_i_am_doing;
	struct config_pairs extra_borg_options;

	/* Retention; 0: not given, see CONFIG_COUNT_UNLIMITED. */
	char *keep_within;
	int64_t keep_secondly, keep_minutely, keep_hourly, keep_daily,
		keep_weekly, keep_monthly, keep_yearly, keep_13weekly,
		keep_3monthly;
	int64_t compact_threshold;		/* percent; default: 10 */

	/* Checks. */
	struct config_checks checks;
	struct strv check_repositories;	/* labels or paths of repositories */
	int64_t check_last;			/* 0: all */

	/* Output. */
	bool color;				/* default: true */
	int64_t verbosity, syslog_verbosity,	/* -2 .. 2: 0, -2 */
		log_file_verbosity, monitoring_verbosity;	/* 1, 1 */
	char *log_file, *log_file_format;
	bool log_json, progress, statistics, quick_statistics, list_details;
	bool default_actions;			/* default: true */
	struct strv skip_actions;
	char *prometheus_file;			/* ours: for `status` */

	/* Hooks. */
	struct config_commands commands;
	bool store_config_files;	/* of bootstrap; default: true */
	struct config_dbs databases;	/* all kinds, in the file's order */
	struct config_ntfy ntfy;
	struct config_pushover pushover;
	struct config_zabbix zabbix;
	struct config_apprise apprise;
	struct config_healthchecks healthchecks, watchgoose;
	struct config_uptime_kuma uptime_kuma;
	struct config_cronitor cronitor;
	struct config_pagerduty pagerduty;
	struct config_loki loki;
	struct config_sentry sentry;

	struct config_tree *tree;	/* where things stand in the file */
};

/*
 * The files to run, sorted as borgmatic does, into 'out'.  'given': files and
 * folders of -c (a folder: its *.yaml and *.yml); a missing one is ERR_CONFIG.
 * If it is empty the default places of muniment(1) are looked at and, only if
 * they have nothing, borgmatic's; then 'out' may stay empty.
 */
int config_find(struct strv *out, const struct strv *given, struct err *e);

struct config_load_opts {
	/* "keep_daily=7", "repositories[0].path=X": options of the command
	 * line that are keys (config_option), then those of --override. */
	const struct strv *flags, *overrides;	/* NULL: none */
	bool no_environment_interpolation;
	bool keep_credentials;		/* {credential ...} stays: to judge
					 * a file where they are not */
};
/*
 * Read and judge one file; NULL: only the options.  'warnings' gets whole
 * lines for the user: deprecated forms, keys without effect here, a file with
 * secrets that others can read.  ERR_CONFIG: one line with file, line,
 * column, key and what to do.  *out is NULL after a failure.
 */
int config_load(struct config **out, const char *path,
		const struct config_load_opts *o, struct strv *warnings,
		struct err *e);
void config_free(struct config *c);	/* wipes secrets; NULL ok */

/* Was the key (of the top level, or "healthchecks.ping_url") in the file or
 * among the options? */
bool config_given(const struct config *c, const char *key);
/* For messages about the value of a key: ERR_CONFIG with "FILE, line N, column
 * M: KEY: " before the words, or only KEY if it was not given. */
int config_error(const struct config *c, const char *key, struct err *e,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * A long option (without "--") that is a key: "keep-daily",
 * "repositories[0].path", "no-atime".  *key gets the malloc'ed key as
 * 'flags' above want it, to be followed by "=VALUE"; *implied is the value if
 * the option takes none, else NULL.  ERR_NOENT: it is no key.
 */
int config_option(char **key, const char **implied, const char *name,
		  struct err *e);

#endif
