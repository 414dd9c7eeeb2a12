/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/plain.h"

static atomic_uint nviews;

unsigned view_count(void)
{
	return atomic_load(&nviews);
}

/* In how many views a mount is: each counts what its version gains, loses. */
static void count(struct mount *const *m, size_t n, int step)
{
	for (size_t i = 0; i < n; i++)
		atomic_fetch_add(&m[i]->views, step);
}

struct view *view_new(unsigned id, const struct view *parent, const char *name)
{
	struct view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->current = parent ? view_version((struct view *)parent)
			    : version_new(NULL, 0);
	if (!v->current) {
		free(v);
		return NULL;
	}
	count(v->current->mount, v->current->nmount, 1);
	v->refs = 1;
	v->id = id;
	v->parent = parent ? parent->id : 0;
	snprintf(v->name, sizeof(v->name), "%s", name);
	pthread_mutex_init(&v->lock, NULL);
	pthread_mutex_init(&v->change, NULL);
	atomic_fetch_add(&nviews, 1);
	return v;
}

struct view *view_get(struct view *v)
{
	atomic_fetch_add(&v->refs, 1);
	return v;
}

void view_put(struct view *v)
{
	if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	atomic_fetch_sub(&nviews, 1);
	count(v->current->mount, v->current->nmount, -1);
	version_put(v->current);
	pthread_mutex_destroy(&v->lock);
	pthread_mutex_destroy(&v->change);
	free(v);
}

struct version *view_version(struct view *v)
{
	struct version *current;

	pthread_mutex_lock(&v->lock);
	current = version_get(v->current);
	pthread_mutex_unlock(&v->lock);
	return current;
}

/* Publish a version made of these mounts. */
static int publish(struct view *v, struct mount *const *m, size_t n)
{
	struct version *next = version_new(m, n), *old;

	if (!next)
		return -ENOMEM;
	pthread_mutex_lock(&v->lock);
	old = v->current;
	v->current = next;
	pthread_mutex_unlock(&v->lock);
	plain_changed();
	version_put(old);
	return 0;
}

int view_add(struct view *v, struct mount *const *m, size_t n)
{
	const struct version *old = v->current;
	struct mount **all = calloc(old->nmount + n, sizeof(*all));
	int err;

	if (!all)
		return -ENOMEM;
	memcpy(all, old->mount, old->nmount * sizeof(*all));
	memcpy(all + old->nmount, m, n * sizeof(*all));
	err = publish(v, all, old->nmount + n);
	if (!err)
		count(m, n, 1);
	free(all);
	return err;
}

static bool among(const struct mount *x, struct mount *const *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (m[i] == x)
			return true;
	return false;
}

int view_remove(struct view *v, struct mount *const *m, size_t n)
{
	const struct version *old = v->current;
	struct mount **rest = calloc(old->nmount + 1, sizeof(*rest));
	size_t k = 0;
	int err;

	if (!rest)
		return -ENOMEM;
	for (size_t i = 0; i < old->nmount; i++)
		if (!among(old->mount[i], m, n))
			rest[k++] = old->mount[i];
	count(m, n, -1);
	err = publish(v, rest, k);
	if (err)
		count(m, n, 1);
	free(rest);
	return err;
}

void view_name(struct view *v, char *buf, size_t size)
{
	pthread_mutex_lock(&v->lock);
	snprintf(buf, size, "%s", v->name);
	pthread_mutex_unlock(&v->lock);
}

void view_set_name(struct view *v, const char *name)
{
	pthread_mutex_lock(&v->lock);
	snprintf(v->name, sizeof(v->name), "%s", name);
	pthread_mutex_unlock(&v->lock);
}
