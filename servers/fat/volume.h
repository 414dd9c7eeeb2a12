/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_VOLUME_H
#define SERVERS_FAT_VOLUME_H

#include "servers/fat/image.h"

enum {
	FAT_SLOT = 32,		/* bytes of an entry of a directory */
	FAT_MAX_SLOTS = 65536,	/* of one directory */
	FAT_BLOCK = 512,	/* what every sector consists of */
	FAT_PAGE = 4096,	/* of a table, kept in memory */
	FAT_PAGES = 64,
	FAT_BUCKETS = 1024,
};

#define FAT_UNKNOWN UINT32_MAX

struct fat_page {
	uint64_t number;	/* and one; 0: nothing */
	uint8_t data[FAT_PAGE];
};

struct fat_node;

/*
 * A volume in use. Nothing in here is for more than one thread. The numbers
 * of the first part have been checked against each other and the image.
 */
struct fat {
	struct fat_image image;
	bool readonly, utc;	/* times are UTC's, not ours */
	unsigned bits;		/* of an entry of the table: 12, 16 or 32 */
	uint32_t sector, cluster;	/* bytes */
	uint32_t clusters;	/* they are called 2 to clusters + 1 */
	uint64_t table_at, table_size;
	unsigned tables;	/* so many copies, one behind the other */
	uint64_t root_at;	/* where it has a fixed place, else 0 */
	uint32_t root_slots, root_cluster;
	uint64_t data_at, info_at;
	uint64_t state_at;	/* the byte that says it is in use */

	uint32_t free, next;	/* FAT_UNKNOWN; where to look for some */
	uint32_t info_free, info_next;	/* what is stored of them */
	bool marked;		/* as in use, by us */
	struct fat_page page[FAT_PAGES];
	struct fat_node *root, *bucket[FAT_BUCKETS], *strayed;
	uint64_t spare_ino;
};

/*
 * Look at an image, which is the volume's from now on, also if this fails:
 * -EINVAL when there is no FAT in it, or one that cannot be. A volume that is
 * written is marked as in use.
 */
int fat_open(struct fat *f, const struct fat_image *image, bool readonly);
/* Free what only open files had, store, mark as clean; forget all nodes. */
int fat_close(struct fat *f);
/* Was it in use and not closed? */
bool fat_was_dirty(const struct fat *f);

/* Where a cluster is; the number must be one. */
static inline uint64_t fat_cluster_at(const struct fat *f, uint32_t cluster)
{
	return f->data_at + (uint64_t)(cluster - 2) * f->cluster;
}

static inline bool fat_is_cluster(const struct fat *f, uint32_t cluster)
{
	return cluster >= 2 && cluster - 2 < f->clusters;
}

#endif
