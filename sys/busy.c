/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who uses a mount that no name leads to (VU_MOUNT_APART)? The kernel would
 * keep it alive for a guest that has a file of it open or mapped, but nobody
 * could be told so after it was taken away. And who executes a file, of which a
 * view may show a copy?
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/proc.h"
#include "sys/state.h"
#include "view/layered.h"

/* Never asks the file system's server. */
static bool lies_on(void *arg, int dir, const char *name)
{
	const dev_t *dev = arg;
	struct statx x;

	return !statx(dir, name, AT_STATX_DONT_SYNC, STATX_TYPE, &x) &&
	       makedev(x.stx_dev_major, x.stx_dev_minor) == *dev;
}

static bool has_mapped(pid_t pid, dev_t dev)
{
	unsigned major, minor;
	char name[32], *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	f = fopen(name, "re");
	while (f && !found && getline(&line, &size, f) > 0)
		found = sscanf(line, "%*s %*s %*s %x:%x", &major, &minor) == 2 &&
			makedev(major, minor) == dev;
	if (f)
		fclose(f);
	free(line);
	return found;
}

bool guests_execute(const struct version *v, const struct stat *st)
{
	bool found = false;
	struct stat exe;
	char link[32];
	pid_t *all;
	size_t n = proc_descendants(getpid(), &all);

	for (size_t i = 0; i < n && !found; i++) {
		snprintf(link, sizeof(link), "/proc/%d/exe", all[i]);
		if (stat(link, &exe))
			continue;
		layered_tell(v, &exe);
		found = exe.st_ino == st->st_ino && exe.st_dev == st->st_dev;
	}
	free(all);
	return found;
}

bool device_busy(dev_t dev)
{
	pid_t *all;
	size_t n = proc_descendants(getpid(), &all);
	bool busy = false;

	for (size_t i = 0; i < n && !busy; i++)
		busy = proc_find_fd(all[i], lies_on, &dev) ||
		       has_mapped(all[i], dev);
	free(all);
	return busy;
}
