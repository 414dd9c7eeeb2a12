/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_OPERAND_H
#define SYS_OPERAND_H

#include "sys/request.h"

enum operand_state {
	OPERAND_KERNELS,	/* the kernel finds the same: found is empty */
	OPERAND_WALKED,		/* found (or error) tells where it leads */
	OPERAND_UNREADABLE,	/* let the kernel say what is wrong with it */
};

/* Fill in root and walker of a request. 0 or -errno */
int request_root(struct request *rq);

/*
 * Read and resolve the i-th name of a call.
 * @force: walk even where a quick proof says that it is native
 */
enum operand_state operand_resolve(struct request *rq, int i, bool force);

/*
 * Resolve it once more, whatever was found late (view/walk.h) now with a
 * descriptor. Return: 0 or the walk's -errno
 */
int operand_settle(struct request *rq, int i);

/* The kernel's O_LARGEFILE: of 64-bit programs it is taken for granted. */
#define LARGEFILE 0100000

/* open(2) flags that exist. */
#define OPEN_FLAGS 0x7fffc3u

/* Does the kernel say what is wrong before it looks at the names? */
bool call_malformed(struct request *rq);

/* Is it to change what it finds, or names? Its names have been looked at. */
bool call_changes(const struct request *rq);

/* The length that a call of the truncate family gives a file. */
int64_t operand_length(const struct request *rq);

/* struct walker.magic: links of /proc that are about guests. */
int operand_magic(void *arg, const struct place *dir, const char *name,
		  pid_t pid, const char *what, struct place *to);

/* The open_how of a call of the open family. 0 or -errno */
struct open_how;
int operand_open_how(const struct request *rq, struct open_how *how);

/* Why a name was OPERAND_UNREADABLE: -EFAULT, -ENAMETOOLONG, -ENOENT ("") */
int operand_unreadable(struct request *rq, int i);

/* Is the call to remove a directory? */
bool operand_is_rmdir(const struct request *rq);

/* Is what the first name is of a regular file, for all that is known? */
bool operand_is_file(const struct request *rq);

#endif
