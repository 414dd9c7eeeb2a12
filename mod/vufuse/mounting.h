/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_MOUNTING_H
#define VUFUSE_MOUNTING_H

#include "include/vu/module.h"

enum { FUSE_MINOR = 229, MISC_MAJOR = 10 };	/* of /dev/fuse */

/* From where files come by default: "carrier", "cache", "auto". 0, -EINVAL */
int mounting_via(const char *word);

/* Wait until all that was unmounted is at its end. */
void mounting_fini(void);

/* As the operations of these names, for file systems. */
int mounting_mount(struct vu_ctx *ctx, struct vu_mount *m,
		   struct vu_message *msg);
/* Options other than except= are for programs: nothing is to be done. */
int mounting_remount(struct vu_ctx *ctx, struct vu_mount *m,
		     struct vu_message *msg);
void mounting_umount(struct vu_mount *m);
int mounting_serves(struct vu_mount *m, pid_t pid);
void mounting_quit(struct vu_mount *m);

#endif
