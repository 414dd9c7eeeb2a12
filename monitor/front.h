/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_FRONT_H
#define MONITOR_FRONT_H

struct umvu;

/*
 * Be the front: start guard and monitor, mirror the first guest's stops,
 * hand on signals. Return: exit status
 */
int front_run(struct umvu *u);

#endif
