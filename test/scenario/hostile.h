/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_SCENARIO_HOSTILE_H
#define TEST_SCENARIO_HOSTILE_H

/*
 * For hostile_*.c: guests that mean harm. The first guest makes a small tree
 * and mounts over it, runs one attack after the other, each in a process
 * group of its own, and after each looks whether the monitor lives, answers
 * and holds what it held before. An attack that does not end in its time
 * hangs somewhere: that fails.
 *
 *	source	a directory: file, dir/file, true, up -> .., into -> ../point
 *	point	shows it
 *	point/gone	hidden
 *	sealed	shows it, read-only
 *	new	shows it, and is not there on disk
 *	plain	no mount
 */
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "include/vu/msocket.h"
#include "test/scenario/limits.h"

/* Records and directories of the dead are swept when they are as many. */
enum { KEPT = 24 };

struct attack {
	const char *name;
	void (*run)(void);
	int seconds;		/* after which it hangs */
	void (*clean_up)(void);	/* if what it does lasts */
	long kept;		/* more than KEPT stay, by so many */
};

static inline long hostile_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A cheap generator: every attack can be repeated from its seed. */
static inline unsigned dice(unsigned sides)
{
	static __thread uint64_t x;

	if (!x)
		x = 88172645463325252u ^ (uint64_t)getpid() << 20 ^
		    (uint64_t)(uintptr_t)&x;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (x >> 16) % sides;
}

/*
 * A connection to the monitor, by the door inside. Those of the dead are
 * closed in the monitor's own time.
 */
static inline int hostile_service(const char *who)
{
	long fd = -1;

	for (long waited = 0; fd < 0 && waited < SETTLE_MS; waited += STEP_MS) {
		fd = syscall(VU_CALL_SERVICE);
		if (fd >= 0)
			return fd;
		if (errno != EAGAIN)
			break;
		nap(STEP_MS);
	}
	fail("%s: no service: %s", who, error_name(errno));
}

/* One request, and the first packet of its answer. */
static inline int32_t hostile_request(const char *who, const void *packet,
				      size_t len, char *answer, size_t size)
{
	struct pollfd p = { .fd = hostile_service(who), .events = POLLIN };
	int32_t status;
	ssize_t n;

	expect(send(p.fd, packet, len, MSG_NOSIGNAL) == (ssize_t)len);
	if (poll(&p, 1, 5000) != 1)
		fail("%s: the service does not answer", who);
	n = recv(p.fd, answer, size - 1, 0);
	expect(n >= 8);
	answer[n] = '\0';
	memcpy(&status, answer, sizeof(status));
	close(p.fd);
	return status;
}

/* Not by mount(2): in the cage that never comes to the monitor. */
static inline void hostile_mount(const char *source, const char *target,
				 const char *options)
{
	char packet[1024], answer[1024];
	int n = snprintf(packet, sizeof(packet), "mount%cvufs%c%s%c%s%c%s%c0",
			 0, 0, source, 0, target, 0, options, 0);

	if (hostile_request(target, packet, n + 1, answer, sizeof(answer)))
		fail("%s: %s", target, answer + 8);
}

/* What is on disk, but for the mount points, is made afresh. */
static inline void hostile_put_right(void)
{
	if (chmod("/proc/self/cwd", 0755) ||
	    system("chmod -R u+rwX . 2>/dev/null; "
		   "find . -mindepth 1 -maxdepth 1 ! -name source ! -name point "
		   "! -name sealed ! -name new ! -name .run -exec rm -rf {} +; "
		   "find source -mindepth 1 -delete; "
		   "mkdir plain source/dir && cp /bin/true source/true && "
		   "ln -s .. source/up && ln -s ../point source/into && "
		   "echo text >source/file && cp source/file source/gone && "
		   "cp source/file source/dir/file && cp source/file plain"))
		fail("cannot put the tree right");
}

static inline void hostile_tree(void)
{
	umask(022);
	make_dir("source", 0755);
	make_dir("point", 0755);
	make_dir("sealed", 0755);
	hostile_put_right();
	hostile_mount("source", "point", "");
	hostile_mount("source", "sealed", "rdonly");
	hostile_mount("source", "new", "");
	hostile_mount("none", "point/gone", "hide");
}

/* Ask the monitor for its version. */
static inline void hostile_ask(const char *after)
{
	char answer[256];

	expect(!hostile_request(after, "version", 8, answer, sizeof(answer)));
	expect(!strncmp(answer + 8, "view-os", 7));
}

/* The view is what it was. */
static inline void hostile_look(const char *after)
{
	static const char *const there[] = {
		"point/file", "new/dir/file", "sealed/up/point/true",
		"plain/file",
	};
	struct stat st;
	char byte = 0;
	int fd;

	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++)
		if (stat(there[i], &st)) {
			fprintf(stderr, "%s: %s\n", there[i],
				error_name(errno));
			if (system("ls -la . source point new >&2"))
				fprintf(stderr, "(no list)\n");
			fail("%s: %s is not there", after, there[i]);
		}
	if (!stat("point/gone", &st) || errno != ENOENT)
		fail("%s: point/gone is there", after);
	fd = open("new/file", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &byte, 1) != 1 || byte != 't')
		fail("%s: new/file: %s", after, error_name(errno));
	close(fd);
}

static inline void hostile_hangs(const char *name, pid_t pid)
{
	char command[256];

	fprintf(stderr, "%s hangs:\n", name);
	snprintf(command, sizeof(command), "ps -o pid,stat,wchan,args -g %d "
		 ">&2; cat /proc/%d/task/*/syscall >&2", pid, pid);
	if (system(command))
		fprintf(stderr, "(no ps)\n");
	kill(-pid, SIGKILL);
	fail("%s: hangs", name);
}

/* Wait for the attack, however it ends; its group goes with it. */
static inline void hostile_wait(const struct attack *a, pid_t pid)
{
	long left = a->seconds * 1000L;
	int status;
	pid_t got;

	while (!(got = waitpid(pid, &status, WNOHANG)) && left > 0) {
		nap(STEP_MS);
		left -= STEP_MS;
	}
	if (!got)
		hostile_hangs(a->name, pid);
	kill(-pid, SIGKILL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		fail("%s: failed", a->name);
}

/* As expect_files(), and tells what they are. */
static inline void hostile_files(const char *after, pid_t monitor, long most)
{
	char command[64];
	long waited;

	for (waited = 0; open_files(monitor) > most; waited += STEP_MS) {
		if (waited >= SETTLE_MS) {
			snprintf(command, sizeof(command),
				 "ls -l /proc/%d/fd >&2", monitor);
			if (system(command))
				fprintf(stderr, "(no list)\n");
			expect_files(after, monitor, most);
		}
		nap(STEP_MS);
	}
}

static inline void hostile_attack(const struct attack *a, pid_t monitor)
{
	long files = open_files(monitor), began = hostile_now();
	pid_t pid = fork();

	expect(pid >= 0);
	if (!pid) {
		setpgid(0, 0);
		a->run();
		_exit(0);
	}
	setpgid(pid, pid);
	hostile_wait(a, pid);
	if (kill(monitor, 0) || getppid() != monitor)
		fail("%s: the monitor is gone", a->name);
	if (a->clean_up)
		a->clean_up();
	hostile_ask(a->name);
	hostile_look(a->name);
	hostile_files(a->name, monitor, files + KEPT + a->kept);
	printf("%s: %ld ms, %ld descriptors, %ld KB\n", a->name,
	       hostile_now() - began, open_files(monitor), resident(monitor));
}

/* All attacks, again and again: what one makes grow shows the second time. */
static inline void hostile_run(const struct attack *list, size_t n, long count)
{
	pid_t monitor = getppid();

	hostile_tree();
	hostile_look("at first");
	hostile_ask("at first");
	for (; count; count--)
		for (size_t i = 0; i < n; i++)
			hostile_attack(&list[i], monitor);
}

#define HOSTILE_RUN(list, count) \
	hostile_run(list, sizeof(list) / sizeof(*(list)), count)

/* A thread that does f for ever; it ends with its process. */
static inline void *hostile_forever(void *f)
{
	for (;;)
		((void (*)(void))f)();
	return NULL;
}

static inline void hostile_thread(void (*f)(void))
{
	pthread_t t;

	expect(!pthread_create(&t, NULL, hostile_forever, (void *)f));
}

#endif
