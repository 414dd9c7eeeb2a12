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

/* How many threads of a process may run on more cores than one. */
static int wide_threads(pid_t pid)
{
	char path[64];
	struct dirent *e;
	cpu_set_t set;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	expect(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.' &&
		     !sched_getaffinity(atoi(e->d_name), sizeof(set), &set) &&
		     CPU_COUNT(&set) > 1;
	closedir(d);
	return n;
}

static void bind_all(pid_t pid)
{
	char command[64];

	snprintf(command, sizeof(command), "taskset -a -p -c 0 %d >/dev/null",
		 pid);
	expect(!system(command));
}

/* Nor are the monitor's: who has bound it to a core has it bound. */
static void bound_monitor(pid_t monitor)
{
	bind_all(monitor);
	for (int i = 0; i < 50; i++)
		close(open("point/file", O_RDONLY));
	nap(50);
	if (wide_threads(monitor))
		fail("a monitor that was bound to a core has left it");
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
	bound_monitor(getppid());
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 500, 20000, inside);
}
