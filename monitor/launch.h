/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_LAUNCH_H
#define MONITOR_LAUNCH_H

#include <sys/types.h>

struct umvu;

/*
 * A first guest on its way: it exists, its filter is installed, and it
 * waits for the engine. See launch.c.
 */
struct launch {
	pid_t pid;
	int pidfd;
	int listener;
	int up, go;		/* from and to the guest */
};

/*
 * Fork the first guest of a new view, before there are any threads.
 * Return: 0, or -errno as filter_install() says
 */
int launch_begin(struct umvu *u, struct launch *l);

/* Calls are answered now: let it go. Return: 0 or -errno */
int launch_finish(struct umvu *u, struct launch *l);

/*
 * What the first guest does in its view: rc files, then the command.
 * Signals stand as in the rest of umvu until the command is there.
 */
void launch_command(struct umvu *u) __attribute__((noreturn));

#endif
