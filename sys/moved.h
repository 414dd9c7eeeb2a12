/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_MOVED_H
#define SYS_MOVED_H

#include "sys/request.h"

/* Names in moved directories that gates can translate: see moved.c. */

/* The i-th name of a call was walked. May gates do it by themselves? */
void moved_learn(struct request *rq, int i);

/*
 * The directory of an absolute name, as it was learned last: a place that the
 * walk can begin at, by the name *last. Return: is it known still?
 */
bool moved_start(struct request *rq, const char *path, struct place *start,
		 const char **last);

/*
 * Nothing is noted of descriptor fd of pid, which leads to the place: was it
 * opened by a gate? Then the place comes to be in the mount that is meant.
 */
void moved_find(struct request *rq, pid_t pid, int fd, struct place *place);

/* The newest mount that only moves what the kernel calls so; or NULL. Borrowed */
struct mount *moved_mount(const struct request *rq, const char *real);

/* Could a gate have opened something so? */
bool moved_any(const struct request *rq);

#endif
