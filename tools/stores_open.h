/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_STORES_OPEN_H
#define TOOLS_STORES_OPEN_H

#include <stdbool.h>
#include "store/store.h"

/* A store as a command has it open. */
struct opened {
	struct store *store;
	char *path;		/* absolute */
	char *target;		/* what it is a store of, absolute */
	int dir;		/* the store's directory, O_PATH */
	int root;		/* the target, O_PATH */
	struct timespec begun;	/* when the store was made */
};

/*
 * Open the store that an operand means; NULL: the newest.
 * @change:	for changes: nobody else may have it open
 * Return: 0, or -errno having complained in name's name
 */
int opened_open(const char *name, const char *operand, bool change,
		struct opened *o);
void opened_close(struct opened *o);

/*
 * The name within the target of a path that a user gave, absolute or from
 * the working directory.
 * Return: to be freed, or NULL having complained: it is not in the target
 */
char *opened_inside(const char *name, const struct opened *o,
		    const char *path);

/* The target's name and a name in it, as one. To be freed. */
char *opened_outside(const struct opened *o, const char *path);

#endif
