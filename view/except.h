/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_EXCEPT_H
#define VIEW_EXCEPT_H

#include "view/attach.h"

enum { EXCEPTIONS_MAX = 64 };

/* Exceptions of one mount, made while its module reads the options. */
struct exceptions {
	struct mount *of;
	struct version *beneath;	/* the view without it; NULL: not yet in it */
	struct mount *list[EXCEPTIONS_MAX];
	size_t n;
};

/* The mount is in the view already: what is beneath it there? 0 or -ENOMEM */
int exceptions_beneath(struct exceptions *ex, struct view *v);

/*
 * Add them to the view. 0, -EINVAL: their mount is not there any more, or
 * -ENOMEM
 */
int exceptions_publish(struct exceptions *ex, struct view *v);

void exceptions_drop(struct exceptions *ex);

/* --- attach.c: what all mounts are made with --- */

/* How the asker walks; without one (a module's own look) as the monitor. */
struct walker walker_of(struct vu_ctx *ctx);

struct mount *attach_mount_new(void);
int attach_strings(struct mount *m, const char *type, const char *source,
		   const char *target, const char *options);
void attach_last_name(const char *path, char *buf, size_t size);

/*
 * Collect m, its exceptions and whatever is mounted inside of them; list has
 * room for all of the version. *others: there is more than m and exceptions
 */
size_t attach_subtree(const struct version *v, const struct mount *m,
		      struct mount **list, bool *others);

#endif
