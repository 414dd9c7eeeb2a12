/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Whoever waits for an answer receives it himself (conn.c): that is best for a
 * single one. Who fills a large file copies each piece once more, into the
 * content, and that takes longer than to receive it, or than the server takes
 * to send it: the server waits then, and one core has nothing to do. So for
 * the time of a large transfer another thread receives.
 *
 * It waits for packets without the right to receive, such that it can be told
 * to end at any moment; c->pumped keeps others from taking that right
 * meanwhile. When it is reset, all who wait look for themselves again.
 */
#include "mod/vufuse/pump.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mod/vufuse/conn_inside.h"

enum { NAP_USEC = 1000 };

static bool is_dead(const struct conn *c)
{
	return conn_state(c) == CONN_DEAD;
}

static void *run(void *arg)
{
	struct pump *p = arg;
	struct conn *c = p->conn;
	struct pollfd fd[] = {
		{ .fd = c->fd, .events = POLLIN },
		{ .fd = p->wake, .events = POLLIN },
	};
	bool any;

	while (!is_dead(c) && (poll(fd, 2, -1) >= 0 || errno == EINTR)) {
		if (fd[1].revents)
			break;
		pthread_mutex_lock(&c->lock);
		any = !is_dead(c) && !c->receiving &&
		      conn_receive(c, NULL, false);
		pthread_mutex_unlock(&c->lock);
		if (!any)	/* somebody else is at it, or there is no memory */
			usleep(NAP_USEC);
	}
	return NULL;
}

/* Is there a core for it? */
static bool is_worth_it(void)
{
	cpu_set_t set;

	return !sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) > 1;
}

/* Become the one who receives, unless there is one. */
static bool take_over(struct conn *c)
{
	bool mine;

	pthread_mutex_lock(&c->lock);
	mine = !c->pumped && !is_dead(c);
	c->pumped |= mine;
	pthread_mutex_unlock(&c->lock);
	return mine;
}

static void give_back(struct conn *c)
{
	pthread_mutex_lock(&c->lock);
	c->pumped = false;
	conn_wake(c, NULL);
	pthread_mutex_unlock(&c->lock);
}

/* Signals are the business of other threads. */
static bool start(struct pump *p)
{
	sigset_t every, before;
	int err;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	err = pthread_create(&p->thread, NULL, run, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !err;
}

void pump_start(struct pump *p, struct conn *c)
{
	p->conn = NULL;
	if (!is_worth_it() || !take_over(c))
		return;
	p->conn = c;
	p->wake = eventfd(0, EFD_CLOEXEC);
	if (p->wake >= 0 && start(p))
		return;
	if (p->wake >= 0)
		close(p->wake);
	p->conn = NULL;
	give_back(c);
}

void pump_stop(struct pump *p)
{
	if (!p->conn)
		return;
	eventfd_write(p->wake, 1);
	pthread_join(p->thread, NULL);
	close(p->wake);
	give_back(p->conn);
	p->conn = NULL;
}
