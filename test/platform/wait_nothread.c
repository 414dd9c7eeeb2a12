/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With __WNOTHREAD a thread waits for its own children and tracees only: one
 * that visits a guest by ptrace is not robbed of the stop by another.
 */
#include <pthread.h>
#include <sys/ptrace.h>
#include "test/lib.h"

static pid_t guest;
static bool seen_by_tracer;
static pthread_barrier_t seized, looked;

static void *tracer(void *arg)
{
	int status;

	if (ptrace(PTRACE_SEIZE, guest, 0, 0) < 0 ||
	    ptrace(PTRACE_INTERRUPT, guest, 0, 0) < 0)
		fail_errno("ptrace");
	usleep(50000);
	pthread_barrier_wait(&seized);
	pthread_barrier_wait(&looked);
	seen_by_tracer = waitpid(guest, &status, __WALL | __WNOTHREAD) == guest
		&& WIFSTOPPED(status);
	ptrace(PTRACE_DETACH, guest, 0, 0);
	return arg;
}

/* The guest's number; it is no child of ours but our child's. */
static pid_t grandchild(pid_t *child)
{
	int pipe_fd[2];
	pid_t pid;

	expect(pipe(pipe_fd) == 0);
	*child = fork();
	if (!*child) {
		pid = fork();
		if (!pid)
			for (;;)
				pause();
		expect(write(pipe_fd[1], &pid, sizeof(pid)) == sizeof(pid));
		wait_for(pid);
		_exit(0);
	}
	expect(read(pipe_fd[0], &pid, sizeof(pid)) == sizeof(pid));
	return pid;
}

int main(void)
{
	pthread_t t;
	pid_t child;
	int status;

	guest = grandchild(&child);
	pthread_barrier_init(&seized, NULL, 2);
	pthread_barrier_init(&looked, NULL, 2);
	pthread_create(&t, NULL, tracer, NULL);
	pthread_barrier_wait(&seized);
	expect(waitpid(-1, &status, __WALL | __WNOTHREAD | WNOHANG) == 0);
	expect(waitpid(guest, &status, __WALL | __WNOTHREAD | WNOHANG) < 0);
	expect(errno == ECHILD);
	pthread_barrier_wait(&looked);
	pthread_join(t, NULL);
	expect(seen_by_tracer);
	kill(guest, SIGKILL);
	expect(wait_for(child) == 0);
	return 0;
}
