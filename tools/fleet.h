/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FLEET_H
#define TOOLS_FLEET_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Which monitors a command is about: one by its pid; else that of the view
 * it runs in; else (outside of views, or when all is set) every running
 * monitor of this user.
 */
struct fleet {
	const char *name;	/* for messages */
	pid_t pid;		/* 0: none named */
	bool all;
};

/*
 * Call visit with a connection to each of them; visit does not close it.
 * @found: out, may be NULL: how many there were
 * Return: the worst of the statuses, TOOL_OK when there are no monitors
 */
int fleet_each(const struct fleet *f, size_t *found,
	       int (*visit)(void *ctx, int fd), void *ctx);

/* Is this process inside a view? */
bool fleet_inside(void);

#endif
