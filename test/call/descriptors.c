/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Games with descriptors: none of the monitor's is among a guest's.
 *
 * inside: yes
 * cow: yes
 */
#include <dirent.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "test/lib.h"

static void say_open(const char *what)
{
	char text[512] = "";

	for (int fd = 0; fd < 1100; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			sprintf(text + strlen(text), " %d", fd);
	say("%s: open:%s", what, text);
}

static void numbers(void)
{
	int fd = open("file", O_RDONLY);

	say("lowest %d", fd);
	try(dup(fd));
	try(dup2(fd, 100));
	try(dup2(fd, fd));
	try(dup2(fd, -1));
	try(dup2(fd, 100000000));
	try(dup2(999, 3));
	try(dup3(fd, fd, 0));
	try(dup3(fd, 101, O_CLOEXEC));
	try(dup3(fd, 101, O_NONBLOCK));
	try(fcntl(fd, F_DUPFD, 200));
	try(fcntl(fd, F_DUPFD_CLOEXEC, 200));
	try(fcntl(fd, F_DUPFD, -1));
	say_open("numbers");
	try(close(fd));
	try(close(fd));
	try(open("file", O_RDONLY));
	say_open("again");
}

/* Closing whatever there may be changes nothing for the names that follow. */
static void close_all(void)
{
	for (int fd = 3; fd < 4096; fd++)
		close(fd);
	say_open("closed");
	try(open("file", O_RDONLY));
	try(syscall(SYS_close_range, 3, ~0U, 0));
	try(syscall(SYS_close_range, 5, 4, 0));
	try(open("file", O_RDONLY));
	try(syscall(SYS_close_range, 0, ~0U, CLOSE_RANGE_CLOEXEC));
	say_lstat("file");
	execl("/bin/sh", "sh", "-c", "true", NULL);
	_exit(9);
}

static void without_standard(void)
{
	int out = dup(1);
	int fd;

	close(0);
	close(1);
	close(2);
	fd = open("file", O_RDONLY);
	dup2(out, 1);
	say("first number %d", fd);
}

/* Descriptors of other kinds, then names again. */
static void crowded(void)
{
	struct rlimit limit;
	int n = 0, fd, pair[2];

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 64;
	try(setrlimit(RLIMIT_NOFILE, &limit));
	while ((fd = open("file", O_RDONLY)) >= 0)
		n = fd;
	say("last %d %s", n, error_name(errno));
	try(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	try(open("file", O_PATH));
	try(opendir(".") == NULL);
	say_lstat("file");
	try(access("file", R_OK));
	try(close(20));
	try(open("file", O_RDONLY));
	try(syscall(SYS_openat, AT_FDCWD, "new", O_CREAT | O_WRONLY, 0600));
	say_lstat("new");
	limit.rlim_cur = 3;
	try(setrlimit(RLIMIT_NOFILE, &limit));
	try(close(10));
	try(open("file", O_RDONLY));
	limit.rlim_cur = 0;
	try(setrlimit(RLIMIT_NOFILE, &limit));
	say_lstat("file");
	try(access("file", R_OK));
	try(chdir("."));
}

static void across_exec(void)
{
	int kept = open("file", O_RDONLY);
	int gone = open("file", O_RDONLY | O_CLOEXEC);

	dup2(kept, 50);
	(void)gone;
	execl("/bin/ls", "ls", "/proc/self/fd", NULL);
	_exit(9);
}

/* One open file, two descriptors, one offset. */
static void shared_offset(void)
{
	int a = open("file", O_RDONLY), b = dup(a), c = open("file", O_RDONLY);
	char buf[4];

	try(read(a, buf, 2));
	try(lseek(b, 0, SEEK_CUR));
	try(lseek(c, 0, SEEK_CUR));
	try(fcntl(b, F_SETFL, O_NONBLOCK));
	say("flags %x %x", fcntl(a, F_GETFL), fcntl(c, F_GETFL));
}

int main(void)
{
	say_open("start");
	make_file("file", 0644, "text");
	in_child("numbers", numbers);
	in_child("close all", close_all);
	in_child("without standard", without_standard);
	in_child("crowded", crowded);
	in_child("across exec", across_exec);
	in_child("shared offset", shared_offset);
	return 0;
}
