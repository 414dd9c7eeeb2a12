/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rewritten calls: the visit, and everything that can come between. */
#include "test/unit/engine_harness.h"

/* Guests: each returns 0, or the number of what went wrong. */

static int guest_moved(void)
{
	int i;

	for (i = 0; i < 50; i++)
		if (check_text(open("/virtual/moved", O_RDONLY), "moved\n"))
			return 1;
	if (open("/virtual/moved", O_RDONLY | O_DIRECTORY) != -1 ||
	    errno != ENOTDIR)
		return 2;
	return getppid() == 4242 ? 0 : 3;
}

static int guest_exec(void)
{
	char *argv[] = { "true", NULL };

	execve("/virtual/true", argv, environ);
	return 1;
}

/* The script wants: one, how many there are, two words, nothing. */
static int guest_exec_script(void)
{
	char *argv[] = { "script", "one", "4", "two words", "", NULL };

	execve("/virtual/script", argv, environ);
	return 1;
}

static int guest_many_args(void)
{
	static char *argv[MANY_ARGS + 1] = {
		"script", "one", "39999", "two words", "",
	};
	int i;

	for (i = 5; i < MANY_ARGS; i++)
		argv[i] = "x";
	execve("/virtual/script", argv, environ);
	return 1;
}

static int spawn_true(void)
{
	char *argv[] = { "true", NULL };
	pid_t pid;

	if (posix_spawn(&pid, "/virtual/true", NULL, NULL, argv, environ))
		return 1;
	return wait_for(pid);
}

static int vfork_true(void)
{
	char *argv[] = { "true", NULL };
	pid_t pid = vfork();

	if (!pid) {
		execve("/virtual/true", argv, environ);
		_exit(3);
	}
	return wait_for(pid);
}

static int guest_spawn(void)
{
	int i;

	for (i = 0; i < 20; i++)
		if (spawn_true() || vfork_true())
			return 1;
	return 0;
}

static void *exec_thread(void *arg)
{
	char *argv[] = { "true", NULL };

	(void)arg;
	execve("/virtual/true", argv, environ);
	return NULL;
}

static int guest_exec_from_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_thread, NULL);
	pthread_join(thread, NULL);
	return 1;
}

/*
 * A stack of 8 KiB, a guard page, and somebody else's memory right below:
 * the block must not leap over the guard.
 */
static int small_stack_child(void *arg)
{
	(void)arg;
	return syscall(SYS_openat, AT_FDCWD, "/virtual/far", O_RDONLY) != -1 ||
	       errno != ENOMEM;
}

static int guest_small_stack(void)
{
	const size_t below = 4 * 4096, stack = 2 * 4096;
	char *map = mmap(NULL, below + 4096 + stack, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;
	pid_t pid;

	memset(map, 'a', below);
	mprotect(map + below, 4096, PROT_NONE);
	pid = clone(small_stack_child, map + below + 4096 + stack,
		    CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	if (pid < 0 || wait_for(pid))
		return 1;
	for (i = 0; i < below; i++)
		if (map[i] != 'a')
			return 2;
	return check_text(open("/virtual/far", O_RDONLY), "moved\n") ? 3 : 0;
}

/* Handlers overwrite the block before the call is made again. */
static int guest_moved_in_storm(void)
{
	struct sigaction act = { .sa_handler = on_signal,
				 .sa_flags = SA_RESTART };
	pthread_t self = pthread_self(), thread;
	int i, r = 0;

	sigaction(SIGUSR1, &act, NULL);
	pthread_create(&thread, NULL, storm, &self);
	for (i = 0; i < 500 && !r; i++)
		r = check_text(open("/virtual/far", O_RDONLY), "moved\n");
	pthread_join(thread, NULL);
	return r ? r : !atomic_load(&caught);
}

/* Killed at any moment of a visit. */
static int guest_dead_in_visit(void)
{
	char *argv[] = { "true", NULL };
	int i;

	for (i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (!pid) {
			check_text(open("/virtual/moved", O_RDONLY), "");
			execve("/virtual/true", argv, environ);
			_exit(1);
		}
		usleep(100 + 3 * i);
		kill(pid, SIGKILL);
		if (wait_for(pid) == 255)
			return 1;
	}
	return getppid() == 4242 ? 0 : 2;
}

static int guest_stopped(void)
{
	pid_t pid = fork();
	int status, i;

	if (!pid) {
		for (i = 0; i < 400; i++)
			if (check_text(open("/virtual/moved", O_RDONLY),
				       "moved\n") || many_calls(NULL))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < 40; i++) {
		usleep(1000 + 50 * i);
		kill(pid, SIGSTOP);
		if (waitpid(pid, &status, WUNTRACED) == pid &&
		    !WIFSTOPPED(status))
			break;
		if (getppid() != 4242)
			return 1;
		kill(pid, SIGCONT);
	}
	kill(pid, SIGKILL);
	if (i == 40)
		wait_for(pid);
	return i < 40 && status ? 2 : 0;
}

/* A thread that has a tracer cannot be visited, and hears of it. */
static int guest_traced(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		char *argv[] = { "true", NULL };

		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		if (open("/virtual/moved", O_RDONLY) != -1 || errno != EPERM)
			_exit(1);
		execve("/virtual/true", argv, environ);
		_exit(errno == ETXTBSY ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static int int80(int nr, long a, long b, long c)
{
	int r;

	__asm__ volatile("int $0x80" : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static int compat_child(void *low)
{
	return check_text(int80(I386_OPENAT, AT_FDCWD, (long)low, 0),
			  "moved\n");
}

static int guest_compat(void)
{
	char *low = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	pid_t pid;

	strcpy(low, "/virtual/moved");
	if (int80(I386_OPENAT, AT_FDCWD, (long)low, 0) != -ENOMEM)
		return 1;	/* no 32-bit pointer reaches this stack */
	pid = clone(compat_child, low + (1 << 20), CLONE_VM | CLONE_VFORK |
		    SIGCHLD, low);
	return wait_for(pid) ? 2 : 0;
}

int main(void)
{
	prepare();
	test_guest("openat rewritten", guest_moved);
	test_guest("execve rewritten", guest_exec);
	test_guest("execve rewritten to an interpreter", guest_exec_script);
	test_guest("execve with more arguments than the stack has pages",
		   guest_many_args);
	test_guest("posix_spawn and vfork", guest_spawn);
	test_guest("execve from a thread", guest_exec_from_thread);
	test_guest("a stack too small for the block", guest_small_stack);
	test_guest("signal storm", guest_moved_in_storm);
	test_guest("guests killed in a visit", guest_dead_in_visit);
	test_guest("guests stopped and continued", guest_stopped);
	test_guest("guests that are traced", guest_traced);
	test_guest("i386 calls", guest_compat);
	interruptible = true;
	test_guest("before 5.19: openat rewritten", guest_moved);
	test_guest("before 5.19: posix_spawn and vfork", guest_spawn);
	test_guest("before 5.19: signal storm", guest_moved_in_storm);
	return finish();
}
