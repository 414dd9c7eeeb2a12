/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection is ended by shutting it down, not by a flag: it works
 * whether the signal comes before or during the wait, and what waits in the
 * socket is not lost. A signal handler gets no argument, hence the one
 * variable of this file: the connection that is being followed.
 */
#include "tools/follow.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "service/client.h"
#include "tools/tool.h"

static atomic_int followed = -1;
static atomic_bool stopped;

void follow_stop(void)
{
	int saved = errno;
	int fd = atomic_load(&followed);

	atomic_store(&stopped, true);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	errno = saved;
}

int follow_trace(const char *name, int fd, pid_t pid,
		 void (*record)(void *ctx, char **field, int nfield),
		 void *ctx)
{
	const char *word[2] = { "trace" };
	char message[512] = "", number[12];
	int err;

	if (pid) {
		snprintf(number, sizeof(number), "%d", (int)pid);
		word[1] = number;
	}
	atomic_store(&followed, fd);
	if (atomic_load(&stopped))
		shutdown(fd, SHUT_RDWR);
	err = service_request(fd, word, pid ? 2 : 1, record, ctx, message,
			      sizeof(message));
	atomic_store(&followed, -1);
	if (!err || err == -EPIPE)
		return TOOL_OK;
	tool_error(name, "%s", message[0] ? message : strerror(-err));
	return TOOL_FAILED;
}
