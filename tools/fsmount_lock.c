/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/fsmount_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 20, TICKS = 150 };

/* Return: 0 or an errno */
static int try_lock(int fd, int how)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };

	for (int i = 0; flock(fd, how | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK || i == TICKS)
			return errno;
		nanosleep(&tick, NULL);
	}
	return 0;
}

int fsmount_lock(const char *path, bool read_only, int *fd, bool *written)
{
	int how = read_only ? LOCK_SH : LOCK_EX;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return -errno;
	/* Where nothing can be locked, as on some networks, nothing is. */
	if (try_lock(*fd, how) != EWOULDBLOCK)
		return 0;
	*written = read_only || flock(*fd, LOCK_SH | LOCK_NB);
	close(*fd);
	*fd = -1;
	return -EBUSY;
}
