/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_CHANGE_H
#define SERVERS_FAT_CHANGE_H

#include "servers/fat/node.h"

/*
 * Names are UTF-8, one component. What is found or made is held for the
 * caller (node_put). -EROFS, -ENOTDIR, -ENOENT, -ENOSPC, -EIO and as said.
 */
int fat_lookup(struct fat *f, struct fat_node *dir, const char *text,
	       struct fat_node **node);
/* -EEXIST, -EINVAL for a name that cannot be, -ENAMETOOLONG */
int fat_create(struct fat *f, struct fat_node *dir, const char *text,
	       bool directory, struct fat_node **node);
/* -EISDIR */
int fat_unlink(struct fat *f, struct fat_node *dir, const char *text);
/* -ENOTEMPTY */
int fat_rmdir(struct fat *f, struct fat_node *dir, const char *text);
/* As rename(2), with or without RENAME_NOREPLACE. */
int fat_rename(struct fat *f, struct fat_node *dir, const char *text,
	       struct fat_node *to_dir, const char *to_text, bool replace);

#endif
