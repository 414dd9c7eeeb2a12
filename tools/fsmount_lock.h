/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FSMOUNT_LOCK_H
#define TOOLS_FSMOUNT_LOCK_H

#include <stdbool.h>

/*
 * Lock an image: as one of many who read it, or as the only one. A program
 * whose mount has just been undone is given a moment to end.
 * @fd: out: holds the lock as long as it, or a copy, is open; closed on exec
 * @written: out, for -EBUSY: is the image written by who has it?
 * Return: 0, also where nothing can be locked; -EBUSY or -errno
 */
int fsmount_lock(const char *path, bool read_only, int *fd, bool *written);

#endif
