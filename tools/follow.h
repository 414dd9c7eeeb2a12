/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FOLLOW_H
#define TOOLS_FOLLOW_H

#include <sys/types.h>

/*
 * Follow a monitor's trace: the `trace` request, which has no end of its
 * own, and the ways to end it. One at a time in a process.
 */

/*
 * Hand every record to record() until follow_stop() or the monitor's end;
 * both are ends as they should be.
 * @pid: trace only this process, until it ends; 0: every guest
 * Return: TOOL_OK, or TOOL_FAILED having complained in name's name
 */
int follow_trace(const char *name, int fd, pid_t pid,
		 void (*record)(void *ctx, char **field, int nfield),
		 void *ctx);

/*
 * End it, from a record function or a signal handler. What has already
 * arrived is still handed on.
 */
void follow_stop(void);

#endif
