/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * logdisk IMAGE LOG MOUNTPOINT: a folder with one file, "disk", which is IMAGE;
 * every write to it and every flush is appended to LOG, so that what the disk
 * was at any moment can be made again: for a file system on a loop device.
 *
 * LOG: le64 offset | le32 length | bytes; a flush has the length 0.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int image, record;

static int log_add(uint64_t off, const void *p, uint32_t len)
{
	struct {
		uint64_t off;
		uint32_t len;
	} __attribute__((packed)) head = { htole64(off), htole32(len) };

	if (write(record, &head, sizeof(head)) != (ssize_t)sizeof(head) ||
	    (len > 0 && write(record, p, len) != (ssize_t)len))
		return -EIO;
	return 0;
}

static int disk_getattr(const char *path, struct stat *st,
			struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0700;
		st->st_nlink = 2;
		return 0;
	}
	if (strcmp(path, "/disk") != 0)
		return -ENOENT;
	return fstat(image, st) < 0 ? -errno : 0;
}

static int disk_readdir(const char *path, void *buf, fuse_fill_dir_t fill,
			off_t off, struct fuse_file_info *fi,
			enum fuse_readdir_flags flags)
{
	(void)path;
	(void)off;
	(void)fi;
	(void)flags;
	fill(buf, "disk", NULL, 0, 0);
	return 0;
}

static int disk_open(const char *path, struct fuse_file_info *fi)
{
	(void)fi;
	return strcmp(path, "/disk") == 0 ? 0 : -ENOENT;
}

static int disk_read(const char *path, char *buf, size_t len, off_t off,
		     struct fuse_file_info *fi)
{
	ssize_t got = pread(image, buf, len, off);

	(void)path;
	(void)fi;
	return got < 0 ? -errno : (int)got;
}

static int disk_write(const char *path, const char *buf, size_t len, off_t off,
		      struct fuse_file_info *fi)
{
	ssize_t done = pwrite(image, buf, len, off);
	int rc;

	(void)path;
	(void)fi;
	if (done < 0)
		return -errno;
	rc = log_add((uint64_t)off, buf, (uint32_t)done);
	return rc < 0 ? rc : (int)done;
}

static int disk_fsync(const char *path, int data, struct fuse_file_info *fi)
{
	(void)path;
	(void)data;
	(void)fi;
	return log_add(0, NULL, 0);
}

int main(int argc, char **argv)
{
	static const struct fuse_operations ops = {
		.getattr = disk_getattr, .readdir = disk_readdir,
		.open = disk_open, .read = disk_read, .write = disk_write,
		.fsync = disk_fsync,
	};
	char foreground[] = "-f", single[] = "-s";
	char *args[] = { argv[0], foreground, single, NULL, NULL };

	if (argc != 4) {
		fputs("usage: logdisk IMAGE LOG MOUNTPOINT\n", stderr);
		return 2;
	}
	image = open(argv[1], O_RDWR | O_CLOEXEC);
	record = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (image < 0 || record < 0) {
		perror("logdisk");
		return 1;
	}
	args[3] = argv[3];
	return fuse_main(4, args, &ops, NULL);
}
