/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/idle.h"
#include "fs/loop.h"
#include "fs/state.h"
#include "fs/ops.h"
#include "fs/point.h"

#define MOUNT_CACHE_BYTES ((size_t)64 << 20)
#define MOUNT_READ_AHEAD_KIB "1024"
#define MOUNT_MMAP_BYTES (512 << 10)
#define MOUNT_THREADS_MIN 4
#define MOUNT_THREADS_MAX 16

/* libfuse has one sink per process and speaks of what went wrong only there:
 * its last words become part of our sentence. */
static pthread_mutex_t mount_words_mtx = PTHREAD_MUTEX_INITIALIZER;
static char mount_words[256];

static void mount_listen(enum fuse_log_level level, const char *fmt,
			 va_list ap) __attribute__((format(printf, 2, 0)));
static void mount_listen(enum fuse_log_level level, const char *fmt,
			 va_list ap)
{
	char line[sizeof(mount_words)];

	(void)level;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	log_debug("fuse", "%s", line);
	pthread_mutex_lock(&mount_words_mtx);
	memcpy(mount_words, line, sizeof(line));
	pthread_mutex_unlock(&mount_words_mtx);
}

static int mount_failed(const struct mount *m, struct err *e)
{
	const char *words = mount_words;

	if (strncmp(words, "fuse: ", 6) == 0)
		words += 6;
	if (*words)
		return err_set(e, ERR_DENIED, "cannot mount on '%s': %s",
			       m->point, words);
	return err_set(e, ERR_DENIED, "cannot mount on '%s': the system "
		       "refused; a container needs '--device /dev/fuse "
		       "--cap-add SYS_ADMIN'", m->point);
}

/* Whose archives, and which. */
static int mount_open_single(struct mount *m, const char *name,
			     struct err *e)
{
	const struct catalog_item *it;
	struct catalog *cat = NULL;
	int rc;

	rc = catalog_load(&cat, m->r, e);
	if (rc == 0)
		rc = catalog_find(cat, name, &it, e);
	if (rc == 0) {
		m->single = arch_new(it, it->rec.name ? it->rec.name : name,
				     0);
		rc = m->single ? arch_open(m->single, &m->ao, e) :
				 err_nomem(e);
	}
	catalog_free(cat);
	return rc;
}

static int mount_open_view(struct mount *m, const struct mount_opts *o,
			   struct err *e)
{
	struct view_opts vo = {
		.choice = o->choice
	};

	return view_open(&m->view, m->rd, &vo, e);
}

/* There is an archive, and none has extended attributes. */
static bool mount_no_xattrs(struct mount *m)
{
	struct arch *a = m->single ? m->single : view_next(m->view, 0);

	if (!a || m->single)
		return a && a->no_xattrs;
	while (a && a->no_xattrs)
		a = view_next(m->view, a->serial + 1);
	return !a;
}

/*
 * Put a file into the kernel's page cache.  Bytes that come to a name which
 * the kernel has forgotten are refused by it, and no name comes back for
 * another file; so a push that comes too late is only lost.
 */
static void mount_push(void *ctx, const struct ahead_file *f,
		       const struct obj *o)
{
	struct fuse_bufvec v = FUSE_BUFVEC_INIT(o->len);
	union { const uint8_t *c; void *v; } u = { .c = o->p };
	struct mount *m = ctx;
	uint64_t id = inode_tab_child(m->inodes, f->owner, f->place, f->group);

	if (!id)
		return;
	v.buf[0].mem = u.v;
	if (fuse_lowlevel_notify_store(m->se, id, 0, &v, 0) == 0)
		atomic_fetch_add(&m->pushed, 1);
}

static unsigned mount_cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > MOUNT_THREADS_MAX ? MOUNT_THREADS_MAX :
	       (unsigned)n;
}

static int mount_open_archives(struct mount *m, const struct mount_opts *o,
			       struct err *e)
{
	int rc;

	m->cache_bytes = o->cache_bytes ? o->cache_bytes : MOUNT_CACHE_BYTES;
	rc = reader_open(&m->rd, m->r, m->cache_bytes, e);
	if (rc < 0)
		return rc;
	m->pin = mount_pin_new(m->r);
	if (!m->pin)
		return err_nomem(e);
	m->ao = (struct arch_opts){
		.rd = m->rd, .pin = m->pin, .patterns = o->patterns,
		.strip_components = o->strip_components,
		.numeric_ids = (o->flags & MOUNT_NUMERIC_IDS) != 0
	};
	if (m->ao.patterns && pattern_empty(m->ao.patterns))
		m->ao.patterns = NULL;
	rc = o->archive ? mount_open_single(m, o->archive, e) :
			  mount_open_view(m, o, e);
	if (rc < 0)
		return rc;
	m->no_xattrs = mount_no_xattrs(m);
	m->inodes = inode_tab_new(m->single ? INODE_ARCH : m->o.versions ?
				  INODE_MERGED : INODE_ROOT, m->single);
	m->cursors = cursor_tab_new(m->rd);
	m->ofiles = ofile_tab_new();
	m->ahead = ahead_new(&(struct ahead_opts){
		.rd = m->rd, .cache_bytes = m->cache_bytes,
		.threads = mount_cores(), .push = mount_push, .ctx = m
	});
	return m->inodes && m->cursors && m->ofiles && m->ahead ? 0 :
	       err_nomem(e);
}

static int mount_session(struct mount *m, struct err *e)
{
	char prog[] = "muniment", dash_o[] = "-o";
	char *words, *argv[] = { prog, dash_o, NULL, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);

	words = mem_printf("ro,nosuid,nodev,subtype=muniment,fsname=%s%s%s%s",
			   m->o.fsname ? m->o.fsname : "muniment",
			   m->o.ignore_permissions ? "" :
			   ",default_permissions",
			   m->o.allow_other ? ",allow_other" : "",
			   m->o.pass.p ? (const char *)m->o.pass.p : "");
	if (!words)
		return err_nomem(e);
	argv[2] = words;
	fuse_set_log_func(mount_listen);
	mount_words[0] = '\0';
	m->se = fuse_session_new(&args, &ops_table, sizeof(ops_table), m);
	free(words);
	fuse_opt_free_args(&args);
	if (!m->se)
		return mount_failed(m, e);
	if (fuse_session_mount(m->se, m->point) != 0)
		return mount_failed(m, e);
	m->mounted = true;
	return 0;
}

/*
 * The kernel reads ahead in pieces of 128 KiB, each a request, where it could
 * take 1 MiB.  Who mounts decides, if root: without it is only slower.  The
 * mount cannot be asked for anything yet, so statx must not.
 */
static void mount_read_ahead(const struct mount *m)
{
	struct statx st;
	char path[64];
	int fd;

	if (statx(AT_FDCWD, m->point, AT_STATX_DONT_SYNC, 0, &st) < 0)
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb",
		 st.stx_dev_major, st.stx_dev_minor);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, MOUNT_READ_AHEAD_KIB, strlen(MOUNT_READ_AHEAD_KIB)) < 0)
		log_debug("mount", "'%s' cannot be set", path);
	(void)close(fd);
}

/* The kernel's first message: both sides say what they can do. */
static int mount_hello(struct mount *m, struct err *e)
{
	struct fuse_buf buf;
	int n;

	memset(&buf, 0, sizeof(buf));
	do
		n = fuse_session_receive_buf(m->se, &buf);
	while (n == -EINTR);
	if (n > 0)
		fuse_session_process_buf(m->se, &buf);
	free(buf.mem);
	if (n <= 0 || fuse_session_exited(m->se))
		return mount_failed(m, e);
	return 0;
}

int mount_start(struct mount **out, struct repo *r,
		const struct mount_opts *o, struct err *e)
{
	struct mount *m;
	int rc;

	*out = NULL;
	m = mem_zero(1, sizeof(*m));
	if (!m)
		return err_nomem(e);
	pthread_mutex_init(&m->told_mtx, NULL);
	control_init(&m->control);
	merged_tab_init(&m->merged);
	key_derive(&m->place_key, repo_tree_key(r), 1, "versions");
	m->r = r;
	m->uid = geteuid();
	m->gid = getegid();
	/* What is mounted is plaintext: not for a core dump, nor for other
	 * processes of the same user. */
	(void)prctl(PR_SET_DUMPABLE, 0);
#ifdef M_ARENA_MAX
	/* Objects of all sizes are made by one thread and freed by another:
	 * an arena per thread takes half as much again (140 MB, not 92, for
	 * reading 100,000 mails) and is not faster. */
	(void)mallopt(M_ARENA_MAX, 1);
	/* Pieces of large files come and go in sizes of their own, and would
	 * leave holes between what stays. */
	(void)mallopt(M_MMAP_THRESHOLD, MOUNT_MMAP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, 8 * MOUNT_MMAP_BYTES);
#endif
	rc = repo_require(r, KEY_READ, e);
	if (rc == 0)
		rc = opts_parse(&m->o, o->fuse_options, e);
	if (rc == 0 && (o->flags & MOUNT_IGNORE_PERMISSIONS))
		m->o.ignore_permissions = true;
	if (rc == 0 && o->archive && m->o.versions)
		rc = err_set(e, ERR_CONFIG, "mount option 'versions' shows all "
			     "archives in one tree, so it cannot be used with "
			     "the name of one");
	if (rc == 0)
		rc = point_check(&m->point, o->mountpoint, &m->o, e);
	if (rc == 0)
		rc = mount_open_archives(m, o, e);
	if (rc == 0)
		rc = mount_session(m, e);
	if (rc == 0)
		rc = mount_hello(m, e);
	if (rc == 0)
		mount_read_ahead(m);
	if (rc < 0) {
		mount_free(m);
		return rc;
	}
	*out = m;
	return 0;
}

static void mount_idle(void *ctx)
{
	idle_look(ctx);
}

/* A push waits for a page that the kernel reads at the same time, and so for
 * the thread that answers. */
static void mount_ending(void *ctx)
{
	struct mount *m = ctx;

	ahead_stop(m->ahead);
}

int mount_serve(struct mount *m, struct cancel *cancel, struct err *e)
{
	const struct loop_owner owner = { mount_idle, mount_ending, m };
	unsigned threads = mount_cores();
	int rc;

	if (threads < MOUNT_THREADS_MIN)
		threads = MOUNT_THREADS_MIN;
	rc = loop_run(m->se, threads, cancel, &owner, e);
	fuse_session_unmount(m->se);
	m->mounted = false;
	return rc;
}

void mount_free(struct mount *m)
{
	if (!m)
		return;
	if (m->mounted)
		fuse_session_unmount(m->se);
	ahead_stop(m->ahead);
	if (m->se)
		fuse_session_destroy(m->se);
	ahead_free(m->ahead);
	inode_tab_free(m->inodes);
	ofile_tab_free(m->ofiles);
	cursor_tab_free(m->cursors);
	arch_free(m->single);
	view_free(m->view);
	mount_pin_free(m->pin);
	reader_close(m->rd);
	opts_release(&m->o);
	control_release(&m->control);
	merged_tab_release(&m->merged);
	free(m->point);
	pthread_mutex_destroy(&m->told_mtx);
	free(m);
}

/* --- unmounting --- */

static int mount_undo_busy(const char *path, struct err *e)
{
	struct buf users = BUF_INIT;
	int rc;

	if (point_users(&users, path, NULL) == 0 && users.len)
		rc = err_set(e, ERR_BUSY, "'%s' is still in use%s", path,
			     (const char *)users.p);
	else
		rc = err_set(e, ERR_BUSY, "'%s' is still in use; 'fuser -vm "
			     "%s' shows by whom", path, path);
	buf_release(&users);
	return rc;
}

/* Its program is gone: whoever has it open has nothing from it. */
static bool mount_is_dead(const char *path)
{
	struct statvfs st;

	return statvfs(path, &st) < 0 && errno == ENOTCONN;
}

static int mount_undo_root(const char *path, struct err *e)
{
	if (umount2(path, UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno == EBUSY && mount_is_dead(path) &&
	    umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH) == 0)
		return 0;
	if (errno == EBUSY || errno == ENOTCONN)
		return mount_undo_busy(path, e);
	return err_errno(e, errno, "cannot unmount '%s'", path);
}

static int mount_undo_user(const char *path, struct err *e)
{
	char prog[] = "fusermount3", unmount[] = "-uz", quiet[] = "-q";
	char dashes[] = "--", *copy = mem_str(path);
	char *argv[] = { prog, unmount, quiet, dashes, copy, NULL };
	int status = 0, rc = 0;
	char *type = NULL;
	pid_t pid;

	if (!copy)
		return err_nomem(e);
	if (!mount_is_dead(path))
		unmount[2] = '\0';	/* not lazily */
	rc = posix_spawnp(&pid, prog, NULL, NULL, argv, environ);
	free(copy);
	if (rc)
		return err_errno(e, rc, "fusermount3 (of the package fuse3)");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	/* Its own words went nowhere: see what is left. */
	rc = point_type(&type, path, e);
	free(type);
	if (rc < 0 || !type)
		return rc;
	return mount_undo_busy(path, e);
}

int mount_undo(const char *mountpoint, struct err *e)
{
	char *path = NULL, *real = NULL, *type = NULL;
	int rc;

	rc = point_path(&path, mountpoint, e);
	if (rc == 0)
		rc = point_type(&type, path, e);
	if (rc == 0 && !type) {
		/* Not under this name: perhaps behind a symlink. */
		real = realpath(mountpoint, NULL);
		if (real) {
			free(path);
			path = real;
			rc = point_type(&type, path, e);
		}
	}
	if (rc < 0)
		goto out;
	if (!type)
		rc = err_set(e, ERR_NOENT, "nothing is mounted on '%s'",
			     mountpoint);
	else if (strcmp(type, POINT_TYPE) != 0)
		rc = err_set(e, ERR_CONFIG, "what is mounted on '%s' is not "
			     "a repository (its type is %s); it was left "
			     "alone", mountpoint, type);
	else
		rc = geteuid() == 0 ? mount_undo_root(path, e) :
				      mount_undo_user(path, e);
out:
	free(type);
	free(path);
	return rc;
}
