/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_COMMAND_H
#define LIB_COMMAND_H

/*
 * Execute a command as execvp(3) does. Returns only on failure: -errno.
 * -ENOENT for a name that is nowhere in PATH, also when a directory of PATH
 * could not be searched, for which execvp(3) says EACCES.
 */
int command_execute(char **argv);

/* The exit status that tells such an error: 127 not found, else 126. */
int command_status(int err);

#endif
