/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * Guests that do too much at once: signals by the thousand, stops in the
 * middle of calls, hundreds of threads, vforks, connections, no room for
 * descriptors or memory, processes that die under every call.
 */
#include <poll.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "test/scenario/hostile.h"

enum { MSEC = 400 };

/* What a guest may do in a mount; each leaves things as they were. */
static void one_open(void)
{
	close(open("point/file", O_RDONLY | O_CLOEXEC));
	close(open("new/dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void one_stat(void)
{
	struct stat st;

	stat("point/up/new/into/file", &st);
	lstat("sealed/true", &st);
	access("point/gone", R_OK);
}

static void one_link(void)
{
	char name[64], other[64];

	snprintf(name, sizeof(name), "point/n%lx", (long)pthread_self());
	snprintf(other, sizeof(other), "new/m%lx", (long)pthread_self());
	link("point/file", name);
	rename(name, other);
	unlink(other);
	unlink(name);
}

static void one_list(void)
{
	char buf[4096];
	int fd = open("point", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

static void one_connect(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "point/s%lx",
		 (long)pthread_self());
	bind(s, (struct sockaddr *)&sun, sizeof(sun));
	connect(s, (struct sockaddr *)&sun, sizeof(sun));
	close(s);
	unlink(sun.sun_path);
}

static void one_exec(void)
{
	pid_t pid = vfork();

	if (!pid) {
		close(STDERR_FILENO);
		execl("point/true", "true", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static void one_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(chdir("point") || access("file", R_OK));
	waitpid(pid, NULL, 0);
}

static void one_mount(void)
{
	mount("source", "plain", "vufs", 0, "");
	umount2("plain", MNT_DETACH);
}

static void one_service(void)
{
	close(syscall(VU_CALL_SERVICE));
}

static void (*const all[])(void) = {
	one_open, one_stat, one_link, one_list, one_connect, one_exec,
	one_mount, one_service, one_fork,
};
enum { NALL = sizeof(all) / sizeof(*all) };

static void any(void)
{
	all[dice(NALL)]();
}

/* A fork that takes longer than a timer's period ends nowhere either. */
static void any_but_fork(void)
{
	all[dice(NALL - 1)]();
}

static void for_a_while(void (*f)(void))
{
	long end = hostile_now() + MSEC;

	while (hostile_now() < end)
		f();
}

/* What one_mount() left when it was killed. */
static void unmount(void)
{
	while (!umount2("plain", MNT_DETACH))
		;
	hostile_put_right();
}

/* --- signals --- */

static void on_signal(int sig)
{
	(void)sig;
}

static void ask_on_signal(int sig)
{
	struct stat st;

	(void)sig;
	stat("new/file", &st);
}

/* A handler that needs longer than it has ends nowhere, natively too. */
static void ticking(int flags, bool asking)
{
	const int usec = asking ? 2000 : 100;
	const struct itimerval often = { { 0, usec }, { 0, usec } };
	struct sigaction sa = {
		.sa_handler = asking ? ask_on_signal : on_signal,
		.sa_flags = flags,
	};

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void stop_ticking(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}

static void signals(void)
{
	ticking(0, false);
	for_a_while(any_but_fork);
	ticking(0, true);
	for_a_while(any_but_fork);
	stop_ticking();
}

static void restarts(void)
{
	ticking(SA_RESTART, false);
	for_a_while(any_but_fork);
	ticking(SA_RESTART | SA_NODEFER, true);
	for_a_while(any_but_fork);
	stop_ticking();
}

/* With SA_RESTART nothing may fail: natively nothing does. */
static void exact(void)
{
	long end = hostile_now() + MSEC;
	struct stat st;
	int fd;

	ticking(SA_RESTART, false);
	while (hostile_now() < end) {
		fd = open("point/file", O_RDONLY | O_CLOEXEC);
		if (fd < 0 || stat("new/dir/file", &st) || chdir("point") ||
		    stat("file", &st) || chdir("..") || access("new", X_OK))
			fail("a signal broke a call: %s", error_name(errno));
		close(fd);
	}
	stop_ticking();
}

/* --- stops and deaths --- */

/* Children that do all sorts of things, and f is done to them. */
static void torment(void (*f)(pid_t))
{
	enum { VICTIMS = 4 };
	long end = hostile_now() + MSEC;
	pid_t pid[VICTIMS];

	for (int i = 0; i < VICTIMS; i++) {
		pid[i] = fork();
		expect(pid[i] >= 0);	/* kill(-1) would be everybody's end */
		if (!pid[i])
			for (;;)
				any();
	}
	while (hostile_now() < end)
		f(pid[dice(VICTIMS)]);
	for (int i = 0; i < VICTIMS; i++) {
		kill(pid[i], SIGKILL);
		wait_for(pid[i]);
	}
}

static void stop_and_go(pid_t pid)
{
	const struct timespec ts = { 0, dice(300) * 1000 };

	kill(pid, SIGSTOP);
	nanosleep(&ts, NULL);
	kill(pid, SIGCONT);
	nanosleep(&ts, NULL);
}

static void stops(void)
{
	torment(stop_and_go);
}

/* They stay stopped for a while; the others must not wait for them. */
static void stop_only(pid_t pid)
{
	long begin = hostile_now();

	kill(pid, SIGSTOP);
	for (int i = 0; i < 20; i++) {
		one_open();
		one_stat();
		one_list();
	}
	if (hostile_now() - begin > 3000)
		fail("stopped guests hold up the others");
	kill(pid, SIGCONT);
}

static void stopped(void)
{
	torment(stop_only);
}

static void deaths(void)
{
	long end = hostile_now() + 2 * MSEC;

	while (hostile_now() < end) {
		const struct timespec ts = { 0, dice(1500) * 1000 };
		pid_t pid = fork();

		expect(pid >= 0);
		if (!pid)
			for (;;)
				any();
		nanosleep(&ts, NULL);
		kill(pid, SIGKILL);
		wait_for(pid);
	}
}

/* A thread executes, or ends the process, while others are in calls. */
static void ends(void)
{
	long end = hostile_now() + MSEC;

	while (hostile_now() < end) {
		pid_t pid = fork();

		if (!pid) {
			for (int i = 0; i < 6; i++)
				hostile_thread(all[dice(5)]);
			usleep(dice(1000));
			if (dice(2))
				execl("new/true", "true", NULL);
			_exit(0);
		}
		wait_for(pid);
	}
}

/* --- crowds --- */

static void crowd(void)
{
	for (int i = 0; i < 200; i++)
		hostile_thread(all[i % NALL]);
	nap(2 * MSEC);
}

static void vforks(void)
{
	for (int i = 0; i < 8; i++)
		if (!fork()) {
			for_a_while(one_exec);
			_exit(0);
		}
	reap_all();
}

/* Opens that wait for ever must not be in anybody's way. */
static void pipes(void)
{
	pid_t pid[300];

	expect(!mkfifo("source/fifo", 0600) || errno == EEXIST);
	for (int i = 0; i < 300; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			close(open("point/fifo", O_RDONLY));
			_exit(0);
		}
	}
	nap(MSEC);
	hostile_look("300 guests wait for a FIFO");
	for (int i = 0; i < 300; i++) {
		if (pid[i] > 0)
			kill(pid[i], SIGKILL);
	}
	reap_all();
}

/* A lease on a file makes those wait who open it, the monitor too. */
static void on_lease(int sig)
{
	(void)sig;
}

static void leases(void)
{
	int fd = open("source/file", O_RDONLY | O_CLOEXEC);
	pid_t pid[20];

	signal(SIGIO, on_lease);
	if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK))
		return;
	for (int i = 0; i < 20; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			close(fd);
			close(open("point/file", O_RDWR));
			_exit(0);
		}
	}
	nap(MSEC);
	for (int i = 0; i < 20; i++) {
		one_list();
		one_link();
	}
	fcntl(fd, F_SETLEASE, F_UNLCK);
	reap_all();
	close(fd);
}

/* --- no room --- */

static void few_descriptors(void)
{
	const struct rlimit few = { 4, 4 };

	setrlimit(RLIMIT_NOFILE, &few);
	for_a_while(any);
	for (int fd = 0; fd < 4; fd++)
		fcntl(fd, F_DUPFD, 0);
	for_a_while(any);
}

static void little_memory(void)
{
	const struct rlimit small = { 1 << 22, 1 << 22 };

	setrlimit(RLIMIT_AS, &small);
	setrlimit(RLIMIT_STACK, &small);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, 0 });
	signal(SIGXFSZ, SIG_IGN);
	for_a_while(any);
}

static void many_connections(void)
{
	long fd, n = 0;

	for (int i = 0; i < 300; i++) {
		fd = syscall(VU_CALL_SERVICE);
		n += fd >= 0;
		if (fd < 0 && errno != EAGAIN)
			fail("connection %d: %s", i, error_name(errno));
	}
	if (!n || n > 200)
		fail("%ld connections at once", n);
}

/*
 * Directories of the dead are swept at twice what the living had open at the
 * sweep before (sys/descriptors.c): in a crowd some 30 at once.
 */
enum { CROWD_KEEPS = 40 };

static void inside(long count)
{
	static const struct attack list[] = {
		{ "signals", signals, 10, unmount, 0 },
		{ "signals with SA_RESTART", restarts, 10, unmount, 0 },
		{ "signals and results", exact, 10, unmount, 0 },
		{ "stops", stops, 10, unmount, 0 },
		{ "stopped guests", stopped, 10, unmount, 0 },
		{ "deaths", deaths, 10, unmount, 0 },
		{ "ends of threads", ends, 10, unmount, 0 },
		{ "a crowd", crowd, 10, unmount, CROWD_KEEPS },
		{ "vforks", vforks, 10, unmount, 0 },
		{ "pipes", pipes, 10, unmount, 0 },
		{ "leases", leases, 15, unmount, 0 },
		{ "few descriptors", few_descriptors, 10, unmount, 0 },
		{ "little memory", little_memory, 10, unmount, 0 },
		{ "many connections", many_connections, 10, NULL, 0 },
	};

	HOSTILE_RUN(list, count);
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 1, 50, inside);
}
