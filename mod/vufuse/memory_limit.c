/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory we may use: the machine's, or less where a cgroup bounds
 * us. A bound of any group above ours holds as well. Inside a container the
 * name of our group may be that of the world outside, and only its last
 * parent, the root, be there to be read: names that are not there are skipped.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mod/vufuse/pool.h"

enum { TEXT_SIZE = 8192 };

static bool read_text(const char *name, char *text, size_t size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	return true;
}

static uint64_t machine(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * size : 1u << 30;
}

/* The number in a file; "max", or no such file: no bound */
static uint64_t bound(const char *root, const char *group, const char *file)
{
	char name[PATH_MAX], text[32];
	int n = snprintf(name, sizeof(name), "%s%s/%s", root, group, file);

	if (n < 0 || n >= (int)sizeof(name) ||
	    !read_text(name, text, sizeof(text)) ||
	    text[0] < '0' || text[0] > '9')
		return UINT64_MAX;
	return strtoull(text, NULL, 10);
}

/* The least bound of a group and all above it. Eats the group's name. */
static uint64_t least(const char *root, char *group, const char *file)
{
	uint64_t min = UINT64_MAX, b;
	char *slash;

	do {
		b = bound(root, group, file);
		if (b < min)
			min = b;
		slash = strrchr(group, '/');
		if (slash)
			*slash = '\0';
	} while (slash);
	return min;
}

/* A line of /proc/self/cgroup: "0::/group", or "7:cpu,memory:/group" */
static uint64_t bound_of_line(char *line)
{
	char *which = strchr(line, ':');
	char *group = which ? strchr(which + 1, ':') : NULL, *word, *rest;

	if (!group)
		return UINT64_MAX;
	*group++ = '\0';
	which++;
	if (!*which)
		return least("/sys/fs/cgroup", group, "memory.max");
	for (word = strtok_r(which, ",", &rest); word;
	     word = strtok_r(NULL, ",", &rest))
		if (!strcmp(word, "memory"))
			return least("/sys/fs/cgroup/memory", group,
				     "memory.limit_in_bytes");
	return UINT64_MAX;
}

uint64_t memory_limit(void)
{
	uint64_t min = machine(), b;
	char text[TEXT_SIZE], *line, *rest;

	if (!read_text("/proc/self/cgroup", text, sizeof(text)))
		return min / 2;
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		b = bound_of_line(line);
		if (b < min)
			min = b;
	}
	return min / 2;
}
