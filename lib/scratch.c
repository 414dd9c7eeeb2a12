/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories that go with the process that made them, or with the one that
 * sees its end: so that both know the name, it is chosen before anything is
 * made. It must not be one that others can choose first.
 */
#include "lib/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 128 };		/* directories in directories */

int scratch_choose(unsigned i, char name[SCRATCH_NAME])
{
	static const char *const where[] = { "/tmp", "/dev/shm", "/var/tmp" };
	uint64_t n;

	if (i >= sizeof(where) / sizeof(where[0]))
		return -ENOENT;
	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		return -EAGAIN;
	snprintf(name, SCRATCH_NAME, "%s/.vu-%016llx", where[i],
		 (unsigned long long)n);
	return 0;
}

static void remove_entry(int dir, const char *name, int depth);

/* What is in it; fd is closed. */
static void empty(int fd, int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;

	if (!d) {
		close(fd);
		return;
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			remove_entry(fd, e->d_name, depth);
	closedir(d);
}

static void remove_entry(int dir, const char *name, int depth)
{
	int fd;

	if (!unlinkat(dir, name, 0) || errno == ENOENT || !depth)
		return;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	empty(fd, depth - 1);
	unlinkat(dir, name, AT_REMOVEDIR);
}

void scratch_remove_at(int dir, const char *name)
{
	remove_entry(dir, name, DEPTH - 1);
}

void scratch_remove(const char *name)
{
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) || st.st_uid != geteuid()) {
		close(fd);
		return;
	}
	empty(fd, DEPTH - 1);
	rmdir(name);
}
