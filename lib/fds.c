/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "lib/fds.h"

int fds_fill_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

static int note(struct fds *list, int fd)
{
	int *grown = realloc(list->fd, (list->n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->fd = grown;
	list->fd[list->n++] = fd;
	return 0;
}

int fds_inherited(struct fds *list)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int fd, flags, ret = 0;

	if (!d)
		return -errno;
	while (!ret && (e = readdir(d))) {
		fd = atoi(e->d_name);
		flags = fcntl(fd, F_GETFD);
		if (fd > STDERR_FILENO && flags >= 0 && !(flags & FD_CLOEXEC))
			ret = note(list, fd);
	}
	closedir(d);
	return ret;
}

void fds_free(struct fds *list)
{
	free(list->fd);
	*list = (struct fds){ 0 };
}

void fds_let_go(const struct fds *list)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t i;

	for (i = 0; i < list->n; i++)
		close(list->fd[i]);
	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
}
