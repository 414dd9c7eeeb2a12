/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The short ptrace visit of a rewritten call: seize the waiting thread,
 * answer its notification with an error, and at the stop that follows put
 * new arguments below the red zone and step back onto the syscall
 * instruction. The call is notified once more and continued; nobody stays
 * attached. Also from a vfork child, while its parent is suspended.
 */
#include <sys/ptrace.h>
#include <sys/user.h>
#include "test/platform/notify.h"

static char *const argv_guest[] = { "nothing", NULL };

static void plain(void *arg)
{
	(void)arg;
	syscall(SYS_execve, "/no/such", argv_guest, environ);
	_exit(1);
}

static void by_vfork(void *arg)
{
	pid_t pid = vfork();

	(void)arg;
	if (!pid) {
		syscall(SYS_execve, "/no/such", argv_guest, environ);
		_exit(1);
	}
	_exit(WEXITSTATUS(wait_for(pid)));
}

static void poke(pid_t tid, unsigned long addr, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(long)) {
		long word;

		memcpy(&word, (const char *)data + i, sizeof(word));
		expect(ptrace(PTRACE_POKEDATA, tid, addr + i, word) == 0);
	}
}

/* sh -c 'exit 42' below the red zone of the stopped thread. */
static void visit(pid_t tid)
{
	struct {
		char shell[16], dash_c[8], script[16];
		unsigned long argv[4];
	} block = { "/bin/sh", "-c", "exit 42", { 0 } };
	struct user_regs_struct regs;
	unsigned long base;

	expect(ptrace(PTRACE_GETREGS, tid, 0, &regs) == 0);
	expect((long)regs.rax == -EPERM);
	base = (regs.rsp - 128 - sizeof(block)) & ~15UL;
	block.argv[0] = base + offsetof(typeof(block), shell);
	block.argv[1] = base + offsetof(typeof(block), dash_c);
	block.argv[2] = base + offsetof(typeof(block), script);
	poke(tid, base, &block, sizeof(block));
	regs.rdi = block.argv[0];
	regs.rsi = base + offsetof(typeof(block), argv);
	regs.rax = SYS_execve;
	regs.orig_rax = -1;
	regs.rip -= 2;
	expect(ptrace(PTRACE_SETREGS, tid, 0, &regs) == 0);
	expect(ptrace(PTRACE_DETACH, tid, 0, 0) == 0);
}

static void run(void (*guest)(void *))
{
	struct seccomp_notif req;
	struct probe p;
	int status;

	probe_start(&p, SYS_execve, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		    guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	expect(ptrace(PTRACE_SEIZE, req.pid, 0, 0) == 0);
	expect(ptrace(PTRACE_INTERRUPT, req.pid, 0, 0) == 0);
	expect(probe_answer(&p, &req, 0, EPERM) == 0);
	expect(waitpid(req.pid, &status, __WALL) == (pid_t)req.pid);
	expect(WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP);
	visit(req.pid);
	expect(probe_receive(&p, &req) == 0);
	expect(req.data.nr == SYS_execve);
	expect(probe_continue(&p, &req) == 0);
	expect(WEXITSTATUS(wait_for(p.pid)) == 42);
	close(p.listener);
}

int main(void)
{
	run(plain);
	run(by_vfork);
	return 0;
}
