/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all changes begin with: the name is looked at, the caller's rights
 * are checked, and it is decided where the change goes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mod/vufs/layer.h"

static const struct store_object nothing = STORE_NOTHING;

int spot_look(struct layer *l, const char *path, struct spot *sp)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? slash - path : 0;
	int err;

	sp->path = path;
	sp->name = slash ? slash + 1 : path;
	sp->dir = sp->obj = nothing;
	memcpy(sp->dir_path, path, n);
	sp->dir_path[n] = '\0';
	err = store_find_dir(l->s, sp->dir_path, &sp->dir);
	if (err)
		return err;
	if (!S_ISDIR(sp->dir.st.st_mode))
		return -ENOTDIR;
	vu_mark_number(sp->dir.real.st_ino);	/* its listing may change */
	err = store_find(l->s, path, &sp->obj);
	return err == -ENOENT ? 0 : err;
}

void spot_drop(struct spot *sp)
{
	store_drop(&sp->dir);
	store_drop(&sp->obj);
}

int spot_look_for(struct vu_ctx *ctx, struct layer *l, const char *path,
		  struct spot *sp)
{
	int err = spot_look(l, path, sp);

	if (err != -EACCES || sp->dir.fd < 0 || !is_shut_out(ctx, l))
		return err;
	sp->obj = nothing;
	return 0;
}

int spot_begin(struct vu_ctx *ctx, struct layer *l, const char *path,
	       struct spot *sp)
{
	sp->dir = sp->obj = nothing;
	vu_as_self(ctx);
	store_change(l->s);
	if (l->flags & LAYER_RDONLY)
		return -EROFS;
	return spot_look_for(ctx, l, path, sp);
}

void spot_end(struct vu_ctx *ctx, struct layer *l, struct spot *sp)
{
	spot_drop(sp);
	store_changed(l->s);
	vu_as_caller(ctx);
}

/* --- where to --- */

bool is_target(struct layer *l, const struct store_object *o)
{
	return l->mode != LAYER_COW && !o->in_store;
}

bool could_be_real(struct layer *l, const struct spot *sp)
{
	struct store_where dir, w;

	if (l->mode == LAYER_COW || sp->dir.in_store ||
	    (sp->obj.fd >= 0 && sp->obj.in_store))
		return false;
	if (store_resolve(l->s, sp->dir_path, &dir) ||
	    store_resolve(l->s, sp->path, &w))
		return false;
	/* not in a directory that was renamed, nor over a hidden name */
	return dir.target && !strcmp(dir.origin, sp->dir_path) && w.target &&
	       !strcmp(w.origin, sp->path);
}

static int any_child(void *arg, const struct store_child *c)
{
	(void)arg, (void)c;
	return 1;
}

bool spot_is_known(struct layer *l, const struct spot *sp)
{
	if (sp->obj.fd < 0)
		return false;
	return !sp->obj.same ||
	       store_children(l->s, sp->path, any_child, NULL);
}

bool instead(struct vu_ctx *ctx, struct layer *l, int err, bool *waived)
{
	if (err != -EACCES && err != -EPERM && err != -EROFS)
		return false;
	*waived = may_waive(ctx, l);
	return *waived;
}

/* --- may the caller? --- */

int may_add(struct vu_ctx *ctx, struct layer *l, const struct spot *sp,
	    bool waived)
{
	if (l->mode == LAYER_MERGE)
		return -EROFS;
	return waived ? 0 : permits(ctx, l, &sp->dir, W_OK | X_OK);
}

static int may_unstick(struct vu_ctx *ctx, const struct spot *sp)
{
	if (!(sp->dir.st.st_mode & S_ISVTX) || !owns(ctx, &sp->obj))
		return 0;
	return owns(ctx, &sp->dir);
}

int may_take(struct vu_ctx *ctx, struct layer *l, const struct spot *sp,
	     bool directory, bool waived)
{
	int err = may_add(ctx, l, sp, waived);

	if (!err && !waived)
		err = may_unstick(ctx, sp);
	if (err)
		return err;
	if (directory)
		return S_ISDIR(sp->obj.st.st_mode) ? 0 : -ENOTDIR;
	return S_ISDIR(sp->obj.st.st_mode) ? -EISDIR : 0;
}
