/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/task/TID/children names a thread's children, vfork's too. */
#include <pthread.h>
#include "test/lib.h"

static int pipe_fd[2];
static pid_t made_by_thread;

static pid_t sleeper(void)
{
	pid_t pid = fork();
	char c;

	if (!pid) {
		close(pipe_fd[1]);
		_exit(read(pipe_fd[0], &c, 1));
	}
	return pid;
}

static void *thread(void *arg)
{
	made_by_thread = sleeper();
	return arg;
}

static pthread_barrier_t met;
static pid_t living, made_by_living;

static void *living_thread(void *arg)
{
	living = gettid();
	made_by_living = sleeper();
	pthread_barrier_wait(&met);
	pthread_barrier_wait(&met);
	return arg;
}

static bool listed(pid_t tid, pid_t child)
{
	char path[64];
	bool found = false;
	int pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", tid);
	f = fopen(path, "re");
	if (!f && errno == ENOENT)
		skip("no /proc/PID/task/TID/children in this kernel");
	expect(f);
	while (fscanf(f, "%d", &pid) == 1)
		found |= pid == child;
	fclose(f);
	return found;
}

int main(void)
{
	pthread_t t;
	pid_t mine;

	expect(pipe2(pipe_fd, O_CLOEXEC) == 0);
	mine = sleeper();
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	expect(listed(getpid(), mine));
	/* The thread is gone: its child went to another of the process. */
	expect(listed(getpid(), made_by_thread));
	/* While it lives, its children are its own. */
	pthread_barrier_init(&met, NULL, 2);
	pthread_create(&t, NULL, living_thread, NULL);
	pthread_barrier_wait(&met);
	expect(listed(living, made_by_living));
	expect(!listed(getpid(), made_by_living) && !listed(living, mine));
	pthread_barrier_wait(&met);
	pthread_join(t, NULL);
	close(pipe_fd[1]);
	wait_for(made_by_living);
	wait_for(mine);
	wait_for(made_by_thread);
	return 0;
}
