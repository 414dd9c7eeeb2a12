/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_GUARD_H
#define MONITOR_GUARD_H

struct umvu;

/*
 * Be the guard: start the monitor, wait for it, and end what it left
 * behind. Leaves with 0 when it ended in order, 128+n when a signal ended
 * it, else 1.
 */
void guard_run(struct umvu *u) __attribute__((noreturn));

#endif
