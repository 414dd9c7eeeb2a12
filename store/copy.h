/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * A complete copy of one object, whatever it is: content with its holes
 * (by reflink where the file system can), text of a symlink, device number,
 * owner, mode, times, extended attributes and ACLs. A directory is copied
 * itself, without what is in it. No symlink is followed. File flags
 * (chattr) are not copied.
 *
 * All of it is done with the rights that the calling thread has at the
 * moment. What these do not permit to set is left out and told in lost; any
 * other failure (-ENOSPC, -EDQUOT, -EIO...) fails the copy.
 */

enum copy_flag {
	COPY_NO_CONTENT	= 1 << 0,	/* a regular file: empty (O_TRUNC) */
	COPY_NO_OWNER	= 1 << 1,	/* the copy belongs to its maker (told
					   as lost, if that is another) */
	COPY_NO_XATTRS	= 1 << 2,	/* ACLs neither */
	COPY_STAND_IN	= 1 << 3,	/* for a device that may not be made,
					   an empty regular file */
	COPY_SYNC	= 1 << 4,	/* on the disk when it returns */
};

/*
 * Before the name of an extended attribute that only root could set, kept
 * with a stand-in (COPY_STAND_IN), which gets "security.capability" so; and
 * whoever copies that without, has it set really.
 */
#define COPY_KEPT "user.vufs."

/* What the copy has not. */
enum copy_loss {
	COPY_LOST_OWNER	= 1 << 0,
	COPY_LOST_MODE	= 1 << 1,	/* set-id bits, with the owner's loss */
	COPY_LOST_XATTR	= 1 << 2,	/* never because of security.* */
	COPY_LOST_TYPE	= 1 << 3,	/* a stand-in was made */
};

struct copy_plan {
	unsigned flags;		/* COPY_* */
	mode_t extra;		/* mode bits the copy has besides (0600...) */
	/*
	 * Called before the content and after every 4 MiB of it at least;
	 * NULL: nobody asks. A result other than 0, a -errno, ends the copy
	 * with it.
	 */
	int (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

struct copy_done {
	struct stat origin;	/* the source when the copy began: if it is
				   still so afterwards, the copy is exact */
	unsigned lost;		/* COPY_LOST_* */
};

/*
 * Copy an object to a name that does not exist yet.
 *
 * @source:	O_PATH descriptor of it (any other will do). It is opened
 *		anew for reading its content, so that is where -EACCES is from
 * @dir, @name:	where to; name has no slash
 * @plan:	NULL: a full copy, silently
 * @done:	out, also when it fails (origin as far as known); or NULL
 *
 * The copy is complete when the function returns, and what was begun is
 * removed when it fails: but a process that is killed leaves it, so the name
 * is one of the store's work/ and moved afterwards.
 *
 * Return: 0 or -errno (-EEXIST: the name is taken)
 */
int copy_object(int source, int dir, const char *name,
		const struct copy_plan *plan, struct copy_done *done);

/*
 * Owner, mode, times, xattrs of one object to another of the same type
 * (those xattrs and ACLs that the source has not are removed).
 *
 * @target:	O_PATH descriptor
 * @done:	origin is used if it has been filled, else filled; or NULL
 * Return: 0 or -errno; lost as above
 */
int copy_attributes(int source, int target, const struct copy_plan *plan,
		    struct copy_done *done);

/*
 * The content of a regular file, into an empty one.
 *
 * @from:	open for reading; its offset is not used, but a file of
 *		unknown length (size 0 in /proc) is read from there on
 * @to:		open for writing, empty
 * Return: 0 or -errno
 */
int copy_content(int from, int to, const struct copy_plan *plan);

/*
 * Open what an O_PATH descriptor stands for, with the thread's rights.
 * Not for symlinks (-ELOOP); a FIFO without a peer does not wait.
 * Return: descriptor, close-on-exec, or -errno
 */
int copy_reopen(int fd, int flags);

#endif
