/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roles: root
 *
 * A pid that is used again is somebody else: not in the directory, not with
 * the descriptors and not in the view of the one who had it before. clone3
 * gives a pid by choice (that takes root; nobody else can do it at once).
 */
#include <linux/sched.h>

#include "test/scenario/limits.h"

/* A child with this pid (0: any). In the child the result is 0. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = pid ? (uintptr_t)&pid : 0,
		.set_tid_size = pid ? 1 : 0,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

static void tell_and_wait(int tell)
{
	if (write(tell, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* Somebody who does this, tells us, and is killed. The pid is free then. */
static pid_t predecessor(void (*act)(void))
{
	int tell[2];
	char byte;
	pid_t pid;

	expect(!pipe(tell));
	pid = fork_as(0);
	expect(pid >= 0);
	if (!pid) {
		act();
		tell_and_wait(tell[1]);
	}
	close(tell[1]);
	expect(read(tell[0], &byte, 1) == 1);
	close(tell[0]);
	expect(!kill(pid, SIGKILL) && wait_for(pid) == SIGKILL);
	return pid;
}

static void successor(pid_t pid, void (*act)(void))
{
	pid_t got = fork_as(pid);

	if (got < 0 && errno == EEXIST)
		return;			/* somebody else was quicker */
	if (got < 0 && errno == ENOSYS)
		skip("no clone3");
	expect(got >= 0);
	if (!got) {
		act();
		_exit(0);
	}
	expect(got == pid && wait_for(got) == 0);
}

static void enter(void)
{
	expect(!chdir("point"));
	expect(!access("mark", F_OK));
}

static void be_outside(void)
{
	char buf[PATH_MAX];

	expect(access("mark", F_OK) && errno == ENOENT);
	expect(!access("point", F_OK));
	expect(getcwd(buf, sizeof(buf)));
	expect(!strcmp(buf, getenv("LIMITS_HOME")));
}

static void stay_outside(void)
{
	expect(!chdir(getenv("LIMITS_HOME")));
	expect(!access("point/mark", F_OK));
}

static void be_inside(void)
{
	char buf[PATH_MAX];

	expect(!access("mark", F_OK) && getcwd(buf, sizeof(buf)));
	expect(!strcmp(buf + strlen(buf) - 6, "/point"));
}

/* Descriptor 10, on the same directory by two names. */
static void open_mount(void)
{
	int fd = open("point", O_RDONLY | O_DIRECTORY);

	expect(fd >= 0 && dup2(fd, 10) == 10);
	expect(!fchdir(10) && !access("../sibling", F_OK));
}

static void open_source(void)
{
	int fd = open("below/source", O_RDONLY | O_DIRECTORY);

	expect(fd >= 0 && dup2(fd, 10) == 10);
	expect(faccessat(10, "../sibling", F_OK, 0) && errno == ENOENT);
	expect(!faccessat(10, "../cousin", F_OK, 0));
}

static void inside(long count)
{
	char home[PATH_MAX];

	expect(getcwd(home, sizeof(home)) && !setenv("LIMITS_HOME", home, 1));
	make_dir("below", 0755);
	make_dir("below/source", 0755);
	make_dir("point", 0755);
	make_file("below/source/mark", 0644, "");
	make_file("below/cousin", 0644, "");
	make_file("sibling", 0644, "");
	expect(!mount_vufs("below/source", "point"));
	while (count-- > 0) {
		successor(predecessor(enter), be_outside);
		successor(predecessor(open_mount), open_source);
		expect(!chdir("point"));
		successor(predecessor(stay_outside), be_inside);
		expect(!chdir(".."));
	}
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 100, 5000, inside);
}
