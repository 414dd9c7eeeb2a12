/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the table of mount types is, see fuse.types(5). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/fstypes.h"
#include "tools/tool.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

#define FILE_NAME "fuse.types"

enum { FILE_MAX = 256 * 1024 };

static int cannot(struct fstypes *t, const char *file, int err)
{
	snprintf(t->error, sizeof(t->error), "%s: %s", file, strerror(err));
	return -err;
}

/* Return: how much was read, at most size, or -errno */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, text + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		got += n;
	}
	return got;
}

static int read_open(struct fstypes *t, const char *file, int fd)
{
	struct stat st;
	char *text;
	ssize_t n;
	int err;

	if (fstat(fd, &st))
		return cannot(t, file, errno);
	if (!S_ISREG(st.st_mode))
		return cannot(t, file, S_ISDIR(st.st_mode) ? EISDIR : EINVAL);
	text = tool_resize(NULL, FILE_MAX + 1, 1);
	n = read_all(fd, text, FILE_MAX + 1);
	if (n < 0)
		err = cannot(t, file, -n);
	else if (n > FILE_MAX)
		err = cannot(t, file, EFBIG);
	else
		err = fstypes_parse(t, file, text, n);
	free(text);
	return err;
}

int fstypes_read(struct fstypes *t, const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	if (fd < 0)
		return cannot(t, file, errno);
	err = read_open(t, file, fd);
	close(fd);
	return err;
}

/* Both the build tree and any PREFIX have it there. Return: 0 or -errno */
static int path_beside(const char *name, char *path, size_t size)
{
	static const char from_bin[] = "/../share/vu/";
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n < 0)
		return -errno;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof(from_bin) +
	    strlen(name) > size)
		return -ENAMETOOLONG;
	strcpy(stpcpy(slash, from_bin), name);
	return 0;
}

int fstypes_view_file(char *path, size_t size)
{
	return path_beside(FILE_NAME ".view", path, size);
}

static bool users_path(char *path, size_t size)
{
	const char *base = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	int n;

	if (base && base[0] == '/')
		n = snprintf(path, size, "%s/vu/" FILE_NAME, base);
	else if (home && home[0] == '/')
		n = snprintf(path, size, "%s/.config/vu/" FILE_NAME, home);
	else
		return false;
	return n < (int)size;
}

static int read_if_there(struct fstypes *t, const char *file)
{
	return access(file, F_OK) ? 0 : fstypes_read(t, file);
}

int fstypes_load(struct fstypes *t)
{
	char path[PATH_MAX];
	int err = path_beside(FILE_NAME, path, sizeof(path));

	err = err ? cannot(t, FILE_NAME, -err) : fstypes_read(t, path);
	if (!err)
		err = read_if_there(t, SYSCONFDIR "/vu/" FILE_NAME);
	if (!err && users_path(path, sizeof(path)))
		err = read_if_there(t, path);
	if (!err && !fstypes_view_file(path, sizeof(path)))
		err = read_if_there(t, path);
	return err;
}
