/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chdir, fchdir, getcwd, chroot; working directories shared and deleted.
 *
 * inside: root user
 * (In the cage nobody may ask the kernel who shares a directory.)
 */
#include <sched.h>

#include "test/lib.h"

static char top[4096];
static char stack[65536] __attribute__((aligned(16)));

/* The working directory with the test's own directory cut off. */
static void where(const char *what)
{
	char cwd[8192];

	errno = 0;
	if (!getcwd(cwd, sizeof(cwd)))
		say("%s: cwd: %s", what, error_name(errno));
	else if (!strncmp(cwd, top, strlen(top)))
		say("%s: cwd: TOP%s", what, cwd + strlen(top));
	else if (atoi(cwd + 6) == getpid())
		say("%s: cwd: /proc/PID", what);
	else
		say("%s: cwd: %s", what, cwd);
}

static void move(const char *path)
{
	char what[64];

	snprintf(what, sizeof(what), "chdir %.40s", path);
	errno = 0;
	result(what, chdir(path));
	where(what);
	if (chdir(top) < 0)
		fail_errno(top);
}

static void names(void)
{
	static const char *const path[] = {
		"dir", "dir/", "dir/.", "dir/..", "dirlink", "dirlink/",
		"dirlink/..", "dir/sub", "file", "file/", "none", "", ".",
		"..", "/", "//", "/..", "/proc/self", "/proc/self/cwd",
		"/proc/self/root", "shut", "loop", "dangling",
	};

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++)
		move(path[i]);
	try(chdir(bad_pointer()));
	try(chdir(NULL));
	try(chdir(tail_string("dir")));
	where("after tail");
	try(chdir(".."));
}

static void descriptors(void)
{
	int dir = open("dir", O_PATH | O_CLOEXEC);
	int file = open("file", O_RDONLY | O_CLOEXEC);

	try(fchdir(dir));
	where("fchdir");
	try(fchdir(file));
	try(fchdir(999));
	try(fchdir(-1));
	try(chdir(top));
	close(dir);
	close(file);
}

static void sizes(void)
{
	size_t need = strlen(top) + 1;
	char *exact = tail_alloc(need);

	say("exact: %d", (int)(syscall(SYS_getcwd, exact, need) == (long)need));
	try(syscall(SYS_getcwd, exact, 1L));
	try(syscall(SYS_getcwd, exact, 0L));
	try(syscall(SYS_getcwd, bad_pointer(), 4096L));
	try(syscall(SYS_getcwd, NULL, 4096L));
	/* Room is claimed that is not there, but not needed either. */
	say("claimed: %d",
	    (int)(syscall(SYS_getcwd, exact, 1L << 20) == (long)need));
}

/* Deeper than PATH_MAX: the kernel still knows, getcwd cannot tell. */
static void deep(void)
{
	char *name = repeat('d', 250);

	for (int i = 0; i < 20; i++)
		if (mkdir(name, 0700) < 0 || chdir(name) < 0)
			fail_errno("deep");
	where("deep");
	make_file("bottom", 0600, "");
	say_lstat("bottom");
	try(chdir(".."));
	try(chdir(name));
	say_lstat("bottom");
	unlink("bottom");
	for (int i = 0; i < 20; i++)
		if (chdir("..") < 0 || rmdir(name) < 0)
			fail_errno("undo");
}

static void deleted(void)
{
	make_dir("gone", 0755);
	make_dir("gone/sub", 0755);
	try(chdir("gone/sub"));
	try(rmdir("../sub"));
	where("deleted");
	try(chdir("."));
	try(chdir("x"));
	try(chdir(".."));
	where("up from deleted");
}

static void renamed(void)
{
	make_dir("before", 0755);
	try(chdir("before"));
	try(rename("../before", "../after"));
	where("renamed");
}

static void unreadable(void)
{
	make_dir("narrow", 0755);
	make_file("narrow/file", 0644, "");
	try(chdir("narrow"));
	try(chmod(".", 0100));
	where("search only");
	say_lstat("file");
	try(chmod(".", 0));
	where("nothing");
	say_lstat("file");
	try(chdir("."));
	try(chdir(".."));
}

static int move_away(void *arg)
{
	return chdir(arg) < 0;
}

static int part_and_move(void *arg)
{
	return unshare(CLONE_FS) < 0 || chdir(arg) < 0;
}

static int pipe_fd[2];

static int wait_and_tell(void *arg)
{
	char byte;

	if (read(pipe_fd[0], &byte, 1) != 1)
		return 1;
	where(arg);
	return chdir("..") < 0;
}

/* The parent's chdir moves its child as well, which moves both back. */
static void led(int flags, char *what)
{
	pid_t pid;

	if (pipe(pipe_fd) < 0)
		fail_errno("pipe");
	pid = clone(wait_and_tell, stack + sizeof(stack), flags | SIGCHLD, what);
	try(chdir("dir"));
	if (write(pipe_fd[1], "x", 1) != 1)
		fail_errno("write");
	say("%s: status %d", what, wait_for(pid));
	where(what);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* CLONE_FS: the child's chdir moves its parent too. */
static void shared(void)
{
	pid_t pid;

	pid = clone(move_away, stack + sizeof(stack), CLONE_FS | SIGCHLD, "dir");
	say("CLONE_FS: status %d", wait_for(pid));
	where("CLONE_FS");
	say_lstat("../file");
	pid = clone(move_away, stack + sizeof(stack), SIGCHLD, "/");
	say("own: status %d", wait_for(pid));
	where("own");
	pid = clone(move_away, stack + sizeof(stack),
		    CLONE_FS | CLONE_VM | CLONE_VFORK | SIGCHLD, "..");
	say("CLONE_VM: status %d", wait_for(pid));
	where("CLONE_VM");
	pid = clone(part_and_move, stack + sizeof(stack), CLONE_FS | SIGCHLD,
		    "dir");
	say("parted: status %d", wait_for(pid));
	where("parted");
	led(CLONE_FS, "led");
	led(0, "not led");
}

static void inherited(void)
{
	pid_t pid;

	try(chdir("dir"));
	pid = fork();
	if (!pid) {
		where("child");
		try(chdir("sub"));
		execl("/bin/sh", "sh", "-c", "pwd -P | sed 's,.*/work,,'", NULL);
		_exit(9);
	}
	wait_for(pid);
	where("parent");
}

/* Root only: in a view an ordinary user's chroot is allowed. */
static void new_root(void)
{
	struct stat st;

	if (geteuid() != 0)
		return;
	try(chroot("none"));
	try(chroot("file"));
	try(chroot(bad_pointer()));
	try(chroot("dir"));
	try(stat("/in", &st));
	try(stat("file", &st));
	where("outside the root");
	try(chdir("/"));
	where("inside");
	try(stat("../../in", &st));
	try(stat("/out", &st));
	try(stat("/sub/../../../in", &st));
	say_names("/");
	try(chroot("sub"));
	try(chdir("/"));
	say_names("/");
}

int main(void)
{
	umask(022);
	make_dir("dir", 0755);
	make_dir("dir/sub", 0755);
	make_file("dir/in", 0644, "");
	make_dir("shut", 0);
	make_file("file", 0644, "");
	if (symlink("dir", "dirlink") < 0 || symlink("loop", "loop") < 0 ||
	    symlink("none", "dangling") < 0 || symlink("/in", "dir/out") < 0 ||
	    !getcwd(top, sizeof(top)))
		fail_errno("setup");
	names();
	descriptors();
	sizes();
	in_child("deep", deep);
	in_child("deleted", deleted);
	in_child("renamed", renamed);
	in_child("unreadable", unreadable);
	in_child("shared", shared);
	in_child("inherited", inherited);
	in_child("new root", new_root);
	return 0;
}
