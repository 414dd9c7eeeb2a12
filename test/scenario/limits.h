/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_SCENARIO_LIMITS_H
#define TEST_SCENARIO_LIMITS_H

/*
 * For limits_*.c: a test starts itself again as the first guest of a view
 * with vufs, whose monitor is then its parent, and looks at what that holds.
 */
#include <dirent.h>
#include <limits.h>
#include <sys/mount.h>
#include <time.h>

#include "test/lib.h"

enum { SETTLE_MS = 10000, STEP_MS = 20 };

/*
 * The body of main(): run inside(), in a view; its argument is the count,
 * few or (started with --long) many.
 */
static inline int in_view(int argc, char **argv, long few, long many,
			  void (*inside)(long count))
{
	const char *umvu = getenv("UMVU") ?: "umvu";
	const char *how = argc > 1 ? argv[1] : "--short";
	char self[PATH_MAX];

	if (argc > 2) {
		inside(strcmp(how, "--long") ? few : many);
		return 0;
	}
	expect(realpath(argv[0], self));
	execlp(umvu, "umvu", "-N", "-m", "vufs", "--", self, how, "inside",
	       NULL);
	fail_errno(umvu);
}

/* Run a command of View-OS; its exit status is turned into 0 or -1. */
static inline int run_tool(char *const argv[])
{
	pid_t pid = fork();

	if (!pid) {
		close(2);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid < 0 || wait_for(pid) ? -1 : 0;
}

/*
 * mount(2), and umount2(2) with the flags 0 or MNT_DETACH, or where a cage
 * denies the calls themselves (nobody is notified then) the tools. An
 * unmount that the tool refuses is EBUSY, whatever the reason was.
 */
static inline int mount_vufs(const char *source, const char *point)
{
	char *const argv[] = { "vumount", "-t", "vufs", (char *)source,
			       (char *)point, NULL };

	if (!mount(source, point, "vufs", 0, ""))
		return 0;
	return errno == EPERM ? run_tool(argv) : -1;
}

static inline int umount_vufs(const char *point, int flags)
{
	char *const argv[] = { "vuumount", (char *)point, NULL };
	char *const lazy[] = { "vuumount", "-l", (char *)point, NULL };
	int err;

	if (!umount2(point, flags))
		return 0;
	if (errno != EPERM)
		return -1;
	err = run_tool(flags ? lazy : argv);
	errno = EBUSY;
	return err;
}

/* How many descriptors a process has. */
static inline long open_files(pid_t pid)
{
	char path[64];
	long n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	expect(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* Resident memory of a process in kilobytes. */
static inline long resident(pid_t pid)
{
	char path[64];
	long pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	expect(f && fscanf(f, "%*s %ld", &pages) == 1);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static inline void nap(long msec)
{
	const struct timespec ts = { msec / 1000, msec % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/*
 * The monitor lets go of the dead in its own time: wait until it has no
 * more descriptors than before.
 */
static inline void expect_files(const char *after, pid_t pid, long before)
{
	long n = 0, waited;

	for (waited = 0; waited < SETTLE_MS; waited += STEP_MS) {
		n = open_files(pid);
		if (n <= before)
			return;
		nap(STEP_MS);
	}
	fail("%s: the monitor has %ld descriptors, it had %ld", after, n,
	     before);
}

/* With sanitizers what was freed is kept, and so nothing can be told. */
static inline void expect_resident(const char *after, pid_t pid, long before,
				   long more)
{
	long now = resident(pid);

	if (now > before + more && !getenv("SAN"))
		fail("%s: the monitor has grown from %ld to %ld KB", after,
		     before, now);
}

/* Wait for all children; the number of those that did not exit with 0. */
static inline int reap_all(void)
{
	int status, bad = 0;

	while (wait(&status) > 0 || errno == EINTR)
		bad += status != 0;
	return bad;
}

#endif
