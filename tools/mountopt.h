/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_MOUNTOPT_H
#define TOOLS_MOUNTOPT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Option lists as mount(8) takes them, and what mount(2) wants: words that
 * have a flag become the flag, words that only mount(8) itself knows are
 * dropped, the rest is data for the module, in its order.
 */
struct mount_options {
	/*
	 * "move" and "bind" are words of the type's own: data, not flags. Set
	 * it before the first mount_options_add().
	 */
	bool own_move;
	unsigned long flags;	/* MS_ of mount(2) */
	char data[4096];	/* comma separated, NUL ended */
};

/* Is "move" a word of this file-system type's own? */
bool mount_type_owns_move(const char *type);

/*
 * Add a comma separated list. A comma between double quotes or behind a
 * backslash separates nothing; quotes and backslashes stay as they are,
 * for the module to read. Empty words are skipped.
 * Return: 0, or -E2BIG when the data does not fit in a page
 */
int mount_options_add(struct mount_options *o, const char *list);

/* The length of the first word of a list, by the same rule. */
size_t mount_option_length(const char *list);

#endif
