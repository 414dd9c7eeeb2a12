/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_DIFF_CHANGES_H
#define TOOLS_DIFF_CHANGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include "tools/stores_open.h"

/*
 * What a store changes of its target: for each name that is another in a
 * view of both, the object that is there and the one that would be seen.
 */
enum change_kind {
	CHANGE_CREATED,
	CHANGE_CHANGED,		/* another content, or something else at all */
	CHANGE_REMOVED,
	CHANGE_MOVED,		/* the target's object of another name */
	CHANGE_OWNED,		/* only owner, mode, ACL or xattrs */
	CHANGE_TOUCHED,		/* only its times */
	CHANGE_KINDS
};

/* What differs between before and after. */
enum change_part {
	PART_CONTENT	= 1 << 0,
	PART_TYPE	= 1 << 1,
	PART_OWNER	= 1 << 2,
	PART_MODE	= 1 << 3,
	PART_XATTRS	= 1 << 4,
	PART_TIMES	= 1 << 5,
};

struct change {
	enum change_kind kind;
	unsigned parts;		/* PART_*, when both are there */
	char *path;		/* within the target; "" is itself */
	char *from;		/* moved: the target's name of it, else NULL */
	char *base;		/* the target's name of what before is */
	struct stat before;	/* st_mode 0: there is nothing */
	struct stat after;
	uint64_t objects;	/* what goes away with a directory, itself */
	uint64_t bytes;		/* included, and how much is in it */
};

struct changes {
	struct change *list;	/* in order of paths, parents first */
	size_t n;
};

/*
 * Find all of them, within one name or (NULL) everywhere.
 * Return: 0 or -errno
 */
int changes_collect(const struct opened *o, const char *within,
		    struct changes *c);
void changes_free(struct changes *c);

/* That of a path, or NULL. */
struct change *changes_find(const struct changes *c, const char *path);

/* Is path that name, or below it? Everything is below "". */
bool change_within(const char *path, const char *top);

/* How many bytes come with it and go with it. */
uint64_t change_gains(const struct change *c);
uint64_t change_loses(const struct change *c);

/* In the order of paths: a slash comes before everything. */
int change_order(const char *a, const char *b);

/*
 * The content of one side of a change: a descriptor open for reading, or
 * -errno. Only of regular files: -EINVAL.
 */
int change_open_before(const struct opened *o, const struct change *c);
int change_open_after(const struct opened *o, const struct change *c);

#endif
