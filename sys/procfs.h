/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_PROCFS_H
#define SYS_PROCFS_H

#include "sys/request.h"

/* Devices of what modules make: makedev(0, MADE_MINOR + mount) */
#define MADE_MINOR 0x10000

/*
 * Files of /proc that tell names: maps, mounts, mountinfo... in the words
 * of the view. Return: a descriptor of the text; -ENOSYS when obj is no
 * such file (or tells nothing that a view would tell otherwise); -errno
 */
int procfs_open(struct request *rq, const struct place *obj, uint64_t flags);

/* Is this one of those files? */
bool procfs_tells(const struct place *obj);
/* Might that name (of a proved path) be one in which ids are told? */
bool procfs_may_tell_ids(const struct request *rq, const char *path);
/* It is below /proc/PID: tell who owns it by that one's account. Changed? */
bool procfs_tell_owner(struct request *rq, const struct place *obj,
		       struct stat *st);

/*
 * The text of a link of /proc that is more than its text, as the view
 * would say it. Return: length, -ENOSYS when the kernel's text is right
 */
ssize_t procfs_readlink(struct request *rq, const struct place *dir,
			const char *name, char *buf, size_t size);

/*
 * A file that the kernel names: by which name does the view know it? Its
 * own, if that leads there; else through the newest mount that shows it.
 * Return: length, -ENOSYS when the kernel's name is the view's too
 */
ssize_t procfs_name_in_view(struct request *rq, const char *real,
			    char *buf, size_t size);

#endif
