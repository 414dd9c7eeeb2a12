/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/guest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/plain.h"

struct guest *guest_new(struct view *view)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->refs = 1;
	g->view = view_get(view);
	g->cwd = g->root = NOWHERE;
	return g;
}

void *guest_get(void *guest)
{
	struct guest *g = guest;

	atomic_fetch_add(&g->refs, 1);
	return g;
}

/*
 * Holders are counted per mount: a busy mount is not unmounted. And while
 * anybody stands where the kernel does not know, gates ask.
 */
static void leave(struct place *p, enum plain_ask what)
{
	if (p->mount) {
		atomic_fetch_sub(&p->mount->holders, 1);
		plain_ask(what, -1);
	}
	place_free(p);
}

static void enter(struct place *p, struct place *to, enum plain_ask what)
{
	leave(p, what);
	*p = *to;
	*to = NOWHERE;
	if (p->mount) {
		atomic_fetch_add(&p->mount->holders, 1);
		plain_ask(what, 1);
	}
}

void guest_put(void *guest)
{
	struct guest *g = guest;

	if (!g || atomic_fetch_sub(&g->refs, 1) != 1)
		return;
	leave(&g->cwd, PLAIN_CWD);
	leave(&g->root, PLAIN_ALL);
	guest_set_exe(g, NULL);
	guest_set_ids(g, NULL);
	guest_set_threads(g, 0, NULL, 0);
	view_put(g->view);
	free(g);
}

void guest_set_exe(struct guest *g, struct mount *exe)
{
	if (exe)
		mount_get(exe);
	if (g->exe)
		mount_put(g->exe);
	g->exe = exe;
}

/* What /proc/PID/status says is another thing for those who have ids. */
static void mark_status(bool has_ids)
{
	if (has_ids)
		plain_mark_last("status", strlen("status"));
}

void guest_set_ids(struct guest *g, struct ids *ids)
{
	struct ids *old = g->ids;

	mark_status(ids);
	g->ids = ids_get(ids);
	ids_put(old);
}

void thread_ids_free(struct thread_ids *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ids_put(list[i].ids);
	free(list);
}

void guest_set_threads(struct guest *g, pid_t of, struct thread_ids *list,
		       size_t n)
{
	mark_status(n);
	thread_ids_free(g->thread, g->nthread);
	g->of = of;
	g->thread = list;
	g->nthread = n;
}

/* 0 or -ENOMEM */
static int copy_threads(struct guest *g, const struct guest *from)
{
	struct thread_ids *list;

	if (!from->nthread)
		return 0;
	list = calloc(from->nthread, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < from->nthread; i++) {
		list[i] = from->thread[i];
		ids_get(list[i].ids);
	}
	guest_set_threads(g, from->of, list, from->nthread);
	return 0;
}

void guest_set_cwd(struct guest *g, struct place *to)
{
	enter(&g->cwd, to, PLAIN_CWD);
}

void guest_set_root(struct guest *g, struct place *to)
{
	enter(&g->root, to, PLAIN_ALL);
}

struct guest *guest_copy(const struct guest *from)
{
	struct guest *g = guest_new(from->view);
	struct place p;

	if (!g)
		return NULL;
	g->undumpable = from->undumpable;
	guest_set_exe(g, from->exe);
	guest_set_ids(g, from->ids);
	if (copy_threads(g, from))
		goto fail;
	if (from->cwd.mount) {
		if (place_hold(&p, &from->cwd))
			goto fail;
		guest_set_cwd(g, &p);
	}
	if (from->root.mount) {
		if (place_hold(&p, &from->root))
			goto fail;
		guest_set_root(g, &p);
	}
	return g;
fail:
	guest_put(g);
	return NULL;
}

unsigned guest_holders(const struct mount *m)
{
	return atomic_load(&m->holders);
}
