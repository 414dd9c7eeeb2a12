/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many threads; threads with a directory or a descriptor table of their own. */
#include <pthread.h>
#include <sched.h>

#include "test/lib.h"

#define THREADS 200

static pthread_barrier_t together;
static char stack[2][65536] __attribute__((aligned(16)));

static void *busy(void *arg)
{
	long self = (long)arg, bad = 0;
	char name[32];
	struct stat st;
	int fd;

	pthread_barrier_wait(&together);
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "t%ld.%d", self, i);
		fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
		bad += fd < 0 || fstat(fd, &st) < 0;
		close(fd);
		bad += stat(name, &st) < 0 || access(name, R_OK) < 0;
		bad += unlink(name) < 0 || stat(name, &st) == 0;
	}
	return (void *)bad;
}

static void many(void)
{
	pthread_t t[THREADS];
	long bad = 0;
	void *ret;

	pthread_barrier_init(&together, NULL, THREADS);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, busy, (void *)i))
			fail("pthread_create %ld", i);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &ret);
		bad += (long)ret;
	}
	say("%d threads: %ld bad results", THREADS, bad);
	say_names(".");
}

/* All threads of a process share one directory, unless they leave it. */
static void *mover(void *arg)
{
	if (arg)
		result("unshare", unshare(CLONE_FS));
	try(chdir("a"));
	try(umask(077));
	say_lstat("in-a");
	return NULL;
}

static void directories(void)
{
	pthread_t t;

	pthread_create(&t, NULL, mover, NULL);
	pthread_join(t, NULL);
	say_lstat("in-a");
	try(chdir(".."));
	try(umask(022));
	pthread_create(&t, NULL, mover, "alone");
	pthread_join(t, NULL);
	say_lstat("in-a");
	try(umask(022));
}

static int open_some(void *arg)
{
	(void)arg;
	return open("a/in-a", O_RDONLY | O_CLOEXEC);
}

/* CLONE_FILES: what one opens the other may read. */
static void files(void)
{
	char buf[8] = "";
	int status, fd;

	status = wait_for(clone(open_some, stack[0] + sizeof(stack[0]),
				CLONE_FILES | SIGCHLD, NULL));
	fd = WEXITSTATUS(status);
	say("shared table: number %d", fd);
	try(read(fd, buf, 2));
	try(close(fd));
	status = wait_for(clone(open_some, stack[0] + sizeof(stack[0]),
				CLONE_VM | SIGCHLD, NULL));
	fd = WEXITSTATUS(status);
	say("own table: number %d", fd);
	try(read(fd, buf, 2));
}

static void *lone_files(void *arg)
{
	(void)arg;
	try(unshare(CLONE_FILES));
	try_fd(open("a/in-a", O_RDONLY | O_CLOEXEC));
	return NULL;
}

static void unshared_files(void)
{
	pthread_t t;

	pthread_create(&t, NULL, lone_files, NULL);
	pthread_join(t, NULL);
	say("number %d", open("a/in-a", O_RDONLY | O_CLOEXEC));
}

static void *survivor(void *arg)
{
	(void)arg;
	usleep(50000);
	say_lstat("a/in-a");
	try(chdir("a"));
	say_lstat("in-a");
	if (fork() == 0) {
		say_lstat("in-a");
		_exit(0);
	}
	wait(NULL);
	_exit(3);
}

/* The first thread ends; the process goes on. */
static void leader_leaves(void)
{
	pthread_t t;

	pthread_create(&t, NULL, survivor, NULL);
	pthread_exit(NULL);
}

static void *forker(void *arg)
{
	long bad = 0;

	pthread_barrier_wait(&together);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (!pid) {
			bad = access("a/in-a", R_OK) < 0 ||
				access("a/none", R_OK) == 0;
			_exit(bad);
		}
		bad += wait_for(pid) != 0;
	}
	(void)arg;
	return (void *)bad;
}

static void forks(void)
{
	pthread_t t[10];
	long bad = 0;
	void *ret;

	pthread_barrier_init(&together, NULL, 10);
	for (int i = 0; i < 10; i++)
		pthread_create(&t[i], NULL, forker, NULL);
	for (int i = 0; i < 10; i++) {
		pthread_join(t[i], &ret);
		bad += (long)ret;
	}
	say("forking threads: %ld bad results", bad);
}

static void *staying(void *arg)
{
	for (;;)
		access("a/in-a", R_OK);
	return arg;
}

/* exec while other threads are in the middle of their calls. */
static void exec_among_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 20; i++)
		pthread_create(&t, NULL, staying, NULL);
	usleep(20000);
	execl("/bin/echo", "echo", "started", NULL);
	_exit(9);
}

static void exit_among_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 20; i++)
		pthread_create(&t, NULL, staying, NULL);
	usleep(20000);
	_exit(5);
}

static void killed_among_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 20; i++)
		pthread_create(&t, NULL, staying, NULL);
	usleep(20000);
	kill(getpid(), SIGKILL);
	pause();
}

int main(void)
{
	umask(022);
	make_dir("a", 0755);
	make_file("a/in-a", 0644, "text");
	many();
	in_child("directories", directories);
	in_child("files", files);
	in_child("own files", unshared_files);
	in_child("leader leaves", leader_leaves);
	forks();
	for (int i = 0; i < 5; i++) {
		in_child("exec among threads", exec_among_threads);
		in_child("exit among threads", exit_among_threads);
		in_child("killed among threads", killed_among_threads);
	}
	return 0;
}
