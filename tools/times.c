/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/times.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NSEC 1000000000

static int64_t floor_secs(int64_t nsec)
{
	return nsec / NSEC - (nsec % NSEC < 0);
}

static unsigned micros(int64_t nsec)
{
	return (unsigned)((nsec - floor_secs(nsec) * NSEC) / 1000);
}

static bool break_down(struct tm *tm, int64_t nsec, enum times_zone zone)
{
	time_t secs = (time_t)floor_secs(nsec);

	return zone == TIMES_UTC ? gmtime_r(&secs, tm) != NULL :
		localtime_r(&secs, tm) != NULL;
}

/* One strftime; a format that gives nothing ("%p" in some locales) is fine. */
static int add_part(struct buf *out, const struct tm *tm, const char *format,
		    struct err *e)
{
	char text[1024], guarded[512];
	size_t len;

	if (!*format)
		return 0;
	if (strlen(format) + 2 > sizeof(guarded))
		return err_set(e, ERR_CONFIG, "the time format '%.40s...' is "
			       "too long", format);
	snprintf(guarded, sizeof(guarded), "%s.", format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len = strftime(text, sizeof(text), guarded, tm);
#pragma GCC diagnostic pop
	if (len == 0)
		return err_set(e, ERR_CONFIG,
			       "the time format '%s' gives a text that is too "
			       "long", format);
	return buf_append(out, text, len - 1, e);
}

int times_format(struct buf *out, int64_t nsec, const char *format,
		 enum times_zone zone, struct err *e)
{
	char part[512];
	size_t len = 0;
	struct tm tm;
	int rc = 0;

	if (!break_down(&tm, nsec, zone))
		return err_set(e, ERR_CONFIG, "the time is out of range");
	if (strlen(format) >= sizeof(part))
		return err_set(e, ERR_CONFIG, "the time format '%.40s...' is "
			       "too long", format);
	while (*format && rc == 0) {
		if (format[0] == '%' && format[1] == 'f') {
			part[len] = 0;
			rc = add_part(out, &tm, part, e);
			if (rc == 0)
				rc = buf_printf(out, e, "%06u", micros(nsec));
			len = 0;
			format += 2;
			continue;
		}
		/* "%%f" is a percent sign and an f. */
		if (format[0] == '%' && format[1])
			part[len++] = *format++;
		part[len++] = *format++;
	}
	part[len] = 0;
	return rc == 0 ? add_part(out, &tm, part, e) : rc;
}

char *times_human(char out[TIMES_BYTES], int64_t nsec)
{
	struct tm tm;

	if (!break_down(&tm, nsec, TIMES_LOCAL) ||
	    !strftime(out, TIMES_BYTES, "%a, %Y-%m-%d %H:%M:%S", &tm))
		snprintf(out, TIMES_BYTES, "-");
	return out;
}

char *times_json(char out[TIMES_BYTES], int64_t nsec)
{
	struct tm tm;
	size_t len;

	if (!break_down(&tm, nsec, TIMES_LOCAL))
		memset(&tm, 0, sizeof(tm));
	len = strftime(out, TIMES_BYTES - 8, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, TIMES_BYTES - len, ".%06u", micros(nsec));
	return out;
}

int times_parse(int64_t *nsec, const char *text, struct err *e)
{
	static const char *const form[] = {
		"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00",
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y-%j"
	};
	struct stat st;
	size_t i;

	if (stat(text, &st) == 0) {
		*nsec = (int64_t)st.st_mtim.tv_sec * NSEC;
		return 0;
	}
	for (i = 0; i < sizeof(form) / sizeof(form[0]); i++) {
		struct tm tm = { .tm_mday = 1 };
		const char *end;
		time_t secs;
		int mday;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		end = strptime(text, form[i], &tm);
#pragma GCC diagnostic pop
		if (!end || *end)
			continue;
		mday = tm.tm_mday;
		secs = timegm(&tm);
		/* timegm makes March of February 30; nobody meant that. */
		if (tm.tm_mday != mday || secs < 0)
			break;
		*nsec = (int64_t)secs * NSEC;
		return 0;
	}
	return err_set(e, ERR_CONFIG, "'%s' is neither a time, such as "
		       "2026-11-23T14:00:00 (UTC), nor a file whose time "
		       "could be taken", text);
}
