/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_WATCH_H
#define SYS_WATCH_H

#include "sys/request.h"

/*
 * Made nodes that guests watch (inotify), and what is told of them: see
 * watch.c.
 */
struct watches;
struct watches *watches_new(struct sys *s);

/*
 * The call has been answered so, and the caller does not know it yet: tell
 * those who watch what it has done.
 */
void watch_tell(struct request *rq, const struct verdict *v);

/*
 * The same for the name of a socket that is bound: it is there now, or not in
 * spite of that. The monitor has its own ids.
 */
void watch_made(struct request *rq, const struct place *p);
void watch_gone(struct request *rq, const struct place *p);

/* Mounts have gone. */
void watch_sweep(struct sys *s, bool (*there)(void *arg, unsigned mount),
		 void *arg);

#endif
