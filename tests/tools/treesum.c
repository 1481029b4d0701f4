/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * treesum [-HMORX] FOLDER: everything that a backup must bring back, one line
 * a file in the order of their names' bytes, so that two trees are the same
 * if their outputs are.
 *
 *   NAME TYPE MODE UID:GID MTIME SIZE [link=FIRST-NAME] [dev=MAJOR:MINOR]
 *	[to=TARGET] [sum=CONTENT] [xattr=NAMES-AND-VALUES] [data=EXTENTS]
 *
 * -H also where the holes are   -M no mtimes of folders   -m no mtimes at all
 * -O no owners   -R not the top folder itself   -X no xattrs, no ACLs
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/strv.h"

static struct {
	bool holes, no_dir_mtime, no_mtime, no_owner, no_root, no_xattr;
} opt;

static struct map seen;			/* device, inode: index in first */
static struct strv first;		/* the name under which it came first */

static void __attribute__((format(printf, 1, 2), noreturn))
die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("treesum: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void put_name(const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= ' ' || c == '\\' || c >= 0x7f)
			printf("\\%03o", c);
		else
			putchar(c);
	}
}

static void put_hash(const char *what, XXH128_hash_t h)
{
	printf(" %s=%016" PRIx64 "%016" PRIx64, what, (uint64_t)h.high64,
		(uint64_t)h.low64);
}

static void put_content(int fd, const char *path)
{
	static uint8_t chunk[1 << 18];
	XXH3_state_t *x = XXH3_createState();
	ssize_t got;

	if (!x)
		die("out of memory");
	XXH3_128bits_reset(x);
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		XXH3_128bits_update(x, chunk, (size_t)got);
	if (got < 0)
		die("%s: %s", path, strerror(errno));
	put_hash("sum", XXH3_128bits_digest(x));
	XXH3_freeState(x);
}

static void put_extents(int fd, off_t size)
{
	off_t data = 0, hole;

	printf(" data=");
	while (data < size && (data = lseek(fd, data, SEEK_DATA)) >= 0) {
		hole = lseek(fd, data, SEEK_HOLE);
		printf("%jd-%jd,", (intmax_t)data, (intmax_t)hole);
		data = hole;
	}
}

static int cmp_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names and values, sorted by name, as one hash. */
static void put_xattrs(const char *proc, const char *path)
{
	static char list[65536], value[65536];
	const char *name[4096];
	struct buf all = BUF_INIT;
	ssize_t len = llistxattr(proc, list, sizeof(list)), got;
	size_t n = 0, i;
	char *p;

	if (len < 0 && errno != ENOTSUP)
		die("%s: xattrs: %s", path, strerror(errno));
	for (p = list; len > 0 && p < list + len; p += strlen(p) + 1)
		if (n < sizeof(name) / sizeof(name[0]))
			name[n++] = p;
	if (n == 0)
		return;
	qsort(name, n, sizeof(name[0]), cmp_name);
	for (i = 0; i < n; i++) {
		got = lgetxattr(proc, name[i], value, sizeof(value));
		if (got < 0)
			die("%s: xattr %s: %s", path, name[i],
				strerror(errno));
		if (buf_printf(&all, NULL, "%s=%zd:", name[i], got) < 0 ||
		    buf_append(&all, value, (size_t)got, NULL) < 0)
			die("out of memory");
	}
	put_hash("xattr", XXH3_128bits(all.p, all.len));
	printf(":%s", name[0]);
	for (i = 1; i < n; i++)
		printf(",%s", name[i]);
	buf_release(&all);
}

static void put_target(int dirfd, const char *name, const char *path)
{
	static char target[65536];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);

	if (n < 0)
		die("%s: %s", path, strerror(errno));
	target[n] = '\0';
	printf(" to=");
	put_name(target);
}

static void put_link(const struct stat *st, const char *path)
{
	uint64_t id[2] = { ~(uint64_t)st->st_dev, st->st_ino };
	uint8_t key[16];
	uint64_t *at;
	bool was;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return;
	/* map wants keys that are spread evenly */
	memcpy(key, &id, sizeof(key));
	id[0] = XXH3_64bits(key, sizeof(key));
	memcpy(key, &id[0], sizeof(id[0]));
	if (map_put(&seen, key, &at, &was, NULL) < 0)
		die("out of memory");
	if (was) {
		printf(" link=");
		put_name(first.v[*at]);
		return;
	}
	*at = first.n;
	if (strv_add(&first, path, NULL) < 0)
		die("out of memory");
}

static char type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return 'f';
	case S_IFDIR: return 'd';
	case S_IFLNK: return 'l';
	case S_IFIFO: return 'p';
	case S_IFSOCK: return 's';
	case S_IFBLK: return 'b';
	case S_IFCHR: return 'c';
	default: return '?';
	}
}

static void put_regular(int dirfd, const char *name, const char *path,
			off_t size)
{
	int fd = openat(dirfd, name,
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	put_content(fd, path);
	if (opt.holes)
		put_extents(fd, size);
	close(fd);
}

static void put_file(int dirfd, const char *name, const char *path,
		     const struct stat *st)
{
	char proc[64 + NAME_MAX];
	bool dir = S_ISDIR(st->st_mode);

	put_name(path);
	printf(" %c %04o", type_of(st->st_mode), st->st_mode & 07777);
	if (!opt.no_owner)
		printf(" %u:%u", st->st_uid, st->st_gid);
	if (!opt.no_mtime && !(dir && opt.no_dir_mtime))
		printf(" %jd.%09ld", (intmax_t)st->st_mtim.tv_sec,
			st->st_mtim.tv_nsec);
	if (S_ISREG(st->st_mode))
		printf(" %jd", (intmax_t)st->st_size);
	put_link(st, path);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		printf(" dev=%u:%u", major(st->st_rdev), minor(st->st_rdev));
	if (S_ISLNK(st->st_mode))
		put_target(dirfd, name, path);
	if (S_ISREG(st->st_mode))
		put_regular(dirfd, name, path, st->st_size);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d/%s", dirfd, name);
	if (!opt.no_xattr)
		put_xattrs(proc, path);
	putchar('\n');
}

/* Takes 'fd'.  Sorted, so that the first name of a hard link is the same. */
static void walk(int fd, const char *path)
{
	struct strv names = STRV_INIT;
	DIR *d = fdopendir(fd);
	struct dirent *de;
	struct stat st;
	size_t i;

	if (!d)
		die("%s: %s", path, strerror(errno));
	while (errno = 0, (de = readdir(d)))
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0 &&
		    strv_add(&names, de->d_name, NULL) < 0)
			die("out of memory");
	if (errno)
		die("%s: %s", path, strerror(errno));
	strv_sort(&names);
	for (i = 0; i < names.n; i++) {
		struct buf sub = BUF_INIT;
		const char *name = names.v[i];
		int subfd;

		if (buf_printf(&sub, NULL, "%s/%s", path, name) < 0 ||
		    buf_cstr(&sub, NULL) < 0)
			die("out of memory");
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			die("%s: %s", (char *)sub.p, strerror(errno));
		put_file(fd, name, (char *)sub.p, &st);
		if (S_ISDIR(st.st_mode)) {
			subfd = openat(fd, name, O_RDONLY | O_DIRECTORY |
				O_NOFOLLOW | O_CLOEXEC);
			if (subfd < 0)
				die("%s: %s", (char *)sub.p, strerror(errno));
			walk(subfd, (char *)sub.p);
		}
		buf_release(&sub);
	}
	strv_release(&names);
	closedir(d);
}

int main(int argc, char **argv)
{
	struct stat st;
	int c, fd;

	while ((c = getopt(argc, argv, "HMmORX")) != -1) {
		switch (c) {
		case 'H': opt.holes = true; break;
		case 'M': opt.no_dir_mtime = true; break;
		case 'm': opt.no_mtime = true; break;
		case 'O': opt.no_owner = true; break;
		case 'R': opt.no_root = true; break;
		case 'X': opt.no_xattr = true; break;
		default: return 2;
		}
	}
	if (optind + 1 != argc)
		die("which folder?");
	fd = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s: %s", argv[optind], strerror(errno));
	if (!opt.no_root)
		put_file(fd, ".", ".", &st);
	walk(fd, ".");
	map_release(&seen);
	strv_release(&first);
	if (fflush(stdout) != 0 || ferror(stdout))
		die("cannot write: %s", strerror(errno));
	return 0;
}
