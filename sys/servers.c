/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts that guests serve, at the end of a view. */
#include <stdlib.h>
#include <string.h>

#include "lib/proc.h"
#include "sys/state.h"
#include "view/registry.h"

/* All mounts of modules, of all views, each once, held. */
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
	if (!m->module || listed(all, m))
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
	sys_each(s, collect, &all);
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

void sys_quit_mounts(struct sys *s, pid_t above)
{
	struct served all = { .n = 0 };
	pid_t *pid = NULL;
	size_t n = above ? proc_descendants(above, &pid) : 0;

	sys_each(s, collect, &all);
	if (all.n)
		qsort(all.mount, all.n, sizeof(*all.mount), newest_first);
	for (size_t i = 0; i < all.n; i++)
		if (!above || served_below(all.mount[i], pid, n))
			module_fs(all.mount[i]->module)->quit(
				&all.mount[i]->pub);
	release(&all);
	free(pid);
}
