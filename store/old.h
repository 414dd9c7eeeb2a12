/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STORE_OLD_H
#define STORE_OLD_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/*
 * What viewfs (2006) and vufs (2018) left beside the changed objects of a
 * store: the tree STORE/.-/ of hidden names and attributes. It is only read.
 *
 *	.-/PATH		a regular file: PATH is hidden (with all below it)
 *	.-/PATH\377	viewfs: mode, uid, gid, rdev, 8 hex digits each;
 *			blanks: not set; rdev may be missing
 *	.-/PATH\177	vufs: lines type=f|s|c|b mode=0NNN uid= gid=
 *			rdev=MAJ,MIN dev=MAJ,MIN ctime=S,NS; only what differs
 *
 * As there, a hidden name that has an object in the store is seen: that
 * object, and nothing of the target below it.
 */
#define OLD_DIRECTORY ".-"

enum old_field {
	OLD_TYPE	= 1 << 0,	/* type */
	OLD_MODE	= 1 << 1,	/* mode, 07777 */
	OLD_UID		= 1 << 2,
	OLD_GID		= 1 << 3,
	OLD_RDEV	= 1 << 4,
	OLD_DEV		= 1 << 5,
	OLD_CTIME	= 1 << 6,
};

struct old_attr {
	unsigned set;		/* OLD_* */
	mode_t type;		/* S_IFMT bits */
	mode_t mode;		/* 07777 bits */
	uid_t uid;
	gid_t gid;
	dev_t rdev, dev;
	struct timespec ctime;
};

/* Who takes it. A result other than 0 ends the reading. */
struct old_sink {
	int (*hide)(void *ctx, const char *path);
	int (*attr)(void *ctx, const char *path, const struct old_attr *attr);
	void *ctx;
};

/* Does the directory store have such a tree? */
bool old_present(int store);

/*
 * Read it all. Paths are relative to the target, "" being the target
 * itself; the order is the directories' own. A record that makes no sense is
 * passed over, and so is what lies deeper than 256 directories.
 *
 * @store:	the store's directory
 * Return: 0 (also without such a tree), what a sink returned, or -errno
 */
int old_read(int store, const struct old_sink *sink);

#endif
