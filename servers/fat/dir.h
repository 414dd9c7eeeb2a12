/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_DIR_H
#define SERVERS_FAT_DIR_H

#include "servers/fat/names.h"
#include "servers/fat/node.h"

struct dir_entry {
	struct fat_name name, alias;	/* as it is shown; the short one */
	uint8_t raw[FAT_SLOT];
	uint32_t first, slot;	/* of the long name, or the same; the entry */
	uint64_t at;		/* where that is in the image */
};

/* Going through a directory; begin with { .fat, .dir, .slot }. */
struct dir_scan {
	struct fat *fat;
	struct fat_node *dir;
	uint32_t slot;		/* the next one */
	uint32_t block;		/* the one in data, and one */
	uint64_t at;		/* of the block */
	uint8_t data[FAT_BLOCK];
};

/*
 * The next slot, whatever it is; 1, 0 at the end of the clusters (or of
 * FAT_MAX_SLOTS), or -EIO.
 */
int dir_slot(struct dir_scan *s, uint8_t **raw, uint64_t *at);
/* The next file or directory: 1, 0 when there is no more, or -EIO. */
int dir_next(struct dir_scan *s, struct dir_entry *e);
/* -ENOENT */
int dir_find(struct fat *f, struct fat_node *dir,
	     const struct fat_name *name, struct dir_entry *e);
/* 0, -ENOTEMPTY or -EIO */
int dir_is_empty(struct fat *f, struct fat_node *dir);
/* How many slots there is room for; 0 when that cannot be told. */
uint32_t dir_slots(struct fat *f, struct fat_node *dir);
/* Is it the entry of something, and of what is not "." or ".."? */
bool raw_is_file(const uint8_t *raw);

#endif
