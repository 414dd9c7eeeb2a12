/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a new mount is made over: for modules whose mounts lie over others. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "view/attach.h"

/* m is the first member of struct mount */
static const struct mount *mount_of(const struct vu_mount *m)
{
	return (const struct mount *)m;
}

static int tell(const struct mount *m, const struct place *p,
		struct vu_under *u)
{
	if (!p->mount->id || !mount_layered(p->mount)) {
		u->real = !p->mount->id;
		u->same = u->real && p->fd >= 0;
		return 0;
	}
	if (p->mount->module != m->module || !p->rel ||
	    strlen(p->rel) >= sizeof(u->name))
		return -EBUSY;
	u->layered = &p->mount->pub;
	u->real = true;
	u->same = p->same;
	strcpy(u->name, p->rel);
	return 0;
}

int vu_under(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
	     struct vu_under *u)
{
	struct found f;
	int err = view_walk_before(ctx, m, path, 0, &f);

	*u = (struct vu_under){ 0 };
	if (!err)
		err = f.error ? f.error : tell(mount_of(m), &f.obj, u);
	found_drop(&f);
	return err;
}

/* The name inside of the target, or NULL. */
static const char *name_inside(const char *target, const char *name)
{
	ssize_t n = name_below(name, target);

	return n >= 0 && name[n] && name[n + 1] ? name + n + 1 : NULL;
}

/* Has one of those before the i-th the same target? */
static bool is_told(const struct version *v, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(v->mount[k]->pub.target, v->mount[i]->pub.target))
			return true;
	return false;
}

int vu_each_inside(struct vu_ctx *ctx, struct vu_mount *m,
		   int (*each)(void *arg, const char *sub), void *arg)
{
	const struct version *v = view_before(ctx, m);
	int err = 0;

	for (size_t i = 0; i < v->nmount && !err; i++) {
		const char *sub = name_inside(m->target,
					      v->mount[i]->pub.target);

		if (sub && !is_told(v, i))
			err = each(arg, sub);
	}
	return err;
}
