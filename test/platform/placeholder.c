/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory that was removed while open: a descriptor that is a directory,
 * lists nothing, has an inode of its own, and keeps the offset put into it.
 */
#include "test/lib.h"

static int removed_dir(struct stat *st)
{
	int fd;

	make_dir("gone", 0755);
	fd = open("gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect(fd >= 0 && rmdir("gone") == 0);
	expect(fstat(fd, st) == 0);
	return fd;
}

int main(void)
{
	struct stat a, b;
	char buf[1024];
	int fd, other;

	fd = removed_dir(&a);
	other = removed_dir(&b);
	expect(S_ISDIR(a.st_mode) && S_ISDIR(b.st_mode));
	expect(a.st_ino != b.st_ino);
	expect(syscall(SYS_getdents64, fd, buf, sizeof(buf)) <= 0);
	expect(openat(fd, "file", O_CREAT | O_WRONLY, 0600) < 0);
	expect(errno == ENOENT);
	expect(lseek(fd, 4711, SEEK_SET) == 4711);
	expect(lseek(fd, 0, SEEK_CUR) == 4711);
	expect(lseek(other, 0, SEEK_CUR) != 4711);
	expect(fchdir(fd) == 0);
	expect(!getcwd(buf, sizeof(buf)) && errno == ENOENT);
	return 0;
}
