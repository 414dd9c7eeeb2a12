/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_ROOM_H
#define SERVERS_FAT_ROOM_H

#include "servers/fat/dir.h"

/* Slots for a new entry, and its short name. */
struct dir_room {
	uint32_t first, count;
	bool at_end;		/* nothing behind them may be seen */
	uint8_t shortname[FAT_SHORT];
	unsigned flags;		/* of case */
};

/*
 * Choose a short name that is not in use and find room for all, for which
 * the directory may grow: -ENOSPC.
 */
int room_make(struct fat *f, struct fat_node *dir,
	      const struct fat_name *name, struct dir_room *room);
/* The slots of the long name, if there are any. */
int room_write_long(struct fat *f, struct fat_node *dir,
		    const struct fat_name *name, const struct dir_room *room);
/* Where the entry will be. */
int room_place(struct fat *f, struct fat_node *dir,
	       const struct dir_room *room, struct dir_entry *e);
/* Now it is there: raw gets its name, and e is as if it had been found. */
int room_write_entry(struct fat *f, struct fat_node *dir,
		     const struct dir_room *room, uint8_t *raw,
		     struct dir_entry *e);
/* Only this slot's, and that of the long name before it. */
int dir_erase_entry(struct fat *f, const struct dir_entry *e);
int dir_erase_long(struct fat *f, struct fat_node *dir,
		   const struct dir_entry *e);

#endif
