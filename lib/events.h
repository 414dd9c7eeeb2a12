/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_EVENTS_H
#define LIB_EVENTS_H

#include <stdint.h>

/*
 * The smallest event loop: descriptors and what to call when they are
 * ready. Level triggered, one event at a time, so a callback may remove
 * and free any source, its own too. One thread only.
 */
struct events {
	int epoll;
};

struct source {
	int fd;
	void (*ready)(void *ctx, uint32_t events);	/* EPOLL* bits */
	void *ctx;
};

int events_init(struct events *ev);		/* 0 or -errno */

/* The source is the caller's and stays where it is until removed. */
int events_add(struct events *ev, struct source *src, uint32_t mask);
void events_change(struct events *ev, struct source *src, uint32_t mask);
void events_remove(struct events *ev, struct source *src);

/* Serve one event, or none within timeout (ms, -1: wait). 0 or -errno. */
int events_wait(struct events *ev, int timeout);

#endif
