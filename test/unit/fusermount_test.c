/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vu_fusermount: what it asks of a view and what a server gets. The calls
 * that only a view answers are played here; the sockets are real.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test/unit/tools_tap.h"
#include "tools/fuseopt.c"
#include "tools/session.h"
#include "tools/tool.c"

/* --- what a view does ----------------------------------------------------- */

/* What it answers, and in a pipe what it was asked. */
static struct {
	int device_errno, mount_errno, umount_errno, monitor_errno;
	bool outside;
	bool left;		/* the server has left its mount */
	int pipe[2];
} view;

static int played_open(const char *path, int flags)
{
	if (strcmp(path, "/dev/fuse") == 0) {
		errno = view.device_errno;
		path = "/dev/zero";
		if (errno)
			return -1;
	} else if (view.left && strcmp(path, "/dev/null")) {
		errno = ENOTCONN;
		return -1;
	}
	return open(path, flags);
}

static int played_mount(const char *source, const char *target,
			const char *type, unsigned long flags,
			const void *data)
{
	int fd = -1;
	const char *rest = strstr(data, "fd=");

	if (rest)
		sscanf(rest, "fd=%d", &fd);
	dprintf(view.pipe[1], "mount %s %s %s %lx %.*s%s %s\n", source, target,
		type, flags, rest ? (int)(rest - (const char *)data) : 0,
		(const char *)data, rest ? strchr(rest, ',') + 1 : "no fd",
		fcntl(fd, F_GETFD) == FD_CLOEXEC ? "open" : "closed");
	errno = view.mount_errno;
	return errno ? -1 : 0;
}

static int played_umount2(const char *target, int flags)
{
	dprintf(view.pipe[1], "umount %s %x\n", target, flags);
	errno = view.umount_errno;
	return errno ? -1 : 0;
}

int session_open(const char *name, int *status)
{
	if (!view.outside)
		return open("/dev/null", O_RDONLY);
	tool_error(name, "outside");
	*status = TOOL_MISUSED;
	return -1;
}

/* The monitor, asked by its socket. */
int session_try(int fd, const struct session_request *req)
{
	close(fd);
	dprintf(view.pipe[1], "asked %s %s %s\n", req->word[0], req->word[1],
		req->word[2]);
	return -view.monitor_errno;
}

int session_ask(const char *name, int fd, const struct session_request *req)
{
	if (!session_try(fd, req))
		return TOOL_OK;
	tool_error(name, "the reason");
	return TOOL_FAILED;
}

/* All but the test's own way to tell. */
static int played_close_range(unsigned first, unsigned last, int flags)
{
	int from = (int)first, to = last > 1000 ? 1000 : (int)last;

	for (int fd = from; fd <= to && !flags; fd++) {
		if (fd != view.pipe[1])
			close(fd);
	}
	return 0;
}

#define open played_open
#define mount played_mount
#define umount2 played_umount2
#define close_range played_close_range
#include "tools/fusermount.c"
#undef open
#undef mount
#undef umount2
#undef close_range

/* --- the program --------------------------------------------------------- */

static char message[4096];	/* what it said on stderr */
static char asked[4096];	/* what it asked the view */

static void take(int fd, char *text, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while ((n = read(fd, text + used, size - 1 - used)) > 0)
		used += n;
	text[used] = '\0';
	close(fd);
}

static void child(int said, const char *args)
{
	char copy[256], *argv[16] = { NULL }, *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", args);
	for (char *s = strtok_r(copy, " ", &save); s && argc < 15;
	     s = strtok_r(NULL, " ", &save))
		argv[argc++] = s;
	dup2(said, 2);
	close(said);
	exit(tool_fusermount.run(argc, argv));
}

/* Start it as its caller does. Return: pid; what it says is in *said */
static pid_t start(const char *args, int other_end, int *said)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) || pipe2(view.pipe, O_CLOEXEC))
		exit(99);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		exit(99);
	if (pid == 0) {
		close(p[0]);
		if (other_end >= 0)
			close(other_end);
		child(p[1], args);
	}
	close(p[1]);
	close(view.pipe[1]);
	*said = p[0];
	return pid;
}

static int end_of(pid_t pid, int said)
{
	int status;

	take(said, message, sizeof(message));
	take(view.pipe[0], asked, sizeof(asked));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int run_it(const char *args)
{
	int said;
	pid_t pid = start(args, -1, &said);

	return end_of(pid, said);
}

/* A failure: its status and message, and what the view was asked. */
static void check_failure(const char *args, int status, const char *says,
			  const char *asks)
{
	int got = run_it(args);

	tap_ok(got == status, args);
	tap_same(message, says, "its message");
	tap_same(asked, asks, "what it asked");
}

/* A pair whose first end a child finds in _FUSE_COMMFD. */
static void make_pair(int fd[2])
{
	char text[12];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		exit(99);
	snprintf(text, sizeof(text), "%d", fd[0]);
	setenv("_FUSE_COMMFD", text, 1);
}

/* As libfuse receives. Return: descriptor or -1 */
static int receive(int comm)
{
	char byte = 1, space[CMSG_SPACE(sizeof(int))];
	struct iovec data = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1,
			      .msg_control = space,
			      .msg_controllen = sizeof(space) };
	struct cmsghdr *c;
	int fd;

	if (recvmsg(comm, &msg, MSG_CMSG_CLOEXEC) != 1 || byte)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static bool same_file(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_rdev == b.st_rdev &&
	       a.st_ino == b.st_ino;
}

static void test_send(void)
{
	int fd[2], got;

	make_pair(fd);
	tap_ok(send_descriptor(fd[0], STDIN_FILENO) == 0, "a descriptor goes");
	got = receive(fd[1]);
	tap_ok(got >= 0 && got != STDIN_FILENO, "and arrives");
	close(got);
	tap_ok(send_descriptor(fd[0], -1) == -EBADF, "none does not");
	close(fd[1]);
	tap_ok(send_descriptor(fd[0], STDIN_FILENO) == -EPIPE,
	       "nor to nobody, and no signal comes");
	close(fd[0]);
}

static void test_mount(void)
{
	char wanted[256];
	int fd[2], got, status;

	make_pair(fd);
	status = run_it("fusermount3 -o rw,nosuid,nodev,fsname=a\\,b,"
			"subtype=t,max_read=9,noexec -- /");
	tap_ok(status == 0, "a mount");
	tap_same(message, "", "says nothing");
	snprintf(wanted, sizeof(wanted), "mount a,b / fuse.t e max_read=9,"
		 "rootmode=40000,user_id=%u,group_id=%u open\n",
		 getuid(), getgid());
	tap_same(asked, wanted, "asks mount(2)");
	got = receive(fd[1]);
	tap_ok(same_file(got, "/dev/zero"), "and sends the open device");
	close(got);
	close(fd[0]);
	tap_ok(recv(fd[1], wanted, 1, 0) == 0, "and nothing else, and ends");
	close(fd[1]);
}

static void test_file_mount(void)
{
	char args[128], wanted[256];
	int fd[2];

	make_pair(fd);
	unsetenv("_FUSE_COMMFD");
	snprintf(args, sizeof(args), "fusermount --comm-fd=%d /proc//self/../"
		 "version/", fd[0]);
	tap_ok(run_it(args) == 0, "a mount on a file, and the socket by "
	       "option");
	snprintf(wanted, sizeof(wanted), "mount /dev/fuse /proc/version fuse "
		 "6 rootmode=100000,user_id=%u,group_id=%u open\n", getuid(),
		 getgid());
	tap_same(asked, wanted, "asks mount(2)");
	close(fd[0]);
	close(fd[1]);
}

static void test_mount_failures(void)
{
	char wanted[256];
	int fd[2];

	make_pair(fd);
	check_failure("f /proc/self", 1, "f: mountpoint /proc/self is not a "
		      "directory or a regular file\n", "");
	check_failure("f /dev/null", 1, "f: mountpoint /dev/null is not a "
		      "directory or a regular file\n", "");
	check_failure("f /no-such", 1, "f: failed to access mountpoint "
		      "/no-such: No such file or directory\n", "");
	check_failure("f /no-such/x", 1, "f: bad mount point /no-such/x: No "
		      "such file or directory\n", "");
	view.device_errno = ENOENT;
	check_failure("f /", 1, "f: there is no /dev/fuse (try 'vu_insmod "
		      "vufuse')\n", "");
	view.device_errno = EACCES;
	check_failure("f /", 1, "f: failed to open /dev/fuse: Permission "
		      "denied\n", "");
	view.device_errno = 0;
	view.mount_errno = view.monitor_errno = EPERM;
	snprintf(wanted, sizeof(wanted), "mount /dev/fuse / fuse 6 rootmode="
		 "40000,user_id=%u,group_id=%u open\nasked mount fuse "
		 "/dev/fuse\n", getuid(), getgid());
	check_failure("f /", 1, "f: the reason\n", wanted);
	view.mount_errno = EINVAL;
	check_failure("f -o auto_unmount /", 1, "f: the reason\n", wanted);
	view.mount_errno = view.monitor_errno = 0;
	close(fd[0]);
	tap_ok(recv(fd[1], wanted, 1, MSG_DONTWAIT) == 0, "nothing was sent");
	close(fd[1]);
}

/* The server is gone before it has got its device: no mount stays. */
static void test_send_failure(void)
{
	char wanted[256];
	int fd[2];

	make_pair(fd);
	close(fd[1]);
	snprintf(wanted, sizeof(wanted), "mount /dev/fuse / fuse 6 rootmode="
		 "40000,user_id=%u,group_id=%u open\numount / %x\n", getuid(),
		 getgid(), UMOUNT_NOFOLLOW | MNT_DETACH);
	check_failure("f -o auto_unmount /", 1, "f: sending file descriptor: "
		      "Broken pipe\n", wanted);
	close(fd[0]);
}

static void test_socket_failures(void)
{
	unsetenv("_FUSE_COMMFD");
	check_failure("f /", 1, "f: only FUSE servers can mount with this: "
		      "_FUSE_COMMFD is not set\n", "");
	setenv("_FUSE_COMMFD", "3x", 1);
	check_failure("f /", 1, "f: 3x: not a descriptor\n", "");
	check_failure("f --comm-fd=-1 /", 1, "f: -1: not a descriptor\n", "");
	check_failure("f --comm-fd 0999 /", 1, "f: descriptor 999: Bad file "
		      "descriptor\n", "");
	check_failure("f --comm-fd 2 /", 1, "f: descriptor 2 is not a "
		      "socket\n", "");
	check_failure("f --auto-unmount --comm-fd 2 /", 1, "f: descriptor 2 "
		      "is not a socket\n", "");
}

static void test_unmount(void)
{
	char wanted[64];

	view.umount_errno = EINVAL;
	snprintf(wanted, sizeof(wanted), "umount /a %x\n", UMOUNT_NOFOLLOW);
	check_failure("fusermount -u /a/", 1, "fusermount: failed to unmount "
		      "/a: Invalid argument\n", wanted);
	snprintf(wanted, sizeof(wanted), "umount /proc/self %x\n",
		 UMOUNT_NOFOLLOW | MNT_DETACH);
	check_failure("fusermount -uqz -- /dev/../proc/self", 1, "", wanted);
	view.umount_errno = EPERM;	/* by a sandbox around the view */
	snprintf(wanted, sizeof(wanted), "umount /a %x\nasked umount /a %d\n",
		 UMOUNT_NOFOLLOW, UMOUNT_NOFOLLOW);
	check_failure("fusermount -u /a", 0, "", wanted);
	view.monitor_errno = EBUSY;
	check_failure("fusermount -u /a", 1, "fusermount: failed to unmount "
		      "/a: Device or resource busy\n", wanted);
	view.monitor_errno = 0;
	view.umount_errno = 0;
	snprintf(wanted, sizeof(wanted), "umount / %x\n", UMOUNT_NOFOLLOW);
	check_failure("fusermount3 --unmount ///", 0, "", wanted);
	snprintf(wanted, sizeof(wanted), "umount /sys %x\n",
		 UMOUNT_NOFOLLOW | MNT_DETACH);
	check_failure("fusermount3 --unmount --quiet --lazy /sys/fs/..", 0, "",
		      wanted);
	view.outside = true;
	check_failure("f -u /", 2, "f: outside\n", "");
	check_failure("f -qu /", 2, "f: outside\n", "");
	view.outside = false;
}

/* Does a process have this file open? */
static bool has_open(pid_t pid, const char *wanted)
{
	char name[64], file[64];
	ssize_t n;

	for (int fd = 0; fd < 64; fd++) {
		snprintf(name, sizeof(name), "/proc/%d/fd/%d", (int)pid, fd);
		n = readlink(name, file, sizeof(file) - 1);
		file[n > 0 ? n : 0] = '\0';
		if (strcmp(file, wanted) == 0)
			return true;
	}
	return false;
}

/*
 * It stays until the other end is closed, and holds no device meanwhile.
 * Return: what it asked of the view at the end is in asked
 */
static void watch_case(const char *args, bool mounts, const char *what)
{
	int fd[2], said, got = -1;
	struct pollfd p;
	pid_t pid;

	make_pair(fd);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	pid = start(args, fd[1], &said);
	close(fd[0]);
	if (mounts)
		got = receive(fd[1]);
	tap_ok(mounts == (got >= 0), what);
	close(got);
	/* It is behind when it has let go of stderr. */
	p = (struct pollfd){ .fd = said };
	tap_ok(poll(&p, 1, 20000) == 1 && (p.revents & POLLHUP),
	       "goes behind");
	tap_ok(!has_open(pid, "/dev/zero"), "without the device");
	kill(pid, SIGTERM);
	kill(pid, SIGHUP);
	send(fd[1], "something", 9, MSG_NOSIGNAL);
	tap_ok(waitpid(pid, NULL, WNOHANG) == 0 && getsid(pid) == pid,
	       "and stays there, whatever comes");
	close(fd[1]);
	tap_ok(end_of(pid, said) == 0, "and ends with its server");
	tap_same(message, "", "without a word");
}

static void test_watch(void)
{
	char wanted[256], *undone;

	snprintf(wanted, sizeof(wanted), "mount /dev/fuse /proc fuse 6 "
		 "rootmode=40000,user_id=%u,group_id=%u open\numount /proc "
		 "%x\n", getuid(), getgid(), UMOUNT_NOFOLLOW | MNT_DETACH);
	undone = strstr(wanted, "umount");
	view.left = true;
	watch_case("f -o auto_unmount /proc", true, "mounts");
	tap_same(asked, wanted, "the mount is undone");
	watch_case("f --auto-unmount -- /proc", false, "only watches");
	tap_same(asked, undone, "the mount is undone");
	view.left = false;
	watch_case("f --auto-unmount /proc", false, "only watches");
	tap_same(asked, "", "what is no longer left is not touched");
	*undone = '\0';
	watch_case("f -o auto_unmount,ro,rw /proc", true, "mounts");
	tap_same(asked, wanted, "nor what it has mounted itself");
}

int main(void)
{
	test_send();
	test_mount();
	test_file_mount();
	test_mount_failures();
	test_send_failure();
	test_socket_failures();
	test_unmount();
	test_watch();
	return tap_end();
}
