/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a layered mount lies over
 *
 * Its target may lie in another layered mount: then it is seen through that
 * one's layer, which is kept as long as this one. What was mounted inside of
 * the target shows through (then it is noted whose names these are); or, with
 * "cover", what layered mounts and their exceptions have shown there is part
 * of the target, and it is the monitor that keeps all others from changes.
 *
 * All that is done once, while mounting. The layers below go on being what
 * they are to others, and may change as any target may.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mod/vufs/layer.h"
#include "store/known.h"

#define DEPTH_MAX 8		/* how many may lie over each other */
#define PARTS_MAX 256

struct collecting {
	struct vu_ctx *ctx;
	struct vu_mount *m;
	struct layer *l;
	bool covers;
	struct vu_message *msg;
};

static int refuse(struct collecting *c, const char *name, int err,
		  const char *why)
{
	vu_message_set(c->msg, "vufs: %s: %s", name, why);
	return err;
}

/* A part more; the outer ones come last. */
static struct part *new_part(struct layer *l, const char *at)
{
	struct part *more, p = { .at = strdup(at), .fd = -1 };
	size_t i = l->nparts;

	more = realloc(l->part, (l->nparts + 1) * sizeof(*more));
	if (more)
		l->part = more;
	if (!more || !p.at) {
		free(p.at);
		return NULL;
	}
	for (; i && strlen(more[i - 1].at) < strlen(at); i--)
		more[i] = more[i - 1];
	l->nparts++;
	more[i] = p;
	return &more[i];
}

static int add_layer(struct collecting *c, const char *at,
		     const struct vu_under *u, bool shown)
{
	struct layer *below = layer_of(u->layered);
	struct part *p = new_part(c->l, at);

	if (!p)
		return -ENOMEM;
	p->l = layer_get(below);
	p->name = strdup(u->name);
	p->same = u->same;
	p->shown = shown;
	if (!p->name)
		return -ENOMEM;
	if (c->l->depth <= below->depth)
		c->l->depth = below->depth + 1;
	return c->l->depth < DEPTH_MAX ? 0 :
	       refuse(c, c->m->target, -E2BIG, "copied on write too many "
		      "times");
}

static int add_real(struct collecting *c, const char *at, const char *path,
		    const struct vu_under *u)
{
	struct part *p = new_part(c->l, at);

	if (!p)
		return -ENOMEM;
	p->shown = !c->covers;
	p->same = u->same;
	p->fd = vu_open(c->ctx, c->m, path, O_PATH);
	if (p->fd < 0)
		return p->fd;
	p->kernel_name = layer_kernel_name(p->fd);
	return p->kernel_name ? 0 : -ENOMEM;
}

/* Does the part that has the name lead there as well? */
static bool is_expected(const struct layer *l, const char *sub,
			const struct vu_under *u)
{
	const struct part *p = l->part, *end = p + l->nparts;
	char name[PATH_MAX];
	const char *rest;

	while (p < end && !path_within(sub, p->at))
		p++;
	if (p == end || !p->l)
		return !u->layered;
	rest = sub + strlen(p->at);
	rest += *rest == '/';
	return u->layered && layer_of(u->layered) == p->l &&
	       !path_join(name, sizeof(name), p->name, rest, strlen(rest)) &&
	       !strcmp(name, u->name);
}

static int collect(void *arg, const char *sub)
{
	struct collecting *c = arg;
	struct vu_under u;
	char path[PATH_MAX];
	int err;

	if (snprintf(path, sizeof(path), "%s/%s", c->m->target[1] ?
		     c->m->target : "", sub) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	err = vu_under(c->ctx, c->m, path, &u);
	if (err == -EBUSY)
		return refuse(c, path, err, "another module's copy on write");
	/* hidden, or covered since; or of another kind, which shows through */
	if (err || !u.real || is_expected(c->l, sub, &u))
		return 0;
	if (c->l->nparts == PARTS_MAX)
		return refuse(c, path, -E2BIG, "too many mounts inside");
	return u.layered ? add_layer(c, sub, &u, !c->covers)
			 : add_real(c, sub, path, &u);
}

/* What the lower one lets its caller do, the upper one does. */
static void inherit(struct layer *l, const struct layer *below)
{
	l->flags |= below->flags & (LAYER_VSTAT | LAYER_WOK);
	l->waives |= below->waives;
}

int layer_collect(struct vu_ctx *ctx, struct vu_mount *m, struct layer *l,
		  bool covers, struct vu_message *msg)
{
	struct collecting c = { ctx, m, l, covers, msg };
	struct vu_under u;
	int err = vu_under(ctx, m, m->target, &u);

	l->waives = l->mode == LAYER_MINCOW;
	if (err == -EBUSY)
		return refuse(&c, m->target, err,
			      "another module's copy on write");
	if (!err && u.layered && l->mode != LAYER_COW)
		return refuse(&c, m->target, -EBUSY, "is copied on write "
			      "already: over that there can only be cow");
	if (!err && u.layered)
		err = add_layer(&c, "", &u, false);
	if (!err && u.layered)
		inherit(l, layer_of(u.layered));
	return err ?: vu_each_inside(ctx, m, collect, &c);
}

size_t layer_parts(const struct layer *l, struct store_part *part)
{
	size_t n = 0;

	for (size_t i = 0; i < l->nparts; i++) {
		const struct part *p = &l->part[i];

		if (!p->shown)
			part[n++] = (struct store_part){
				.at = p->at, .s = p->l ? p->l->s : NULL,
				.name = p->name, .fd = p->fd, .same = p->same,
			};
	}
	return n;
}

void layer_drop_parts(struct layer *l)
{
	for (size_t i = 0; i < l->nparts; i++) {
		if (l->part[i].l)
			layer_put(l->part[i].l);
		if (l->part[i].fd >= 0)
			close(l->part[i].fd);
		free(l->part[i].at);
		free(l->part[i].name);
		free(l->part[i].kernel_name);
	}
	free(l->part);
	for (size_t i = 0; i < l->nexcept; i++)
		free(l->except[i]);
	free(l->except);
}

int layer_except(struct layer *l, int fd)
{
	char **more = realloc(l->except, (l->nexcept + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	l->except = more;
	l->except[l->nexcept] = layer_kernel_name(fd);
	return l->except[l->nexcept] ? (l->nexcept++, 0) : -ENOMEM;
}

/*
 * Is the mount's source a thing of the target's, or of both, where nothing is
 * to be changed but by its layer? 1, 0 or -errno; *dir: is it a directory?
 */
static int is_lower(struct vu_ctx *ctx, struct vu_mount *m, bool *dir)
{
	struct store_object o;
	struct vu_under u;
	int err = vu_under(ctx, m, m->source, &u);

	/* what is wrong with it is said by who opens it */
	if (err || !u.layered || layer_of(u.layered)->mode != LAYER_COW)
		return 0;
	vu_as_self(ctx);
	err = store_find(layer_of(u.layered)->s, u.name, &o);
	vu_as_caller(ctx);
	if (err)
		return err;
	err = !o.in_store;
	*dir = S_ISDIR(o.st.st_mode);
	store_drop(&o);
	return err;
}

int layer_check_source(struct vu_ctx *ctx, struct vu_mount *m,
		       struct vu_message *msg)
{
	bool dir;
	int err = is_lower(ctx, m, &dir);

	if (err <= 0)
		return err;
	vu_message_set(msg, "vufs: %s: is copied on write itself; the store "
		       "must be a directory that was made there", m->source);
	return -EROFS;
}

int layer_check_move(struct vu_ctx *ctx, struct vu_mount *m,
		     struct vu_message *msg)
{
	bool dir;
	int err = is_lower(ctx, m, &dir);

	if (err <= 0)
		return err;
	m->flags |= VU_MOUNT_RDONLY;
	if (!dir)
		return 0;
	vu_message_set(msg, "vufs: %s: is copied on write, and has no other "
		       "name", m->source);
	return -EROFS;
}
