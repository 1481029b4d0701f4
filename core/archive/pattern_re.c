/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "archive/pattern_priv.h"
#include "base/log.h"
#include "base/mem.h"

/*
 * Python's re in PCRE2.  Options make \d \w \s . and classes see characters,
 * \uXXXX and two-digit \xXX work; \Z is made \z.  What stays different: {,n}
 * means itself here, \UXXXXXXXX, \N{NAME}, (?a) (?L) (?u) are not known, and
 * [[:alpha:]] is a POSIX class.  A byte b that is no UTF-8, which Python takes
 * for a character of its own, becomes the private character BYTES + b, in the
 * pattern and in what it is matched with.
 */
#define BYTES 0x10FF00u

struct pattern_re {
	pcre2_code *code;
	_Atomic(pcre2_match_data *) spare;
	atomic_bool warned;
	char *text;
};

/* 'text' as valid UTF-8. */
static char *re_valid(const char *text, size_t len, size_t *out_len)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + len, *from;
	char *out = len < SIZE_MAX / 4 ? mem_alloc(len * 4 + 1) : NULL;
	uint32_t c;
	size_t n = 0;

	while (out && p < end) {
		from = p;
		c = pattern_char(&p, end);
		if (c < 0xDC80 || c > 0xDCFF) {
			memcpy(out + n, from, (size_t)(p - from));
			n += (size_t)(p - from);
			continue;
		}
		c = BYTES + (c & 0xFF);
		out[n++] = (char)(0xF0 | c >> 18);
		out[n++] = (char)(0x80 | (c >> 12 & 0x3F));
		out[n++] = (char)(0x80 | (c >> 6 & 0x3F));
		out[n++] = (char)(0x80 | (c & 0x3F));
	}
	if (out)
		out[n] = '\0';
	*out_len = n;
	return out;
}

/* Letters behind a '\' as Python has them: no others, so many hexadecimal
 * digits, and "\Z" is the very end. */
static int re_escapes(char *text, struct err *e)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	size_t want;
	char *p;

	for (p = text; *p; p++) {
		if (*p != '\\' || !p[1])
			continue;
		p++;
		if (((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')) &&
		    !strchr("AbBdDsSwWZafnrtvxu", *p))
			return err_set(e, ERR_CONFIG, "Python's regular "
				       "expressions have no \\%c", *p);
		want = *p == 'x' ? 2 : *p == 'u' ? 4 : 0;
		if (strspn(p + 1, hex) < want)
			return err_set(e, ERR_CONFIG, "\\%c wants %zu "
				       "hexadecimal digits", *p, want);
		if (*p == 'Z')
			*p = 'z';
	}
	return 0;
}

int pattern_re_new(struct pattern_re **out, const char *text, struct err *e)
{
	struct pattern_re *re = mem_zero(1, sizeof(*re));
	PCRE2_UCHAR words[200];
	PCRE2_SIZE at;
	size_t len;
	int code;

	*out = NULL;
	if (re)
		re->text = re_valid(text, strlen(text), &len);
	if (!re || !re->text) {
		pattern_re_free(re);
		return err_nomem(e);
	}
	if ((code = re_escapes(re->text, e)) < 0) {
		pattern_re_free(re);
		return code;
	}
	re->code = pcre2_compile((PCRE2_SPTR)re->text, len,
				 PCRE2_UTF | PCRE2_UCP | PCRE2_ALT_BSUX |
				 PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
	if (!re->code) {
		pattern_re_free(re);
		pcre2_get_error_message(code, words, sizeof(words));
		return err_set(e, ERR_CONFIG, "%s at character %zu",
			       (const char *)words, at + 1);
	}
	/* Not on every machine: then the interpreter does it. */
	(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	*out = re;
	return 0;
}

void pattern_re_free(struct pattern_re *re)
{
	if (!re)
		return;
	pcre2_match_data_free(atomic_load(&re->spare));
	pcre2_code_free(re->code);
	free(re->text);
	free(re);
}

/* A path with bytes that are no UTF-8. */
static int re_match_bytes(const struct pattern_re *re, const char *path,
			  size_t len, pcre2_match_data *md)
{
	char *valid = re_valid(path, len, &len);
	int rc = PCRE2_ERROR_NOMEMORY;

	if (valid)
		rc = pcre2_match(re->code, (PCRE2_SPTR)valid, len, 0,
				 PCRE2_NO_UTF_CHECK, md, NULL);
	free(valid);
	return rc;
}

bool pattern_re_match(struct pattern_re *re, const char *path, size_t len)
{
	pcre2_match_data *md = atomic_exchange(&re->spare, NULL);
	int rc = PCRE2_ERROR_NOMEMORY;

	if (!md)
		md = pcre2_match_data_create(1, NULL);
	if (md)
		rc = pcre2_match(re->code, (PCRE2_SPTR)path, len, 0, 0, md,
				 NULL);
	if (rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21)
		rc = re_match_bytes(re, path, len, md);
	md = atomic_exchange(&re->spare, md);
	pcre2_match_data_free(md);
	if (rc < PCRE2_ERROR_NOMATCH && !atomic_exchange(&re->warned, true))
		log_warn("pattern", "'re:%s' gives up on '%s' (%d), which "
			 "counts as no match", re->text, path, rc);
	return rc >= 0;
}
