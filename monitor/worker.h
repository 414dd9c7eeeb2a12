/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_WORKER_H
#define MONITOR_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Does a process work for another one: is the other end of its standard
 * input, a pipe or a socket, that one's? False when it cannot be told.
 */
bool works_for(pid_t pid, pid_t master);

#endif
