/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that waits for the answer to its call can be made to do other
 * calls first, by its own syscall instruction: seized and answered with an
 * error, it stops before it runs anything; then registers are set and it is
 * stepped from stop to stop, signals being off, while its filter judges the
 * calls as always. In the end it makes its own call again and has noticed
 * nothing. engine/tracee.c does that, for engine/gate.c.
 */
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include "test/platform/notify.h"

#define PAGE	4096UL
#define ARG0	11111L
#define ARG1	22222L
#define INSN	2		/* bytes of the syscall instruction */

/* <linux/ptrace.h> has them only, and cannot be had beside <sys/ptrace.h>. */
#define ENTRY	1UL
#define EXIT	2UL

static long passed;		/* how often the guest came behind it */
static volatile sig_atomic_t handled;

static void count(int sig)
{
	(void)sig;
	handled++;
}

/* Its own call, with arguments that it must find unchanged behind it. */
static void guest(void *arg)
{
	struct sigaction sa = { .sa_handler = count };
	long ret = SYS_getppid, arg0 = ARG0, arg1 = ARG1;

	(void)arg;
	sigaction(SIGUSR1, &sa, NULL);
	asm volatile("syscall; incq %3"
		     : "+a"(ret), "+D"(arg0), "+S"(arg1), "+m"(passed)
		     : : "rcx", "r11", "memory", "cc");
	_exit(ret == 42 && arg0 == ARG0 && arg1 == ARG1 && passed == 1 &&
	      handled == 1 ? 0 : 1);
}

static void expect_not_passed(pid_t pid)
{
	long there = -1;
	struct iovec mine = { &there, sizeof(there) };
	struct iovec theirs = { &passed, sizeof(passed) };

	expect(process_vm_readv(pid, &mine, 1, &theirs, 1, 0) ==
	       sizeof(there));
	expect(there == 0);
}

static void seize(pid_t pid)
{
	expect(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	expect(ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0);
}

/* The trap comes before the signal, and before any instruction. */
static void wait_trap(struct probe *p, struct user_regs_struct *regs)
{
	int status;

	expect(waitpid(p->pid, &status, __WALL) == p->pid);
	expect(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
	expect(status >> 16 == PTRACE_EVENT_STOP);
	expect(ptrace(PTRACE_GETREGS, p->pid, 0, regs) == 0);
	expect_not_passed(p->pid);
}

static void shield(pid_t pid, uint64_t *mask)
{
	uint64_t all = ~0ULL;

	expect(ptrace(PTRACE_GETSIGMASK, pid, sizeof(*mask), mask) == 0);
	expect(ptrace(PTRACE_SETSIGMASK, pid, sizeof(all), &all) == 0);
}

static void step(pid_t pid)
{
	expect(ptrace(PTRACE_SYSCALL, pid, 0, 0) == 0);
}

static void wait_call_stop(pid_t pid, unsigned long want)
{
	unsigned long message = 0;
	int status;

	expect(waitpid(pid, &status, __WALL) == pid);
	expect(WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80));
	expect(ptrace(PTRACE_GETEVENTMSG, pid, 0, &message) == 0);
	expect(message == want);
}

/* Let it enter call nr by the instruction before ip. */
static void inject(pid_t pid, const struct user_regs_struct *old, int nr,
		   const long arg[6])
{
	struct user_regs_struct regs = *old;

	regs.rip -= INSN;
	regs.rax = nr;
	regs.orig_rax = -1;
	regs.rdi = arg[0];
	regs.rsi = arg[1];
	regs.rdx = arg[2];
	regs.r10 = arg[3];
	regs.r8 = arg[4];
	regs.r9 = arg[5];
	expect(ptrace(PTRACE_SETREGS, pid, 0, &regs) == 0);
	step(pid);
	wait_call_stop(pid, ENTRY);
	step(pid);
}

static long injected(pid_t pid, const struct user_regs_struct *old)
{
	struct user_regs_struct regs;

	wait_call_stop(pid, EXIT);
	expect(ptrace(PTRACE_GETREGS, pid, 0, &regs) == 0);
	expect(regs.rip == old->rip);
	return regs.rax;
}

static long call(pid_t pid, const struct user_regs_struct *old, int nr,
		 const long arg[6])
{
	inject(pid, old, nr, arg);
	return injected(pid, old);
}

/* Calls that the filter allows: map what it was lent, close that, unmap. */
static void use_lent(pid_t pid, const struct user_regs_struct *old, int lent)
{
	long map_args[6] = { 0, PAGE, PROT_READ, MAP_SHARED, lent, 0 };
	long at = call(pid, old, SYS_mmap, map_args);
	char text[8] = "";
	struct iovec mine = { text, sizeof(text) };
	struct iovec theirs = { (void *)at, sizeof(text) };

	expect(at > 0);
	expect(call(pid, old, SYS_close, (long[6]){ lent }) == 0);
	expect(call(pid, old, SYS_close, (long[6]){ lent }) == -EBADF);
	expect(process_vm_readv(pid, &mine, 1, &theirs, 1, 0) ==
	       sizeof(text));
	expect(!strcmp(text, "lent"));
	expect(call(pid, old, SYS_munmap, (long[6]){ at, PAGE }) == 0);
}

/* One that it notifies is notified between the two stops. */
static void use_notified(struct probe *p, const struct user_regs_struct *old)
{
	struct seccomp_notif req;

	inject(p->pid, old, SYS_getppid, (long[6]){ 7 });
	expect(probe_receive(p, &req) == 0);
	expect(req.data.args[0] == 7);
	expect(probe_answer(p, &req, 99, 0) == 0);
	expect(injected(p->pid, old) == 99);
}

static void leave_to_rerun(pid_t pid, struct user_regs_struct *regs,
			   uint64_t *mask)
{
	regs->rip -= INSN;
	regs->rax = SYS_getppid;
	regs->orig_rax = SYS_getppid;
	expect(ptrace(PTRACE_SETREGS, pid, 0, regs) == 0);
	expect(ptrace(PTRACE_SETSIGMASK, pid, sizeof(*mask), mask) == 0);
	expect_not_passed(pid);
	expect(ptrace(PTRACE_DETACH, pid, 0, 0) == 0);
}

/* Its own call comes in again, as if for the first time. */
static void finish(struct probe *p, const struct seccomp_notif *first)
{
	struct seccomp_notif req;

	expect(probe_receive(p, &req) == 0);
	expect(req.id != first->id && req.pid == first->pid);
	expect(!memcmp(&req.data, &first->data, sizeof(req.data)));
	expect(probe_answer(p, &req, 42, 0) == 0);
	expect(wait_for(p->pid) == 0);
	close(p->listener);
}

static void visit(struct probe *p, const struct seccomp_notif *req, int lent)
{
	struct user_regs_struct regs;
	uint64_t mask;
	long result;

	wait_trap(p, &regs);
	result = regs.rax;
	/* The kernel's ERESTARTSYS, when the wait was interrupted. */
	expect(result == -ENOMEM || (lent < 0 && result == -512));
	expect(regs.rip == req->data.instruction_pointer);
	shield(p->pid, &mask);
	if (lent >= 0)
		use_lent(p->pid, &regs, lent);
	use_notified(p, &regs);
	leave_to_rerun(p->pid, &regs, &mask);
}

/* The wait is killable only: being seized does not end it. */
static void killable(int fd)
{
	struct seccomp_notif req;
	struct probe p;
	int lent;

	probe_start(&p, SYS_getppid, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		    guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	seize(p.pid);
	kill(p.pid, SIGUSR1);
	lent = probe_addfd(&p, &req, fd, 0, O_CLOEXEC);
	expect(lent >= 0);
	expect(probe_answer(&p, &req, 0, ENOMEM) == 0);
	visit(&p, &req, lent);
	finish(&p, &req);
}

/* Without that flag, as before Linux 5.19, it may, and serves as well. */
static void interruptible(void)
{
	struct seccomp_notif req;
	struct probe p;

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	seize(p.pid);
	kill(p.pid, SIGUSR1);
	probe_answer(&p, &req, 0, ENOMEM);
	visit(&p, &req, -1);
	finish(&p, &req);
}

int main(void)
{
	int fd = memfd_create("lent", MFD_CLOEXEC);

	expect(fd >= 0 && ftruncate(fd, PAGE) == 0);
	expect(pwrite(fd, "lent", 4, 0) == 4);
	interruptible();
	killable(fd);
	return 0;
}
