/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/paper.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "codec/base64.h"
#include "format/slot.h"

#define FILE_HEAD "MUNIMENT_KEY 1 "
#define PAPER_HEAD "MUNIMENT PAPER KEY 1"
#define BASE64_A_LINE 64
#define CHECK_DIGITS 4
#define SLOTS_MAX (PAPER_LINES_MAX * PAPER_BYTES_A_LINE)

/* CRC-16 with the polynomial of CCITT, 0x1021, highest bit first: what is wrong
 * within any 16 bits in a row it always notices, so a wrong digit, or two that
 * changed places. */
static uint16_t crc16(uint16_t crc, const uint8_t *p, size_t len)
{
	unsigned i;

	for (; len; p++, len--) {
		crc ^= (uint16_t)(*p << 8);
		for (i = 0; i < 8; i++)
			crc = (uint16_t)(crc << 1 ^ (crc >> 15) * 0x1021);
	}
	return crc;
}

static void check_of(char out[CHECK_DIGITS + 1], unsigned line,
		     const uint8_t *p, size_t len)
{
	uint8_t number[4] = { (uint8_t)line, (uint8_t)(line >> 8),
			      (uint8_t)(line >> 16), (uint8_t)(line >> 24) };

	snprintf(out, CHECK_DIGITS + 1, "%04x",
		 crc16(crc16(0xffff, number, sizeof(number)), p, len));
}

static void check_of_head(char out[CHECK_DIGITS + 1], const struct sid *repo,
			  unsigned lines)
{
	uint8_t head[20];

	memcpy(head, repo->b, 16);
	head[16] = (uint8_t)lines;
	head[17] = (uint8_t)(lines >> 8);
	head[18] = head[19] = 0;
	check_of(out, 0, head, sizeof(head));
}

static int slots_sane(size_t len, struct err *e)
{
	if (len == 0 || len % SLOT_BYTES || len > SLOTS_MAX)
		return err_set(e, ERR_CONFIG, "not a key: %zu bytes are no "
			"whole number of keys of %u", len, SLOT_BYTES);
	return 0;
}

int paper_put_file(const struct sid *repo, const struct buf *slots,
		   struct buf *out, struct err *e)
{
	char hex[SID_HEX_BYTES];
	struct buf text = BUF_INIT;
	size_t at, n;
	int rc;

	BUG_ON(slots->len == 0 || slots->len % SLOT_BYTES);
	rc = base64_put(&text, slots->p, slots->len, e);
	if (rc == 0)
		rc = buf_printf(out, e, FILE_HEAD "%s\n", sid_hex(repo, hex));
	for (at = 0; rc == 0 && at < text.len; at += n) {
		n = text.len - at < BASE64_A_LINE ? text.len - at :
			BASE64_A_LINE;
		rc = buf_printf(out, e, "%.*s\n", (int)n,
			(const char *)text.p + at);
	}
	buf_release(&text);
	return rc;
}

int paper_put(const struct sid *repo, const struct buf *slots,
	      struct buf *out, struct err *e)
{
	unsigned lines = (unsigned)(slots->len / PAPER_BYTES_A_LINE), i, k;
	char hex[SID_HEX_BYTES], six[7], check[CHECK_DIGITS + 1];
	int rc;

	BUG_ON(slots->len == 0 || slots->len % SLOT_BYTES);
	BUG_ON(lines > PAPER_LINES_MAX);
	check_of_head(check, repo, lines);
	rc = buf_printf(out, e, PAPER_HEAD "\nid: %s / lines: %u / %s\n",
		sid_hex(repo, hex), lines, check);
	for (i = 0; rc == 0 && i < lines; i++) {
		const uint8_t *p = slots->p + i * PAPER_BYTES_A_LINE;

		rc = buf_printf(out, e, "%3u:", i + 1);
		for (k = 0; rc == 0 && k < 6; k++)
			rc = buf_printf(out, e, "%s%s", k == 3 ? "  " : " ",
				hex_put(six, p + 3 * k, 3));
		check_of(check, i + 1, p, PAPER_BYTES_A_LINE);
		if (rc == 0)
			rc = buf_printf(out, e, " - %s\n", check);
	}
	return rc;
}

/* What counts of a line: no spaces, lower case; false: longer than any. */
static bool squeeze(char *out, size_t room, const char *line)
{
	size_t n = 0;

	for (; *line; line++) {
		if (isspace((unsigned char)*line))
			continue;
		if (n + 1 >= room)
			return false;
		out[n++] = (char)tolower((unsigned char)*line);
	}
	out[n] = '\0';
	return true;
}

static int take_head(struct paper *p, const char *text, struct err *e)
{
	char id[SID_HEX_BYTES], check[8], want[CHECK_DIGITS + 1];
	unsigned lines;
	struct sid repo;

	if (sscanf(text, "id:%32[0-9a-f]/lines:%4u/%7[0-9a-f]", id, &lines,
		   check) != 3 || !sid_parse(&repo, id) || lines == 0 ||
	    lines > PAPER_LINES_MAX)
		return err_set(e, ERR_CONFIG, "the line with the id is "
			"\"id: ... / lines: ... / ....\"");
	check_of_head(want, &repo, lines);
	if (strcmp(want, check))
		return err_set(e, ERR_CONFIG, "the line with the id has a "
			"mistake: its check does not fit");
	p->repo = repo;
	p->lines = lines;
	return 0;
}

static int take_line(struct paper *p, const char *text, struct err *e)
{
	const unsigned digits = 2 * PAPER_BYTES_A_LINE;
	char bytes[2 * PAPER_BYTES_A_LINE + 1], want[CHECK_DIGITS + 1];
	uint8_t raw[PAPER_BYTES_A_LINE];
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*end != ':' || number != p->have + 1)
		return err_set(e, ERR_CONFIG, "line %u comes next: \"%u: ... "
			"- ....\"", p->have + 1, p->have + 1);
	end++;
	if (strlen(end) != digits + 1 + CHECK_DIGITS || end[digits] != '-')
		return err_set(e, ERR_CONFIG, "line %u has six groups of six "
			"digits, then - and a check of four", p->have + 1);
	memcpy(bytes, end, digits);
	bytes[digits] = '\0';
	if (hex_get(raw, sizeof(raw), bytes)) {
		check_of(want, p->have + 1, raw, sizeof(raw));
		if (!strcmp(want, end + digits + 1)) {
			p->have++;
			return buf_append(&p->slots, raw, sizeof(raw), e);
		}
	}
	return err_set(e, ERR_CONFIG, "line %u has a mistake: its check does "
		"not fit", p->have + 1);
}

static int begin(struct paper *p, const char *line, const char *text,
		 struct err *e)
{
	if (!strncmp(line, FILE_HEAD, sizeof(FILE_HEAD) - 1)) {
		if (!sid_parse(&p->repo, text + strlen("muniment_key1")))
			return err_set(e, ERR_CONFIG, "the first line of the "
				"key names no repository");
		p->file = true;
		return 0;
	}
	return strncmp(text, "id:", 3) ? 0 : take_head(p, text, e);
}

int paper_line(struct paper *p, const char *line, struct err *e)
{
	char text[128];

	if (!squeeze(text, sizeof(text), line))
		return p->file || p->lines ? err_set(e, ERR_CONFIG,
			"the line is too long") : 0;
	if (p->file)
		return p->base64.len > 2 * SLOTS_MAX ? err_set(e, ERR_CONFIG,
			"the key is too long") :
			buf_append(&p->base64, line, strcspn(line, "\r\n"), e);
	if (!*text || paper_complete(p))
		return 0;
	return p->lines ? take_line(p, text, e) : begin(p, line, text, e);
}

bool paper_complete(const struct paper *p)
{
	return p->lines > 0 && p->have == p->lines;
}

int paper_end(struct paper *p, struct err *e)
{
	if (p->file) {
		if (base64_get(&p->slots, (const char *)p->base64.p,
			       p->base64.len, NULL) < 0)
			return err_set(e, ERR_CONFIG, "the key is cut or "
				"mistyped: it is no base64");
	} else if (p->lines == 0) {
		return err_set(e, ERR_CONFIG, "there is no key: that begins "
			"with \"" FILE_HEAD "\" or \"" PAPER_HEAD "\"");
	} else if (!paper_complete(p)) {
		return err_set(e, ERR_CONFIG, "the key ends after line %u of "
			"%u", p->have, p->lines);
	}
	return slots_sane(p->slots.len, e);
}

void paper_release(struct paper *p)
{
	buf_release(&p->slots);
	buf_release(&p->base64);
}
