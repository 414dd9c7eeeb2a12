/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_WATCH_H
#define TOOLS_WATCH_H

#include "tools/callline.h"

/*
 * Run a command and print the calls of its processes on stderr while it
 * runs.
 * @fd: connection to this view's monitor
 * Return: the command's exit status (128+n for a signal, 127 not found, 126
 * not executable)
 */
int watch_command(const char *name, int fd, const struct call_style *style,
		  char **command);

#endif
