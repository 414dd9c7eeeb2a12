/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_SNAPSHOT_H
#define SYS_SNAPSHOT_H

#include <stdbool.h>
#include "include/vu/module.h"

/* Names of a directory that are not in the kernel's listing. */
struct vu_dir {
	struct { char *name; ino_t ino; uint8_t type; } *entry;
	size_t n, size;
};

void dir_free(struct vu_dir *dir);

/*
 * Listings of made directories that guests are in the middle of: whoever has
 * read the first names gets the rest of the same listing. Only the newest
 * few are kept; who finds his gone reads the directory again.
 */
struct snapshots;

struct snapshots *snapshots_new(void);

/* The listing of an open placeholder; it is the caller's then. */
bool snapshots_take(struct snapshots *s, int fd, struct vu_dir *dir);
/* Keep it for later: dir is taken over, and empty. */
void snapshots_keep(struct snapshots *s, int fd, struct vu_dir *dir);

#endif
