/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * That its mount is gone is news for a server: it finishes what it has in
 * mind, writes its image, lets go of that, and ends. Who unmounts and then
 * looks at the image, or mounts it again, means it to be finished; so
 * unmounting waits for the server, for as long as a person would.
 *
 * Before the mount ends it is noted who has the server's end of it open.
 * Of a socket that is exact. The kernel does not say which connection a
 * /dev/fuse belongs to, so there all are noted who have one, and how many;
 * the carrier knows when the device has been closed by everybody (watch),
 * and whoever has fewer by then was its server.
 *
 * A daemon is then waited for until it has ended: libfuse closes the device
 * first, and only then has the program write what is left. One that serves
 * another mount as well has other things to do than to end. One that is no
 * daemon may be a program that goes on without its mount; it is given a
 * short time only, which will do for one that only serves.
 *
 * Whoever would wait for himself does not come here: see sys/servers.c.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "mod/vufuse/carrier.h"
#include "mod/vufuse/fs.h"
#include "mod/vufuse/leaving.h"

enum {
	NAP_MS = 2, NAPS_MS = 50,	/* from, to: looking costs something */
	FOREGROUND_MS = 500,	/* for a program that may go on */
	LEAVERS_MAX = 64,
};

struct leaver {
	pid_t pid;
	int pidfd;
	unsigned had;		/* how many such descriptors */
};

struct leaving {
	ino_t socket;
	size_t n;
	struct leaver list[LEAVERS_MAX];
};

/* --- who has what open --- */

struct count {
	ino_t socket;		/* 0: /dev/fuse */
	unsigned n;
};

static bool count_it(void *arg, const struct stat *st)
{
	struct count *c = arg;

	if (c->socket ? S_ISSOCK(st->st_mode) && st->st_ino == c->socket :
	    carrier_device(st))
		c->n++;
	return false;
}

static unsigned has_open(pid_t pid, ino_t socket)
{
	struct count c = { .socket = socket };

	vu_has_open(pid, count_it, &c);
	return c.n;
}

static bool is_served(void *arg, const struct stat *st)
{
	(void)arg;
	return carrier_device(st) ||
	       (S_ISSOCK(st->st_mode) && keeper_knows(st->st_ino));
}

/* --- before --- */

/* The pidfd first: what is read of /proc then is of the process it holds. */
static void note(struct leaving *l, pid_t pid)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	unsigned had;

	if (pidfd < 0)
		return;
	had = has_open(pid, l->socket);
	if (had)
		l->list[l->n++] = (struct leaver){ pid, pidfd, had };
	else
		close(pidfd);
}

struct leaving *leaving_note(ino_t socket)
{
	struct leaving *l = calloc(1, sizeof(*l));
	pid_t *pid;
	size_t n;

	if (!l)
		return NULL;
	l->socket = socket;
	n = vu_guests(&pid);
	for (size_t i = 0; i < n && l->n < LEAVERS_MAX; i++)
		note(l, pid[i]);
	free(pid);
	if (l->n)
		return l;
	leaving_free(l);
	return NULL;
}

void leaving_free(struct leaving *l)
{
	while (l && l->n)
		close(l->list[--l->n].pidfd);
	free(l);
}

/* --- after --- */

static bool has_ended(const struct leaver *one, long ms)
{
	struct pollfd p = { .fd = one->pidfd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, ms < 0 ? 0 : ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

static bool has_let_go(const struct leaving *l, const struct leaver *one)
{
	return has_ended(one, 0) || has_open(one->pid, l->socket) < one->had;
}

/* The device answers with POLLERR as long as anybody has it open. */
static bool device_closed(int watch)
{
	struct epoll_event e;

	return watch < 0 || epoll_wait(watch, &e, 1, 0) <= 0;
}

static bool all_let_go(const struct leaving *l, int watch)
{
	if (!l->socket)
		return device_closed(watch);
	for (size_t i = 0; i < l->n; i++)
		if (!has_let_go(l, &l->list[i]))
			return false;
	return true;
}

static void await_end(const struct leaver *one, long end)
{
	long soon = now_ms() + FOREGROUND_MS;
	bool daemon = getsid(one->pid) == one->pid;

	if (vu_has_open(one->pid, is_served, NULL))
		return;
	if (!daemon && soon < end)
		end = soon;
	has_ended(one, end - now_ms());
}

void leaving_wait(const struct leaving *l, int watch, long end)
{
	long nap = NAP_MS;

	if (!l)
		return;
	for (; !all_let_go(l, watch); nap = nap < NAPS_MS ? nap * 2 : nap) {
		if (now_ms() >= end)
			return;
		poll(NULL, 0, nap);
	}
	for (size_t i = 0; i < l->n; i++)
		if (has_let_go(l, &l->list[i]))
			await_end(&l->list[i], end);
}
