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
 */
#include "monitor/ending.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/proc.h"
#include "sys/sys.h"

enum { SERVERS_MAX = 256, LOOK = 100, SOON = 10 };	/* ms */

struct servers {
	pid_t pid[SERVERS_MAX];
	size_t n;
};

static void find_servers(const struct ending *e, struct servers *s)
{
	s->n = e->sys ? sys_servers(e->sys, s->pid, SERVERS_MAX) : 0;
	if (s->n > SERVERS_MAX)
		s->n = SERVERS_MAX;
}

static bool serves(const struct servers *s, pid_t pid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->pid[i] && (s->pid[i] == pid ||
				  proc_is_descendant(s->pid[i], pid)))
			return true;
	return false;
}

static bool only_servers(const struct servers *s)
{
	struct proc_stat st;
	bool others = false;
	pid_t *pid;
	size_t n = proc_descendants(getpid(), &pid);

	for (size_t i = 0; i < n && !others; i++)
		others = !serves(s, pid[i]) && !proc_stat(pid[i], &st) &&
			 st.state != 'Z';
	free(pid);
	return !others;
}

static void *let_go(void *arg)
{
	struct ending *e = arg;

	sys_quit_mounts(e->sys);
	atomic_store(&e->done, true);
	return NULL;
}

static void start(struct ending *e, struct guests *g)
{
	log_debug("only servers are left: letting go of their mounts");
	e->started = true;
	g->kill_at = 0;
	if (pthread_create(&e->thread, NULL, let_go, e))
		atomic_store(&e->done, true);
}

static int sooner(int wait, int ms)
{
	return wait < 0 || wait > ms ? ms : wait;
}

int ending_step(struct ending *e, struct guests *g, int wait, int grace)
{
	struct servers s;

	if (!e->sys || e->told || (g->first && !g->kill_at && !e->started))
		return wait;
	if (!e->started) {
		find_servers(e, &s);
		if (!s.n)
			return wait;
		if (only_servers(&s))
			start(e, g);
		return sooner(wait, LOOK);
	}
	if (!atomic_load(&e->done))
		return sooner(wait, SOON);
	e->told = true;
	guests_end(g, grace, NULL, NULL);
	return guests_timeout(g);
}

static bool spare(void *arg, pid_t pid)
{
	return serves(arg, pid);
}

void ending_ask(struct ending *e, struct guests *g, int grace)
{
	struct servers s;

	if (e->started) {	/* and has been waited for long enough */
		guests_kill(g);
		return;
	}
	find_servers(e, &s);
	guests_end(g, grace, spare, &s);
}

void ending_tick(struct ending *e, struct guests *g)
{
	struct servers s = { .n = 0 };

	if (guests_timeout(g))
		return;
	if (!e->started && !e->told)
		find_servers(e, &s);
	guests_tick(g, spare, &s);
}
