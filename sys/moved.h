/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_MOVED_H
#define SYS_MOVED_H

#include "sys/request.h"

/* Names in moved directories that gates can translate: see moved.c. */

/* The i-th name of a call was walked. May gates do it by themselves? */
void moved_learn(struct request *rq, int i);

/*
 * Nothing is noted of descriptor fd of pid, which leads to the place: was it
 * opened by a gate? Then the place comes to be in the mount that is meant.
 */
void moved_find(struct request *rq, pid_t pid, int fd, struct place *place);

/* Could a gate have opened something so? */
bool moved_any(const struct request *rq);

#endif
