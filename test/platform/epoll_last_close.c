/* SPDX-License-Identifier: GPL-2.0-or-later */
/* roles: root user */
/*
 * An epoll descriptor tells of a file as long as that is open anywhere, in
 * other processes too, and does not keep it open. /dev/fuse has POLLERR when
 * its mount has ended. So it is known, without a look at any process, when
 * the server of a mount has let go of it (mod/vufuse/carrier.c).
 */
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include "test/platform/notify.h"

static int watch(int fd)
{
	struct epoll_event e = { .events = 0 };
	int w = epoll_create1(EPOLL_CLOEXEC);

	expect(w >= 0 && !epoll_ctl(w, EPOLL_CTL_ADD, fd, &e));
	return w;
}

static bool ready(int w)
{
	struct epoll_event e;
	int n = epoll_wait(w, &e, 1, 0);

	expect(n >= 0);
	return n && (e.events & (EPOLLERR | EPOLLHUP));
}

/* A process that has what we have open, but one, until *go is closed. */
static pid_t holder(int but, int *go)
{
	int ends[2];
	pid_t pid;
	char c;

	expect(!pipe2(ends, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		close(ends[1]);
		close(but);
		_exit(read(ends[0], &c, 1) < 0);
	}
	close(ends[0]);
	*go = ends[1];
	return pid;
}

/* The one who watches has no descriptor of the file that is watched. */
static void check(int fd, int other_side)
{
	int w = watch(fd), go, status;
	pid_t pid;

	expect(!ready(w));
	pid = holder(other_side, &go);
	close(fd);
	expect(!ready(w));
	close(other_side);
	while (!ready(w))	/* the holder may not have closed it yet */
		usleep(1000);
	expect(ready(w));
	close(go);
	expect(waitpid(pid, &status, 0) == pid && !status);
	expect(!ready(w));
	close(w);
}

static bool own_spaces(void)
{
	char map[64];
	uid_t uid = getuid();
	int fd;

	if (!uid)
		return !unshare(CLONE_NEWNS);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return false;
	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, map, strlen(map)) > 0 && !close(fd);
}

/* In a child: mount, hand over device and root, end. */
static void mount_it(int socket)
{
	char data[80];
	int device, root;

	if (!own_spaces() ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(2);
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(data, sizeof(data), "fd=%d,rootmode=40000,user_id=%u,"
		 "group_id=%u", device, getuid(), getuid() ? 65534 : 0);
	if (device < 0 || mount("test", "/proc", "fuse",
				MS_NOSUID | MS_NODEV, data))
		_exit(2);
	root = open("/proc", O_PATH | O_CLOEXEC);
	if (root < 0)
		_exit(3);
	send_fd(socket, device);
	send_fd(socket, root);
	_exit(0);
}

static void check_fuse(void)
{
	int pair[2], status, device, root;
	pid_t pid;

	expect(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid = fork();
	if (!pid)
		mount_it(pair[1]);
	expect(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		skip("FUSE cannot be mounted here");
	expect(status == 0);
	device = receive_fd(pair[0]);
	root = receive_fd(pair[0]);
	close(pair[0]);
	close(pair[1]);
	check(device, root);
}

int main(void)
{
	int ends[2];

	expect(!pipe2(ends, O_CLOEXEC));
	check(ends[0], ends[1]);
	check_fuse();
	return 0;
}
