/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "lib/events.h"

int events_init(struct events *ev)
{
	ev->epoll = epoll_create1(EPOLL_CLOEXEC);
	return ev->epoll < 0 ? -errno : 0;
}

int events_add(struct events *ev, struct source *src, uint32_t mask)
{
	struct epoll_event e = { .events = mask, .data.ptr = src };

	return epoll_ctl(ev->epoll, EPOLL_CTL_ADD, src->fd, &e) ? -errno : 0;
}

void events_change(struct events *ev, struct source *src, uint32_t mask)
{
	struct epoll_event e = { .events = mask, .data.ptr = src };

	epoll_ctl(ev->epoll, EPOLL_CTL_MOD, src->fd, &e);
}

void events_remove(struct events *ev, struct source *src)
{
	epoll_ctl(ev->epoll, EPOLL_CTL_DEL, src->fd, NULL);
}

int events_wait(struct events *ev, int timeout)
{
	struct epoll_event e;
	struct source *src;
	int n = epoll_wait(ev->epoll, &e, 1, timeout);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n) {
		src = e.data.ptr;
		src->ready(src->ctx, e.events);
	}
	return 0;
}
