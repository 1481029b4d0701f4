/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/human.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* As it will be printed: 999,999 bytes are 1.00 MB, not 1000.00 kB. */
static bool reaches(double v, double power, double scale)
{
	if (v < 0)
		v = -v;
	return v >= power || (double)(int64_t)(v * scale + 0.5) / scale >=
		power;
}

char *human_size(char out[HUMAN_BYTES], int64_t bytes, unsigned flags)
{
	static const char *const dec[] = { "", "k", "M", "G", "T", "P", "E" };
	static const char *const iec[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi",
					   "Ei" };
	const char *const *unit = flags & HUMAN_IEC ? iec : dec;
	double power = flags & HUMAN_IEC ? 1024 : 1000;
	int digits = flags & HUMAN_SHORT ? 1 : 2;
	double scale = flags & HUMAN_SHORT ? 10 : 100;
	double v = (double)bytes;
	int i, shown = 0;

	for (i = 0; i < 6 && reaches(v, power, scale); i++) {
		v /= power;
		shown = digits;
	}
	snprintf(out, HUMAN_BYTES, "%s%.*f %sB",
		 flags & HUMAN_SIGN && bytes > 0 ? "+" : "", shown, v,
		 unit[i]);
	return out;
}

char *human_duration(char out[HUMAN_BYTES], double secs)
{
	uint64_t whole = secs > 0 ? (uint64_t)secs : 0;
	uint64_t days = whole / 86400;
	unsigned hours = (unsigned)(whole / 3600 % 24);
	unsigned minutes = (unsigned)(whole / 60 % 60);
	double rest = (secs > 0 ? secs : 0) - (double)(whole / 60 * 60);
	int n = 0;

	if (days)
		n += snprintf(out, HUMAN_BYTES, "%llu days ",
			      (unsigned long long)days);
	if (hours)
		n += snprintf(out + n, (size_t)(HUMAN_BYTES - n), "%u hours ",
			      hours);
	if (minutes)
		n += snprintf(out + n, (size_t)(HUMAN_BYTES - n),
			      "%u minutes ", minutes);
	snprintf(out + n, (size_t)(HUMAN_BYTES - n), "%.2f seconds", rest);
	return out;
}

char *human_age(char out[HUMAN_BYTES], int64_t secs)
{
	static const struct {
		int64_t from, unit;
		const char *name;
	} step[] = {
		{ 2 * 86400, 86400, "days" }, { 2 * 3600, 3600, "hours" },
		{ 2 * 60, 60, "minutes" }, { INT64_MIN, 1, "seconds" }
	};
	size_t i = 0;

	while (secs < step[i].from)
		i++;
	snprintf(out, HUMAN_BYTES, "%lld %s", (long long)(secs / step[i].unit),
		 step[i].name);
	return out;
}

static char type_letter(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return 'd';
	case S_IFLNK: return 'l';
	case S_IFBLK: return 'b';
	case S_IFCHR: return 'c';
	case S_IFIFO: return 'p';
	case S_IFSOCK: return 's';
	case S_IFREG: return '-';
	default: return '?';
	}
}

char *human_mode(char out[HUMAN_BYTES], uint32_t mode)
{
	static const char rwx[] = "rwxrwxrwx";
	int i;

	out[0] = type_letter(mode);
	for (i = 0; i < 9; i++)
		out[i + 1] = mode & (0400u >> i) ? rwx[i] : '-';
	if (mode & S_ISUID)
		out[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		out[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		out[9] = mode & S_IXOTH ? 't' : 'T';
	out[10] = 0;
	return out;
}

static uint64_t unit_of(const char *unit)
{
	static const char letters[] = "KMGT";
	const char *at = strchr(letters, toupper((unsigned char)*unit));
	uint64_t base = 1000, factor = 1;

	if (!*unit || strcmp(unit, "B") == 0)
		return 1;
	if (!at)
		return 0;
	if (strcmp(unit + 1, "iB") == 0)
		base = 1024;
	else if (unit[1] && strcmp(unit + 1, "B") != 0)
		return 0;
	for (; at >= letters; at--)
		factor *= base;
	return factor;
}

int human_bytes(uint64_t *out, const char *text, const char *what,
		struct err *e)
{
	uint64_t unit;
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	unit = unit_of(end);
	if (*text < '0' || *text > '9' || errno || !unit ||
	    *out > UINT64_MAX / unit)
		return err_set(e, ERR_CONFIG, "%s needs a size such as 64M or "
			       "2GiB, not '%s'", what, text);
	*out *= unit;
	return 0;
}
