/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_DIFF_COMPARE_H
#define TOOLS_DIFF_COMPARE_H

#include <stdint.h>
#include <sys/stat.h>

/* One of two objects that are compared. */
struct side {
	int fd;			/* O_PATH */
	struct stat st;		/* as it is told */
};

/*
 * In which parts do they differ? Content that may not be read is taken for
 * different. Return: PART_*
 */
unsigned compare_sides(const struct side *a, const struct side *b);

/*
 * Count a tree, without crossing symlinks; what may not be looked into is
 * left out.
 * @dir, @name:	AT_SYMLINK_NOFOLLOW; name "" is dir itself
 */
void compare_count(int dir, const char *name, uint64_t *objects,
		   uint64_t *bytes);

#endif
