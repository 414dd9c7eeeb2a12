/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/fsmount_place.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static int make_in(const char *dir, const char *name, char *path, size_t size)
{
	for (int i = 1; i <= TRIES; i++) {
		int n = i == 1 ?
			snprintf(path, size, "%s/" PREFIX "%s", dir, name) :
			snprintf(path, size, "%s/" PREFIX "%s-%d", dir, name,
				 i);

		if (n < 0 || (size_t)n >= size)
			return -ENAMETOOLONG;
		if (!mkdir(path, 0700))
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

int fsmount_place_make(const char *source, char *path, size_t size)
{
	const char *runtime = place(true);
	char name[NAME_BYTES + 1];

	short_name(source, name);
	if (runtime && !make_in(runtime, name, path, size))
		return 0;
	return make_in(place(false), name, path, size);
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
