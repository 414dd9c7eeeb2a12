/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cores a guest may run on are its own affair: being handed descriptors
 * through a mount must not narrow them, neither for a moment that the guest
 * can see, nor for a child it forks in that moment (which would keep them).
 */
#include <sched.h>

#include "test/scenario/limits.h"

static int cores(void)
{
	cpu_set_t set;

	expect(!sched_getaffinity(0, sizeof(set), &set));
	return CPU_COUNT(&set);
}

static void inside(long count)
{
	long i, narrowed = 0, born_narrow = 0;
	int fd, all = cores();
	pid_t pid;

	if (all < 2)
		skip("one core only");
	make_dir("source", 0755);
	make_dir("point", 0755);
	make_file("source/file", 0644, "text");
	expect(!mount_vufs("source", "point"));
	for (i = 0; i < count; i++) {
		fd = open("point/file", O_RDONLY);
		narrowed += cores() < all;
		close(fd);
		fd = open("point/file", O_RDONLY);
		pid = fork();
		expect(pid >= 0);
		if (!pid) {
			nap(3);		/* whoever narrowed it has finished */
			_exit(cores() < all);
		}
		born_narrow += wait_for(pid) != 0;
		close(fd);
	}
	if (narrowed || born_narrow)
		fail("of %ld: %ld times narrowed, %ld children for good",
		     count, narrowed, born_narrow);
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 500, 20000, inside);
}
