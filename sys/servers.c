/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts that guests serve, at the end of a view. */
#include <stdlib.h>

#include "sys/state.h"
#include "view/registry.h"

/* All mounts that modules serve, of all views, each once, held. */
struct served {
	struct mount **mount;
	size_t n, size;
};

static bool listed(const struct served *all, const struct mount *m)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->mount[i] == m)
			return true;
	return false;
}

static void enlist(struct served *all, struct mount *m)
{
	if (!mount_served(m) || !m->module || listed(all, m))
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

static void collect(void *arg, struct view *v)
{
	struct version *now = view_version(v);

	for (size_t i = 0; i < now->nmount; i++)
		enlist(arg, now->mount[i]);
	version_put(now);
}

static void release(struct served *all)
{
	while (all->n)
		mount_put(all->mount[--all->n]);
	free(all->mount);
}

size_t sys_servers(struct sys *s, pid_t *pid, size_t max)
{
	struct served all = { .n = 0 };
	size_t n = 0;

	if (!atomic_load(&s->awake))
		return 0;
	sys_each(s, collect, &all);
	for (size_t i = 0; i < all.n; i++) {
		struct mount *m = all.mount[i];
		pid_t server = module_fs(m->module)->server(&m->pub);

		if (server < 0)
			continue;
		if (n < max)
			pid[n] = server;
		n++;
	}
	release(&all);
	return n;
}

static int newest_first(const void *a, const void *b)
{
	const struct mount *x = *(struct mount *const *)a;
	const struct mount *y = *(struct mount *const *)b;

	return x->id < y->id ? 1 : -1;
}

void sys_quit_mounts(struct sys *s)
{
	struct served all = { .n = 0 };

	sys_each(s, collect, &all);
	if (all.n)
		qsort(all.mount, all.n, sizeof(*all.mount), newest_first);
	for (size_t i = 0; i < all.n; i++)
		module_fs(all.mount[i]->module)->quit(&all.mount[i]->pub);
	release(&all);
}
