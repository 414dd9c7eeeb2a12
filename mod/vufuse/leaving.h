/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_LEAVING_H
#define VUFUSE_LEAVING_H

#include <sys/types.h>

/*
 * Waiting for whoever serves a mount that ends: see leaving.c.
 */
struct leaving;

/*
 * Note which guests have the server's end of a mount open, while it still is
 * one.
 * @socket:	its inode; 0: the kernel's /dev/fuse, whichever
 * Return: to be freed; NULL when there are none, or no memory
 */
struct leaving *leaving_note(ino_t socket);

/*
 * The mount has ended: wait until they have let go of it, and those that
 * served nothing else have ended, or it is too late.
 * @watch:	of the kernel's device: see carrier_watch(); -1: none
 * @end:	milliseconds, as of now_ms()
 */
void leaving_wait(const struct leaving *l, int watch, long end);

void leaving_free(struct leaving *l);

#endif
