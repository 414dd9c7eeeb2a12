/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * symlink, readlink, and the magic links of /proc.
 *
 * inside: yes
 * cow: yes
 */
#include "test/lib.h"

static void say_link(const char *path)
{
	char buf[8192], what[64];
	ssize_t n;

	snprintf(what, sizeof(what), "readlink %.40s", path);
	errno = 0;
	n = readlink(path, buf, sizeof(buf) - 1);
	if (n < 0) {
		result(what, n);
		return;
	}
	buf[n] = 0;
	say("%s: %zd %.60s", what, n, buf);
}

/* As say_link, with what differs from run to run cut off. */
static void say_magic(const char *path)
{
	char buf[8192], cwd[4096], name[64];
	ssize_t n = readlink(path, buf, sizeof(buf) - 1);

	if (atoi(path + 6) == getpid())
		path = "by number";
	snprintf(name, sizeof(name), "%d", getpid());
	if (n < 0 || !getcwd(cwd, sizeof(cwd))) {
		say("%s: %s", path, error_name(errno));
		return;
	}
	buf[n] = 0;
	if (!strcmp(buf, name))
		say("%s: PID", path);
	else if (!strncmp(buf, cwd, strlen(cwd)))
		say("%s: CWD%s", path, buf + strlen(cwd));
	else if (strncmp(buf, "pipe:[", 6) && strncmp(buf, "socket:[", 8))
		say("%s: %s", path, buf);
	else
		say("%s: %.5s", path, buf);
}

static void making(void)
{
	char *target = repeat('t', 4096);
	int dir = open("dir", O_RDONLY | O_CLOEXEC);
	int file = open("file", O_RDONLY | O_CLOEXEC);

	try(symlink("anything at all", "a"));
	try(symlink("x", "a"));
	try(symlink("x", "file"));
	try(symlink("x", "dir"));
	try(symlink("x", "dir/"));
	try(symlink("x", "new/"));
	try(symlink("", "empty"));
	try(symlink("x", ""));
	try(symlink("x", "."));
	try(symlink("x", "none/a"));
	try(symlink("x", "file/a"));
	try(symlink("x", "shut/a"));
	try(symlink(target, "long"));
	try(symlink(target + 1, "long"));
	try(symlinkat("../file", dir, "b"));
	try(symlinkat("x", 999, "c"));
	try(symlinkat("x", file, "c"));
	try(symlinkat("x", 999, "/none/c"));
	try(symlinkat("dir/", AT_FDCWD, "slash"));
	try(syscall(SYS_symlink, bad_pointer(), "c"));
	try(syscall(SYS_symlink, "x", bad_pointer()));
	try(syscall(SYS_symlinkat, tail_string("edge"), AT_FDCWD, "edge"));
	say_lstat("a");
	say_names("dir");
	close(dir);
	close(file);
	free(target);
}

static void reading(void)
{
	static const char *const path[] = { "a", "long", "edge", "slash",
		"slash/", "slash/.", "dir/b", "file", "dir", "none", "none/x",
		"a/", "", ".", "/", "shut/x", "file/x", "loop", "loop/" };
	int dir = open("dir", O_RDONLY | O_CLOEXEC);
	int link = open("a", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char *small = tail_alloc(4), big[64];

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++)
		say_link(path[i]);
	memset(small, '-', 4);
	try(readlink("a", small, 4));
	say("%.4s", small);
	memset(small, '-', 4);
	try(readlink("a", small, 2));
	say("%.4s", small);
	try(readlink("a", small, 100));
	try(syscall(SYS_readlink, "a", big, 0));
	try(syscall(SYS_readlink, "a", big, -1));
	try(syscall(SYS_readlink, "file", big, 0));
	try(syscall(SYS_readlink, "a", bad_pointer(), 10));
	try(syscall(SYS_readlink, bad_pointer(), big, 10));
	try(readlinkat(dir, "b", big, sizeof(big)));
	try(readlinkat(dir, "", big, sizeof(big)));
	try(readlinkat(link, "", big, sizeof(big)));
	try(readlinkat(AT_FDCWD, "", big, sizeof(big)));
	try(readlinkat(999, "", big, sizeof(big)));
	try(readlinkat(999, "a", big, sizeof(big)));
	close(dir);
	close(link);
}

static void magic(void)
{
	int dir = open("dir", O_PATH | O_CLOEXEC);
	int file = open("dir/../file", O_RDONLY | O_CLOEXEC);
	int gone = open("gone", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char path[64];
	int pipe_fd[2];

	if (pipe(pipe_fd) < 0 || unlink("gone") < 0)
		fail_errno("magic");
	say_magic("/proc/self");
	say_magic("/proc/self/cwd");
	say_magic("/proc/self/exe");
	say_magic("/proc/self/root");
	say_magic("/proc/self/fd/0");
	for (int fd = dir; fd <= pipe_fd[1]; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		say_magic(path);
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
		say_magic(path);
	}
	(void)file;
	(void)gone;
}

static void magic_in_child(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cwd", getppid());
	say("the parent's directory: %d", (int)access(path, F_OK));
	say_magic("/proc/self/cwd");
	try(chdir("dir"));
	say_magic("/proc/self/cwd");
	say_magic("/proc/thread-self/cwd");
}

int main(void)
{
	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "");
	make_dir("shut", 0);
	if (symlink("loop", "loop") < 0)
		fail_errno("symlink");
	making();
	reading();
	in_child("in a child", magic_in_child);
	in_child("magic", magic);
	return 0;
}
