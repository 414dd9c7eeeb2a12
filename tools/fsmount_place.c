/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/fsmount_place.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "vu-mnt-"

enum { NAME_BYTES = 64, TRIES = 1000 };

/* The directory such directories are in, if it is to be had. */
static const char *place(bool runtime)
{
	const char *dir = getenv(runtime ? "XDG_RUNTIME_DIR" : "TMPDIR");

	if (dir && dir[0] == '/' && !access(dir, W_OK | X_OK))
		return dir;
	return runtime ? NULL : "/tmp";
}

/* What a file name may be, of the last name in source. */
static void short_name(const char *source, char name[NAME_BYTES + 1])
{
	size_t end = strlen(source), n = 0, at;

	while (end > 1 && source[end - 1] == '/')
		end--;
	at = end;
	while (at > 0 && source[at - 1] != '/')
		at--;
	for (; at < end && n < NAME_BYTES; at++) {
		unsigned char c = source[at];

		name[n++] = isalnum(c) || strchr("+-._@", c) ? c : '_';
	}
	name[n] = '\0';
}

static bool is_empty(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), n = 0;
	DIR *d = copy < 0 ? NULL : fdopendir(copy);

	if (!d) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	while (n <= 2 && readdir(d))
		n++;
	closedir(d);
	return n <= 2;
}

/* Is it what path leads to, on no file system but that of dir, and ours? */
static bool is_place(int fd, const char *path, const char *dir)
{
	struct stat st, now, above;

	return !fstat(fd, &st) && !lstat(path, &now) && !stat(dir, &above) &&
	       st.st_ino == now.st_ino && st.st_dev == now.st_dev &&
	       st.st_dev == above.st_dev && st.st_uid == geteuid();
}

/*
 * One that is there: a view that ended with its mount has left it, unless
 * somebody has the lock. Return: the lock, a descriptor; or -1
 */
static int take(const char *path, const char *dir)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (!flock(fd, LOCK_EX | LOCK_NB) && is_place(fd, path, dir) &&
	    is_empty(fd))
		return fd;
	close(fd);
	return -1;
}

static int make_in(const char *dir, const char *name, char *path, size_t size,
		   int *lock)
{
	for (int i = 1; i <= TRIES; i++) {
		int n = i == 1 ?
			snprintf(path, size, "%s/" PREFIX "%s", dir, name) :
			snprintf(path, size, "%s/" PREFIX "%s-%d", dir, name,
				 i);

		if (n < 0 || (size_t)n >= size)
			return -ENAMETOOLONG;
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		*lock = take(path, dir);
		if (*lock >= 0)
			return 0;
	}
	return -EEXIST;
}

int fsmount_place_make(const char *source, char *path, size_t size, int *lock)
{
	const char *runtime = place(true);
	char name[NAME_BYTES + 1];

	short_name(source, name);
	*lock = -1;
	if (runtime && !make_in(runtime, name, path, size, lock))
		return 0;
	return make_in(place(false), name, path, size, lock);
}

static bool same_directory(const char *path, size_t len, const char *dir)
{
	char parent[PATH_MAX];
	struct stat a, b;

	if (!dir || len >= sizeof(parent))
		return false;
	memcpy(parent, path, len);
	parent[len] = '\0';
	return !stat(parent, &a) && !stat(dir, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

void fsmount_place_remove(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path ||
	    strncmp(slash + 1, PREFIX, strlen(PREFIX)))
		return;
	if (same_directory(path, slash - path, place(true)) ||
	    same_directory(path, slash - path, place(false)))
		rmdir(path);
}
