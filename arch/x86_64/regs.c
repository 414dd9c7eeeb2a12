/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of a visited thread.
 *
 * PTRACE_GETREGS is shaped after the tracer, not the tracee: a 64-bit
 * monitor always gets the 64-bit layout, with an i386 thread's registers
 * zero-extended in it. That is why it is used rather than GETREGSET.
 *
 * An i386 thread that came in by sysenter (or AMD's 32-bit syscall) is made
 * by the kernel to look as if it had used the `int $0x80` that the vDSO has
 * just before the landing address, with the sixth argument already in ebp.
 * So stepping back two bytes works for it too.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include "arch/x86_64/arch.h"

#define USER32_CS 0x23

int arch_get_regs(pid_t tid, struct arch_regs *regs)
{
	return ptrace(PTRACE_GETREGS, tid, NULL, &regs->user) < 0 ? -errno : 0;
}

int arch_set_regs(pid_t tid, const struct arch_regs *regs)
{
	return ptrace(PTRACE_SETREGS, tid, NULL, &regs->user) < 0 ? -errno : 0;
}

uint64_t arch_ip(const struct arch_regs *regs)
{
	return regs->user.rip;
}

uint64_t arch_sp(const struct arch_regs *regs)
{
	return regs->user.rsp;
}

long arch_result(const struct arch_regs *regs, bool compat)
{
	return compat ? (int32_t)regs->user.rax : (long)regs->user.rax;
}

void arch_set_result(struct arch_regs *regs, long result)
{
	regs->user.rax = (unsigned long)result;
}

bool arch_is_entry(const uint8_t insn[ARCH_INSN_SIZE], bool compat)
{
	if (compat)
		return insn[0] == 0xcd && insn[1] == 0x80;
	return insn[0] == 0x0f && insn[1] == 0x05;
}

static void set_native_args(struct user_regs_struct *user, const uint64_t arg[6])
{
	user->rdi = arg[0];
	user->rsi = arg[1];
	user->rdx = arg[2];
	user->r10 = arg[3];
	user->r8 = arg[4];
	user->r9 = arg[5];
}

static void set_compat_args(struct user_regs_struct *user, const uint64_t arg[6])
{
	user->rbx = arg[0];
	user->rcx = arg[1];
	user->rdx = arg[2];
	user->rsi = arg[3];
	user->rdi = arg[4];
	user->rbp = arg[5];
}

void arch_rerun(struct arch_regs *regs, int nr)
{
	regs->user.rip -= ARCH_INSN_SIZE;
	regs->user.rax = (unsigned)nr;
	regs->user.orig_rax = (unsigned)nr;
}

void arch_set_call(struct arch_regs *regs, bool compat, int nr,
		   const uint64_t arg[6])
{
	if (compat)
		set_compat_args(&regs->user, arg);
	else
		set_native_args(&regs->user, arg);
	regs->user.orig_rax = (unsigned)nr;
}

void arch_restore_call(struct arch_regs *regs, bool compat,
		       const struct arch_regs *before)
{
	struct user_regs_struct *user = &regs->user;
	const struct user_regs_struct *old = &before->user;

	user->rdi = old->rdi;
	user->rsi = old->rsi;
	user->rdx = old->rdx;
	user->r10 = old->r10;
	user->r8 = old->r8;
	user->r9 = old->r9;
	user->orig_rax = old->orig_rax;
	if (compat) {
		user->rbx = old->rbx;
		user->rcx = old->rcx;
		user->rbp = old->rbp;
	}
}

void arch_set_jump(struct arch_regs *regs, uint64_t ip, int nr,
		   const uint64_t arg[6])
{
	set_native_args(&regs->user, arg);
	regs->user.rip = ip;
	regs->user.rax = (unsigned)nr;
	regs->user.orig_rax = -1ul;
}

bool arch_is_compat(const struct arch_regs *regs)
{
	return regs->user.cs == USER32_CS;
}
