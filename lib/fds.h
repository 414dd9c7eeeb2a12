/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_FDS_H
#define LIB_FDS_H

#include <stddef.h>

/*
 * The descriptors a process was started with. umvu hands them on to its
 * first guest and must not keep them open itself: who waits for the end of
 * a pipe waits for its last holder.
 */
struct fds {
	int *fd;
	size_t n;
};

/*
 * Fill holes among 0, 1 and 2 with a close-on-exec /dev/null, so that
 * nothing opened later lands there. Return: 0 or -errno
 */
int fds_fill_standard(void);

/* Note what is open above 2 and would survive an exec. 0 or -errno. */
int fds_inherited(struct fds *list);
void fds_free(struct fds *list);

/* Close the noted ones, and put /dev/null in the place of 0 and 1. */
void fds_let_go(const struct fds *list);

#endif
