/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARCH_X86_64_ARCH_H
#define ARCH_X86_64_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/audit.h>
#include <sys/types.h>
#include <sys/user.h>
#include "arch/x86_64/names.h"

/*
 * All that the engine needs to know of a processor. Another architecture
 * is another folder with this header and its regs.c.
 */

/* The two call tables; ARCH_AUDIT_COMPAT is 0 where there is only one. */
#define ARCH_AUDIT_NATIVE	AUDIT_ARCH_X86_64
#define ARCH_AUDIT_COMPAT	AUDIT_ARCH_I386

/*
 * Native numbers from here on belong to x32: a third table through the
 * same arch, which no row describes. 0 where there is nothing of the kind.
 */
#define ARCH_NR_ALIEN		0x40000000u

/* Little endian: where a filter finds the halves of a 64-bit argument. */
#define ARCH_ARG_LOW		0
#define ARCH_ARG_HIGH		4

/* Bytes below the stack pointer that a leaf function may be using. */
#define ARCH_RED_ZONE		128
#define ARCH_STACK_ALIGN	16

/* Both `syscall` and `int $0x80` are two bytes long. */
#define ARCH_INSN_SIZE		2

/* Registers of a stopped thread, native layout for compat threads too. */
struct arch_regs {
	struct user_regs_struct user;
};

/* The thread must be in a ptrace stop of the caller. 0 or -errno. */
int arch_get_regs(pid_t tid, struct arch_regs *regs);
int arch_set_regs(pid_t tid, const struct arch_regs *regs);

uint64_t arch_ip(const struct arch_regs *regs);
uint64_t arch_sp(const struct arch_regs *regs);
/* What the call that has just been made returned, and to change that. */
long arch_result(const struct arch_regs *regs, bool compat);
void arch_set_result(struct arch_regs *regs, long result);

/* Is this the instruction that enters the kernel through that table? */
bool arch_is_entry(const uint8_t insn[ARCH_INSN_SIZE], bool compat);

/* A thread that has just left a call runs the entry instruction again. */
void arch_rerun(struct arch_regs *regs, int nr);

/* A thread that is about to enter makes this call instead. */
void arch_set_call(struct arch_regs *regs, bool compat, int nr,
		   const uint64_t arg[6]);

/* What a call preserves is as it was before: for its end, or its restart. */
void arch_restore_call(struct arch_regs *regs, bool compat,
		       const struct arch_regs *before);

/* Make a native call with the entry instruction at ip. */
void arch_set_jump(struct arch_regs *regs, uint64_t ip, int nr,
		   const uint64_t arg[6]);

/* Does it run 32-bit code? */
bool arch_is_compat(const struct arch_regs *regs);

/*
 * gate.c: what the gate (engine/gate.c) writes into a guest. A *site* loads
 * a call's number and enters the kernel; its first instruction is replaced
 * by a jump to a *step*, near enough for that, which leads to a *slot*.
 */

/* No program, library or sanitizer has anything there. */
#define ARCH_GATE_BASE		0x400000000000ull

/* How far a jump reaches from a site, with a margin. */
#define ARCH_JUMP_REACH		0x70000000ull

#define ARCH_JUMP_SIZE		5
#define ARCH_STEP_SIZE		16
#define ARCH_SLOT_SIZE		64

/*
 * Find the next site that may be changed.
 * @at:	where to look from; out: where it is
 * @gap: out: how many bytes there are between its two instructions
 * Return: the number of the call, -1: there is none any more
 */
int arch_find_site(const uint8_t *code, size_t len, size_t *at, size_t *gap);

void arch_write_jump(uint8_t out[ARCH_JUMP_SIZE], uint64_t at, uint64_t to);
void arch_write_step(uint8_t out[ARCH_STEP_SIZE], uint64_t to);

/*
 * A slot: when the 32-bit word is 0 it makes the call itself, else it goes on
 * to that place in names.S, with the number loaded.
 */
void arch_write_slot(uint8_t out[ARCH_SLOT_SIZE], uint64_t at, uint64_t word,
		     int nr, uint64_t site, size_t gap, uint64_t names);

/*
 * names.S: code for calls by name, of ARCH_NAMES_SIZE bytes with what follows,
 * where what is shared begins. The first 8 bytes are the process's own: not
 * 0 when all is to be asked.
 */
size_t arch_write_names(uint8_t out[ARCH_NAMES_SIZE]);

/* Where in there a call is looked at; ask: has it a place of its own? */
size_t arch_names_of(int nr, bool *own);

#endif
