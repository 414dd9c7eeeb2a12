/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FUSEOPT_H
#define TOOLS_FUSEOPT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Option lists as libfuse hands them to fusermount, and what mount(2) wants.
 * The words differ from those of mount(8), see mountopt.h: only a few go to
 * the file system, and a word that nobody knows is an error.
 */
struct fuse_options {
	unsigned long flags;	/* MS_ of mount(2) */
	unsigned long refused;	/* those a word wanted off, but stay on */
	bool auto_unmount;	/* undo the mount when the server is gone */
	bool block_device;
	char source[PATH_MAX];	/* "": not given */
	char subtype[NAME_MAX + 1];	/* the same */
	char data[4096];	/* comma separated, NUL ended */
	/* The word of the list that -EINVAL is about; it ends at a comma. */
	const char *unknown;
	int unknown_length;
};

/* No words yet. */
void fuse_options_init(struct fuse_options *o);

/*
 * Add a comma separated list. In fsname= and subtype= a backslash makes the
 * next character, even a comma, an ordinary one, and is itself removed.
 * Return: 0, -EINVAL: a word is unknown, or -E2BIG: too long for mount(2)
 */
int fuse_options_add(struct fuse_options *o, const char *list);

/*
 * Add what the file system has to know of this mount.
 * @fd:		open /dev/fuse
 * @mode:	type of the mount point (S_IFMT)
 * Return: 0 or -E2BIG
 */
int fuse_options_add_mount(struct fuse_options *o, int fd, mode_t mode,
			   uid_t uid, gid_t gid);

/* What is to be mounted, as it stands in lists of mounts. */
const char *fuse_options_source(const struct fuse_options *o);

/* fuse, fuseblk, and .SUBTYPE behind it; it always fits. */
enum { FUSE_TYPE_SIZE = NAME_MAX + 16 };
void fuse_options_type(const struct fuse_options *o,
		       char type[FUSE_TYPE_SIZE]);

#endif
