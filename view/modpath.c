/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/modpath.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef LIBDIR
#define LIBDIR "/usr/local/lib/vu"
#endif

static bool try_in(const char *dir, int dirlen, const char *name,
		   char *file, size_t size)
{
	int n = snprintf(file, size, "%.*s/%s.so", dirlen, dir, name);

	return n > 0 && (size_t)n < size && !access(file, R_OK);
}

static bool try_list(const char *list, const char *name,
		     char *file, size_t size)
{
	while (list && *list) {
		int n = strcspn(list, ":");

		if (n && try_in(list, n, name, file, size))
			return true;
		list += n + (list[n] == ':');
	}
	return false;
}

static bool try_home(const char *name, char *file, size_t size)
{
	const char *home = getenv("HOME");
	char dir[PATH_MAX];

	if (!home || home[0] != '/')
		return false;
	snprintf(dir, sizeof(dir), "%s/.local/lib/vu", home);
	return try_in(dir, strlen(dir), name, file, size);
}

static bool try_beside(const char *name, char *file, size_t size)
{
	char dir[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX);
	char *slash;

	if (n <= 0)
		return false;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	strcpy(slash, "/../lib/vu");
	return try_in(dir, strlen(dir), name, file, size);
}

int module_file(const char *name, char *file, size_t size)
{
	if (strchr(name, '/')) {
		snprintf(file, size, "%s", name);
		return access(file, R_OK) ? -ENOENT : 0;
	}
	if (try_list(getenv("VU_MODULE_PATH"), name, file, size) ||
	    try_home(name, file, size) || try_beside(name, file, size) ||
	    try_in(LIBDIR, strlen(LIBDIR), name, file, size))
		return 0;
	return -ENOENT;
}
