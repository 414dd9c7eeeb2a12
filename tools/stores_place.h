/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_STORES_PLACE_H
#define TOOLS_STORES_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where stores are that were given no place of their own, and what an
 * operand STORE means: a name without a slash is one of those, if there is
 * such a one; else it is a directory like any other.
 */

/*
 * $XDG_STATE_HOME/vu/stores, by default ~/.local/state/vu/stores.
 * Return: to be freed, or NULL: nobody says where home is
 */
char *stores_place(void);

/* Make it, for its owner only. Return: 0 or -errno */
int stores_make_place(const char *place);

/* The absolute name of what an operand means. To be freed, or NULL and errno */
char *stores_find(const char *operand);

/* The newest store of the place. To be freed, or NULL: there is none. */
char *stores_newest(void);

/* One store of the place. */
struct stores_entry {
	const char *name;	/* in the place */
	int fd;			/* O_PATH, borrowed */
};

/*
 * Call each() for every directory of the place, in order of names.
 * Return: 0 (also when there is no place), what each() returned, or -errno
 */
int stores_each(const char *place,
		int (*each)(void *arg, const struct stores_entry *e),
		void *arg);

/* Is a directory a store, with the file that tells so? */
bool stores_is_one(int fd);

/* Is it open for changes, in a view or by a command? */
bool stores_in_use(int fd);

#endif
