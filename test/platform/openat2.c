/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * openat2: RESOLVE_NO_SYMLINKS proves that no symlink was met, RESOLVE_IN_ROOT
 * resolves a whole path as after a chroot; the last component may be a
 * symlink that O_PATH|O_NOFOLLOW opens itself.
 */
#include <linux/openat2.h>
#include "test/lib.h"

static int open_how(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
	int fd;

	/* EAGAIN: a ".." beside somebody's rename, to be asked again. */
	do
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN);
	return fd;
}

static bool same_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 &&
		a.st_ino == b.st_ino;
}

int main(void)
{
	int root, fd;

	make_dir("root", 0755);
	make_dir("root/dir", 0755);
	make_file("root/file", 0644, "");
	expect(symlink("/file", "root/absolute") == 0);
	expect(symlink("../../../file", "root/dir/up") == 0);
	expect(symlink("dir", "root/link") == 0);

	expect(open_how(AT_FDCWD, "root/dir", O_PATH, RESOLVE_NO_SYMLINKS) >= 0);
	expect(open_how(AT_FDCWD, "root/link", O_PATH, RESOLVE_NO_SYMLINKS) < 0);
	expect(errno == ELOOP);
	fd = open_how(AT_FDCWD, "root/link", O_PATH | O_NOFOLLOW,
		      RESOLVE_NO_SYMLINKS);
	expect(fd >= 0 && same_file(fd, "root/link"));
	expect(open_how(AT_FDCWD, "root/link/", O_PATH | O_NOFOLLOW,
			RESOLVE_NO_SYMLINKS) < 0 && errno == ELOOP);

	root = open("root", O_PATH | O_DIRECTORY);
	fd = open_how(root, "/absolute", O_PATH, RESOLVE_IN_ROOT);
	expect(fd >= 0 && same_file(fd, "root/file"));
	fd = open_how(root, "dir/up", O_PATH, RESOLVE_IN_ROOT);
	expect(fd >= 0 && same_file(fd, "root/file"));
	fd = open_how(root, "../..", O_PATH, RESOLVE_IN_ROOT);
	expect(fd >= 0 && same_file(fd, "root"));
	expect(open_how(root, "..", O_PATH, RESOLVE_BENEATH) < 0);
	expect(errno == EXDEV);
	return 0;
}
