/* SPDX-License-Identifier: BSD-2-Clause */
/* A file, as far as it can be read; what is lost of it becomes holes. */
#include <string.h>

#include "maint/pieces.h"
#include "maint/repair_tree_priv.h"

/* 1: a backup of now may rely on it, perhaps since it was stored again here;
 * 0: it is lost. */
static int file_object(struct repair_tree *t, const struct oid *id)
{
	struct repair *x = t->x;
	struct err why = { ERR_OK, "" };
	struct buf plain = { .max = OBJ_MAX_BYTES };
	struct oid made;
	uint64_t *value;
	bool was;
	int rc;

	if (session_has(t->s, id))
		return 1;
	if (map_get(&x->lost, id->b))
		return 0;
	rc = reader_fetch(t->rd, OBJ_DATA, id, &plain, &why);
	if (rc == 0) {
		rc = session_put(t->s, OBJ_DATA, plain.p, plain.len, &made,
			x->e);
		x->res->moved += rc == 0;
		rc = rc < 0 ? rc : oid_eq(&made, id);
	} else if (rc == ERR_CORRUPT || rc == ERR_NOENT) {
		rc = map_put(&x->lost, id->b, &value, &was, x->e);
	} else {
		*x->e = why;
	}
	buf_release(&plain);
	return rc;
}

struct file_mend {
	struct repair_tree *t;
	struct build_list *list;
	struct piece hole;		/* that is not added yet, or len 0 */
	struct ranges lost;
};

static int file_hole(struct file_mend *m)
{
	int rc = 0;

	if (m->hole.len)
		rc = build_list_add(m->list, &m->hole, m->t->x->e);
	m->hole = (struct piece) { .transform = PIECE_HOLE };
	return rc;
}

static int file_piece_cb(const struct piece *p, uint64_t off, bool lost,
			 void *ctx)
{
	struct file_mend *m = ctx;
	int rc;

	rc = lost ? 0 : p->transform == PIECE_HOLE ? 1 :
		file_object(m->t, &p->id);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		pieces_lost_add(&m->lost, off, p->len);
		m->hole.len += p->len;
		return 0;
	}
	rc = file_hole(m);
	return rc < 0 ? rc : build_list_add(m->list, p, m->t->x->e);
}

static int file_tell(struct file_mend *m, const char *path, struct entry *en)
{
	char text[512];

	en->flags |= ENTRY_LOST;
	m->t->files++;
	m->t->lost_bytes += m->lost.bytes;
	pieces_lost_text(&m->lost, en->size, text, sizeof(text));
	return repair_tell(m->t, path, text);
}

static int file_rebuild(struct repair_tree *t, const char *path,
			struct entry *en)
{
	struct file_mend m = { .t = t, .hole = { .transform = PIECE_HOLE } };
	struct content made;
	int rc;

	m.list = build_list_new(t->s);
	if (!m.list)
		return err_nomem(t->x->e);
	rc = pieces_each(t->rd, &en->content, en->size, file_piece_cb, &m,
		t->x->e);
	if (rc == 0)
		rc = file_hole(&m);
	if (rc == 0)
		rc = build_list_end(m.list, &made, t->x->e);
	build_list_free(m.list);
	if (rc < 0)
		return rc;
	en->content = made;
	return m.lost.n ? file_tell(&m, path, en) : 0;
}

int repair_file(struct repair_tree *t, const char *path, struct entry *en)
{
	if (!S_ISREG(en->mode))
		return 0;
	switch (en->content.kind) {
	case CONTENT_NONE:
	case CONTENT_INLINE:
		return 0;
	case CONTENT_ONE:
	case CONTENT_LIST:
		/* With a list all below it is relied upon. */
		if (session_has(t->s, &en->content.id))
			return 0;
		break;
	case CONTENT_PIECES:
		break;
	}
	return file_rebuild(t, path, en);
}

int repair_xattrs(struct repair_tree *t, const char *path, struct entry *en)
{
	int rc;

	if (oid_is_zero(&en->xattrs_id))
		return 0;
	rc = file_object(t, &en->xattrs_id);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	memset(&en->xattrs_id, 0, sizeof(en->xattrs_id));
	en->xattrs = NULL;
	en->xattrs_len = 0;
	return repair_tell(t, path, "its extended attributes are lost");
}
