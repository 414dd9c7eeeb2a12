/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pidfd_getfd borrows a guest's descriptor; containers deny it. */
#include "test/lib.h"

int main(void)
{
	int pipe_fd[2], hold[2], pidfd, fd;
	struct stat a, b;
	pid_t pid;
	char c, path[64];

	expect(pipe(pipe_fd) == 0 && pipe(hold) == 0);
	pid = fork();
	if (!pid) {
		close(hold[1]);
		_exit(read(hold[0], &c, 1));
	}
	/* What works everywhere: the identity of a descriptor by stat. */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, pipe_fd[0]);
	expect(stat(path, &a) == 0 && fstat(pipe_fd[0], &b) == 0);
	expect(a.st_ino == b.st_ino && a.st_dev == b.st_dev);

	pidfd = syscall(SYS_pidfd_open, pid, 0);
	expect(pidfd >= 0);
	fd = syscall(SYS_pidfd_getfd, pidfd, pipe_fd[0], 0);
	c = fd < 0 && errno == EPERM;
	close(hold[1]);
	wait_for(pid);
	if (c)
		skip("pidfd_getfd is denied here; descriptors are known by stat");
	expect(fd >= 0 && fstat(fd, &a) == 0 && a.st_ino == b.st_ino);
	return 0;
}
