/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_HELPERS_H
#define VUFUSE_HELPERS_H

#include "include/vu/module.h"

/* The directory of mount helpers: see helpers.c. */

/* Where it may be mounted: NULL when there is no place for it. */
const char *helpers_place(void);

/* Where a program of ours is. 0, -ENOENT, -ENAMETOOLONG */
int helpers_program(const char *name, char *path, size_t size);

/* As the operations of these names. */
int helpers_lookup(const char *path, struct vu_node *node);
ssize_t helpers_readlink(const char *path, char *buf, size_t size);

#endif
