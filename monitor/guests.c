/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's receiver threads visit guests by ptrace, and a guest that
 * is the monitor's own child reports the stop of such a visit to whoever of
 * the monitor's threads waits first: a waitpid(-1) here could swallow it,
 * and the visit would wait for ever. So the main thread only looks
 * (WNOWAIT), and takes nothing but the dead. A visited child (CLD_TRAPPED)
 * hides others from the look; it is asked again a millisecond later.
 *
 * Stops are never taken at all: an untaken stop is there as long as the
 * guest is stopped, so that looking tells its state, not its history.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/clock.h"
#include "lib/proc.h"
#include "monitor/guests.h"

static int wait_status(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED ? W_EXITCODE(si->si_status, 0) :
					   W_EXITCODE(0, si->si_status);
}

/* The dead one in si becomes history. */
static void take(struct guests *g, const siginfo_t *si)
{
	siginfo_t again;

	waitid(P_PID, si->si_pid, &again, WEXITED | WNOHANG | __WALL);
	g->gone[g->ngone++ % GUESTS_GONE_MAX] = si->si_pid;
	if (si->si_pid != g->first)
		return;
	g->status = wait_status(si);
	g->first = 0;
}

static int stopped_by(pid_t pid)
{
	siginfo_t si = { 0 };

	if (!pid || waitid(P_PID, pid, &si, WSTOPPED | WNOHANG | WNOWAIT))
		return 0;
	return si.si_pid && si.si_code == CLD_STOPPED ? si.si_status : 0;
}

enum guests_left guests_reap(struct guests *g)
{
	siginfo_t si;

	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT |
			   __WALL | __WNOTHREAD)) {
			if (errno == EINTR)
				continue;
			return GUESTS_NONE;
		}
		if (!si.si_pid || si.si_code == CLD_TRAPPED)
			break;
		take(g, &si);
	}
	g->stopped = stopped_by(g->first);
	return si.si_pid ? GUESTS_BUSY : GUESTS_REMAIN;
}

bool guests_include(const struct guests *g, pid_t pid)
{
	unsigned i;

	if (pid <= 0)
		return false;
	if (proc_is_descendant(getpid(), pid))
		return true;
	/* A guest that signals its own group may be dead by now. */
	for (i = 0; i < g->ngone && i < GUESTS_GONE_MAX; i++) {
		if (g->gone[i] == pid)
			return true;
	}
	return false;
}

void guests_signal_first(const struct guests *g, int sig)
{
	struct proc_stat st;

	if (!g->first)
		return;
	if (sig == SIGCONT && (proc_stat(g->first, &st) || st.state != 'T'))
		return;
	kill(g->first, sig);
}

void guests_hang_up(const struct guests *g, pid_t group)
{
	pid_t *pid;
	size_t n = proc_descendants(getpid(), &pid), i;

	for (i = 0; i < n; i++) {
		if (pid[i] != g->first && getpgid(pid[i]) != group)
			continue;
		kill(pid[i], SIGHUP);
		kill(pid[i], SIGCONT);
	}
	free(pid);
}

static void signal_all(int sig, guests_spare *spare, void *arg)
{
	pid_t *pid;
	size_t n;

	if (!spare) {
		proc_kill_descendants(getpid(), sig);
		return;
	}
	n = proc_descendants(getpid(), &pid);
	for (size_t i = 0; i < n; i++)
		if (!spare(arg, pid[i]))
			kill(pid[i], sig);
	free(pid);
}

void guests_end(struct guests *g, int grace, guests_spare *spare, void *arg)
{
	if (g->kill_at)
		return;
	g->kill_at = now_ms() + grace;
	signal_all(SIGTERM, spare, arg);
	signal_all(SIGCONT, spare, arg);
}

void guests_kill(struct guests *g)
{
	g->kill_at = now_ms();
}

int guests_timeout(const struct guests *g)
{
	int64_t left;

	if (!g->kill_at)
		return -1;
	left = g->kill_at - now_ms();
	return left > 0 ? left : 0;
}

void guests_tick(struct guests *g, guests_spare *spare, void *arg)
{
	if (guests_timeout(g))
		return;
	signal_all(SIGKILL, spare, arg);
	/* Those that were being born meanwhile get theirs the next time. */
	g->kill_at = now_ms() + 10;
}
