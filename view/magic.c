/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links of /proc that are more than their text. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "view/walk.h"

/*
 * Parse "/proc/PID", "/proc/PID/task/TID", or a directory of links in either.
 * @links: out: "", "fd/" or "map_files/"
 * Return: the process (thread) it is about, 0 for other directories
 */
static pid_t proc_subject(const char *name, const char **links)
{
	pid_t pid = 0;
	const char *tail;

	while (*name && !(name[0] == '/' && isdigit((unsigned char)name[1])))
		name++;
	if (sscanf(name, "/%d", &pid) != 1)
		return 0;
	tail = name + 1 + strspn(name + 1, "0123456789");
	if (!strncmp(tail, "/task/", 6) && sscanf(tail + 6, "%d", &pid) == 1)
		tail += 6 + strspn(tail + 6, "0123456789");
	*links = !strcmp(tail, "/fd") ? "fd/" :
		 !strcmp(tail, "/map_files") ? "map_files/" : "";
	return !*tail || **links ? pid : 0;
}

pid_t proc_magic(const struct place *dir, const char *name,
		 char *what, size_t size)
{
	char where[PATH_MAX];
	const char *links = "";
	pid_t pid;

	if (!place_in_proc(dir) || kernel_name(dir->fd, where, sizeof(where)) < 0)
		return 0;
	pid = proc_subject(where, &links);
	if (!pid)
		return 0;
	if (!*links && strcmp(name, "cwd") && strcmp(name, "root") &&
	    strcmp(name, "exe"))
		return 0;
	snprintf(what, size, "%s%s", links, name);
	return pid;
}
