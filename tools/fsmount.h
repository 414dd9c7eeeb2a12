/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FSMOUNT_H
#define TOOLS_FSMOUNT_H

#include <stdbool.h>
#include "tools/mountopt.h"

/*
 * Mounts by type: a FUSE program that the table names is started, and mounts
 * in the caller's view. See fuse.types(5) and vumount(1).
 */
struct fsmount {
	const char *name;	/* of the command, for messages */
	const char *type;	/* as given; "auto": what the source is */
	const char *source;
	const char *target;	/* NULL: make a directory, and say where */
	const struct mount_options *options;
};

/* Is this type for fsmount_by_type(), not for a module? */
bool fsmount_serves(const char *type);

/* Mount. What fails leaves nothing mounted. Return: exit status */
int fsmount_by_type(const struct fsmount *f);

/* The types there are, one a line. Return: exit status */
int fsmount_list_types(const char *name);

#endif
