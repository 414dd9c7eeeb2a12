/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that traces another: stops and registers are as without a view. */
/* i386: no */
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "test/lib.h"

static void calls(void)
{
	struct stat st;

	try(stat("file", &st));
	try(open("none", O_RDONLY));
	try_fd(open("file", O_RDONLY));
	try(mkdir("dir", 0700));
	try(rmdir("dir"));
	try(chdir("/"));
}

static pid_t traced_child(void (*f)(void))
{
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		f();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD |
	       PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC);
	return pid;
}

static bool is_naming(unsigned long nr)
{
	return nr == SYS_newfstatat || nr == SYS_openat || nr == SYS_mkdir ||
		nr == SYS_rmdir || nr == SYS_chdir || nr == SYS_execve ||
		nr == SYS_access;
}

/* Every syscall stop of the naming calls, with number and result. */
static void by_syscalls(void (*f)(void), bool whole)
{
	pid_t pid = traced_child(f);
	struct user_regs_struct regs;
	int status;

	for (;;) {
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status))
			break;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
			say("exec stop");
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		ptrace(PTRACE_GETREGS, pid, 0, &regs);
		if (is_naming(regs.orig_rax) && (whole || (long)regs.rax != -ENOSYS))
			say("call %lld result %lld", regs.orig_rax,
			    (long long)regs.rax);
	}
	say("ended: %x", status);
}

static void start_program(void)
{
	execl("/bin/true", "true", NULL);
	_exit(9);
}

/* The tracer changes the path of a call, and skips one. */
static void changing(void)
{
	pid_t pid = traced_child(calls);
	struct user_regs_struct regs;
	int status, stops = 0;

	for (;;) {
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		ptrace(PTRACE_GETREGS, pid, 0, &regs);
		if (regs.orig_rax == SYS_mkdir && stops++ == 0) {
			regs.orig_rax = -1;
			regs.rax = -EDOM;
			ptrace(PTRACE_SETREGS, pid, 0, &regs);
		} else if (regs.orig_rax == SYS_rmdir) {
			regs.orig_rax = SYS_access;
			regs.rsi = 0;
			ptrace(PTRACE_SETREGS, pid, 0, &regs);
		}
	}
	say("ended: %x", status);
}

static void *looping(void *arg)
{
	for (;;)
		access("file", R_OK);
	return arg;
}

static void loop_in_threads(void)
{
	pthread_t t;

	pthread_create(&t, NULL, looping, NULL);
	looping(NULL);
}

/* Attach to a process in the middle of its calls, and leave it again. */
static void attaching(void)
{
	pid_t pid = fork();
	int status, odd = 0;

	if (!pid)
		loop_in_threads();
	for (int i = 0; i < 50; i++) {
		if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 ||
		    ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
			odd++;
		waitpid(pid, &status, __WALL);
		odd += !WIFSTOPPED(status);
		odd += ptrace(PTRACE_DETACH, pid, 0, 0) < 0;
	}
	say("attached 50 times: %d odd", odd);
	kill(pid, SIGKILL);
	say("killed: %x", wait_for(pid));
}

static void stepping(void)
{
	pid_t pid = traced_child(start_program);
	int status, steps = 0;

	while (steps < 20000) {
		ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status))
			break;
		steps++;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
			say("stepped to exec");
			break;
		}
	}
	ptrace(PTRACE_DETACH, pid, 0, 0);
	say("ended: %x", wait_for(pid));
}

int main(void)
{
	make_file("file", 0644, "text");
	by_syscalls(calls, true);
	by_syscalls(start_program, true);
	changing();
	attaching();
	stepping();
	return 0;
}
