/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_SCRATCH_H
#define LIB_SCRATCH_H

#include <stddef.h>
#include <sys/types.h>

#define SCRATCH_NAME 64		/* room that any name of one takes */

/*
 * Choose a name for a directory of our own in the i-th of the places where
 * such directories can be; nothing is made. Return: 0, -ENOENT when there is
 * no such place, or -errno
 */
int scratch_choose(unsigned i, char name[SCRATCH_NAME]);

/*
 * Remove such a directory with what is in it (not deeper than a few levels:
 * others may have put it there). If it is not there, or not ours, nothing is
 * done.
 */
void scratch_remove(const char *name);

/* The same of what has that name in a directory, whatever it is. */
void scratch_remove_at(int dir, const char *name);

#endif
