/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a thread that visits a guest sleeps until it stops: in waitid() for all
 * its tracees, which takes nothing (WNOWAIT) and is woken also when the
 * guest's thread executes a program and so changes its number.
 */
#include <pthread.h>
#include <sys/ptrace.h>
#include "test/lib.h"

#define ONE_LOOK (WSTOPPED | WEXITED | WNOWAIT | __WALL | __WNOTHREAD)

static int go[2], tell[2];
static pid_t guest;

static void *executor(void *arg)
{
	static char *const argv[] = { "true", NULL };
	pid_t tid = gettid();
	char byte;

	expect(write(tell[1], &tid, sizeof(tid)) == sizeof(tid));
	if (read(go[0], &byte, 1) == 1)
		execve("/bin/true", argv, environ);
	_exit(1);
	return arg;
}

static void run_guest(void)
{
	pthread_t t;

	pthread_create(&t, NULL, executor, NULL);
	pthread_join(t, NULL);
}

static pid_t stopped(void)
{
	siginfo_t si = { 0 }, again = { 0 };

	if (waitid(P_ALL, 0, &si, ONE_LOOK) < 0)
		fail_errno("waitid");
	expect(waitid(P_ALL, 0, &again, ONE_LOOK) == 0);
	expect(si.si_pid == again.si_pid && si.si_code == again.si_code);
	expect(si.si_code == CLD_TRAPPED || si.si_code == CLD_EXITED);
	return si.si_pid;
}

static void *visitor(void *arg)
{
	pid_t tid, now;

	expect(read(tell[0], &tid, sizeof(tid)) == sizeof(tid));
	expect(ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	expect(ptrace(PTRACE_INTERRUPT, tid, 0, 0) == 0);
	expect(stopped() == tid);
	expect(write(go[1], "", 1) == 1);
	do {
		expect(ptrace(PTRACE_SYSCALL, tid, 0, 0) == 0);
		now = stopped();
	} while (now == tid);
	expect(now == guest);
	expect(ptrace(PTRACE_DETACH, guest, 0, 0) == 0);
	return arg;
}

int main(void)
{
	pthread_t t;
	int status;

	alarm(20);
	expect(pipe(go) == 0 && pipe(tell) == 0);
	guest = fork();
	if (!guest)
		run_guest();
	pthread_create(&t, NULL, visitor, NULL);
	pthread_join(t, NULL);
	expect(waitpid(guest, &status, 0) == guest);
	expect(WIFEXITED(status) && !WEXITSTATUS(status));
	return 0;
}
