/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_GUESTS_H
#define MONITOR_GUESTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { GUESTS_GONE_MAX = 64 };

/*
 * The guests of this monitor, as their parent sees them. Used by its main
 * thread only. See guests.c for what must not be waited for.
 */
struct guests {
	pid_t first;		/* 0: it has left */
	int status;		/* its wait status, once it has left */
	int stopped;		/* signal it is stopped by, or 0 */
	pid_t gone[GUESTS_GONE_MAX];	/* the last that were reaped */
	unsigned ngone;
	int64_t kill_at;	/* when SIGKILL is due, in ms; 0: never */
};

enum guests_left {
	GUESTS_REMAIN,
	GUESTS_BUSY,		/* one is being visited: call again in 1 ms */
	GUESTS_NONE,
};

/* Reap who has ended and see whether the first is stopped. */
enum guests_left guests_reap(struct guests *g);

/* Is this process a guest, or was it one a moment ago? */
bool guests_include(const struct guests *g, pid_t pid);

/* The first guest gets a signal; SIGCONT only if it is stopped. */
void guests_signal_first(const struct guests *g, int sig);

/*
 * The terminal is gone: HUP and CONT to the first guest and to those that
 * are still in the process group it was started in.
 */
void guests_hang_up(const struct guests *g, pid_t group);

/*
 * Ask all to end now (TERM, CONT), and kill them grace ms later; but not
 * those of whom spare(arg) is true (spare NULL: all).
 */
typedef bool guests_spare(void *arg, pid_t pid);
void guests_end(struct guests *g, int grace, guests_spare *spare, void *arg);
/* Kill all, without asking. */
void guests_kill(struct guests *g);

/* Milliseconds until guests_tick() has something to do, -1: never. */
int guests_timeout(const struct guests *g);
void guests_tick(struct guests *g, guests_spare *spare, void *arg);

#endif
