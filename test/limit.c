/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limit SECONDS command [argument...]
 *
 * Runs one test. As the subreaper of everything the test starts it can
 * find all of it again, however often it forked away: when time is up, or
 * when limit itself is told to end, the whole tree is killed, pid by pid.
 * A test must not leave a process behind either: what still runs a second
 * after the test ended is named, killed, and makes the test fail.
 *
 * Exit status: the command's (128+n for a signal); 124 when time was up;
 * 123 when processes were left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATUS_LEFT	123
#define STATUS_TIMEOUT	124
#define MAX_FOUND	4096
#define GRACE_MS	1000
#define STEP_MS		20

static volatile sig_atomic_t told_to_end;

static void on_signal(int sig)
{
	told_to_end = sig;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Append the children of one thread. */
static size_t thread_children(const char *children, pid_t *found, size_t n)
{
	FILE *f = fopen(children, "re");
	int pid;

	if (!f)
		return n;
	while (n < MAX_FOUND && fscanf(f, "%d", &pid) == 1)
		found[n++] = pid;
	fclose(f);
	return n;
}

static size_t children(pid_t pid, pid_t *found, size_t n)
{
	char path[300];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return n;
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/children",
			 pid, d->d_name);
		n = thread_children(path, found, n);
	}
	closedir(dir);
	return n;
}

/* All descendants of this process, parents before children. */
static size_t descendants(pid_t *found)
{
	size_t n = children(getpid(), found, 0);

	for (size_t i = 0; i < n; i++)
		n = children(found[i], found, n);
	return n;
}

/* Reap what has ended. Return: true when child was among it. */
static bool reap(pid_t child, int *status)
{
	bool seen = false;
	int st;
	pid_t pid;

	while ((pid = waitpid(-1, &st, WNOHANG)) > 0) {
		if (pid != child)
			continue;
		*status = st;
		seen = true;
	}
	return seen;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* A killed guest may need its monitor's end to die, hence the repetition. */
static void kill_all(void)
{
	static pid_t found[MAX_FOUND];
	size_t n;
	int status;

	for (int round = 0; round < 500; round++) {
		n = descendants(found);
		if (!n)
			return;
		for (size_t i = 0; i < n; i++)
			kill(found[i], SIGKILL);
		pause_ms(STEP_MS);
		reap(-1, &status);
	}
	fprintf(stderr, "limit: %zu processes cannot be killed\n", n);
}

/* A file of /proc/PID as one line. */
static const char *proc_line(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, size - 1, f);
		fclose(f);
	}
	for (size_t i = 0; i < n; i++)
		if (!text[i] || text[i] == '\n')
			text[i] = ' ';
	text[n] = 0;
	return text;
}

static void name_all(const char *what, const pid_t *found, size_t n)
{
	char command[400], call[200];

	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "limit: %s: %d %s| in call %s\n", what,
			found[i],
			proc_line(found[i], "cmdline", command, sizeof(command)),
			proc_line(found[i], "syscall", call, sizeof(call)));
}

/* Return: true when something was left behind (it is dead now). */
static bool left_behind(void)
{
	static pid_t found[MAX_FOUND];
	long end = now_ms() + GRACE_MS;
	size_t n;
	int status;

	do {
		reap(-1, &status);
		n = descendants(found);
		if (!n)
			return false;
		pause_ms(STEP_MS);
	} while (now_ms() < end);
	name_all("left behind", found, n);
	kill_all();
	return true;
}

static int give_up(const char *why, const char *seconds)
{
	static pid_t found[MAX_FOUND];

	fprintf(stderr, "limit: %s (%s s)\n", why, seconds);
	name_all("running", found, descendants(found));
	kill_all();
	return STATUS_TIMEOUT;
}

static pid_t start(char **argv, const sigset_t *mask)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	sigprocmask(SIG_SETMASK, mask, NULL);
	setsid();
	execvp(argv[0], argv);
	fprintf(stderr, "limit: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int verdict(int status)
{
	int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				       : WEXITSTATUS(status);

	if (WIFSIGNALED(status))
		fprintf(stderr, "limit: ended by signal %d\n",
			WTERMSIG(status));
	if (left_behind() && (code == 0 || code == 77))
		code = STATUS_LEFT;
	return code;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t chld, others, old;
	int status = 0;
	long end;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: limit SECONDS command...\n", stderr);
		return 2;
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	/* An orphan may send us what it meant for its parent. */
	sigfillset(&others);
	sigdelset(&others, SIGTERM);
	sigdelset(&others, SIGINT);
	sigdelset(&others, SIGHUP);
	sigprocmask(SIG_BLOCK, &others, &old);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

	end = now_ms() + atol(argv[1]) * 1000;
	pid = start(argv + 2, &old);
	while (!reap(pid, &status)) {
		long left = end - now_ms();

		if (told_to_end)
			return give_up("told to end", argv[1]);
		if (left <= 0)
			return give_up("time is up", argv[1]);
		if (left > 500)
			left = 500;
		sigtimedwait(&chld, NULL, &(struct timespec){
			     .tv_nsec = left * 1000000 });
	}
	return verdict(status);
}
