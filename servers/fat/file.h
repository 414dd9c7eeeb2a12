/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_FILE_H
#define SERVERS_FAT_FILE_H

#include "servers/fat/node.h"

#define FAT_FILE_MAX UINT32_MAX

/* At most size bytes; *got of them, fewer at the end. -EIO, -EISDIR */
int fat_read(struct fat *f, struct fat_node *n, void *buf, size_t size,
	      uint64_t at, size_t *got);
/*
 * All of it or nothing: -ENOSPC, -EFBIG, -EIO. What was not there between
 * the old end and this is zeros.
 */
int fat_write(struct fat *f, struct fat_node *n, const void *buf,
	       size_t size, uint64_t at);
int fat_truncate(struct fat *f, struct fat_node *n, uint64_t size);

#endif
