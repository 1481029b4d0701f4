/* SPDX-License-Identifier: BSD-2-Clause */
/* First byte: 0: a recovery code, else an exported key, as text. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/code.h"
#include "format/paper.h"
#include "format/slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void code(const char *text)
{
	char again[CODE_BYTES];
	struct key secret, back;

	if (code_get(&secret, text, NULL) < 0)
		return;
	BUG_ON(!code_like(text));
	code_put(again, &secret);
	BUG_ON(code_get(&back, again, NULL) < 0);
	BUG_ON(memcmp(&back, &secret, sizeof(back)) != 0);
}

static void paper(char *text)
{
	struct paper p = PAPER_INIT, q = PAPER_INIT;
	struct buf again = BUF_INIT;
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")))
		(void)!paper_line(&p, line, NULL);
	if (paper_end(&p, NULL) < 0)
		goto out;
	BUG_ON(p.slots.len == 0 || p.slots.len % SLOT_BYTES);
	BUG_ON(paper_put(&p.repo, &p.slots, &again, NULL) < 0);
	BUG_ON(buf_cstr(&again, NULL) < 0);
	rest = (char *)again.p;
	while ((line = strsep(&rest, "\n")))
		BUG_ON(paper_line(&q, line, NULL) < 0);
	BUG_ON(paper_end(&q, NULL) < 0);
	BUG_ON(q.slots.len != p.slots.len);
	BUG_ON(memcmp(q.slots.p, p.slots.p, p.slots.len) != 0);
out:
	buf_release(&again);
	paper_release(&p);
	paper_release(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	char *text;

	if (len == 0 || !(text = mem_alloc(len)))
		return 0;
	memcpy(text, p + 1, len - 1);
	text[len - 1] = '\0';
	if (p[0] == 0)
		code(text);
	else
		paper(text);
	free(text);
	return 0;
}
