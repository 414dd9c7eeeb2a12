/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MOD_VUFS_CHANGE_H
#define MOD_VUFS_CHANGE_H

#include "mod/vufs/layer.h"

/* A change of attributes that is under way: attrs.c, xattrs.c. */
struct change {
	struct vu_ctx *ctx;
	struct layer *l;
	struct spot *sp;
	bool waived;
	int refused;		/* what the kernel said of the target's */
};

/* Have an operation that changes attributes: find, do, end. */
typedef int change_fn(struct change *c, const void *arg);
int change_on(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
	      change_fn *fn, const void *arg);

/*
 * The target's, where it is meant to be changed itself: *err is what the
 * kernel said. Else it goes on in the store.
 */
bool change_real(struct change *c, int (*real)(int fd, const void *arg),
		 const void *arg, int *err);

/* Have the store own the object. 0 or -errno */
int change_own(struct change *c);
/* Tell these from now on. 0 or -errno */
int change_record(struct change *c, struct store_attr *a);
/* The mode, in vstat. 0 or -errno */
int change_mode(struct change *c, mode_t mode);

/* The name of a descriptor in /proc; buf has 32 bytes. */
const char *object_link(int fd, char *buf);

/* Who is not of the file's group cannot have it run as that. */
mode_t without_setgid(struct vu_ctx *ctx, const struct stat *st, mode_t mode);

/* In vstat, what has been changed is no longer to be run with capabilities. */
void xattr_forget_caps(struct layer *l, const struct store_object *o);

#endif
