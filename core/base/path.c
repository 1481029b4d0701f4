/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/path.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

/* Where the last component of out[root..len) begins. */
static size_t path_last(const char *out, size_t root, size_t len)
{
	while (len > root && out[len - 1] != '/')
		len--;
	return len;
}

static bool path_is_dotdot(const char *p, size_t len)
{
	return len == 2 && p[0] == '.' && p[1] == '.';
}

char *path_norm(const char *path)
{
	char *out = mem_alloc(strlen(path) + 2);
	size_t root = 0, len, n, last;
	const char *p = path;

	if (!out)
		return NULL;
	if (*p == '/')
		root = p[1] == '/' && p[2] != '/' ? 2 : 1;
	memset(out, '/', root);
	len = root;
	for (;; p += n) {
		p += strspn(p, "/");
		if (!*p)
			break;
		n = strcspn(p, "/");
		if (n == 1 && *p == '.')
			continue;
		last = path_last(out, root, len);
		if (path_is_dotdot(p, n)) {
			if (len > root &&
			    !path_is_dotdot(out + last, len - last)) {
				len = last > root ? last - 1 : root;
				continue;
			}
			if (root)
				continue;
		}
		if (len > root)
			out[len++] = '/';
		memcpy(out + len, p, n);
		len += n;
	}
	if (len == 0)
		out[len++] = '.';
	out[len] = '\0';
	return out;
}

const char *path_strip(const char *path)
{
	for (;;) {
		if (path[0] == '/')
			path++;
		else if (path[0] == '.' && path[1] == '/')
			path += 2;
		else if (path[0] == '.' && path[1] == '.' && path[2] == '/')
			path += 3;
		else
			return path;
	}
}
