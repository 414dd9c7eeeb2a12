/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of things in a copy matters. The object is made with no more
 * than its maker's own permissions, so nobody looks into it half done; then
 * its content, as writing clears set-id bits and changes times; then its
 * attributes (see copy_attr.c).
 */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int copy_reopen(int fd, int flags)
{
	char link[32];
	int opened;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	opened = open(link, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return opened < 0 ? -errno : opened;
}

/* Reading should leave no trace; O_NOATIME is for owners only. */
static int open_content(int source)
{
	int fd = copy_reopen(source, O_RDONLY | O_NOATIME);

	return fd == -EPERM ? copy_reopen(source, O_RDONLY) : fd;
}

/*
 * Return: a descriptor of the copy, or -errno. What is empty need not be
 * readable: lock files are so.
 */
static int make_file(int source, int dir, const char *name,
		     const struct copy_plan *plan, const struct stat *st)
{
	int from = -1, to, err = 0;

	if (!(plan->flags & COPY_NO_CONTENT)) {
		from = open_content(source);
		if (from < 0 && (from != -EACCES || st->st_size))
			return from;
	}
	to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		err = -errno;
	else if (from >= 0)
		err = copy_content(from, to, plan);
	if (from >= 0)
		close(from);
	if (to >= 0 && err) {
		close(to);
		unlinkat(dir, name, 0);
	}
	return err ? err : to;
}

static int make_symlink(int source, int dir, const char *name)
{
	char text[PATH_MAX + 1];
	ssize_t len = readlinkat(source, "", text, sizeof(text));

	if (len < 0)
		return -errno;
	if (len == (ssize_t)sizeof(text))
		return -ENAMETOOLONG;
	text[len] = '\0';
	return symlinkat(text, dir, name) < 0 ? -errno : 0;
}

static bool is_device(mode_t mode)
{
	return S_ISCHR(mode) || S_ISBLK(mode);
}

static int make_special(int dir, const char *name,
			const struct copy_plan *plan, struct copy_done *done)
{
	mode_t mode = done->origin.st_mode;

	if (mknodat(dir, name, (mode & S_IFMT) | 0600,
		    done->origin.st_rdev) == 0)
		return 0;
	if (errno != EPERM || !is_device(mode) ||
	    !(plan->flags & COPY_STAND_IN))
		return -errno;
	done->lost |= COPY_LOST_TYPE;
	return mknodat(dir, name, S_IFREG | 0600, 0) < 0 ? -errno : 0;
}

static int make_other(int source, int dir, const char *name,
		      const struct copy_plan *plan, struct copy_done *done)
{
	switch (done->origin.st_mode & S_IFMT) {
	case S_IFDIR:
		return mkdirat(dir, name, 0700) < 0 ? -errno : 0;
	case S_IFLNK:
		return make_symlink(source, dir, name);
	default:
		return make_special(dir, name, plan, done);
	}
}

/* Return: a descriptor of the new object, or -errno and there is none */
static int make(int source, int dir, const char *name,
		const struct copy_plan *plan, struct copy_done *done)
{
	bool directory = S_ISDIR(done->origin.st_mode);
	int err, made;

	if (S_ISREG(done->origin.st_mode))
		return make_file(source, dir, name, plan, &done->origin);
	err = make_other(source, dir, name, plan, done);
	if (err)
		return err;
	made = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (made < 0) {
		err = -errno;
		unlinkat(dir, name, directory ? AT_REMOVEDIR : 0);
		return err;
	}
	return made;
}

/* Only regular files have what is worth to be waited for. */
static int settle(int made, const struct copy_plan *plan,
		  const struct copy_done *done)
{
	if (!(plan->flags & COPY_SYNC) || !S_ISREG(done->origin.st_mode))
		return 0;
	return fsync(made) < 0 ? -errno : 0;
}

int copy_object(int source, int dir, const char *name,
		const struct copy_plan *plan, struct copy_done *done)
{
	static const struct copy_plan full;
	struct copy_done own;
	int made, err;

	plan = plan ? plan : &full;
	done = done ? done : &own;
	memset(done, 0, sizeof(*done));
	if (fstat(source, &done->origin) < 0)
		return -errno;
	made = make(source, dir, name, plan, done);
	if (made < 0)
		return made;
	err = copy_attributes(source, made, plan, done);
	if (!err)
		err = settle(made, plan, done);
	close(made);
	if (err)
		unlinkat(dir, name,
			 S_ISDIR(done->origin.st_mode) ? AT_REMOVEDIR : 0);
	return err;
}
