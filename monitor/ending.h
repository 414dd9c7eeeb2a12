/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_ENDING_H
#define MONITOR_ENDING_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include "monitor/guests.h"

/* Whom to ask about mounts: sys, or the monitor of the view around us. */
struct ending_ops {
	/* as sys_servers() */
	bool (*servers)(void *ctx, const pid_t *pid, size_t n, bool *serves);
	/* as sys_quit_mounts(); on a thread of its own */
	void (*quit)(void *ctx);
};

/*
 * The end of a view in which guests serve mounts: see ending.c. Used by the
 * monitor's main thread only; zeroed, but for ops and ctx, at the start.
 */
struct ending {
	const struct ending_ops *ops;	/* NULL: nobody knows of any mount yet */
	void *ctx;
	bool started;		/* the mounts are being let go of */
	bool told;		/* that is done, and the servers were told to end */
	bool gave_up;		/* whoever is left will be killed */
	int grace;
	uint64_t written;	/* what guests had, at the last look */
	time_t began;
	bool said;		/* that it takes long */
	atomic_bool done;
};

/*
 * To be called whenever guests may have ended, and when the time it asks for
 * has passed. Return: the milliseconds to wait at most; wait is what there
 * was to wait for anyway (-1: nothing)
 */
int ending_step(struct ending *e, struct guests *g, int wait, int grace);

/* Ask guests to end, those first that serve nothing. */
void ending_ask(struct ending *e, struct guests *g, int grace);

/* The time that ending_ask() gave has passed: kill whom it has asked. */
void ending_tick(struct ending *e, struct guests *g);

#endif
