/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FSMOUNT_PLACE_H
#define TOOLS_FSMOUNT_PLACE_H

#include <stddef.h>

/*
 * Directories made for mounts that were given no target: empty ones, named
 * vu-mnt-NAME, in $XDG_RUNTIME_DIR or else $TMPDIR or /tmp. Their name and
 * place are all that tells that they were made so.
 */

/*
 * Make one, or take one that is there and that nobody has the lock of: views
 * that ended leave them.
 * @source: what is to be mounted; its last name becomes part of the name
 * @lock: out, a descriptor: the place is the caller's while it is open
 * Return: 0 or -errno
 */
int fsmount_place_make(const char *source, char *path, size_t size, int *lock);

/*
 * Remove the directory, an absolute name, if it is one of these and empty;
 * nothing is said either way.
 */
void fsmount_place_remove(const char *path);

#endif
