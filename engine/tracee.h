/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_TRACEE_H
#define ENGINE_TRACEE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "arch/arch.h"

/*
 * A guest's thread that this thread of the monitor is attached to. Private
 * to engine/; visit.c has the theory. All calls must come from the thread
 * that seized it, and all but the first need it stopped.
 */
struct tracee {
	pid_t tid;
	pid_t leader;		/* its number after an execve; 0: makes none */
	struct arch_regs regs;	/* as the last stop found them */
	int sig;		/* STOP_SIGNAL: the signal that is on its way */
	uint64_t mask;		/* its signal mask, while shielded */
	bool shielded;
	bool impatient;		/* a call that waits is interrupted */
};

enum stop {
	STOP_DEAD,		/* or not ours any more; no stop follows */
	STOP_TRAP,		/* as asked for */
	STOP_JOB,		/* by job control: let it go, it stays stopped */
	STOP_SIGNAL,
	STOP_ENTRY, STOP_EXIT,	/* of a system call */
};

/* Attach; it is going to stop with STOP_TRAP. 0 or -errno */
int tracee_seize(struct tracee *t, pid_t tid);

/* Wait for the next stop. */
enum stop tracee_wait(struct tracee *t);

/* Let it run to the next entry or exit of a call. */
enum stop tracee_step(struct tracee *t);

/* Keep signals from it (not SIGSTOP, SIGKILL), and no longer. */
void tracee_shield(struct tracee *t);
void tracee_unshield(struct tracee *t);

/*
 * Have it make a native call of its own, by the entry instruction at entry;
 * its registers are then those of the end of that call. It is shielded.
 * Return: false when it is dead
 */
bool tracee_call(struct tracee *t, uint64_t entry, int nr,
		 const uint64_t arg[6], long *result);

/* Detach; it goes on as its registers say. */
void tracee_leave(struct tracee *t);

/*
 * title.c: a program has just been executed. It shall know itself by this
 * name, which is not longer than the one it was executed by.
 * @filters: how many seccomp filters a guest has of us
 */
void tracee_title(struct tracee *t, const char *name, int filters);

#endif
