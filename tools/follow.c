/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection is ended by shutting it down, not by a flag: it works
 * whether the signal comes before or during the wait, and what waits in the
 * socket is not lost. A signal handler gets no argument, hence the one
 * variable of this file: the connection that is being followed.
 */
#include "tools/follow.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "service/client.h"
#include "tools/tool.h"

enum { AFTERMATH_US = 100000 };

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

/* The last lines of a process that has ended are still under way. */
static void *await_end(void *arg)
{
	struct pollfd p = { .fd = (intptr_t)arg, .events = POLLIN };

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	usleep(AFTERMATH_US);
	close(p.fd);
	follow_stop();
	return NULL;
}

/* A process that cannot be waited for is followed until ^C. */
static void stop_with(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	pthread_t thread;

	if (fd < 0) {
		if (errno == ESRCH)
			follow_stop();
		return;
	}
	if (pthread_create(&thread, NULL, await_end, (void *)(intptr_t)fd))
		close(fd);
	else
		pthread_detach(thread);
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
		stop_with(pid);
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
