/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/command.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_in_path(const char *name)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX], standard[256];
	size_t len;

	/* where execvp(3) looks then */
	if (!path && confstr(_CS_PATH, standard, sizeof(standard)))
		path = standard;
	while (path) {
		len = strcspn(path, ":");
		snprintf(file, sizeof(file), "%.*s%s%s", (int)len, path,
			 len ? "/" : "", name);
		if (!access(file, F_OK))
			return true;
		path = path[len] ? path + len + 1 : NULL;
	}
	return false;
}

int command_execute(char **argv)
{
	int err;

	execvp(argv[0], argv);
	err = errno;
	if (err == EACCES && !strchr(argv[0], '/') && !is_in_path(argv[0]))
		err = ENOENT;
	return -err;
}

int command_status(int err)
{
	return err == -ENOENT ? 127 : 126;
}
