/* SPDX-License-Identifier: GPL-2.0-or-later */
/* roles: root user */
/*
 * A mount made in a name space of its own outlives it: as long as somebody
 * has a descriptor of its root, who need not be in that name space, files
 * are opened, made and executed below it, and nobody finds it by name. So a
 * carrier needs no process that keeps it (mod/vufuse/carrier.c). Where the
 * kernel's name of a file in it begins, is its root.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "test/platform/notify.h"

static bool write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool own_spaces(uid_t uid, gid_t gid)
{
	char map[64];

	if (uid == 0)
		return !unshare(CLONE_NEWNS);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return false;
	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	if (!write_file("/proc/self/uid_map", map))
		return false;
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	return write_file("/proc/self/gid_map", map);
}

/* In a child: mount, hand over the root, end. */
static void mount_it(int socket)
{
	int root;

	if (!own_spaces(getuid(), getgid()))
		_exit(2);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("carrier", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, NULL))
		_exit(3);
	root = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		_exit(4);
	send_fd(socket, root);
	_exit(0);
}

static int make_mount(void)
{
	int pair[2], status, root;
	pid_t pid;

	expect(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid = fork();
	if (!pid)
		mount_it(pair[1]);
	expect(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 2 ||
				  WEXITSTATUS(status) == 3))
		skip("no name space of one's own may be made here");
	expect(status == 0);
	root = receive_fd(pair[0]);
	close(pair[0]);
	close(pair[1]);
	return root;
}

static void check_names(int root, int fd)
{
	char link[64], name[256];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = '\0';
	expect(!strcmp(name, "/dir/file"));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", root);
	n = readlink(link, name, sizeof(name) - 1);
	expect(n == 1 && name[0] == '/');
	expect(access("/tmp/dir/file", F_OK) < 0);
}

static void check_execution(int root)
{
	static const char script[] = "#!/bin/sh\nexit 7\n";
	int status, fd = openat(root, "script", O_WRONLY | O_CREAT | O_CLOEXEC,
				0755);
	char name[64];
	pid_t pid;

	expect(write(fd, script, sizeof(script) - 1) > 0);
	close(fd);
	fd = openat(root, "script", O_RDONLY);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	pid = fork();
	if (!pid) {
		execl(name, name, (char *)NULL);
		_exit(1);
	}
	expect(waitpid(pid, &status, 0) == pid);
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	close(fd);
}

int main(void)
{
	int root = make_mount(), fd, up;
	struct stat st, top;

	expect(!mkdirat(root, "dir", 0755));
	fd = openat(root, "dir/file", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	expect(fd >= 0);
	expect(write(fd, "text", 4) == 4);
	expect(!fstat(fd, &st) && st.st_uid == getuid() && st.st_size == 4);
	check_names(root, fd);
	/* nothing is above it */
	up = openat(root, "..", O_PATH | O_CLOEXEC);
	expect(up >= 0 && !fstat(up, &st) && !fstat(root, &top));
	expect(st.st_ino == top.st_ino && st.st_dev == top.st_dev);
	check_execution(root);
	printf("ok\n");
	return 0;
}
