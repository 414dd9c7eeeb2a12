/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removal.
 */
#include <errno.h>
#include <string.h>

#include "mod/vufs/layer.h"

/* By the kernel, in the target. */
static int remove_real(struct vu_ctx *ctx, const struct spot *sp, int flag)
{
	int err;

	vu_as_caller(ctx);
	err = unlinkat(sp->dir.fd, sp->name, flag) ? -errno : 0;
	vu_as_self(ctx);
	return err;
}

static int must_be_empty(struct layer *l, const struct spot *sp)
{
	int empty = store_is_empty(l->s, sp->path);

	return empty < 0 ? empty : empty ? 0 : -ENOTEMPTY;
}

static int remove_spot(struct vu_ctx *ctx, struct layer *l, struct spot *sp,
		       bool directory)
{
	bool waived = false;
	int err;

	if (sp->obj.fd < 0)
		return -ENOENT;
	if (could_be_real(l, sp) && !(directory && spot_is_known(l, sp))) {
		err = remove_real(ctx, sp, directory ? AT_REMOVEDIR : 0);
		/* what is there next is something else */
		if (!err)
			store_clear_attr(l->s, sp->path, NULL, ~0u);
		if (!instead(ctx, l, err, &waived))
			return err;
	}
	err = may_take(ctx, l, sp, directory, waived);
	if (instead(ctx, l, err, &waived))
		err = may_take(ctx, l, sp, directory, waived);
	if (!err && directory)
		err = must_be_empty(l, sp);
	if (!err)
		err = store_remove(l->s, sp->path, directory);
	if (!err)
		spot_touch(l, sp);
	return err;
}

static int remove_name(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, bool directory)
{
	struct layer *l = layer_of(m);
	struct spot sp;
	int err = spot_begin(ctx, l, path, &sp);

	if (!err && !*path)
		err = -EBUSY;
	if (!err)
		err = remove_spot(ctx, l, &sp, directory);
	spot_end(ctx, l, &sp);
	return err;
}

int layer_unlink(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	return remove_name(ctx, m, path, false);
}

int layer_rmdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	return remove_name(ctx, m, path, true);
}
