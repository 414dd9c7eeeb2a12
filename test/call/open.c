/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * open, openat, creat: flags, modes, names of every shape.
 *
 * inside: yes
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "test/lib.h"

static void setup(void)
{
	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "text");
	make_file("closed", 0, "");
	make_dir("shut", 0);
	if (symlink("file", "link") < 0 || symlink("dir", "dirlink") < 0 ||
	    symlink("nowhere", "dangling") < 0 ||
	    symlink("loop", "loop") < 0 || mkfifo("fifo", 0600) < 0)
		fail_errno("setup");
}

static void open_one(const char *path, int flags, mode_t mode)
{
	int fd, got;

	errno = 0;
	fd = open(path, flags, mode);
	if (fd < 0) {
		say("open %.40s %#x: %s", path, flags, error_name(errno));
		return;
	}
	got = fcntl(fd, F_GETFL);
	say("open %.40s %#x: number %d flags %#x fd flags %d", path, flags,
	    fd, got, fcntl(fd, F_GETFD));
	close(fd);
}

static void flags(void)
{
	static const char *const path[] = {
		"file", "dir", "link", "dirlink", "dangling", "loop", "fifo",
		"closed", "shut", "shut/x", "none", "none/x", "file/x",
		"file/", "dir/", "link/", "dirlink/", "dangling/", "none/",
		"", ".", "..", "/", "//", "/..", "/../..", "/.", "dir/..",
		"dir/../file", "dir/./../dir/.", "./file", ".//file",
		"dirlink/../file", "dir//", "file/.", "file/..",
	};
	static const int flag[] = {
		O_RDONLY, O_WRONLY, O_RDWR | O_CLOEXEC, O_ACCMODE,
		O_RDONLY | O_DIRECTORY, O_RDONLY | O_NOFOLLOW, O_PATH,
		O_PATH | O_NOFOLLOW | O_CLOEXEC, O_PATH | O_DIRECTORY,
		O_RDONLY | O_CREAT | O_EXCL, O_RDWR | O_CREAT | O_DIRECTORY,
		O_WRONLY | O_APPEND, O_RDONLY | O_NOATIME,
		O_RDWR | O_SYNC | O_CLOEXEC, O_PATH | O_CREAT | O_TRUNC,
		O_RDWR | O_TMPFILE, O_RDONLY | O_TMPFILE,
		O_RDWR | O_TMPFILE | O_EXCL,
		O_RDONLY | 1 << 30,	/* what open(2) does not know */
		O_RDONLY | O_NONBLOCK | O_ASYNC, O_RDONLY | O_NOCTTY,
	};

	for (size_t f = 0; f < sizeof(flag) / sizeof(*flag); f++)
		for (size_t p = 0; p < sizeof(path) / sizeof(*path); p++) {
			open_one(path[p], flag[f] | O_NONBLOCK, 0644);
			if (flag[f] & O_EXCL)
				unlink("none"), unlink("nowhere");
		}
}

static void creation(void)
{
	static const mode_t mask[] = { 0, 022, 077, 0777, 0200 };
	static const mode_t mode[] = { 0666, 0777, 07777, 0600, 0 };
	char name[32];

	for (size_t m = 0; m < 5; m++)
		for (size_t k = 0; k < 5; k++) {
			umask(mask[k]);
			snprintf(name, sizeof(name), "new%zu%zu", m, k);
			open_one(name, O_CREAT | O_WRONLY, mode[m]);
			say_lstat(name);
		}
	umask(022);
	open_one("dangling", O_CREAT | O_WRONLY | O_NOFOLLOW, 0644);
	open_one("dangling", O_CREAT | O_WRONLY | O_EXCL, 0644);
	say_lstat("nowhere");
	open_one("dangling", O_CREAT | O_WRONLY, 0640);
	say_lstat("nowhere");
	open_one("link", O_WRONLY | O_TRUNC, 0);
	say_lstat("file");
	open_one("newslash/", O_CREAT | O_WRONLY, 0644);
	open_one("dir", O_CREAT | O_RDONLY, 0644);
	open_one(".", O_CREAT | O_RDONLY, 0644);
	open_one("dir/..", O_CREAT | O_RDONLY, 0644);
	open_one("dir/sub/new", O_CREAT | O_WRONLY, 0644);
	try_fd(creat("created", 0604));
	say_lstat("created");
	make_dir("setgid", 02755);
	open_one("setgid/in", O_CREAT | O_WRONLY, 02775);
	say_lstat("setgid/in");
}

static void long_names(void)
{
	char *dots = repeat('.', 4096), *name = repeat('n', 256);

	for (int i = 1; i < 4096; i += 2)
		dots[i] = '/';
	memcpy(dots + 4091, "file", 5);		/* 4095 bytes */
	dots[4090] = '/';
	open_one(dots, O_RDONLY, 0);
	memcpy(dots + 4091, "files", 6);	/* 4096 bytes */
	open_one(dots, O_RDONLY, 0);
	open_one(name, O_CREAT | O_RDWR, 0600);
	open_one(name + 1, O_CREAT | O_RDWR, 0600);
	say_lstat(name + 1);
	name[255] = '/';
	open_one(name, O_RDONLY, 0);
	free(dots);
	free(name);
}

static void chain(void)
{
	char from[16], to[16] = "file";

	for (int i = 1; i <= 42; i++) {
		snprintf(from, sizeof(from), "chain%d", i);
		if (symlink(to, from) < 0)
			fail_errno("symlink");
		strcpy(to, from);
	}
	open_one("chain39", O_RDONLY, 0);
	open_one("chain40", O_RDONLY, 0);
	open_one("chain41", O_RDONLY, 0);
	open_one("chain41", O_PATH | O_NOFOLLOW, 0);
}

static void pointers(void)
{
	char *open_end = tail_alloc(8);

	memset(open_end, 'x', 8);
	try(syscall(SYS_openat, AT_FDCWD, NULL, O_RDONLY));
	try(syscall(SYS_openat, AT_FDCWD, bad_pointer(), O_RDONLY));
	try(syscall(SYS_openat, AT_FDCWD, (void *)-1L, O_RDONLY));
	try(syscall(SYS_openat, AT_FDCWD, open_end, O_RDONLY));
	try_fd(syscall(SYS_openat, AT_FDCWD, tail_string("file"), O_RDONLY));
	try_fd(syscall(SYS_open, tail_string("file"), O_RDONLY));
	try(syscall(SYS_open, bad_pointer(), O_RDONLY));
	try(syscall(SYS_creat, bad_pointer(), 0600));
}

static void directories(void)
{
	int dir = open("dir", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int real = open("dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int file = open("file", O_RDONLY | O_CLOEXEC);
	char path[64];

	try_fd(openat(dir, "in", O_CREAT | O_RDWR, 0600));
	try_fd(openat(real, "in", O_RDONLY));
	try_fd(openat(real, "../file", O_RDONLY));
	try_fd(openat(real, "", O_RDONLY));
	try_fd(openat(real, ".", O_RDONLY | O_CLOEXEC));
	try_fd(openat(file, "x", O_RDONLY));
	try_fd(openat(file, "", O_RDONLY));
	try_fd(openat(999, "x", O_RDONLY));
	try_fd(openat(-1, "x", O_RDONLY));
	try_fd(openat(999, "/dev/null", O_RDONLY));
	try_fd(openat(file, "/dev/null", O_RDONLY));
	try_fd(openat(real, "none", O_RDONLY | O_DIRECTORY));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	open_one(path, O_RDONLY | O_DIRECTORY, 0);
	open_one(path, O_PATH | O_NOFOLLOW, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/in", dir);
	open_one(path, O_RDONLY, 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", file);
	open_one(path, O_RDONLY, 0);
	close(dir);
	close(real);
	close(file);
}

static void special(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
				   .sun_path = "socket" };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(s, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		fail_errno("bind");
	open_one("socket", O_RDWR, 0);
	open_one("socket", O_PATH, 0);
	open_one("fifo", O_WRONLY | O_NONBLOCK, 0);
	open_one("fifo", O_RDONLY | O_NONBLOCK, 0);
	open_one("fifo", O_RDWR, 0);
	open_one("/dev/null", O_RDWR, 0);
	open_one("/dev/tty", O_RDWR, 0);
	open_one("/dev/full", O_WRONLY | O_TRUNC, 0);
	open_one("/proc/self/exe", O_RDONLY, 0);
	open_one("/proc/self/exe", O_WRONLY, 0);
	open_one("/proc/self/cwd", O_RDONLY, 0);
	open_one("/proc/self/root/dev/null", O_RDONLY, 0);
	open_one("/proc/self/mem", O_RDWR, 0);
	open_one("/proc/1/mem", O_RDONLY, 0);
	open_one("/proc/4194305/stat", O_RDONLY, 0);
	open_one("/etc/shadow", O_RDONLY, 0);
	open_one("/etc/passwd", O_WRONLY | O_APPEND, 0);
	open_one("/etc/passwd/", O_RDONLY, 0);
	open_one("/sys/kernel/none", O_RDONLY, 0);
	close(s);
}

/* With no free number nothing may have happened: no file, no truncation. */
static void no_descriptors(void)
{
	struct rlimit old, none;

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 4;
	setrlimit(RLIMIT_NOFILE, &none);
	while (dup(0) >= 0)
		;
	try_fd(open("unborn", O_CREAT | O_WRONLY, 0600));
	try_fd(open("created", O_WRONLY | O_TRUNC));
	try_fd(open("none", O_RDONLY));
	for (int fd = 3; fd < 4; fd++)
		close(fd);
	setrlimit(RLIMIT_NOFILE, &old);
	say_lstat("unborn");
}

static void deleted_directory(void)
{
	make_dir("gone", 0755);
	if (chdir("gone") < 0 || rmdir("../gone") < 0)
		fail_errno("gone");
	open_one("x", O_RDONLY, 0);
	open_one("x", O_CREAT | O_WRONLY, 0600);
	open_one(".", O_RDONLY | O_DIRECTORY, 0);
	open_one("..", O_RDONLY | O_DIRECTORY, 0);
	open_one("../file", O_RDONLY, 0);
	open_one(".", O_TMPFILE | O_RDWR, 0600);
}

int main(void)
{
	setup();
	flags();
	creation();
	long_names();
	chain();
	pointers();
	directories();
	special();
	in_child("no descriptors", no_descriptors);
	in_child("deleted directory", deleted_directory);
	return 0;
}
