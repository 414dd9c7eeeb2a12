/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of an O_PATH descriptor, whatever it is of, the owner and the times can be
 * set, and by its name in /proc the mode, the extended attributes and its
 * content are to be had: always those of the object itself, also if that is
 * a symlink (store/copy_attr.c, store/copy.c).
 */
#include <limits.h>
#include <sys/xattr.h>
#include "test/lib.h"

static int object(const char *name)
{
	int fd = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	expect(fd >= 0);
	return fd;
}

static const char *proc_name(int fd)
{
	static char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return name;
}

static struct stat stat_of(const char *name)
{
	struct stat st;

	expect(lstat(name, &st) == 0);
	return st;
}

static void times(const char *name)
{
	const struct timespec t[2] = { { 1000, 1 }, { 2000, 2 } };
	int fd = object(name);

	expect(utimensat(fd, "", t, AT_EMPTY_PATH) == 0);
	expect(stat_of(name).st_mtime == 2000);
	expect(fchownat(fd, "", geteuid(), getegid(), AT_EMPTY_PATH) == 0);
	close(fd);
}

static void mode(const char *name)
{
	int fd = object(name);

	expect(chmod(proc_name(fd), 0640) == 0);
	expect((stat_of(name).st_mode & 07777) == 0640);
	close(fd);
}

/* A symlink has no attributes of a user's, and its aim is not meant. */
static void xattr(void)
{
	int fd = object("file"), link = object("link");

	if (setxattr(proc_name(fd), "user.test", "1", 1, 0) < 0 &&
	    errno == EOPNOTSUPP)
		return;
	expect(getxattr("file", "user.test", NULL, 0) == 1);
	expect(setxattr(proc_name(link), "user.other", "1", 1, 0) < 0);
	expect(errno == EPERM);
	expect(getxattr("file", "user.other", NULL, 0) < 0);
	expect(listxattr(proc_name(link), NULL, 0) >= 0);
	close(fd);
	close(link);
}

static void content(void)
{
	char text[PATH_MAX];
	int fd = object("file"), link = object("link"), opened;

	opened = open(proc_name(fd), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	expect(opened >= 0 && read(opened, text, sizeof(text)) == 4);
	expect(open(proc_name(link), O_RDONLY) < 0 && errno == ELOOP);
	expect(readlinkat(link, "", text, sizeof(text)) == 4);
	close(opened);
	close(fd);
	close(link);
}

/* What is only for reading by its mode is so by this way, too. */
static void permission(void)
{
	int fd;

	if (geteuid() == 0)
		return;
	expect(chmod("file", 0200) == 0);
	fd = object("file");
	expect(open(proc_name(fd), O_RDONLY) < 0 && errno == EACCES);
	close(fd);
}

int main(void)
{
	int fd = open("file", O_WRONLY | O_CREAT, 0600);

	expect(fd >= 0 && write(fd, "text", 4) == 4);
	close(fd);
	expect(symlink("file", "link") == 0);
	expect(mkfifo("fifo", 0600) == 0);
	expect(mknod("socket", S_IFSOCK | 0600, 0) == 0);
	expect(mkdir("dir", 0700) == 0);
	times("file");
	times("link");
	times("fifo");
	times("socket");
	times("dir");
	mode("file");
	mode("fifo");
	mode("socket");
	mode("dir");
	expect(stat_of("link").st_mtime == 2000);
	xattr();
	content();
	permission();
	return 0;
}
