/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounts that guests serve: at the end of a view, and when one is unmounted.
 *
 * A server that ends unmounts what it has mounted, by name. If that was
 * unmounted already, and so the server has ended, another mount may be there
 * by then, which is not meant. (The kernel's /dev/fuse tells the server, by
 * POLLERR; a socket has nothing to say that with.)
 *
 * Who unmounts waits until the server has finished: the module does that when
 * the mount is freed, if it is told so. So the request has to be the last to
 * hold the mount, and gives up what it holds of it. A server that unmounts
 * itself, or has that done by a child that it waits for, is not waited for.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/proc.h"
#include "lib/proc.h"
#include "sys/state.h"
#include "view/registry.h"

enum { OTHERS_MS = 1000, NAP_MS = 2 };

/* All mounts of modules that live, held. */
struct served {
	struct mount **mount;
	size_t n, size;
};

static void enlist(void *arg, struct mount *m)
{
	struct served *all = arg;

	if (!m->module)
		return;
	if (all->n == all->size) {
		size_t size = all->size ? 2 * all->size : 16;
		void *more = reallocarray(all->mount, size, sizeof(*all->mount));

		if (!more)
			return;
		all->mount = more;
		all->size = size;
	}
	all->mount[all->n++] = mount_get(m);
}

static void release(struct served *all)
{
	while (all->n)
		mount_put(all->mount[--all->n]);
	free(all->mount);
}

/* Of which of them is it that it serves m? Return: can it be a guest at all? */
static bool find_server(struct mount *m, const pid_t *pid, size_t n,
			bool *serves)
{
	const struct vu_fs_ops *ops = module_fs(m->module);

	if (ops->serves(&m->pub, 0) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!serves[i])
			serves[i] = ops->serves(&m->pub, pid[i]) > 0;
	return true;
}

bool sys_servers(struct sys *s, const pid_t *pid, size_t n, bool *serves)
{
	struct served all = { .n = 0 };
	bool any = false;

	memset(serves, 0, n * sizeof(*serves));
	if (!atomic_load(&s->awake))
		return false;
	mount_each(enlist, &all);
	for (size_t i = 0; i < all.n; i++)
		if (find_server(all.mount[i], pid, n, serves))
			any = true;
	release(&all);
	return any;
}

static int newest_first(const void *a, const void *b)
{
	const struct mount *x = *(struct mount *const *)a;
	const struct mount *y = *(struct mount *const *)b;

	return x->id < y->id ? 1 : -1;
}

static bool served_below(struct mount *m, const pid_t *pid, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (module_fs(m->module)->serves(&m->pub, pid[i]) > 0)
			return true;
	return false;
}

void sys_quit_mounts(pid_t above)
{
	struct served all = { .n = 0 };
	pid_t *pid = NULL;
	size_t n = above ? proc_descendants(above, &pid) : 0;

	mount_each(enlist, &all);
	if (all.n)
		qsort(all.mount, all.n, sizeof(*all.mount), newest_first);
	for (size_t i = 0; i < all.n; i++)
		if (!above || served_below(all.mount[i], pid, n))
			module_fs(all.mount[i]->module)->quit(
				&all.mount[i]->pub);
	release(&all);
	free(pid);
}

/* --- what servers unmount ------------------------------------------------- */

/* Is it a server of m itself, or works for one? */
static bool asked_by_server(struct mount *m, pid_t pid)
{
	const struct vu_fs_ops *ops = module_fs(m->module);
	struct proc_stat st;

	for (; pid > 1 && pid != getpid(); pid = st.parent)
		if (ops->serves(&m->pub, pid) > 0 || proc_stat(pid, &st))
			return true;
	return false;
}

/* Others hold it while their calls are under way: for a moment, as a rule. */
static bool is_ours_alone(struct mount *m)
{
	for (int ms = 0; ms < OTHERS_MS; ms += NAP_MS) {
		if (atomic_load(&m->refs) == 1)
			return true;
		poll(NULL, 0, NAP_MS);
	}
	return false;
}

void server_await(struct request *rq, struct mount *m)
{
	struct version *before = rq->version;

	if (!m->module || atomic_load(&m->views) ||
	    module_fs(m->module)->serves(&m->pub, 0) < 0 ||
	    asked_by_server(m, request_tgid(rq)))
		return;
	place_drop(&rq->cwd);
	rq->version = view_version(rq->guest->view);
	rq->ctx.version = rq->version;
	version_put(before);
	if (is_ours_alone(m))
		m->pub.flags |= VU_MOUNT_AWAITED;
}

static void note_departed(struct sys *s, pid_t pid, const char *target)
{
	struct departed d = { pid, proc_start(pid), strdup(target) }, old;

	if (!d.target)
		return;
	pthread_mutex_lock(&s->lock);
	old = s->departed[s->ndeparted % DEPARTED_MAX];
	s->departed[s->ndeparted++ % DEPARTED_MAX] = d;
	pthread_mutex_unlock(&s->lock);
	free(old.target);
}

void server_departs(struct sys *s, struct mount *m)
{
	pid_t *pid;
	size_t n;

	if (!m || !m->module || module_fs(m->module)->serves(&m->pub, 0) < 0)
		return;
	n = proc_descendants(getpid(), &pid);
	for (size_t i = 0; i < n; i++)
		if (module_fs(m->module)->serves(&m->pub, pid[i]) > 0)
			note_departed(s, pid[i], m->pub.target);
	free(pid);
}

/* Has that server, or who works for it, asked? */
static bool asked_by(const struct departed *d, pid_t pid)
{
	return d->pid && (d->pid == pid || proc_is_descendant(d->pid, pid)) &&
	       proc_start(d->pid) == d->start;
}

bool server_departed(struct sys *s, pid_t pid, const char *target,
		     struct mount *m)
{
	pid_t server = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < DEPARTED_MAX && !server; i++) {
		const struct departed *d = &s->departed[i];

		if (d->target && !strcmp(d->target, target) &&
		    asked_by(d, pid))
			server = d->pid;
	}
	pthread_mutex_unlock(&s->lock);
	return server && (!m || !m->module ||
			  module_fs(m->module)->serves(&m->pub, server) <= 0);
}
