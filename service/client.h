/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVICE_CLIENT_H
#define SERVICE_CLIENT_H

#include <stddef.h>
#include <sys/types.h>

/*
 * The tools' side of service/protocol.md.
 */

/*
 * A connection to the monitor of the view this process is in; it speaks
 * for this process. Return: a descriptor (close-on-exec) or -errno
 * (-ENOSYS: not in a view)
 */
int service_inside(void);

/*
 * A connection to the monitor whose umvu has this pid, from outside.
 * Return: a descriptor or -errno (-ENOENT: no such monitor of this user;
 * -ETIMEDOUT: it does not answer)
 */
int service_outside(pid_t pid);

/* What is requested there is answered in some seconds, or -ETIMEDOUT. */
void service_soon(int fd);

/*
 * The running monitors of this user; the sockets of dead ones are removed.
 * Return: how many were stored, at most max, in no order
 */
size_t service_monitors(pid_t *pid, size_t max);

/* Takes one record; the fields are unescaped and valid for this call. */
typedef void service_record(void *ctx, char **field, int nfield);

/*
 * Make a request and wait for the end of its reply.
 * @word:	the verb and its arguments
 * @record:	called for each record; may be NULL
 * @message:	out: the monitor's message on failure, or ""
 * Return: 0, the monitor's -errno, or -EPIPE when the connection ended
 */
int service_request(int fd, const char *const *word, int nword,
		    service_record *record, void *ctx,
		    char *message, size_t size);

#endif
