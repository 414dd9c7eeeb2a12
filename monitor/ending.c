/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A guest that serves a mount waits for requests until it is unmounted: a
 * view with such guests would never end. So when nobody is left but servers
 * and what they have started, what others have written is stored, the mounts
 * are let go of, the newest first, and the servers are asked to end.
 *
 * Storing asks the servers, which are guests whose calls the monitor answers:
 * it is done on a thread of its own, and the main thread goes on. A server
 * that mounts only after the last other guest has gone sends no signal that
 * would tell so: while there are mounts whose servers live, one looks.
 *
 * A server whose mount is gone often has work to do yet: one of an archive
 * writes it anew, and a signal would leave half of it. So those that see by
 * themselves that their mount is gone get none, and nobody is killed as long
 * as somebody writes something.
 */
#include "monitor/ending.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/proc.h"
#include "monitor/worker.h"

enum { LOOK = 100, SOON = 10 };	/* ms */
enum { PROGRESS = 2 };			/* seconds */

/* The guests, and which of them serve mounts. */
struct census {
	pid_t *pid;
	bool *serves;
	size_t n;
	bool any;		/* mount is served by a guest */
};

static void take_census(const struct ending *e, struct census *c)
{
	*c = (struct census){ .n = 0 };
	if (!e->ops)
		return;
	c->n = proc_descendants(getpid(), &c->pid);
	c->serves = calloc(c->n + 1, sizeof(*c->serves));
	if (c->serves)
		c->any = e->ops->servers(e->ctx, c->pid, c->n, c->serves);
	else
		c->n = 0;
}

static void drop_census(struct census *c)
{
	free(c->pid);
	free(c->serves);
}

/* Is it a server, or does it work for one? */
static bool serves(const struct census *c, pid_t pid)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->serves[i] && (c->pid[i] == pid ||
				     proc_is_descendant(c->pid[i], pid) ||
				     works_for(pid, c->pid[i])))
			return true;
	return false;
}

static bool only_servers(const struct census *c)
{
	struct proc_stat st;

	for (size_t i = 0; i < c->n; i++)
		if (!serves(c, c->pid[i]) && !proc_stat(c->pid[i], &st) &&
		    st.state != 'Z')
			return false;
	return true;
}

static void *let_go(void *arg)
{
	struct ending *e = arg;

	e->ops->quit(e->ctx);
	atomic_store(&e->done, true);
	return NULL;
}

static void start(struct ending *e, struct guests *g)
{
	pthread_t thread;

	log_debug("only servers are left: letting go of their mounts");
	e->started = true;
	e->began = coarse_seconds();
	g->kill_at = 0;
	if (pthread_create(&thread, NULL, let_go, e))
		atomic_store(&e->done, true);
	else
		pthread_detach(thread);
}

/* Whoever sits there wonders. */
static void tell_progress(struct ending *e)
{
	if (e->said || coarse_seconds() - e->began < PROGRESS ||
	    !isatty(log_fd()))
		return;
	e->said = true;
	log_warn("storing what was written to file systems "
		 "(SIGTERM gives it up)");
}

static int sooner(int wait, int ms)
{
	return wait < 0 || wait > ms ? ms : wait;
}

/* Start, if nobody else is left. Return: is there anything to wait for? */
static bool look(struct ending *e, struct guests *g)
{
	struct census c;
	bool any;

	take_census(e, &c);
	any = c.any;
	if (any && only_servers(&c))
		start(e, g);
	drop_census(&c);
	return any;
}

/* What all guests have written so far. */
static uint64_t written(void)
{
	uint64_t sum = 0;
	pid_t *pid;
	size_t n = proc_descendants(getpid(), &pid);

	for (size_t i = 0; i < n; i++)
		sum += proc_written(pid[i]);
	free(pid);
	return sum;
}

/* Those whose mount is gone by itself have seen it. */
static bool has_seen(void *arg, pid_t pid)
{
	const struct census *c = arg;

	for (size_t i = 0; i < c->n; i++)
		if (c->pid[i] == pid)
			return !c->serves[i];
	return true;
}

static void tell(struct ending *e, struct guests *g)
{
	struct census c;

	e->told = true;
	e->written = written();
	take_census(e, &c);
	guests_end(g, e->grace, has_seen, &c);
	drop_census(&c);
}

int ending_step(struct ending *e, struct guests *g, int wait, int grace)
{
	if (!e->ops || (g->first && !g->kill_at && !e->started))
		return wait;
	e->grace = grace;
	if (!e->started)
		return look(e, g) ? sooner(wait, LOOK) : wait;
	if (!atomic_load(&e->done)) {
		tell_progress(e);
		return sooner(wait, SOON);
	}
	if (!e->told)
		tell(e, g);
	return guests_timeout(g);
}

static bool spare(void *arg, pid_t pid)
{
	return serves(arg, pid);
}

void ending_ask(struct ending *e, struct guests *g, int grace)
{
	struct census c;

	if (e->started) {	/* and has been waited for long enough */
		e->gave_up = true;
		guests_kill(g);
		return;
	}
	take_census(e, &c);
	guests_end(g, grace, spare, &c);
	drop_census(&c);
}

static bool everybody(void *arg, pid_t pid)
{
	(void)arg, (void)pid;
	return true;
}

/* The time is over: shall it be given once more? */
static bool goes_on(struct ending *e, struct guests *g)
{
	uint64_t sum;

	if (e->gave_up)
		return false;
	sum = written();
	g->kill_at = 0;
	if (sum != e->written) {
		e->written = sum;
		guests_end(g, e->grace, everybody, NULL);
		return true;
	}
	e->gave_up = true;
	guests_end(g, e->grace, NULL, NULL);
	return true;
}

void ending_tick(struct ending *e, struct guests *g)
{
	struct census c = { .n = 0 };

	if (guests_timeout(g))
		return;
	if (e->told && goes_on(e, g))
		return;
	if (!e->started)
		take_census(e, &c);
	guests_tick(g, spare, &c);
	drop_census(&c);
}
