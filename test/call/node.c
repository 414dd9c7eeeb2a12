/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkdir, mknod, unlink, rmdir.
 *
 * inside: yes
 * cow: yes
 */
#include <sys/sysmacros.h>

#include "test/lib.h"

static void making_directories(void)
{
	static const char *const path[] = { "a", "a", "b/", "c//", "d/.",
		"d/..", "a/b", "a/none/b", "file", "file/", "file/x", "", ".",
		"..", "/", "link", "link/", "dangling", "dangling/", "loop",
		"shut/x", "/proc/x", "a/../e", "./f/" };
	static const mode_t mode[] = { 0777, 07777, 0, 0100777, 01755 };
	char name[32];

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		char what[64];

		snprintf(what, sizeof(what), "mkdir %s", path[i]);
		errno = 0;
		result(what, mkdir(path[i], 0777));
	}
	say_names(".");
	for (size_t i = 0; i < sizeof(mode) / sizeof(*mode); i++) {
		snprintf(name, sizeof(name), "mode%zu", i);
		umask(i % 2 ? 0 : 027);
		try(mkdir(name, mode[i]));
		say_lstat(name);
	}
	umask(022);
	make_dir("setgid", 02755);
	try(mkdir("setgid/in", 0777));
	say_lstat("setgid/in");
	try(syscall(SYS_mkdir, bad_pointer(), 0777));
	try(syscall(SYS_mkdirat, 999, "x", 0777));
	try(syscall(SYS_mkdirat, 999, bad_pointer(), 0777));
	try(syscall(SYS_mkdir, tail_string("edge"), 0700));
}

static void nodes(void)
{
	static const mode_t type[] = { 0, S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR,
		S_IFBLK, S_IFDIR, S_IFLNK, 0160000 };
	int dir = open("a", O_PATH | O_CLOEXEC);
	char name[32], what[64];

	for (size_t i = 0; i < sizeof(type) / sizeof(*type); i++) {
		snprintf(name, sizeof(name), "node%zu", i);
		snprintf(what, sizeof(what), "mknod %o", type[i]);
		errno = 0;
		result(what, mknod(name, type[i] | 0664, makedev(1, 3)));
		say_lstat(name);
	}
	try(mknod("node0", S_IFIFO | 0600, 0));
	try(mknod("nodeslash/", S_IFREG | 0600, 0));
	try(mknod("dangling", S_IFREG | 0600, 0));
	try(mknodat(dir, "node", S_IFIFO | 0600, 0));
	try(mknodat(999, "node", S_IFIFO | 0600, 0));
	try(mkfifo("none/fifo", 0600));
	try(syscall(SYS_mknod, bad_pointer(), S_IFREG | 0600, 0));
	/* The whiteout of overlay file systems: anybody may make one. */
	try(mknod("whiteout", S_IFCHR | 0600, makedev(0, 0)));
	say_lstat("whiteout");
	close(dir);
}

static void removing_setup(void)
{
	remove_tree("r");
	make_dir("r", 0755);
	make_dir("r/dir", 0755);
	make_dir("r/full", 0755);
	make_file("r/file", 0644, "");
	make_file("r/full/in", 0644, "");
	if (mkfifo("r/fifo", 0644) < 0 || symlink("file", "r/link") < 0 ||
	    symlink("dir", "r/dirlink") < 0)
		fail_errno("setup of removing");
}

static void removing(void)
{
	static const char *const path[] = { "r/file", "r/dir", "r/full",
		"r/link", "r/dirlink", "r/dirlink/", "r/file/", "r/dir/",
		"r/dir/.", "r/dir/..", "r/none", "r/full/in", "", ".", "..",
		"/", "r/", "r/fifo", "shut/x", "loop", "/proc/self" };
	char what[64];

	for (int rm = 0; rm < 2; rm++)
		for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
			removing_setup();
			snprintf(what, sizeof(what), "%s %s",
				 rm ? "rmdir" : "unlink", path[i]);
			errno = 0;
			result(what, rm ? rmdir(path[i]) : unlink(path[i]));
			say_names("r");
		}
}

static void flags(void)
{
	int dir = open("r", O_RDONLY | O_CLOEXEC);
	int file = open("file", O_RDONLY | O_CLOEXEC);

	try(unlinkat(dir, "dir", 0));
	try(unlinkat(dir, "dir", AT_REMOVEDIR));
	try(unlinkat(dir, "file", AT_REMOVEDIR));
	try(unlinkat(dir, "file", 0x10));
	try(unlinkat(dir, "file", 0));
	try(unlinkat(dir, "", 0));
	try(unlinkat(999, "x", 0));
	try(unlinkat(file, "x", 0));
	try(unlinkat(dir, "../link", 0));
	try(syscall(SYS_unlink, bad_pointer()));
	try(syscall(SYS_rmdir, bad_pointer()));
	try(syscall(SYS_unlinkat, dir, bad_pointer(), 0x10));
	try(rmdir("edge"));
	close(dir);
	close(file);
}

/* Open files and directories outlive their names. */
static void in_use(void)
{
	int fd = open("used", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int dir;
	char buf[8] = "";
	struct stat st;

	make_dir("useddir", 0700);
	dir = open("useddir", O_RDONLY | O_CLOEXEC);
	try(unlink("used"));
	try(write(fd, "text", 4));
	try(pread(fd, buf, 4, 0));
	try(fstat(fd, &st));
	say_stat("unlinked", &st);
	try(rmdir("useddir"));
	try(openat(dir, "x", O_CREAT | O_RDWR, 0600));
	try(mkdirat(dir, "x", 0700));
	try(mkdirat(dir, "../useddir", 0700));
	try(rmdir("useddir"));
	close(fd);
	close(dir);
}

static void long_names(void)
{
	char *name = repeat('n', 256);

	try(mkdir(name, 0700));
	try(mkdir(name + 1, 0700));
	try(rmdir(name + 1));
	try(unlink(name));
	try(mknod(name, S_IFREG, 0));
	free(name);
}

int main(void)
{
	umask(022);
	make_dir("x", 0755);
	make_file("file", 0644, "");
	make_dir("shut", 0);
	if (symlink("x", "link") < 0 || symlink("none", "dangling") < 0 ||
	    symlink("loop", "loop") < 0)
		fail_errno("symlink");
	making_directories();
	nodes();
	removing();
	flags();
	in_use();
	long_names();
	return 0;
}
