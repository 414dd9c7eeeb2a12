/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_ATTACH_H
#define VIEW_ATTACH_H

#include "view/context.h"
#include "view/walk.h"

/* A request to mount, copied and checked for length. */
struct attach {
	const char *type, *source, *target, *options;
	bool rdonly, nosuid, remount;
	bool loading;		/* of a module's table of mounts */
};

/*
 * Mount in a view; names are the asker's (ctx). All or nothing.
 * Return: 0 or -errno with a message
 */
int view_attach(struct view *v, struct vu_ctx *ctx, const struct attach *a,
		struct vu_message *msg);

enum detach_flag { DETACH_LAZY = 1 };

/*
 * Unmount what is on top at target. busy() is asked, with arg, whether a
 * mount is in use by a process; DETACH_LAZY does not ask.
 */
int view_detach(struct view *v, struct vu_ctx *ctx, const char *target,
		unsigned flags, bool (*busy)(void *arg, const struct mount *m),
		void *arg, struct vu_message *msg);

/*
 * The mounts of a view that loading a module made. view_loaded(): how many
 * there are. view_unload(): take them away, all or none; -EBUSY with a
 * message when they are busy, when another view has them too, or when
 * something else rests on them.
 */
size_t view_loaded(struct view *v, const char *module);
int view_unload(struct view *v, const char *module,
		bool (*busy)(void *arg, const struct mount *m), void *arg,
		struct vu_message *msg);

/*
 * Walk an absolute path in the view as it was before a mount was made (or,
 * while it is being made, as the asker sees it). As walk().
 */
int view_walk_before(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		     unsigned flags, struct found *found);

/* The version that view_walk_before() walks in. */
const struct version *view_before(const struct vu_ctx *ctx,
				  const struct vu_mount *m);

/* Is there a mount of ours at target (its top)? -ENOENT, -EINVAL: no. */
int view_mounted_at(const struct vu_ctx *ctx, const char *target,
		    struct mount **m);

#endif
