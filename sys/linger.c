/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * What is unmounted lazily lives on as long as somebody uses it: a working
 * directory, or a directory that is open, holds the mount; of an open file
 * only its module may know. Its server goes with it, and has its image for
 * that long; so somebody has to notice when the last user has gone. Nobody
 * tells us of close, hence a thread that looks, twice a second, as long as
 * there is such a mount, and then ends. It is the last holder of each, but for
 * notes of descriptors, which it drops when they lead elsewhere.
 *
 * A mount that is in no view cannot come back into one, nor be entered by
 * name: once it is not used it stays so.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "engine/task.h"
#include "sys/state.h"
#include "view/registry.h"

enum { LOOK_MS = 500 };

struct lingering {
	struct lingering *next;
	struct mount *mount;
};

/* held: references that do not count. */
static bool is_used(struct mount *m, unsigned held)
{
	return atomic_load(&m->refs) > held ||
	       (mount_served(m) && module_fs(m->module)->busy(&m->pub));
}

static void look(struct sys *s, struct lingering **list)
{
	struct lingering **p = list, *l;

	while ((l = *p)) {
		descriptors_sweep_of(s->descriptors, l->mount);
		if (is_used(l->mount, 1)) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		mount_put(l->mount);	/* may take a while */
		free(l);
	}
}

/* Those of the list come before what was added since. Return: are there any? */
static bool give_back(struct sys *s, struct lingering *list)
{
	struct lingering **p = &list;
	bool any;

	while (*p)
		p = &(*p)->next;
	pthread_mutex_lock(&s->lock);
	*p = s->lingering;
	s->lingering = list;
	s->lingers = any = list;
	pthread_mutex_unlock(&s->lock);
	return any;
}

static void *look_after(void *arg)
{
	struct sys *s = arg;
	struct lingering *list;

	do {
		poll(NULL, 0, LOOK_MS);
		pthread_mutex_lock(&s->lock);
		list = s->lingering;
		s->lingering = NULL;
		pthread_mutex_unlock(&s->lock);
		tasks_reap(s->tasks);
		look(s, &list);
	} while (give_back(s, list));
	return NULL;
}

/* Signals are the main thread's affair. */
static bool start(struct sys *s)
{
	sigset_t every, before;
	pthread_t thread;
	int err;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	err = pthread_create(&thread, NULL, look_after, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !err && !pthread_detach(thread);
}

/* Takes over a reference. Without a thread it stays until the view ends. */
static void keep(struct sys *s, struct mount *m)
{
	struct lingering *l = malloc(sizeof(*l));

	if (!l)
		return;
	pthread_mutex_lock(&s->lock);
	*l = (struct lingering){ s->lingering, m };
	s->lingering = l;
	if (!s->lingers)
		s->lingers = start(s);
	pthread_mutex_unlock(&s->lock);
}

static bool is_served(const struct mount *m)
{
	return m->module && module_fs(m->module)->serves(
		(struct vu_mount *)&m->pub, 0) >= 0;
}

/* All that the version has and no view any more, each with a reference. */
static size_t collect(const struct version *before, struct mount **gone)
{
	size_t n = 0;

	for (size_t i = 0; i < before->nmount; i++) {
		struct mount *m = before->mount[i];

		if (!atomic_load(&m->views) && is_served(m))
			gone[n++] = mount_get(m);
	}
	return n;
}

void server_lingers(struct request *rq, struct mount *m)
{
	struct version *before = rq->version;
	struct mount **gone = calloc(before->nmount + 1, sizeof(*gone));
	size_t n = gone ? collect(before, gone) : 0;

	place_drop(&rq->cwd);
	rq->version = view_version(rq->guest->view);
	rq->ctx.version = rq->version;
	version_put(before);
	/* what is inside of another first: that is held by it */
	while (n--) {
		if (is_used(gone[n], gone[n] == m ? 2 : 1))
			keep(rq->sys, gone[n]);
		else
			mount_put(gone[n]);
	}
	free(gone);
}
