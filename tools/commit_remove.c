/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "store/copy.h"
#include "tools/commit.h"

enum { DEPTH_MAX = 4096 };

static int remove_at(int dir, const char *name, dev_t dev, unsigned depth);

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* fd is closed. */
static int empty_directory(int fd, dev_t dev, unsigned depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int err = 0;

	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (!err && (e = readdir(d))) {
		if (!is_dots(e->d_name))
			err = remove_at(dirfd(d), e->d_name, dev, depth + 1);
	}
	closedir(d);
	return err;
}

/* It may be closed to us, but it is ours: so it can be opened. */
static int open_directory(int dir, const char *name, struct stat *st)
{
	int fd, path = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
			      O_CLOEXEC);

	if (path < 0)
		return -errno;
	if (fstat(path, st) < 0)
		st->st_dev = 0;
	if ((st->st_mode & 0700) != 0700 && st->st_uid == geteuid())
		(void)!fchmodat(dir, name, (st->st_mode & 07777) | 0700, 0);
	fd = copy_reopen(path, O_RDONLY | O_DIRECTORY);
	close(path);
	return fd;
}

static int remove_directory(int dir, const char *name, dev_t dev,
			    unsigned depth)
{
	struct stat st;
	int fd, err;

	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	if (depth > DEPTH_MAX)
		return -ELOOP;
	fd = open_directory(dir, name, &st);
	if (fd < 0)
		return fd;
	if (dev && st.st_dev != dev) {
		close(fd);
		return -EXDEV;
	}
	err = empty_directory(fd, st.st_dev, depth);
	if (!err && unlinkat(dir, name, AT_REMOVEDIR) < 0)
		err = -errno;
	return err;
}

static int remove_at(int dir, const char *name, dev_t dev, unsigned depth)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT ||
	    errno == ENOTDIR)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	return remove_directory(dir, name, dev, depth);
}

int remove_tree(int dir, const char *name)
{
	return remove_at(dir, name, 0, 0);
}

/* --- a store's own ------------------------------------------------------- */

static int empty_but(int dir, const char *const *keep)
{
	int fd = copy_reopen(dir, O_RDONLY | O_DIRECTORY), err = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		return fd < 0 ? fd : -ENOMEM;
	while (!err && (e = readdir(d))) {
		const char *const *k = keep;

		while (*k && strcmp(*k, e->d_name))
			k++;
		if (!*k && !is_dots(e->d_name))
			err = remove_tree(dirfd(d), e->d_name);
	}
	closedir(d);
	return err;
}

/* The log last: as long as it is there it must not tell of what is not. */
int store_empty(const struct opened *o)
{
	static const char *const own[] = { ".vufs", NULL };
	static const char *const meta[] = { "format", "lock", "commit", "work",
					    "links", NULL };
	static const char *const nothing[] = { NULL };
	int fd = openat(o->dir, ".vufs", O_PATH | O_DIRECTORY | O_NOFOLLOW |
			O_CLOEXEC);
	int links, err;

	if (fd < 0)
		return -errno;
	err = empty_but(o->dir, own);
	links = openat(fd, "links", O_PATH | O_DIRECTORY | O_NOFOLLOW |
		       O_CLOEXEC);
	if (!err && links >= 0)
		err = empty_but(links, nothing);
	if (links >= 0)
		close(links);
	if (!err)
		err = empty_but(fd, meta);
	close(fd);
	return err;
}
