/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An O_PATH descriptor stands for its file: reopened for reading through
 * /proc/self/fd/N, linked by AT_SYMLINK_FOLLOW, its symlink read by "". The
 * mode of its link in /proc has no right, that of others what they may do.
 */
#include "test/lib.h"

static mode_t link_mode(int flags)
{
	int fd = open("file", flags | O_CLOEXEC);
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	expect(fd >= 0 && !lstat(name, &st));
	close(fd);
	return st.st_mode & 0600;
}

static void links_tell(void)
{
	expect(link_mode(O_PATH) == 0);
	expect(link_mode(O_RDONLY) == 0400);
	expect(link_mode(O_WRONLY) == 0200);
	expect(link_mode(O_RDWR) == 0600);
}

int main(void)
{
	char name[64], buf[64];
	int fd, again;

	make_file("file", 0644, "text");
	fd = open("file", O_PATH | O_CLOEXEC);
	expect(fd >= 0 && read(fd, buf, 4) < 0 && errno == EBADF);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = open(name, O_RDWR | O_CLOEXEC);
	expect(again >= 0 && read(again, buf, 4) == 4);
	expect(linkat(AT_FDCWD, name, AT_FDCWD, "second",
		      AT_SYMLINK_FOLLOW) == 0);
	expect(access("second", F_OK) == 0);
	expect(chmod(name, 0600) == 0);

	fd = open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd >= 0) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		expect(linkat(AT_FDCWD, name, AT_FDCWD, "third",
			      AT_SYMLINK_FOLLOW) == 0);
	}
	expect(symlink("there", "link") == 0);
	fd = open("link", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	expect(fd >= 0 && readlinkat(fd, "", buf, sizeof(buf)) == 5);
	links_tell();
	return 0;
}
