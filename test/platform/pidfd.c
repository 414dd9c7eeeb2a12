/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pidfd turns readable when its process ends, before it is reaped. */
#include <poll.h>
#include "test/lib.h"

int main(void)
{
	int pipe_fd[2], fd;
	struct pollfd pfd;
	pid_t pid;
	char c;

	expect(pipe(pipe_fd) == 0);
	pid = fork();
	if (!pid) {
		close(pipe_fd[1]);
		_exit(read(pipe_fd[0], &c, 1));
	}
	fd = syscall(SYS_pidfd_open, pid, 0);
	expect(fd >= 0);
	pfd = (struct pollfd){ .fd = fd, .events = POLLIN };
	expect(poll(&pfd, 1, 0) == 0);
	close(pipe_fd[1]);
	expect(poll(&pfd, 1, 5000) == 1 && pfd.revents & POLLIN);
	expect(wait_for(pid) == 0);
	return 0;
}
