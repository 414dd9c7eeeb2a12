/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_SCENARIO_GATE_H
#define TEST_SCENARIO_GATE_H

/*
 * For gate_*.c: guests that come by a gate (engine/gate.c), in an empty view.
 * Whoever shall come by one later must have made few naming calls before.
 */
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "test/lib.h"

enum {
	EARN = 150,		/* calls after which a process has a gate */
	PROBE = 200,		/* calls that tell whether it is open */
	FD_MAX = 64,
};

/* Where the gate is: what guests can know of engine/gate.h. */
#define GATE_PLACE	((char *)0x400000000000)
#define GATE_ROOM	(1l << 20)

/* A process's maps, a guest's own by one naming call. */
static inline char *gate_maps(pid_t pid)
{
	static char text[1 << 17];
	char path[32];
	ssize_t n;
	size_t len = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	expect(fd >= 0);
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	close(fd);
	return text;
}

static inline bool gate_is_there(void)
{
	return strstr(gate_maps(getpid()), "memfd:vu-gate");
}

static inline void gate_calls(int n)
{
	struct stat st;

	while (n--)
		expect(!stat("/", &st) && S_ISDIR(st.st_mode));
}

/* Get a gate, by making calls. */
static inline void gate_earn(void)
{
	gate_calls(EARN);
	if (!gate_is_there())
		fail("no gate");
}

/* Whoever waits for the monitor's answer is switched away from. */
static inline bool gate_is_open(void)
{
	struct rusage before, after;

	getrusage(RUSAGE_THREAD, &before);
	gate_calls(PROBE);
	getrusage(RUSAGE_THREAD, &after);
	return after.ru_nvcsw - before.ru_nvcsw < PROBE / 2;
}

/* Which descriptors there are, without a naming call. */
static inline uint64_t gate_descriptors(void)
{
	uint64_t set = 0;

	for (int fd = 0; fd < FD_MAX; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			set |= 1ull << fd;
	return set;
}

static inline long gate_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static inline void gate_nap(long usec)
{
	const struct timespec ts = { usec / 1000000, usec % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

/* Shared with children. */
static inline void *gate_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	expect(p != MAP_FAILED);
	return p;
}

/*
 * Run f in a child, which has as good as no calls behind it. When it fails
 * the others still run, and gate_view() tells in the end.
 */
static int gate_failures;

static inline void gate_in_child(const char *name, void (*f)(void))
{
	int status;
	pid_t pid = fork();

	expect(pid >= 0);
	if (!pid) {
		f();
		_exit(0);
	}
	status = wait_for(pid);
	if (!status)
		return;
	gate_failures++;
	if (WIFSIGNALED(status))
		say("FAILED: %s: signal %d", name, WTERMSIG(status));
	else
		say("FAILED: %s: status %d", name, WEXITSTATUS(status));
}

/* The body of main(): run inside(), as the first guest of a view. */
static inline int gate_view(int argc, char **argv, void (*inside)(void))
{
	const char *umvu = getenv("UMVU") ?: "umvu";
	char self[PATH_MAX];

	if (argc > 1) {
		inside();
		return gate_failures != 0;
	}
	expect(realpath(argv[0], self));
	execlp(umvu, "umvu", "-N", "-m", "vufs", "--", self, "inside", NULL);
	fail_errno(umvu);
}

#endif
