/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * Processes in the moment when they are given a gate, at as many moments as
 * there are rounds: threads that are in all sorts of calls, signals, forks,
 * vforks, stops, execs, and death. Nothing may come out wrong, and nothing
 * may stay in them.
 */
#include <spawn.h>
#include <sys/time.h>

#include "test/scenario/gate.h"

enum {
	THREADS = 8,
	CALLS = 40,		/* by each thread; FIRST_LOOK is 32 */
	PATIENCE = 6000000,	/* microseconds; a child has half of it */
};

extern char **environ;
static long interrupted;	/* EINTR is to be expected */
static long patience = PATIENCE;

/* What the rounds of a kind have come to. */
static struct score {
	_Atomic int gated, bad;
} *score;

static void bad(const char *what, long i)
{
	score->bad++;
	say("wrong: %s %ld: %s", what, i, error_name(errno));
}

/* --- all sorts of calls ----------------------------------------------- */

#define RIGHT(cond)							\
	do {								\
		errno = 0;						\
		if (!(cond) && !(interrupted && errno == EINTR))	\
			bad(#cond, i);					\
	} while (0)

static void stats(long i)
{
	struct stat st;

	RIGHT(!stat("file", &st) && st.st_size == 4);
	RIGHT(stat("none", &st) && errno == ENOENT);
}

static void accesses(long i)
{
	RIGHT(!access("file", R_OK));
	RIGHT(access("file/none", R_OK) && errno == ENOTDIR);
}

static void links(long i)
{
	char buf[8];

	RIGHT(readlink("link", buf, sizeof(buf)) == 4 &&
	      !memcmp(buf, "file", 4));
	RIGHT(readlink("file", buf, sizeof(buf)) && errno == EINVAL);
}

static void opens(long i)
{
	char buf[8];
	int fd;

	RIGHT((fd = open("file", O_RDONLY | O_CLOEXEC)) >= 0);
	if (fd < 0)
		return;
	RIGHT(read(fd, buf, sizeof(buf)) == 4 && !memcmp(buf, "text", 4));
	RIGHT(!close(fd));
}

static void failing_opens(long i)
{
	RIGHT(open("none", O_RDONLY) < 0 && errno == ENOENT);
	RIGHT(open("file", O_RDONLY | O_DIRECTORY) < 0 && errno == ENOTDIR);
}

static void directories(long i)
{
	char name[32];

	snprintf(name, sizeof(name), "d%d.%ld", getpid(), i);
	if (interrupted)
		return;
	RIGHT(!mkdir(name, 0700));
	RIGHT(mkdir(name, 0700) && errno == EEXIST);
	RIGHT(!rmdir(name));
}

static void names(long i)
{
	char name[32];

	snprintf(name, sizeof(name), "l%d.%ld", getpid(), i);
	if (interrupted)
		return;
	RIGHT(!symlink("file", name));
	RIGHT(!unlink(name));
	RIGHT(unlink(name) && errno == ENOENT);
}

static void big_stats(long i)
{
	struct statx stx;

	RIGHT(!statx(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW, STATX_ALL, &stx) &&
	      S_ISLNK(stx.stx_mode));
	RIGHT(!faccessat(AT_FDCWD, "file", R_OK, AT_EACCESS));
}

static void (*const sorts[THREADS])(long) = {
	stats, accesses, links, opens, failing_opens, directories, names,
	big_stats,
};

static void one_sort(long sort)
{
	for (long i = 0; i < CALLS; i++)
		sorts[sort](sort * CALLS + i);
}

static void *thread_main(void *arg)
{
	one_sort((long)arg);
	return NULL;
}

static int start_threads(pthread_t *t, int n, void *(*f)(void *))
{
	for (long i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, f, (void *)i)) {
			bad("pthread_create", i);
			return i;
		}
	return n;
}

static void all_sorts(void)
{
	pthread_t t[THREADS];
	int n = start_threads(t, THREADS, thread_main);

	while (n)
		pthread_join(t[--n], NULL);
}

static void one_after_the_other(void)
{
	for (long i = 0; i < THREADS; i++)
		one_sort(i);
}

/* --- a round ---------------------------------------------------------- */

/* What is done in a process; then it has a gate, and nothing more. */
static _Noreturn void one_process(void (*inside)(long), long round)
{
	const uint64_t before = gate_descriptors();

	patience /= 2;
	inside(round);
	interrupted = 0;
	if (gate_descriptors() != before)
		bad("descriptors are left", round);
	for (long i = 0; i < THREADS; i++)
		sorts[i](i);
	if (gate_is_there())
		score->gated++;
	_exit(0);
}

static pid_t begin(void (*inside)(long), long round)
{
	pid_t pid = fork();

	expect(pid >= 0);
	if (!pid)
		one_process(inside, round);
	return pid;
}

static void hangs(pid_t pid, long round)
{
	char text[256] = "";
	int fd;

	snprintf(text, sizeof(text), "/proc/%d/stat", pid);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (read(fd, text, sizeof(text) - 1) > 0)
		say("%.40s", text);
	close(fd);
	bad("hangs", round);
	kill(pid, SIGKILL);
}

/* Wait for a child, but not for ever; its status. */
static int end(pid_t pid, long round)
{
	const long until = gate_usec() + patience;
	int status;
	pid_t got;

	while (!(got = waitpid(pid, &status, WNOHANG)) && gate_usec() < until)
		gate_nap(100);
	if (got == pid)
		return status;
	hangs(pid, round);
	return wait_for(pid);
}

static void ends_well(pid_t pid, long round)
{
	int status = end(pid, round);

	if (status) {
		say("status %#x", status);
		bad("status", round);
	}
}

/* --- threads and signals ---------------------------------------------- */

/* Once there are threads none is given; some have it before. */
static void threads(long round)
{
	for (long i = 0; i < round % (2 * EARN); i++)
		stats(i);
	all_sorts();
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A handler's own calls are right, too, and nobody notices them. */
static void on_signal_ask(int sig)
{
	int error = errno;

	stats(sig);
	errno = error;
}

static void catch(long round)
{
	const struct sigaction sa = {
		.sa_handler = round & 2 ? on_signal_ask : on_signal,
		.sa_flags = round & 1 ? SA_RESTART : 0,
	};

	interrupted = !(round & 1);
	sigaction(SIGALRM, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
}

static void timers(long round)
{
	const int usec = 200 + round * 37 % 1000;
	const struct itimerval often = { { 0, usec }, { 0, usec } };

	catch(round);
	setitimer(ITIMER_REAL, &often, NULL);
	one_after_the_other();
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}

/* A child shoots at its parent. */
static void shot_at(long round)
{
	pid_t pid, target = getpid();

	catch(round);
	pid = fork();
	if (!pid) {
		while (!kill(target, SIGUSR1))
			gate_nap(100 + round % 50 * 10);
		_exit(0);
	}
	one_after_the_other();
	kill(pid, SIGKILL);
	wait_for(pid);
}

/* --- children --------------------------------------------------------- */

static void *stat_main(void *arg)
{
	(void)arg;
	for (long i = 0; i < 4 * CALLS; i++)
		stats(i);
	return NULL;
}

/* Were another thread visited now, the children would have its descriptors. */
static void forks(long round)
{
	const uint64_t before = gate_descriptors();
	pthread_t t;

	if (!start_threads(&t, 1, stat_main))
		return;
	gate_nap(round % 80 * 7);
	for (int i = 0; i < 6; i++) {
		pid_t pid = fork();

		if (!pid) {
			if (gate_descriptors() != before)
				bad("a child has more descriptors", i);
			one_sort(i);
			_exit(0);
		}
		ends_well(pid, round);
	}
	pthread_join(t, NULL);
}

/* The child is the one that is visited, in memory that is its parent's. */
static void vforks(long round)
{
	for (int i = 0; i < 4; i++) {
		pid_t pid = vfork();

		if (!pid) {
			one_sort((round + i) % THREADS);
			_exit(0);
		}
		ends_well(pid, round);
	}
}

static void *vfork_main(void *arg)
{
	vforks((long)arg);
	return NULL;
}

/* Some threads run, others are suspended by vfork. */
static void vforks_among_threads(long round)
{
	pthread_t t[3];
	int n = start_threads(t, 3, vfork_main);

	one_sort(round % THREADS);
	while (n)
		pthread_join(t[--n], NULL);
}

/* posix_spawn() with as many calls in the child as earn a gate. */
static void spawns(long round)
{
	char *const argv[] = { "true", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < CALLS; i++)
		posix_spawn_file_actions_addopen(&actions, 20 + i % 4, "file",
						 O_RDONLY, 0);
	for (int i = 0; i < 3; i++)
		if (!posix_spawn(&pid, "/bin/true", &actions, NULL, argv,
				 environ))
			ends_well(pid, round);
		else
			bad("posix_spawn", round);
	posix_spawn_file_actions_destroy(&actions);
	stats(round);
}

/* --- ends, and stops -------------------------------------------------- */

static void *for_ever(void *arg)
{
	for (;;)
		one_sort((long)arg);
	return NULL;
}

static void run_until_killed(long round)
{
	pthread_t t[THREADS];

	start_threads(t, round % THREADS, for_ever);
	for_ever((void *)(round % THREADS));
}

static void kill_it(pid_t pid, long round)
{
	int status;

	gate_nap(300 + round % 150 * 23);
	kill(pid, SIGKILL);
	status = end(pid, round);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		bad("not killed", round);
}

static void exec_among_threads(long round)
{
	pthread_t t[4];

	start_threads(t, 4, for_ever);
	gate_nap(200 + round % 50 * 37);
	execl("/bin/true", "true", NULL);
	bad("exec", round);
}

static void exit_among_threads(long round)
{
	pthread_t t[4];

	start_threads(t, 4, for_ever);
	gate_nap(200 + round % 50 * 37);
	_exit(0);
}

static _Atomic long *progress;
static _Atomic bool *stopped;		/* ... and it may end */

static void count(long round, long least)
{
	const long until = gate_usec() + least;

	for (long i = 0; i < 10 * CALLS || gate_usec() < until; i++) {
		stats(round);
		++*progress;
	}
}

static void run_counting(long round)
{
	count(round, 6000);
}

static void run_until_stopped(long round)
{
	const long until = gate_usec() + 20000000;

	do
		count(round, 0);
	while (!*stopped && gate_usec() < until);
}

/* A stop that is reported is one: nothing goes on behind it. */
static void stop_and_go(pid_t pid, long round)
{
	int status;
	long seen;

	gate_nap(200 + round % 80 * 17);
	kill(pid, SIGSTOP);
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status)) {
		bad("no stop", round);
		return;
	}
	seen = *progress;
	gate_nap(500);
	if (*progress != seen)
		bad("goes on while stopped", round);
	*stopped = true;
	kill(pid, SIGCONT);
	ends_well(pid, round);
	*stopped = false;
}

/* Is it being visited? Where its status is open. */
static bool is_visited(int fd)
{
	char text[1024];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *tracer;

	if (n <= 0)
		return false;
	text[n] = '\0';
	tracer = strstr(text, "TracerPid:\t");
	return tracer && tracer[11] != '0';
}

/* Shorter than one can sleep. */
static void spin(long usec)
{
	const long until = gate_usec() + usec;

	while (gate_usec() < until)
		;
}

static void stop_visited(pid_t pid, long round)
{
	const long until = gate_usec() + 5000;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (gate_usec() < until) {
		if (!is_visited(fd))
			continue;
		kill(pid, SIGSTOP);
		spin(round % 5 * 5);
		kill(pid, SIGCONT);
	}
	close(fd);
}

/* SIGCONT comes last, and so it goes on. */
static void stops_in_visits(long round)
{
	pid_t pid = begin(run_counting, round);

	stop_visited(pid, round);
	ends_well(pid, round);
}

/* --- the kinds --------------------------------------------------------- */

static const struct kind {
	const char *name;
	int rounds;
	void (*inside)(long round);
	void (*outside)(pid_t pid, long round);
	bool no_gate;		/* in the end, or nobody can tell */
} kinds[] = {
	{ "threads", 250, threads, ends_well, true },
	{ "timers", 150, timers, ends_well, false },
	{ "shot at", 150, shot_at, ends_well, false },
	{ "forks", 150, forks, ends_well, true },
	{ "vforks", 120, vforks, ends_well, false },
	{ "vforks among threads", 80, vforks_among_threads, ends_well, false },
	{ "spawns", 60, spawns, ends_well, false },
	{ "killed", 300, run_until_killed, kill_it, true },
	{ "exec among threads", 120, exec_among_threads, ends_well, true },
	{ "exit among threads", 120, exit_among_threads, ends_well, true },
	{ "stops", 150, run_until_stopped, stop_and_go, false },
	{ "stops in visits", 150, stops_in_visits, ends_well, false },
};

static void run(const struct kind *k)
{
	const long began = gate_usec();

	score->gated = score->bad = 0;
	for (long round = 0; round < k->rounds && score->bad < 2; round++)
		k->outside(begin(k->inside, round), round);
	say("%s: %ld ms, %d of %d have a gate", k->name,
	    (gate_usec() - began) / 1000, score->gated, k->rounds);
	if (score->bad || (!k->no_gate && score->gated < k->rounds * 3 / 4)) {
		say("FAILED: %s", k->name);
		gate_failures++;
	}
}

static void inside(void)
{
	const char *only = getenv("GATE_STORM");

	score = gate_shared(sizeof(*score));
	progress = gate_shared(sizeof(*progress));
	stopped = gate_shared(sizeof(*stopped));
	make_file("file", 0644, "text");
	expect(!symlink("file", "link"));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!only || !strcmp(only, kinds[i].name))
			run(&kinds[i]);
	expect(wait(NULL) < 0 && errno == ECHILD);
}

int main(int argc, char **argv)
{
	return gate_view(argc, argv, inside);
}
