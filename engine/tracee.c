/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Being attached to a guest's thread.
 *
 * Waiting for a stop. What cannot be taken away from us is the stop itself: a
 * register read succeeds exactly while the thread is stopped. Between such
 * reads we sleep in waitid(), for any tracee of this thread: who executes a
 * program may change its number meanwhile, and nobody is woken for the old
 * one. It takes nothing (WNOWAIT), and it is but a place to sleep: should
 * something else be there to be seen at once, a child of this thread that
 * nobody has reaped yet, or the time matter, we sleep for longer and longer.
 * Nor may others take the stop: of a child of the monitor all threads' waits
 * see it, so that they look first, with WNOWAIT (monitor/guests.c).
 *
 * Death. A kill wakes the thread whatever it does. Then the register read
 * goes on failing and waitid() shows a dead tracee, or none. A tracee that
 * is a child of the monitor belongs to the event loop, which reaps it. Any
 * other one must be reaped here, or its own parent would never hear of it.
 *
 * A thread that executes a program takes the number of its leader, and is
 * looked for under that when the old number is gone.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/proc.h"
#include "engine/task.h"
#include "engine/tracee.h"

#define NAPS		8
#define NAP_FIRST_NSEC	20000
#define NAP_LAST_NSEC	5000000

/* What PTRACE_O_TRACESYSGOOD makes of a call's stop. */
#define CALL_STOP	(SIGTRAP | 0x80)

#ifndef PTRACE_EVENTMSG_SYSCALL_ENTRY	/* <linux/ptrace.h> has it only */
#define PTRACE_EVENTMSG_SYSCALL_ENTRY 1
#endif

int tracee_seize(struct tracee *t, pid_t tid)
{
	*t = (struct tracee){ .tid = tid };
	if (ptrace(PTRACE_SEIZE, tid, NULL, PTRACE_O_TRACESYSGOOD) < 0)
		return -errno;
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return 0;
}

/* Only a thread of another parent is ours to reap. */
static void reap(pid_t tid)
{
	siginfo_t info;
	bool leader = proc_tgid(tid) == tid;

	if (leader && task_parent(tid) == getpid())
		return;
	waitid(P_PID, tid, &info, WEXITED | WNOHANG | __WALL);
}

/* Return: true when the tracee is dead, or not ours any more. */
static bool is_dead(pid_t tid)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	if (waitid(P_PID, tid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL |
		   __WNOTHREAD) < 0)
		return errno == ECHILD;
	if (!info.si_pid)
		return false;
	if (info.si_code != CLD_EXITED && info.si_code != CLD_KILLED &&
	    info.si_code != CLD_DUMPED)
		return false;
	reap(tid);
	return true;
}

static bool is_gone(struct tracee *t)
{
	if (!is_dead(t->tid))
		return false;
	if (!t->leader || t->leader == t->tid)
		return true;
	t->tid = t->leader;
	return false;
}

static void nap(unsigned round)
{
	struct timespec ts = { .tv_nsec = NAP_LAST_NSEC };

	if (round < NAPS)
		ts.tv_nsec = NAP_FIRST_NSEC << round;
	nanosleep(&ts, NULL);
}

/* Sleep until it may have stopped, or died. */
static void doze(const struct tracee *t, unsigned round)
{
	siginfo_t info = { 0 };

	if (t->impatient ||
	    waitid(P_ALL, 0, &info, WSTOPPED | WEXITED | WNOWAIT | __WALL |
		   __WNOTHREAD) || info.si_pid != t->tid)
		nap(round);
}

static enum stop what_stop(struct tracee *t)
{
	unsigned long message = 0;
	siginfo_t info;

	t->sig = 0;
	if (ptrace(PTRACE_GETSIGINFO, t->tid, NULL, &info) < 0)
		return STOP_JOB;
	if (info.si_code >> 8 == PTRACE_EVENT_STOP)
		return info.si_signo == SIGTRAP ? STOP_TRAP : STOP_JOB;
	if (info.si_code == CALL_STOP) {
		ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &message);
		return message == PTRACE_EVENTMSG_SYSCALL_ENTRY ? STOP_ENTRY
								: STOP_EXIT;
	}
	t->sig = info.si_signo;
	return STOP_SIGNAL;
}

enum stop tracee_wait(struct tracee *t)
{
	unsigned round;

	for (round = 0; arch_get_regs(t->tid, &t->regs); round++) {
		if (round && is_gone(t))
			return STOP_DEAD;
		if (round == NAPS && t->impatient)
			ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
		doze(t, round);
	}
	return what_stop(t);
}

enum stop tracee_step(struct tracee *t)
{
	/* When it has been killed meanwhile, the wait will tell. */
	ptrace(PTRACE_SYSCALL, t->tid, NULL, NULL);
	return tracee_wait(t);
}

void tracee_shield(struct tracee *t)
{
	uint64_t all = ~0ull;

	t->shielded = !ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(t->mask),
			      &t->mask) &&
		      !ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(all), &all);
}

void tracee_unshield(struct tracee *t)
{
	if (t->shielded)
		ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(t->mask), &t->mask);
	t->shielded = false;
}

/*
 * Step until it stops like that. All signals are off but SIGSTOP, which is
 * passed on at once: then the process is stopped for everybody, this thread
 * goes on for us, and when we leave, the kernel stops it unless SIGCONT came
 * meanwhile.
 */
static bool step_until(struct tracee *t, enum stop want)
{
	enum stop stop;

	do {
		ptrace(PTRACE_SYSCALL, t->tid, NULL, (long)t->sig);
		stop = tracee_wait(t);
	} while (stop != want && stop != STOP_DEAD);
	return stop == want;
}

bool tracee_call(struct tracee *t, uint64_t entry, int nr,
		 const uint64_t arg[6], long *result)
{
	arch_set_jump(&t->regs, entry, nr, arg);
	if (arch_set_regs(t->tid, &t->regs) || !step_until(t, STOP_ENTRY) ||
	    !step_until(t, STOP_EXIT))
		return false;
	*result = arch_result(&t->regs, false);
	return true;
}

void tracee_leave(struct tracee *t)
{
	tracee_unshield(t);
	/* Killed while stopped: it is on its way out, and must be seen off. */
	while (ptrace(PTRACE_DETACH, t->tid, NULL, (long)t->sig) < 0)
		if (tracee_wait(t) == STOP_DEAD)
			return;
}
