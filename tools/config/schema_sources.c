/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys: what is archived, and how. */
#include <stdlib.h>

#include "tools/config/schema_judge.h"
#include "tools/config/schema_priv.h"

#define SCHEMA_OF config_repository
static const struct schema_row repository[] = {
	{ KEY(path, STR), .flags = SCHEMA_NEEDED },
	{ KEY(label, STR) },
	{ KEY(encryption, STR) },
	{ KEY(parity, STR), .judge = schema_judge_parity },
	{ KEY(append_only, BOOL), IDLE, .note = "only the repository's host "
	  "can forbid deletion (by snapshots, or rights on the folder)" },
	{ KEY(storage_quota, STR), IDLE, .note = "only the repository's host "
	  "can keep a quota (by that of its file system)" },
	{ KEY(make_parent_directories, BOOL) },
	{ KEY_IDLE(id_hash, STR), .note = "BLAKE2b in all repositories" },
	{ KEY_IDLE(key_location, STR), .note = "'encryption: keyfile' keeps "
	  "the key on this machine" },
	{ 0 }
};
#undef SCHEMA_OF

#define SCHEMA_OF config
const struct schema_row schema_group_sources[] = {
	{ KEY(source_directories, LIST), .help = "Folders and files that are "
	  "archived; globs and ~ work.", .example = "\n    - /home\n"
	  "    - /etc" },
	{ KEY(source_directories_must_exist, BOOL), .fallback = 1,
	  .help = "A missing one ends the run before anything is done.",
	  .example = "true" },
	{ KEY(repositories, OBJS), .sub = repository,
	  .bytes = sizeof(struct config_repository),
	  .flags = SCHEMA_NEEDED, .help = "Where archives go: local folders "
	  "or ssh://USER@HOST:PORT/PATH (/./PATH begins in the login's "
	  "folder).  Each gets every archive.",
	  .example = "\n    - path: ssh://user@backup.example/./mailcow\n"
	  "      label: offsite" },
	{ KEY(working_directory, STR), .help = "The folder that relative "
	  "paths begin in.", .example = "/srv" },
	{ KEY(one_file_system, BOOL), .help = "Stay on the file systems of "
	  "the sources.", .example = "true" },
	{ KEY(numeric_ids, BOOL), .help = "Store and extract numbers of "
	  "owners only, no names.", .example = "true" },
	{ KEY(atime, BOOL), .help = "Store times of last access.",
	  .example = "false" },
	{ KEY(ctime, BOOL), .help = "Store times of the last "
	  "change of metadata.", .example = "true" },
	{ KEY(birthtime, BOOL), .fallback = 1, IDLE, .note = "times of "
	  "creation are not stored", .help = "Store times of creation.",
	  .example = "false" },
	{ KEY(flags, BOOL), .fallback = 1, .help = "Store flags such as "
	  "immutable and nodump.", .example = "false" },
	{ KEY(read_special, BOOL), .help = "Read devices and pipes as if "
	  "they were files.", .example = "false" },
	{ KEY_IDLE(unsafe_skip_path_validation_before_create, BOOL),
	  .note = "there is no dry run before a backup that could be left "
	  "out", .help = "Leave out borgmatic's look at the paths.",
	  .example = "false" },
	{ KEY_IDLE(files_changed, STR), .note = "a file that changed while it "
	  "was read is always noticed, by ctime and size",
	  .help = "How a file is seen to change while it is read.",
	  .example = "ctime" },
	{ KEY(files_cache, STR), .judge = schema_judge_files_cache,
	  .help = "What tells that a file has not changed.",
	  .example = "ctime,size,inode" },
	{ KEY_IDLE(local_path, STR), .note = "no borg is run",
	  .help = "Borg's program on this machine.", .example = "borg1" },
	{ KEY(remote_path, STR), .help = "The program on the far side of "
	  "ssh://.", .example = "muniment" },
	{ KEY(patterns, LIST), .judge = schema_judge_pattern,
	  .help = "Lines of a pattern list, as borg has them; shell style.",
	  .example = "\n    - R /\n    - '- /home/*/.cache'" },
	{ KEY(patterns_from, LIST), .help = "Files with such lines.",
	  .example = "\n    - /etc/muniment/patterns" },
	{ KEY(exclude_patterns, LIST), .judge = schema_judge_exclude,
	  .help = "What is left out; fnmatch style, quotes around what "
	  "begins with a *.", .example = "\n    - '*.pyc'\n"
	  "    - /home/*/.cache" },
	{ KEY(exclude_from, LIST), .help = "Files with such lines.",
	  .example = "\n    - /etc/muniment/excludes" },
	{ KEY(exclude_caches, BOOL), .help = "Leave out folders with a "
	  "CACHEDIR.TAG.", .example = "true" },
	{ KEY(exclude_if_present, LIST), .help = "Leave out folders that "
	  "have a file of this name.", .example = "\n    - .nobackup" },
	{ KEY(keep_exclude_tags, BOOL), .help = "Store these files "
	  "themselves.", .example = "true" },
	{ KEY(exclude_nodump, BOOL), .help = "Leave out files with the "
	  "nodump flag.", .example = "true" },
	{ KEY_IDLE(borgmatic_source_directory, STR), .note = "nothing is "
	  "kept in ~/.borgmatic", .help = "Borgmatic's folder of old.",
	  .example = "/tmp/borgmatic" },
	{ KEY(user_runtime_directory, STR), IDLE, .note = "dumps are piped "
	  "into the archive: no file of them lies anywhere",
	  .help = "Where borgmatic keeps named pipes.",
	  .example = "/run/user/1001" },
	{ KEY(user_state_directory, STR), .help = "Where it is noted which "
	  "check ran when.", .example = "/var/lib/muniment" },
	{ 0 }
};

const struct schema_row schema_group_archives[] = {
	{ KEY(encryption_passphrase, STR), .flags = SCHEMA_SECRET,
	  .help = "The passphrase.  Better: MUNIMENT_PASSPHRASE in the "
	  "environment, or one of the next two.",
	  .example = "\"${MUNIMENT_PASSPHRASE}\"" },
	{ KEY(encryption_passcommand, STR), .help = "A command that prints "
	  "it.", .example = "secret-tool lookup muniment repo" },
	{ KEY(encryption_passphrase_file, STR), .help = "A file with it, "
	  "which only you can read.  (A key of muniment's own.)",
	  .example = "/etc/muniment/passphrase" },
	{ KEY(checkpoint_interval, INT), .fallback = 300,
	  .max = INT32_MAX, .help = "Seconds until what was stored so far is "
	  "made known to a next run, should this one die.",
	  .example = "300" },
	{ KEY_IDLE(checkpoint_volume, INT), .max = INT64_MAX,
	  .note = "checkpoint_interval counts", .help = "The same in bytes.",
	  .example = "1000000000" },
	{ KEY(chunker_params, STR), IDLE, .note = "files are cut in one way "
	  "in all repositories", .help = "How borg cuts files.",
	  .example = "19,23,21,4095" },
	{ KEY(compression, STR), .judge = schema_judge_compression,
	  .help = "none, lz4, zstd[,1-22], auto,SPEC.",
	  .example = "auto,zstd,3" },
	{ KEY_IDLE(recompress, STR), .note = "archives are not made again",
	  .help = "Whether borg's recreate compresses again.",
	  .example = "if-different" },
	{ KEY(upload_rate_limit, INT), .max = INT32_MAX, .help = "KiB a "
	  "second to a repository over ssh.", .example = "1000" },
	{ KEY_IDLE(upload_buffer_size, INT), .max = INT32_MAX,
	  .note = "two packs of 32 MiB wait for the network at most",
	  .help = "MiB that may wait for the network.", .example = "160" },
	{ KEY(retries, INT), .max = 1000, .help = "How often a repository "
	  "that failed is tried again.", .example = "3" },
	{ KEY(retry_wait, INT), .max = 86400, .help = "Seconds before that, "
	  "twice as many before the second, and so on.", .example = "10" },
	{ KEY(temporary_directory, STR), .help = "For temporary files "
	  "(TMPDIR).", .example = "/var/tmp" },
	{ KEY(ssh_command, STR), .help = "How ssh is run.",
	  .example = "ssh -i /root/.ssh/backup" },
	{ KEY(borg_base_directory, STR), .help = "Instead of the home "
	  "folder, for the three below.", .example = "/path/to/base" },
	{ KEY(borg_config_directory, STR), .help = "Keys and pins.",
	  .example = "/path/to/base/config" },
	{ KEY(borg_cache_directory, STR), .help = "Caches, which may be "
	  "lost.", .example = "/path/to/base/cache" },
	{ KEY_IDLE(use_chunks_archive, BOOL), .note = "the cache has no such "
	  "part", .help = "Borg's chunks.archive.d.", .example = "true" },
	{ KEY(borg_security_directory, STR), IDLE, .note = "what was seen "
	  "last of a repository lies below borg_config_directory",
	  .help = "Borg's notes on repositories.",
	  .example = "/path/to/base/config/security" },
	{ KEY(borg_keys_directory, STR), .help = "Keys of keyfile "
	  "repositories; else below borg_config_directory.",
	  .example = "/path/to/base/config/keys" },
	{ KEY(borg_key_file, STR), .help = "The key itself.",
	  .example = "/path/to/base/config/mailcow.key" },
	{ KEY_IDLE(borg_files_cache_ttl, INT), .max = INT32_MAX, .note = "what "
	  "the last run saw is what counts", .help = "Runs that borg "
	  "remembers a file for.", .example = "20" },
	{ KEY_IDLE(borg_exit_codes, OBJS), .sub = schema_exit_codes,
	  .note = "no borg is run: muniment(1) lists its exit statuses",
	  .help = "Which of borg's exit codes are errors.",
	  .example = "\n    - code: 100\n      treat_as: error" },
	{ KEY(umask, OCTAL), .max = 0777, .fallback = 0077, .help = "For "
	  "files that are made.", .example = "0077" },
	{ KEY(lock_wait, INT), .max = INT32_MAX, .fallback = 1,
	  .help = "Seconds to wait for another run on this repository.",
	  .example = "5" },
	{ KEY(archive_name_format, STR), .judge = schema_judge_name,
	  .help = "Names of new archives; prune, list and others look at "
	  "archives that are named so.", .example = "'{hostname}-{now:"
	  "%Y-%m-%dT%H:%M:%S.%f}'" },
	{ KEY(match_archives, STR), .help = "The archives to look at "
	  "instead: sh:, re:, id: or a glob.", .example = "sh:mailcow-*" },
	{ KEY(prefix, STR), .help = "The same as what they begin with; old: "
	  "use match_archives.", .example = "mailcow-",
	  .flags = SCHEMA_EXPERT },
	{ KEY(archive_hostname, STR), .help = "{hostname}, and the name in "
	  "the archive, instead of this machine's.",
	  .example = "mail.example" },
	{ KEY(archive_username, STR), .help = "{user}, and the name in the "
	  "archive, instead of who runs this.", .example = "root" },
	{ KEY(file_list_format, STR), .help = "For 'list --archive'.",
	  .example = "'{mode} {size} {path}{NL}'" },
	{ KEY(archive_list_format, STR), .help = "For 'list'.",
	  .example = "'{archive}{NL}'" },
	{ KEY(relocated_repo_access_is_ok, BOOL), IDLE, .note = "a "
	  "repository may move: it is known by its key",
	  .help = "Borg's question about moved repositories.",
	  .example = "true" },
	{ KEY(unknown_unencrypted_repo_access_is_ok, BOOL), IDLE,
	  .note = "all repositories are encrypted", .help = "Borg's question "
	  "about unencrypted ones.", .example = "true" },
	{ REFUSED(debug_passphrase, BOOL),
	  .note = "a passphrase is never shown", .help = "Show a wrong "
	  "passphrase.", .flags = SCHEMA_EXPERT, .example = "false" },
	{ REFUSED(display_passphrase, BOOL),
	  .note = "a passphrase is never shown", .help = "Show a new "
	  "passphrase.", .flags = SCHEMA_EXPERT, .example = "false" },
	{ KEY(check_i_know_what_i_am_doing, BOOL), IDLE, .note = "nothing "
	  "asks for it", .help = "Borg's question before check --repair.",
	  .example = "true" },
	{ KEY_IDLE(msgpack_version_check, BOOL), .note = "no borg is run",
	  .help = "Borg's check of its library.", .example = "false" },
	{ KEY(extra_borg_options, PAIRS), .help = "Options of actions, as on "
	  "the command line behind them.",
	  .example = "\n    create: --comment 'hourly'" },
	{ 0 }
};
#undef SCHEMA_OF
