/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_LENT_H
#define VUFUSE_LENT_H

#include "mod/vufuse/fs.h"

struct lent {
	int device, root;
};

/*
 * Have the system's fusermount3 mount what o says, where nobody finds it.
 * why: out, what is lacking. 0, with both descriptors, or -errno
 */
int lent_mount(const struct fs_options *o, bool rdonly, struct lent *l,
	       struct vu_message *why);

#endif
