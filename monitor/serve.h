/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_SERVE_H
#define MONITOR_SERVE_H

#include <sys/types.h>
#include "monitor/requests.h"

struct events;
struct service;

/*
 * The monitor's end of service/protocol.md: connections and their state.
 * @listen:	outside door, or -1; stays the caller's
 * Return: 0 or -errno
 */
int service_new(struct service **out, struct events *ev, int listen);

/* Requests are answered from now on. room is copied. */
int service_open_room(struct service *s, const struct room *room);

/*
 * sys_hooks.service: a connection for the process of thread tid. ctx is the
 * struct service. Safe from any thread. Return: a descriptor, or -errno
 */
int service_connect(void *ctx, pid_t tid);

#endif
