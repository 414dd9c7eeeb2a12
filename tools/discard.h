/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_DISCARD_H
#define TOOLS_DISCARD_H

/*
 * Remove a store with all that is in it, if nobody has it in use.
 * @path:	absolute
 * Return: exit status, having complained
 */
int discard_store(const char *name, const char *path);

#endif
