/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk along a path: from name to name under one lock as long as they are
 * known, so that no node on the way has to be held. For an answer the lock
 * is given back; until the next one the node that the answer brought is held
 * (nothing else may lead to it), and all below it is safe again.
 */
#include "mod/vufuse/tree.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/clock.h"
#include "mod/vufuse/answers.h"
#include "mod/vufuse/entries.h"
#include "mod/vufuse/requests.h"

/* LOOKUP. Called with the lock, which is given back meanwhile. */
static int look_up(struct tree *t, struct vu_ctx *ctx, const struct key *k,
		   struct inode **found)
{
	struct fuse_entry_out e;
	struct inode *fresh = NULL;
	uint64_t since = t->tick;
	char name[NAME_MAX + 1];
	int err;

	memcpy(name, k->name, k->len);
	name[k->len] = '\0';
	tree_leave(t);
	err = ask_lookup(t->conn, ctx, k->dir->node.id, name, &e);
	if (!err && e.nodeid)
		err = answer_prepare(t, &e, &fresh);
	tree_enter(t);
	if (fresh)
		return answer_entry(t, k, since, &e, fresh, found);
	if (!err)
		answer_absent(t, k, since, e.entry_valid, e.entry_valid_nsec);
	else if (err == -ENOENT)
		answer_absent(t, k, since, 0, 0);
	return err ? err : -ENOENT;
}

struct walk {
	struct tree *tree;
	struct vu_ctx *ctx;
	struct inode *at;	/* not held: the lock is */
	struct inode *kept;	/* held: where the server was asked last */
	uint64_t now;
};

static int step_asking(struct walk *w, const struct key *k)
{
	struct inode *found;
	int err;

	inode_hold(w->tree, k->dir);
	err = look_up(w->tree, w->ctx, k, &found);
	inode_drop(w->tree, k->dir);
	if (err)
		return err;
	if (w->kept)
		inode_drop(w->tree, w->kept);
	w->at = w->kept = found;
	w->now = now_ns();
	return 0;
}

static int step(struct walk *w, const char *name, size_t len)
{
	struct entry *e;
	struct key k;

	if (w->at->bad)
		return -EIO;
	if (!S_ISDIR(w->at->node.type))
		return -ENOTDIR;
	if (!len || len > NAME_MAX)
		return -EINVAL;
	k = key_of(w->at, name, len);
	e = entry_find(w->tree, &k);
	if (!e || w->now >= e->until)
		return step_asking(w, &k);
	entry_touch(w->tree, e);
	if (!e->inode)
		return -ENOENT;
	w->at = e->inode;
	return 0;
}

static int walk(struct walk *w, const char *path, const char *end)
{
	int err = end - path < PATH_MAX ? 0 : -ENAMETOOLONG;

	while (!err && path < end) {
		const char *slash = memchr(path, '/', end - path);

		if (!slash)
			slash = end;
		err = step(w, path, slash - path);
		path = slash + 1;
	}
	return err ? err : w->at->bad ? -EIO : 0;
}

static int walk_to(struct tree *t, struct vu_ctx *ctx, const char *path,
		   const char *end, struct node **n)
{
	struct walk w = { t, ctx, t->root, NULL, now_ns() };
	int err;

	tree_enter(t);
	err = walk(&w, path, end);
	if (!err) {
		inode_hold(t, w.at);
		*n = &w.at->node;
	}
	if (w.kept)
		inode_drop(t, w.kept);
	tree_leave(t);
	return err;
}

int tree_walk(struct tree *t, struct vu_ctx *ctx, const char *path,
	      struct node **n)
{
	return walk_to(t, ctx, path, path + strlen(path), n);
}

int tree_walk_parent(struct tree *t, struct vu_ctx *ctx, const char *path,
		     struct node **dir, const char **name)
{
	const char *slash = strrchr(path, '/');
	int err;

	if (!*path)
		return -EINVAL;
	err = walk_to(t, ctx, path, slash ? slash : path, dir);
	if (err)
		return err;
	if (!S_ISDIR((*dir)->type)) {
		tree_put(t, *dir);
		return -ENOTDIR;
	}
	*name = slash ? slash + 1 : path;
	return 0;
}
