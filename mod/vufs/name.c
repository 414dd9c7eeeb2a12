/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the kernel's name of an object to the one in the mount
 *
 * First all stores are asked: a store can be anywhere, also inside of a
 * target. Then the target: exceptions are not in the mount at all, a part of
 * the target is called what it is called there (inner ones come first), and
 * the rest as in the directory.
 */
#include <errno.h>
#include <string.h>

#include "mod/vufs/layer.h"
#include "store/known.h"

/* What is below dir in name; NULL: it is not. */
static const char *below(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	if (!strcmp(dir, "/"))
		return name + 1;
	if (strncmp(name, dir, n))
		return NULL;
	return name[n] == '/' ? name + n + 1 : name[n] ? NULL : name + n;
}

/* What a part calls rest is seen as that. Return: as name_here */
static ssize_t seen_as(struct layer *l, const struct part *p, const char *rest,
		       char *buf, size_t size)
{
	char origin[PATH_MAX];

	if (path_join(origin, sizeof(origin), p->at, rest, strlen(rest)))
		return -ENAMETOOLONG;
	return store_name_of(l->s, origin, buf, size);
}

typedef ssize_t name_fn(struct layer *l, const char *kernel_name, char *buf,
			size_t size);

/* By way of the layer below. */
static ssize_t name_through(struct layer *l, const struct part *p,
			    name_fn *ask, const char *kernel_name,
			    char *buf, size_t size)
{
	char name[PATH_MAX];
	ssize_t n = ask(p->l, kernel_name, name, sizeof(name));

	if (n < 0 || p->shown)
		return n >= 0 ? -EXDEV : n;
	if (!path_within(name, p->name))
		return -EXDEV;
	n = strlen(p->name);
	return seen_as(l, p, name + n + (n && name[n] == '/'), buf, size);
}

static ssize_t name_in_stores(struct layer *l, const char *kernel_name,
			      char *buf, size_t size)
{
	const char *rest = below(l->store_name, kernel_name);
	ssize_t n = -EXDEV;

	if (rest)
		return store_name_of_own(l->s, rest, buf, size);
	for (size_t i = 0; i < l->nparts && n == -EXDEV; i++)
		if (l->part[i].l && !l->part[i].shown)
			n = name_through(l, &l->part[i], name_in_stores,
					 kernel_name, buf, size);
	return n;
}

/* Is it whose own name is another's: of what shows through, or an exception? */
static bool is_another(struct layer *l, const char *kernel_name)
{
	char name[PATH_MAX];

	for (size_t i = 0; i < l->nexcept; i++)
		if (below(l->except[i], kernel_name))
			return true;
	for (size_t i = 0; i < l->nparts; i++) {
		const struct part *p = &l->part[i];

		if (p->shown && (p->l ? layer_name(p->l, kernel_name, name,
						   sizeof(name)) != -EXDEV
				      : below(p->kernel_name, kernel_name)
					!= NULL))
			return true;
	}
	return false;
}

static ssize_t name_in_target(struct layer *l, const char *kernel_name,
			      char *buf, size_t size)
{
	const char *rest;
	ssize_t n = -EXDEV;

	if (is_another(l, kernel_name))
		return -EXDEV;
	for (size_t i = 0; i < l->nparts && n == -EXDEV; i++) {
		const struct part *p = &l->part[i];

		if (p->shown)
			continue;
		if (p->l)
			n = name_through(l, p, name_in_target, kernel_name,
					 buf, size);
		else if ((rest = below(p->kernel_name, kernel_name)))
			n = seen_as(l, p, rest, buf, size);
	}
	/* with a part for all of it the directory has nothing to say */
	if (n != -EXDEV || (l->nparts && !*l->part[l->nparts - 1].at))
		return n;
	rest = below(l->target_name, kernel_name);
	return rest ? store_name_of(l->s, rest, buf, size) : -EXDEV;
}

ssize_t layer_name(struct layer *l, const char *kernel_name, char *buf,
		   size_t size)
{
	ssize_t n = name_in_stores(l, kernel_name, buf, size);

	return n == -EXDEV ? name_in_target(l, kernel_name, buf, size) : n;
}

ssize_t layer_name_here(struct vu_mount *m, const char *kernel_name,
			char *buf, size_t size)
{
	return layer_name(layer_of(m), kernel_name, buf, size);
}
