/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FSMOUNT_OPTIONS_H
#define TOOLS_FSMOUNT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include "tools/fstypes.h"
#include "tools/mountopt.h"

/* What the options of a mount by type ask for, apart from the program. */
struct fsmount_wish {
	bool read_only;
	bool writable;		/* rw+: writable, or not at all */
	bool human;		/* permissions are enforced */
	bool nonempty;		/* the target is not empty; set by the caller */
	char via[16];		/* carrier, cache, auto; "": as the module says */
	bool debug;		/* the program will not leave the terminal */
	long uid, gid;		/* -1: as the program says */
	unsigned long flags;	/* MS_ of mount(2) */
	char except[4096];	/* words for the view's own mount */
	char rest[4096];	/* the program's own words */
	char refused[256];	/* the word that -EINVAL is about, and why */
};

/*
 * Sort the words of a mount.
 * Return: 0, or -EINVAL: a word cannot be served; w->refused says which
 */
int fsmount_wish_read(struct fsmount_wish *w, const struct mount_options *o);

/*
 * The same, held against what the row can do. Settles w->read_only.
 * @writable: may the caller write the source?
 * Return: 0, or -EINVAL with w->refused
 */
int fsmount_wish_settle(struct fsmount_wish *w, const struct fstype *row,
			bool source_writable);

enum { FSMOUNT_LIST_SIZE = 16384 };

/*
 * The list for the program's -o.
 * @source: what %S stands for in the row's lists; commas and backslashes in
 *	    it come to stand behind a backslash
 * Return: 0 or -E2BIG
 */
int fsmount_list(const struct fsmount_wish *w, const struct fstype *row,
		 const char *source, char list[FSMOUNT_LIST_SIZE]);

#endif
