/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cow_attempts [FD]: in a copy-on-write view, change what is in the working
 * directory in every way that the kernel knows, by descriptors above all: they
 * are the kernel's own. Each must have its effect here, or be refused. (Whoever
 * has started this looks at the real files afterwards.) The tree: file, other,
 * gone, link -> file, dir/file, dir/sub/file, away/file; and below deep the
 * directories ddd..., as many as have a name, with a file fdd... in the last.
 *
 * FD: a descriptor of the directory that was opened before the view.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static int failures;

static void must(const char *what, bool so)
{
	if (so)
		return;
	printf("FAILED: %s (%s)\n", what, strerror(errno));
	failures++;
}

static bool has(const char *path, const char *text)
{
	char buf[256];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, n);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_mode & 07777;
}

static bool put(int fd, const char *text)
{
	bool so = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return so;
}

/* A descriptor that can only read is all that is needed for these. */
static void by_descriptor(void)
{
	struct timespec t[2] = { { 1, 0 }, { 2, 0 } };
	int fd = open("file", O_RDONLY), path = open("other", O_PATH);
	long flags = FS_NOATIME_FL;
	char link[64];
	struct stat st;

	must("fchmod", !fchmod(fd, 0611) && mode_of("file") == 0611);
	must("futimens", !futimens(fd, t) && !stat("file", &st) &&
	     st.st_mtim.tv_sec == 2);
	must("fsetxattr", !fsetxattr(fd, "user.v", "1", 1, 0) || errno == ENOTSUP);
	must("fchown", !fchown(fd, getuid(), getgid()));
	(void)!ioctl(fd, FS_IOC_SETFLAGS, &flags);
	must("ftruncate", ftruncate(fd, 0) < 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path);
	must("chmod by /proc", !chmod(link, 0622) && mode_of("other") == 0622);
	must("write by /proc", put(open(link, O_WRONLY | O_TRUNC), "by proc") &&
	     has("other", "by proc"));
	must("truncate by /proc", !truncate(link, 2) && has("other", "by"));
	must("fchmodat empty", syscall(452, path, "", 0633, AT_EMPTY_PATH) ||
	     mode_of("other") == 0633);
	must("fchownat empty", !fchownat(path, "", getuid(), -1, AT_EMPTY_PATH));
	must("utimensat empty", !utimensat(path, "", t, AT_EMPTY_PATH));
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", getpid(), fd);
	must("linkat by /proc", !linkat(AT_FDCWD, link, AT_FDCWD, "linked",
					AT_SYMLINK_FOLLOW));
	must("is one", !stat("linked", &st) && st.st_nlink == 2);
	close(fd);
	close(path);
}

/* Names that start from directories which the kernel has opened. */
static void by_directory(int dir, const char *name)
{
	char sub[64];

	must(name, dir >= 0);
	must("create", put(openat(dir, "new", O_CREAT | O_WRONLY, 0600), "new"));
	must("overwrite", put(openat(dir, "file", O_WRONLY | O_TRUNC), "over"));
	must("mkdir", !mkdirat(dir, "made", 0700));
	must("below", put(openat(dir, "made/x", O_CREAT | O_WRONLY, 0600), "x"));
	must("symlink", !symlinkat("new", dir, "sym"));
	must("rename", !renameat(dir, "new", dir, "renamed"));
	must("link", !linkat(dir, "renamed", dir, "second", 0));
	must("unlink", !unlinkat(dir, "second", 0));
	must("chmod", !fchmodat(dir, "file", 0644, 0));
	must("fchmod", !fchmod(dir, 0711) || errno == EBADF);
	snprintf(sub, sizeof(sub), "/proc/self/fd/%d/renamed", dir);
	must("by /proc", put(open(sub, O_WRONLY | O_APPEND), "+"));
	must("remove", !unlinkat(dir, "made/x", 0) &&
	     !unlinkat(dir, "made", AT_REMOVEDIR) && !unlinkat(dir, "sym", 0) &&
	     !unlinkat(dir, "renamed", 0));
}

static void by_cwd(void)
{
	int top = open(".", O_RDONLY | O_DIRECTORY);

	must("chdir", !chdir("dir/sub"));
	must("relative", put(open("file", O_WRONLY | O_TRUNC), "cwd"));
	must("above", put(open("../upper", O_CREAT | O_WRONLY, 0600), "up"));
	must("/proc/self/cwd", put(open("/proc/self/cwd/file",
					O_WRONLY | O_APPEND), "+") &&
	     has("file", "cwd+"));
	must("fchdir", !fchdir(top) && !unlink("dir/upper"));
	close(top);
}

static void by_root(void)
{
	char name[4096] = "/proc/self/root";

	must("getcwd", getcwd(name + strlen(name), sizeof(name) - 64));
	strcat(name, "/dir/file");
	must("by /proc/self/root", put(open(name, O_WRONLY | O_TRUNC), "root") &&
	     has("dir/file", "root"));
}

/* Somebody else's descriptor, received by message. */
static void by_message(void)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int pair[2], fd = open("dir", O_PATH);

	must("socketpair", !socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (fork() == 0) {
		must("send", sendmsg(pair[0], &msg, 0) == 1);
		_exit(failures);
	}
	close(fd);
	must("receive", recvmsg(pair[1], &msg, 0) == 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	must("by message", put(openat(fd, "sub/file", O_WRONLY | O_TRUNC), "msg"));
	must("made by message", !mkdirat(fd, "bymsg", 0700) &&
	     !rmdir("dir/bymsg"));
	wait(NULL);
}

static void by_mapping(void)
{
	int fd = open("dir/sub/file", O_RDWR);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must("mmap", map != MAP_FAILED);
	if (map != MAP_FAILED) {
		map[0] = 'M';
		munmap(map, 4096);
	}
	close(fd);
}

static void removed_but_open(void)
{
	int fd = open("gone", O_RDONLY);
	struct timespec t[2] = { { 1, 0 }, { 2, 0 } };
	char link[64];

	must("unlink", !unlink("gone") && access("gone", F_OK));
	(void)!fchmod(fd, 0600);
	(void)!futimens(fd, t);
	(void)!fsetxattr(fd, "user.v", "1", 1, 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	(void)!chmod(link, 0600);
	put(open(link, O_WRONLY | O_TRUNC), "changed");
	close(fd);
}

static void a_socket(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "dir/sock" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c;
	struct stat st;

	must("bind", !bind(s, (struct sockaddr *)&a, sizeof(a)) && !listen(s, 1));
	must("is there", !stat("dir/sock", &st) && S_ISSOCK(st.st_mode));
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	must("connect", !connect(c, (struct sockaddr *)&a, sizeof(a)));
	must("unlink socket", !unlink("dir/sock"));
	close(s);
	close(c);
}

static void whole_directories(void)
{
	must("rename a directory", !rename("dir", "moved"));
	must("is there", !access("moved/sub/file", F_OK) && access("dir", F_OK));
	must("write in it", put(open("moved/sub/file", O_WRONLY | O_TRUNC), "moved"));
	must("rename below", !rename("moved/sub", "sub"));
	must("exchange", !renameat2(AT_FDCWD, "sub", AT_FDCWD, "moved",
				    RENAME_EXCHANGE));
	must("has moved", has("moved/file", "moved"));
	must("remove", !unlink("moved/file") && !rmdir("moved"));
}

/* A directory that the view has removed, and the kernel has not. */
static void removed_directory(void)
{
	int dir = open("away", O_RDONLY | O_DIRECTORY);
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), top = open(".", O_PATH);

	must("empty it", !unlink("away/file") && !rmdir("away"));
	must("chmod in it", fchmodat(dir, "file", 0600, 0));
	must("utimens in it", utimensat(dir, "file", NULL, 0));
	must("open in it", openat(dir, "file", O_WRONLY | O_TRUNC) < 0);
	must("create in it", openat(dir, "new", O_WRONLY | O_CREAT, 0600) < 0);
	must("mkdir in it", mkdirat(dir, "new", 0700));
	must("unlink in it", unlinkat(dir, "file", 0));
	must("stand in it", !fchdir(dir));
	must("truncate there", truncate("file", 0));
	must("setxattr there", setxattr("file", "user.v", "1", 1, 0));
	must("bind there", bind(s, (struct sockaddr *)&a, sizeof(a)));
	(void)!chmod(".", 0700);
	(void)!utimensat(AT_FDCWD, ".", NULL, 0);
	must("return", !fchdir(top));
	close(dir);
	close(top);
	close(s);
}

/* Arguments in memory that only the kernel can read. */
static void unseen_arguments(void)
{
	struct { char name[16]; struct open_how how; struct timespec t[2]; } *m;
	struct sockaddr_un *a;
	int fd = syscall(SYS_memfd_secret, 0), s;

	m = fd < 0 || ftruncate(fd, 4096) ? MAP_FAILED :
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (m == MAP_FAILED)		/* not with every kernel */
		return;
	strcpy(m->name, "other");
	(void)!chmod(m->name, 0600);
	(void)!truncate(m->name, 0);
	(void)!rename("file", m->name);
	close(open(m->name, O_WRONLY | O_TRUNC));
	m->how.flags = O_WRONLY | O_TRUNC;
	close(syscall(SYS_openat2, AT_FDCWD, "other", &m->how, sizeof(m->how)));
	(void)!utimensat(AT_FDCWD, "other", m->t, 0);
	fd = open("other", O_RDONLY);
	(void)!futimens(fd, m->t);
	close(fd);
	a = (struct sockaddr_un *)(m + 1);
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX, .sun_path = "unseen" };
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	(void)!bind(s, (struct sockaddr *)a, sizeof(*a));
	close(s);
}

/* Files whose names are longer than the kernel says a name. */
static void too_deep(void)
{
	struct timespec t[2] = { { 1, 0 }, { 2, 0 } };
	char name[NAME_MAX + 1];
	int dir = open("deep", O_PATH), fd;

	memset(name, 'd', NAME_MAX);
	name[NAME_MAX] = '\0';
	while ((fd = openat(dir, name, O_PATH | O_DIRECTORY)) >= 0) {
		close(dir);
		dir = fd;
	}
	name[0] = 'f';
	fd = openat(dir, name, O_RDONLY);
	must("open what is deep", fd >= 0);
	(void)!fchmod(fd, 0600);
	(void)!futimens(fd, t);
	(void)!fsetxattr(fd, "user.v", "1", 1, 0);
	close(fd);
	close(dir);
}

/* What only the kernel's own objects have, or only root can. */
static void by_other_ways(void)
{
	struct { struct file_handle h; char room[128]; } h = {
		.h.handle_bytes = sizeof(h.room),
	};
	int version = 7, fd = open("dir/file", O_RDONLY), mount;
	int top = open(".", O_RDONLY);

	(void)!ioctl(fd, _IOW('f', 4, long), &version);
	must("space", unshare(CLONE_NEWNS));
	must("space of a user", unshare(CLONE_NEWUSER | CLONE_NEWNS));
	if (!name_to_handle_at(AT_FDCWD, "dir/file", &h.h, &mount, 0))
		must("by handle", open_by_handle_at(top, &h.h, O_RDWR) < 0);
	must("events", fanotify_init(FAN_CLASS_NOTIF, O_RDWR) < 0);
	must("accounts", acct("dir/file"));
	close(fd);
	close(top);
}

/* Two seconds are enough, the lease may last longer. */
static void leased(void)
{
	int fd = open("dir/file", O_RDONLY), status;
	pid_t pid = -1;

	signal(SIGIO, SIG_IGN);
	if (!fcntl(fd, F_SETLEASE, F_WRLCK))
		pid = fork();
	if (pid == 0) {
		close(open("dir/file", O_WRONLY));
		_exit(0);
	}
	usleep(100000);
	alarm(2);
	must("a change meanwhile", !mkdir("dir/meanwhile", 0700) &&
	     !rmdir("dir/meanwhile"));
	alarm(0);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	must("in the end", pid < 0 || (waitpid(pid, &status, 0) == pid &&
				       !status));
	close(fd);
}

static void a_core_file(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit now;
	pid_t pid;

	getrlimit(RLIMIT_CORE, &now);
	now.rlim_cur = now.rlim_max;
	setrlimit(RLIMIT_CORE, geteuid() ? &all : &now);
	setrlimit(RLIMIT_CORE, &now);
	pid = fork();
	if (pid == 0)
		abort();
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	int dir = argc > 1 ? atoi(argv[1]) : -1;

	removed_directory();
	unseen_arguments();
	too_deep();
	by_other_ways();
	leased();
	a_core_file();
	if (dir >= 0)
		by_directory(dir, "a directory opened outside");
	by_descriptor();
	dir = open("dir", O_RDONLY | O_DIRECTORY);
	by_directory(dir, "a directory");
	close(dir);
	dir = open("dir", O_PATH);
	by_directory(dir, "an O_PATH directory");
	by_cwd();
	by_root();
	by_message();
	by_mapping();
	removed_but_open();
	a_socket();
	must("symlink followed", put(open("link", O_WRONLY | O_TRUNC), "link") &&
	     has("file", "link"));
	whole_directories();
	return failures ? 1 : 0;
}
