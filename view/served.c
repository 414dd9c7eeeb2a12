/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places of which a module tells: of served and of layered mounts. */
#include <errno.h>
#include <stdlib.h>

#include "view/registry.h"
#include "view/walk.h"

/* The root is itself, whatever its module calls it from time to time. */
static ino_t number_of(const struct mount *m, const char *rel, ino_t given)
{
	return given && *rel ? given : made_number(m, rel);
}

static int real_place(struct mount *m, const struct vu_node *node,
		      struct place *to)
{
	int err = place_of_fd(to, m, node->fd);

	if (!err && mount_layered(m)) {
		to->mode = node->attr.st_mode;
		to->same = node->same;
	}
	return err;
}

typedef int look_up(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    struct vu_node *node);

static int place_by(look_up *ask, const struct walker *w, struct mount *m,
		    char *rel, struct place *to)
{
	struct vu_node node = { .fd = -1 };
	int err = rel ? 0 : -ENOMEM;

	if (!err)
		err = ask(w->ctx, &m->pub, rel, &node);
	if (!err && node.kind == VU_NODE_REAL)
		err = real_place(m, &node, to);
	else if (!err)
		*to = (struct place){
			.mount = m, .fd = -1, .mode = node.attr.st_mode,
			.id = { 0, number_of(m, rel, node.attr.st_ino), 0 },
			.number = node.number,
		};
	if (err) {
		free(rel);
		return err;
	}
	to->rel = rel;
	return 0;
}

int served_place(const struct walker *w, struct mount *m, char *rel,
		 struct place *to)
{
	return place_by(module_fs(m->module)->find, w, m, rel, to);
}

int layered_descend(const struct walker *w, struct mount *m, char *rel,
		    struct place *to)
{
	return place_by(module_fs(m->module)->descend, w, m, rel, to);
}
