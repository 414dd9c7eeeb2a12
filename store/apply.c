/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a record does to the tree; the same when it happens and when the log
 * is read. What the store itself has is not in the log: who reads it looks
 * at the disk afterwards.
 */
#include <errno.h>
#include <string.h>

#include "store/store_internal.h"

static int hide(struct store *s, const struct record *r)
{
	struct node *n = known_make(s->tree, r->path);

	if (!n)
		return -ENOMEM;
	known_drop_below(s->tree, n);
	node_set_from(s->tree, n, NULL);
	n->flags |= NODE_HIDE;
	return 0;
}

static int plain(struct store *s, const struct record *r)
{
	struct node *n = known_find(s->tree, r->path);

	if (n)
		node_clear_attr(s->tree, n, ~0u);
	return 0;
}

static int set_attr(struct store *s, const struct record *r)
{
	struct node *n = known_make(s->tree, r->path);

	if (n)
		node_set_attr(s->tree, n, &r->attr);
	return n ? 0 : -ENOMEM;
}

/* The target's object of that origin is seen at n; NULL: none is. */
static int show(struct store *s, struct node *n, const char *origin)
{
	struct seen dir;
	char path[PATH_MAX], own[PATH_MAX];
	int err;

	if (!origin) {
		n->flags |= NODE_HIDE;
		return node_set_from(s->tree, n, NULL);
	}
	n->flags &= ~NODE_HIDE;
	/* is it there by itself? */
	if (node_path(n->parent, path, sizeof(path)) < 0)
		return -ENAMETOOLONG;
	err = seen_at(s, path, &dir);
	if (!err && dir.target &&
	    !path_join(own, sizeof(own), dir.origin, n->name, n->len) &&
	    !strcmp(own, origin))
		origin = NULL;
	return err ?: node_set_from(s->tree, n, origin);
}

static int from(struct store *s, const struct record *r)
{
	struct node *n = known_make(s->tree, r->path);

	return n ? show(s, n, r->origin) : -ENOMEM;
}

static int unlinked(struct store *s, const struct record *r)
{
	struct node *n = known_make(s->tree, r->path);

	if (!n)
		return -ENOMEM;
	known_drop_below(s->tree, n);
	node_set_from(s->tree, n, NULL);
	node_clear_attr(s->tree, n, ~0u);
	n->flags = r->flags & RECORD_HIDES ? NODE_HIDE : 0;
	if (!n->flags)
		known_drop(s->tree, n);
	return 0;
}

/* Take a node from its place, or a new one, to another. */
static struct node *carry(struct store *s, struct node *n, const char *to)
{
	size_t dirlen;
	const char *name = path_last(to, &dirlen);
	char dir[PATH_MAX];
	struct node *parent;

	memcpy(dir, to, dirlen);
	dir[dirlen] = '\0';
	parent = known_make(s->tree, dir);
	return parent ? known_move(s->tree, n, parent, name, strlen(name))
		      : NULL;
}

static int arrive(struct store *s, struct node *n, bool own,
		  const char *origin)
{
	if (!n)
		return -ENOMEM;
	n->flags = own ? NODE_STORE : 0;
	return show(s, n, origin);
}

static int move(struct store *s, const struct record *r)
{
	struct node *n = known_make(s->tree, r->path), *old;
	int err;

	if (!n)
		return -ENOMEM;
	old = known_find(s->tree, r->to);
	if (old)
		known_drop(s->tree, old);
	n = carry(s, n, r->to);
	err = arrive(s, n, r->flags & RECORD_OWN, r->origin);
	if (err || !(r->flags & RECORD_HIDES))
		return err;
	n = known_make(s->tree, r->path);
	if (n)
		n->flags |= NODE_HIDE;
	return n ? 0 : -ENOMEM;
}

/* A name that no path has, where one of two waits. */
#define ASIDE "\1"

static int swap(struct store *s, const struct record *r)
{
	struct node *one = known_make(s->tree, r->path);
	struct node *two = known_make(s->tree, r->to);
	int err;

	if (!one || !two)
		return -ENOMEM;
	one = carry(s, one, ASIDE);
	two = one ? carry(s, two, r->path) : NULL;
	one = two ? carry(s, one, r->to) : NULL;
	err = arrive(s, two, r->flags & RECORD_OWN_TO, r->origin_to);
	return err ?: arrive(s, one, r->flags & RECORD_OWN, r->origin);
}

int apply_record(struct store *s, const struct record *r)
{
	switch (r->op) {
	case RECORD_HIDE: return hide(s, r);
	case RECORD_PLAIN: return plain(s, r);
	case RECORD_ATTR: return set_attr(s, r);
	case RECORD_FROM: return from(s, r);
	case RECORD_LINK: return shared_load(s, r);
	case RECORD_UNLINK: return unlinked(s, r);
	case RECORD_MOVE: return move(s, r);
	case RECORD_SWAP: return swap(s, r);
	default: return 0;
	}
}
