/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link, linkat, rename, renameat, renameat2. */
#include <linux/fs.h>

#include "test/lib.h"

static long rename2(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void links(void)
{
	static const char *const from[] = { "file", "dir", "symlink",
		"dangling", "none", "file/", "", ".", "/", "shut/x", "loop" };
	static const char *const to[] = { "new", "file", "dir", "new/",
		"none/x", "", "dir/new", "dangling", "file/x", "shut/y" };
	char what[64];

	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++)
		for (size_t k = 0; k < sizeof(to) / sizeof(*to); k++) {
			snprintf(what, sizeof(what), "link %s %s", from[i], to[k]);
			errno = 0;
			if (result(what, link(from[i], to[k])) == 0)
				say_lstat(to[k]), unlink(to[k]);
		}
}

static void link_flags(void)
{
	int dir = open("dir", O_RDONLY | O_CLOEXEC);
	int file = open("file", O_RDONLY | O_CLOEXEC);
	int path = open("file", O_PATH | O_CLOEXEC);
	int tmp = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char name[64];

	try(linkat(AT_FDCWD, "symlink", dir, "a", 0));
	say_lstat("dir/a");
	try(linkat(AT_FDCWD, "symlink", dir, "b", AT_SYMLINK_FOLLOW));
	say_lstat("dir/b");
	try(linkat(dir, "b", AT_FDCWD, "c", 0));
	try(linkat(dir, "b", 999, "c", 0));
	try(linkat(999, "b", dir, "c", 0));
	try(linkat(file, "b", dir, "c", 0));
	try(linkat(dir, "b", file, "c", 0));
	try(linkat(file, "", dir, "d", AT_EMPTY_PATH));
	try(linkat(path, "", dir, "e", AT_EMPTY_PATH));
	try(linkat(file, "", dir, "f", 0));
	try(linkat(file, "", dir, "f", AT_SYMLINK_NOFOLLOW));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
	try(linkat(AT_FDCWD, name, dir, "g", AT_SYMLINK_FOLLOW));
	try(linkat(AT_FDCWD, name, dir, "h", 0));
	if (tmp >= 0) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", tmp);
		try(linkat(AT_FDCWD, name, dir, "t", AT_SYMLINK_FOLLOW));
		say_lstat("dir/t");
	}
	try(syscall(SYS_linkat, AT_FDCWD, bad_pointer(), dir, "x", 0));
	try(syscall(SYS_linkat, AT_FDCWD, "file", dir, bad_pointer(), 0));
	try(syscall(SYS_link, bad_pointer(), "x"));
	try(link("/proc/self/stat", "stat"));
	say_names("dir");
	close(dir);
	close(file);
	close(path);
	close(tmp);
}

static void rename_setup(void)
{
	remove_tree("r");
	make_dir("r", 0755);
	make_dir("r/dir", 0755);
	make_dir("r/dir2", 0755);
	make_dir("r/full", 0755);
	make_file("r/file", 0644, "");
	make_file("r/file2", 0644, "2\n");
	make_file("r/full/in", 0644, "");
	if (symlink("file", "r/symlink") < 0)
		fail_errno("symlink");
}

static void renames(void)
{
	static const char *const from[] = { "r/file", "r/dir", "r/full",
		"r/symlink", "r/none", "r/file/", "r/dir/", "", ".", "/",
		"r/dir/.", "r/dir/..", "/proc/self/stat" };
	static const char *const to[] = { "r/new", "r/file2", "r/dir2",
		"r/full", "r/new/", "r/dir/x", "r/full/in", "", "..", "/",
		"r/none/x", "r/symlink", "r/dir/.", "/dev/shm/vu-new" };
	char what[64];

	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++)
		for (size_t k = 0; k < sizeof(to) / sizeof(*to); k++) {
			rename_setup();
			snprintf(what, sizeof(what), "rename %s %s", from[i],
				 to[k]);
			errno = 0;
			if (result(what, rename(from[i], to[k])) == 0)
				say_names("r");
		}
}

static void rename_flags(void)
{
	int dir = open("dir", O_PATH | O_CLOEXEC);

	make_file("one", 0600, "1");
	make_file("two", 0600, "22");
	try(rename2("one", "two", RENAME_NOREPLACE));
	try(rename2("one", "three", RENAME_NOREPLACE));
	try(rename2("three", "one", 0));
	try(rename2("one", "two", RENAME_EXCHANGE));
	say_lstat("one");
	say_lstat("two");
	try(rename2("one", "dir", RENAME_EXCHANGE));
	try(rename2("one", "dir", RENAME_EXCHANGE));
	try(rename2("one", "none", RENAME_EXCHANGE));
	try(rename2("one", "two", RENAME_EXCHANGE | RENAME_NOREPLACE));
	try(rename2("one", "two", 0x80));
	try(rename2("one", "one", 0));
	try(rename2("one", "one", RENAME_NOREPLACE));
	try(rename2("dir", "dir/sub", 0));
	try(renameat(AT_FDCWD, "one", dir, "one"));
	try(renameat(dir, "one", AT_FDCWD, "one"));
	try(renameat(999, "one", dir, "one"));
	try(renameat(AT_FDCWD, "one", 999, "one"));
	try(syscall(SYS_rename, bad_pointer(), "x"));
	try(syscall(SYS_rename, "one", bad_pointer()));
	try(syscall(SYS_renameat2, 999, bad_pointer(), 999, bad_pointer(), 0x80));
	close(dir);
}

/* Two names of one file: nothing happens. */
static void same_file(void)
{
	make_file("x1", 0600, "x");
	try(link("x1", "x2"));
	try(rename("x1", "x2"));
	say_lstat("x1");
	say_lstat("x2");
}

static void sticky(void)
{
	if (geteuid() != 0)
		return;
	make_dir("sticky", 01777);
	make_file("sticky/theirs", 0666, "");
	try(setresuid(65534, 65534, 65534));
	try(rename("sticky/theirs", "sticky/mine"));
	try(link("sticky/theirs", "sticky/mine"));
	try(unlink("sticky/theirs"));
	try(rename("file", "file2"));
}

static void long_names(void)
{
	char *name = repeat('n', 256);

	try(rename("file", name));
	try(link("file", name));
	try(rename("file", name + 1));
	try(rename(name + 1, "file"));
	free(name);
}

/* One that has no name any more. */
static void nameless(void)
{
	int fd;

	make_dir("gone", 0755);
	try(chdir("gone"));
	try(rmdir("../gone"));
	try(link("../file", "here"));
	fd = open("./", O_PATH);
	say("its path: %#x", fcntl(fd, F_GETFL));
	close(fd);
}

int main(void)
{
	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "text");
	make_dir("shut", 0);
	if (symlink("file", "symlink") < 0 || symlink("none", "dangling") < 0 ||
	    symlink("loop", "loop") < 0)
		fail_errno("symlink");
	links();
	link_flags();
	renames();
	rename_flags();
	same_file();
	in_child("sticky", sticky);
	long_names();
	in_child("nameless", nameless);
	say_names(".");
	return 0;
}
