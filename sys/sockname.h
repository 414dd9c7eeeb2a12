/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_SOCKNAME_H
#define SYS_SOCKNAME_H

#include "sys/request.h"

/*
 * The caller connects its socket (argument 0) to what the kernel knows as
 * real, and the caller as said.
 */
void socket_note_peer(struct request *rq, const char *real, const char *said);

/*
 * Can the caller's socket (argument 0) be bound to a name?
 * @mode: out: what the name would have without a umask
 * Return: 0; -errno; 1: it is none of ours, the kernel knows better
 */
int socket_may_bind(struct request *rq, mode_t *mode);

#endif
