/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_TABLE_H
#define SERVERS_FAT_TABLE_H

#include "servers/fat/volume.h"

/*
 * A chain is known by its first cluster; 0 is the chain without any. What is
 * no chain, as it leads to a free or bad cluster or to none, is -EIO.
 */

/* The cluster behind this one; 0 behind the last. */
int table_next(struct fat *f, uint32_t cluster, uint32_t *next);
/*
 * A chain of so many new clusters; what is in them is not changed. -ENOSPC,
 * and then none is taken.
 */
int table_alloc(struct fat *f, uint32_t count, uint32_t near,
		uint32_t *first);
/* Put a chain behind a cluster that was the last. */
int table_link(struct fat *f, uint32_t last, uint32_t first);
/* Make this cluster the last; what was behind it is returned, not freed. */
int table_cut(struct fat *f, uint32_t last, uint32_t *rest);
/* Free a chain, as far as it is one. */
int table_free(struct fat *f, uint32_t first);
/* Free clusters, counted once. */
int table_count_free(struct fat *f, uint32_t *count);

#endif
