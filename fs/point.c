/* SPDX-License-Identifier: BSD-2-Clause */
#include "fs/point.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int point_missing(const char *mountpoint, struct err *e)
{
	return err_set(e, ERR_NOENT, "mount point '%s' is not there; make it "
		       "with 'mkdir -p %s'", mountpoint, mountpoint);
}

int point_path(char **out, const char *mountpoint, struct err *e)
{
	char *copy = mem_str(mountpoint), *slash, *parent = NULL;
	const char *last;
	size_t len;
	int rc = 0;

	*out = NULL;
	if (!copy)
		return err_nomem(e);
	for (len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	slash = strrchr(copy, '/');
	last = slash ? slash + 1 : copy;
	if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) {
		*out = realpath(mountpoint, NULL);
		if (!*out)
			rc = err_errno(e, errno, "'%s'", mountpoint);
		goto out;
	}
	if (slash == copy)
		parent = realpath("/", NULL);
	else if (slash)
		*slash = '\0';
	if (!parent)
		parent = realpath(slash ? copy : ".", NULL);
	if (!parent) {
		rc = errno == ENOENT ? point_missing(mountpoint, e) :
		     err_errno(e, errno, "mount point '%s'", mountpoint);
		goto out;
	}
	*out = mem_printf("%s/%s", strcmp(parent, "/") == 0 ? "" : parent,
			  last);
	if (!*out)
		rc = err_nomem(e);
out:
	free(parent);
	free(copy);
	return rc;
}

/* mountinfo writes blank, tab, newline and backslash as \ooo. */
static void point_unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] &&
		    s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
				       (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

int point_type(char **type, const char *path, struct err *e)
{
	char *line = NULL, *at, *where, *kind;
	size_t cap = 0;
	unsigned i;
	FILE *f;
	int rc = 0;

	*type = NULL;
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return err_errno(e, errno, "/proc/self/mountinfo");
	while (rc == 0 && getline(&line, &cap, f) >= 0) {
		at = line;
		where = NULL;
		for (i = 0; i < 5 && at; i++)
			where = strsep(&at, " ");
		kind = at ? strstr(at, " - ") : NULL;
		if (!where || !kind)
			continue;
		point_unescape(where);
		if (strcmp(where, path) != 0)
			continue;
		kind += 3;
		kind[strcspn(kind, " \n")] = '\0';
		free(*type);
		*type = mem_str(kind);
		if (!*type)
			rc = err_nomem(e);
	}
	free(line);
	(void)fclose(f);
	return rc;
}

static int point_empty(const char *path, struct err *e)
{
	struct dirent *de;
	DIR *d = opendir(path);
	int rc = 0;

	if (!d)
		return err_errno(e, errno, "mount point '%s'", path);
	while (rc == 0 && (de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			rc = err_set(e, ERR_CONFIG, "mount point '%s' is not "
				     "empty; take another folder, or hide "
				     "what is in it with '-o nonempty'",
				     path);
	(void)closedir(d);
	return rc;
}

static int point_folder(const char *path, const char *mountpoint,
			const struct opts *o, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return point_missing(mountpoint, e);
		if (errno == ENOTCONN)
			return err_set(e, ERR_BUSY, "'%s' is a mount whose "
				       "program was killed; clear it with "
				       "'muniment umount %s'", mountpoint,
				       mountpoint);
		return err_errno(e, errno, "mount point '%s'", mountpoint);
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFIG, "mount point '%s' is not a "
			       "folder", mountpoint);
	return o->nonempty ? 0 : point_empty(path, e);
}

static int point_device(struct err *e)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		(void)close(fd);
		return 0;
	}
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return err_set(e, ERR_CONFIG, "this system has no FUSE: load "
			       "it with 'modprobe fuse'; a container needs "
			       "'--device /dev/fuse --cap-add SYS_ADMIN'");
	if (errno == EACCES || errno == EPERM)
		return err_set(e, ERR_DENIED, "this user may not open "
			       "/dev/fuse; 'chmod 666 /dev/fuse' is what most "
			       "systems have");
	return err_errno(e, errno, "/dev/fuse");
}

static bool point_in_path(const char *program)
{
	const char *path = getenv("PATH");
	char *copy = mem_str(path ? path : "/usr/bin:/bin"), *at = copy;
	char *dir, *file;
	bool found = false;

	while (!found && (dir = strsep(&at, ":")) != NULL) {
		file = mem_printf("%s/%s", dir, program);
		found = file && access(file, X_OK) == 0;
		free(file);
	}
	free(copy);
	return found;
}

static bool point_others_allowed(void)
{
	FILE *f = fopen("/etc/fuse.conf", "re");
	char *line = NULL, *word;
	bool found = false;
	size_t cap = 0;

	while (f && !found && getline(&line, &cap, f) >= 0) {
		word = line + strspn(line, " \t");
		word[strcspn(word, " \t\r\n#")] = '\0';
		found = strcmp(word, "user_allow_other") == 0;
	}
	free(line);
	if (f)
		(void)fclose(f);
	return found;
}

/* What a user who is not root needs besides. */
static int point_user(const char *path, const struct opts *o, struct err *e)
{
	if (!point_in_path("fusermount3"))
		return err_set(e, ERR_CONFIG, "mounting as a user other than "
			       "root needs the program 'fusermount3': install "
			       "the package fuse3");
	if (o->allow_other && !point_others_allowed())
		return err_set(e, ERR_CONFIG, "'-o allow_other' is for root "
			       "only, until the line 'user_allow_other' is in "
			       "/etc/fuse.conf");
	if (access(path, W_OK) < 0)
		return err_set(e, ERR_DENIED, "mount point '%s' has to be "
			       "yours to write to", path);
	return 0;
}

int point_check(char **path, const char *mountpoint, const struct opts *o,
		struct err *e)
{
	char *type = NULL, *real;
	int rc;

	rc = point_path(path, mountpoint, e);
	if (rc < 0)
		return rc;
	real = realpath(mountpoint, NULL);
	if (real) {
		free(*path);
		*path = real;
	}
	rc = point_type(&type, *path, e);
	if (rc < 0)
		goto out;
	rc = point_folder(*path, mountpoint, o, e);
	if (rc != ERR_BUSY && type && strcmp(type, POINT_TYPE) == 0)
		rc = err_set(e, ERR_BUSY, "'%s' is mounted already; "
			     "'muniment umount %s' first, or take another "
			     "folder", mountpoint, mountpoint);
	if (rc == 0)
		rc = point_device(e);
	if (rc == 0 && geteuid() != 0)
		rc = point_user(*path, o, e);
out:
	free(type);
	if (rc < 0) {
		free(*path);
		*path = NULL;
	}
	return rc;
}

/* Does the symlink proc/PID/name lead to 'path' or below? */
static bool point_leads(int dirfd, const char *name, const char *path)
{
	char to[PATH_MAX];
	size_t len = strlen(path);
	ssize_t n = readlinkat(dirfd, name, to, sizeof(to) - 1);

	if (n < 0)
		return false;
	to[n] = '\0';
	return strncmp(to, path, len) == 0 &&
	       (to[len] == '\0' || to[len] == '/');
}

static bool point_uses(int proc, const char *path)
{
	struct dirent *de;
	bool uses;
	DIR *d;
	int fd;

	if (point_leads(proc, "cwd", path) || point_leads(proc, "root", path))
		return true;
	fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	uses = false;
	while (!uses && (de = readdir(d)) != NULL)
		uses = point_leads(dirfd(d), de->d_name, path);
	(void)closedir(d);
	return uses;
}

static int point_add_user(struct buf *out, int proc, const char *pid,
			  struct err *e)
{
	char comm[32] = "?";
	int fd = openat(proc, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, comm, sizeof(comm) - 1);

	if (fd >= 0)
		(void)close(fd);
	if (n > 0) {
		comm[n] = '\0';
		comm[strcspn(comm, "\n")] = '\0';
	}
	return buf_printf(out, e, "%s%s, pid %s", out->len ? "; " : " (",
			  comm, pid);
}

int point_users(struct buf *out, const char *path, struct err *e)
{
	DIR *d = opendir("/proc");
	struct dirent *de;
	unsigned found = 0;
	int proc, rc = 0;

	while (d && rc == 0 && found < 3 && (de = readdir(d)) != NULL) {
		if (de->d_name[0] < '1' || de->d_name[0] > '9')
			continue;
		proc = openat(dirfd(d), de->d_name,
			      O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (proc < 0)
			continue;
		if (point_uses(proc, path)) {
			found++;
			rc = point_add_user(out, proc, de->d_name, e);
		}
		(void)close(proc);
	}
	if (d)
		(void)closedir(d);
	if (rc == 0 && out->len)
		rc = buf_printf(out, e, ")");
	return rc < 0 ? rc : buf_cstr(out, e);
}
