/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * The monitor's descriptors come back: after mounting and unmounting, after
 * entering and leaving mounts, after guests that end inside of one, after
 * a lazy unmount, and after descriptors of a mount are passed on.
 */
#include <sys/socket.h>

#include "test/scenario/limits.h"

enum { GROWTH_KB = 256 };

static void mount_once(void)
{
	expect(!mount_vufs("source", "point"));
	expect(!access("point/file", R_OK));
	expect(!umount_vufs("point", 0));
}

static void enter_and_leave(void)
{
	expect(!mount_vufs("source", "point"));
	expect(!chdir("point/sub"));
	expect(!access("../file", R_OK));
	expect(umount_vufs("../../point", 0) && errno == EBUSY);
	expect(!chdir("../.."));
	expect(!umount_vufs("point", 0));
}

static void end_inside(void)
{
	pid_t pid;

	expect(!mount_vufs("source", "point"));
	pid = fork();
	expect(pid >= 0);
	if (!pid)
		_exit(chdir("point") || access("file", R_OK));
	expect(wait_for(pid) == 0);
	/* the child's end may reach us before it reaches the monitor */
	while (umount_vufs("point", 0))
		expect(errno == EBUSY);
}

static void detach_lazily(void)
{
	char buf[PATH_MAX];

	expect(!mount_vufs("source", "point"));
	expect(!chdir("point"));
	expect(!umount_vufs("../point", MNT_DETACH));
	expect(!access("file", R_OK));
	expect(!chdir(getenv("LIMITS_HOME")));
	expect(access("point/file", F_OK) && getcwd(buf, sizeof(buf)));
}

static void keep_descriptor(void)
{
	char byte;
	int fd, pair[2];

	expect(!mount_vufs("source", "point"));
	fd = open("point/file", O_RDONLY);
	expect(fd >= 0 && !socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	expect(!umount_vufs("point", 0));
	expect(read(fd, &byte, 1) == 1);
	close(fd);
	fd = open("source", O_RDONLY | O_DIRECTORY);
	expect(!mount_vufs("source", "point"));
	expect(dup2(fd, pair[0]) == pair[0] && !fchdir(fd));
	expect(!chdir(getenv("LIMITS_HOME")));
	close(fd);
	close(pair[0]);
	close(pair[1]);
	expect(!umount_vufs("point", 0));
}

static const struct { const char *name; void (*once)(void); } work[] = {
	{ "mounting", mount_once },
	{ "entering and leaving", enter_and_leave },
	{ "ending inside", end_inside },
	{ "detaching lazily", detach_lazily },
	{ "keeping descriptors", keep_descriptor },
};

static void inside(long count)
{
	pid_t monitor = getppid();
	size_t i;
	long n, files, kilobytes;
	char home[PATH_MAX];

	expect(getcwd(home, sizeof(home)) && !setenv("LIMITS_HOME", home, 1));
	make_dir("source", 0755);
	make_dir("source/sub", 0755);
	make_dir("point", 0755);
	make_file("source/file", 0644, "text");
	for (i = 0; i < sizeof(work) / sizeof(work[0]); i++) {
		for (n = 0; n < count / 10; n++)
			work[i].once();
		nap(100);
		files = open_files(monitor);
		kilobytes = resident(monitor);
		for (n = 0; n < count; n++)
			work[i].once();
		expect_files(work[i].name, monitor, files);
		expect_resident(work[i].name, monitor, kilobytes, GROWTH_KB);
	}
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 500, 20000, inside);
}
