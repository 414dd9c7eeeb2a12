/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Renames and links
 *
 * A directory of the target is not copied to be renamed: the store remembers
 * where it is seen, and what the store has of it is renamed with it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mod/vufs/layer.h"

/* Is it that name, or below it? */
static bool path_within(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

struct two {
	struct spot from, to;
	unsigned flags;
};

static bool is_dir(const struct spot *sp)
{
	return sp->obj.fd >= 0 && S_ISDIR(sp->obj.st.st_mode);
}

static bool are_one(const struct two *t)
{
	return t->to.obj.fd >= 0 &&
	       t->from.obj.st.st_ino == t->to.obj.st.st_ino &&
	       t->from.obj.st.st_dev == t->to.obj.st.st_dev;
}

/* What the kernel says before it asks for permission. */
static int check_names(const struct two *t)
{
	bool exchange = t->flags & RENAME_EXCHANGE;

	if (t->from.obj.fd < 0)
		return -ENOENT;
	if ((t->flags & RENAME_NOREPLACE) && t->to.obj.fd >= 0)
		return -EEXIST;
	if (exchange && t->to.obj.fd < 0)
		return -ENOENT;
	if (!*t->from.path || !*t->to.path)
		return -EBUSY;
	if (strcmp(t->from.path, t->to.path)) {
		if (path_within(t->to.path, t->from.path))
			return -EINVAL;
		if (path_within(t->from.path, t->to.path))
			return exchange ? -EINVAL : -ENOTEMPTY;
	}
	return 0;
}

/* A directory that gets another parent is itself changed ("..") */
static int may_reparent(struct vu_ctx *ctx, struct layer *l,
			const struct spot *sp, const struct spot *other)
{
	if (!is_dir(sp) || !strcmp(sp->dir_path, other->dir_path))
		return 0;
	return permits(ctx, l, &sp->obj, W_OK);
}

static int may_rename(struct vu_ctx *ctx, struct layer *l,
		      const struct two *t, bool waived)
{
	bool exchange = t->flags & RENAME_EXCHANGE;
	int err = may_take(ctx, l, &t->from, is_dir(&t->from), waived);

	if (!err && t->to.obj.fd < 0)
		err = may_add(ctx, l, &t->to, waived);
	else if (!err)
		err = may_take(ctx, l, &t->to, exchange ? is_dir(&t->to)
					: is_dir(&t->from), waived);
	if (!err && !waived)
		err = may_reparent(ctx, l, &t->from, &t->to);
	if (!err && !waived && exchange)
		err = may_reparent(ctx, l, &t->to, &t->from);
	return err;
}

static int rename_real(struct vu_ctx *ctx, const struct two *t)
{
	int err;

	vu_as_caller(ctx);
	err = renameat2(t->from.dir.fd, t->from.name, t->to.dir.fd,
			t->to.name, t->flags) ? -errno : 0;
	vu_as_self(ctx);
	return err;
}

static int rename_in_store(struct vu_ctx *ctx, struct layer *l,
			   const struct two *t, bool waived)
{
	int err = may_rename(ctx, l, t, waived), empty;

	if (instead(ctx, l, err, &waived))
		err = may_rename(ctx, l, t, waived);
	if (err)
		return err;
	if (t->flags & RENAME_EXCHANGE)
		return store_swap(l->s, t->from.path, t->to.path);
	if (is_dir(&t->to)) {
		empty = store_is_empty(l->s, t->to.path);
		if (empty <= 0)
			return empty ?: -ENOTEMPTY;
	}
	return store_move(l->s, t->from.path, t->to.path);
}

static int rename_spots(struct vu_ctx *ctx, struct layer *l,
			const struct two *t)
{
	bool waived = false;
	int err = check_names(t);

	if (err)
		return err;
	if (are_one(t))		/* two names of one file, or one of one */
		return 0;
	if (could_be_real(l, &t->from) && could_be_real(l, &t->to) &&
	    !spot_is_known(l, &t->from) && !spot_is_known(l, &t->to)) {
		err = rename_real(ctx, t);
		if (!instead(ctx, l, err, &waived))
			return err;
	}
	err = rename_in_store(ctx, l, t, waived);
	if (err)
		return err;
	spot_touch(l, &t->from);
	if (strcmp(t->from.dir_path, t->to.dir_path))
		spot_touch(l, &t->to);
	return 0;
}

int layer_rename(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
		 const char *to, unsigned flags)
{
	struct layer *l = layer_of(m);
	struct two t = { .flags = flags };
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	err = spot_begin(ctx, l, from, &t.from);
	if (!err) {
		err = spot_look_for(ctx, l, to, &t.to);
		if (!err)
			err = rename_spots(ctx, l, &t);
		spot_drop(&t.to);
	}
	spot_end(ctx, l, &t.from);
	return err;
}

/* --- links --- */

static bool are_links_guarded(void)
{
	char c = '0';
	int fd = open("/proc/sys/fs/protected_hardlinks", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (read(fd, &c, 1) != 1)
			c = '0';
		close(fd);
	}
	return c == '1';
}

/* As the kernel has it: only what one could write, or has (protected). */
static int may_link(struct vu_ctx *ctx, struct layer *l,
		    const struct spot *sp)
{
	mode_t mode = sp->obj.st.st_mode;

	if (!owns(ctx, &sp->obj) || !are_links_guarded())
		return 0;
	if (!S_ISREG(mode) || (mode & S_ISUID) ||
	    (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		return -EPERM;
	return permits(ctx, l, &sp->obj, R_OK | W_OK) ? -EPERM : 0;
}

static int link_real(struct vu_ctx *ctx, const struct two *t)
{
	int err;

	vu_as_caller(ctx);
	err = linkat(t->from.dir.fd, t->from.name, t->to.dir.fd, t->to.name,
		     0) ? -errno : 0;
	vu_as_self(ctx);
	return err;
}

static int link_in_store(struct vu_ctx *ctx, struct layer *l, struct two *t,
			 bool waived)
{
	int err = may_add(ctx, l, &t->to, waived);

	if (instead(ctx, l, err, &waived))
		err = 0;
	if (!err && is_dir(&t->from))
		err = -EPERM;
	if (!err)
		err = copy_up(ctx, l, t->from.path, 0, waived, &t->from.obj);
	if (!err)
		err = store_prepare(l->s, t->to.path, false, NULL);
	if (!err)
		err = store_link(l->s, t->from.path, t->to.path);
	if (!err)
		store_keep_ctime(l->s, &t->from.obj, NULL);
	if (!err)
		spot_touch(l, &t->to);
	return err;
}

static int link_spots(struct vu_ctx *ctx, struct layer *l, struct two *t)
{
	bool waived = false;
	int err;

	if (t->to.obj.fd >= 0)
		return -EEXIST;
	err = may_link(ctx, l, &t->from);
	if (instead(ctx, l, err, &waived))
		err = 0;
	if (err)
		return err;
	if (could_be_real(l, &t->from) && could_be_real(l, &t->to) &&
	    !spot_is_known(l, &t->from)) {
		err = link_real(ctx, t);
		if (!instead(ctx, l, err, &waived))
			return err;
	}
	if (is_dir(&t->from))
		return permits(ctx, l, &t->to.dir, W_OK | X_OK) ?: -EPERM;
	return link_in_store(ctx, l, t, waived);
}

int layer_link(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
	       const char *to)
{
	struct layer *l = layer_of(m);
	struct two t = { 0 };
	int err = spot_begin(ctx, l, from, &t.from);

	if (!err && t.from.obj.fd < 0)
		err = -ENOENT;
	if (!err) {
		err = spot_look_for(ctx, l, to, &t.to);
		if (!err)
			err = link_spots(ctx, l, &t);
		spot_drop(&t.to);
	}
	spot_end(ctx, l, &t.from);
	return err;
}
