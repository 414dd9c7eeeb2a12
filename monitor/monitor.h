/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

struct umvu;

/*
 * Be the monitor: start the first guest and serve until the last has left.
 * Leaves with 0 when all went in order, whatever the guests' statuses.
 */
void monitor_run(struct umvu *u) __attribute__((noreturn));

#endif
