/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A memfd cannot be made to answer ENOSPC: what limits it is a seal, for which
 * write and ftruncate answer EPERM, and which cannot be taken away. So that
 * there is no room for what a guest writes is not told by write(2): see "Space"
 * in doc/fuse.md. A tmpfs of a limited size can, where one may be mounted.
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "test/lib.h"

enum { CANNOT = 77 };

static char block[4096];

static void sealed(void)
{
	int fd = memfd_create("full", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	expect(write(fd, block, sizeof(block)) == sizeof(block));
	expect(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
	expect(write(fd, block, 1) < 0 && errno == EPERM);
	expect(ftruncate(fd, 8192) && errno == EPERM);
	expect(fcntl(fd, F_ADD_SEALS, 0) == 0);
	expect(fcntl(fd, F_GET_SEALS) == F_SEAL_GROW);
	expect(write(fd, block, 1) < 0 && errno == EPERM);
	close(fd);
}

/* Without it no file can be made there. */
static int map_user(uid_t uid)
{
	char map[32];
	int n = snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, map, n) != n ? -1 : close(fd);
}

/* In a child of its own. Return: 0 it says ENOSPC; CANNOT: none is to be had */
static int limited(void)
{
	uid_t uid = geteuid();
	ssize_t n;
	int fd;

	if ((uid && (unshare(CLONE_NEWUSER) || map_user(uid))) ||
	    unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/proc", "tmpfs", 0, "size=8192"))
		return CANNOT;
	fd = open("/proc", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)	/* the group is not mapped */
		return errno == EOVERFLOW ? CANNOT : 1;
	do
		n = write(fd, block, sizeof(block));
	while (n > 0);
	return errno == ENOSPC ? 0 : 1;
}

int main(void)
{
	int status = 0;
	pid_t pid;

	sealed();
	pid = fork();
	if (!pid)
		_exit(limited());
	expect(waitpid(pid, &status, 0) == pid);
	expect(WIFEXITED(status));
	expect(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == CANNOT);
	return 0;
}
