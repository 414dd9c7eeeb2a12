/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_SHADOW_TREE_H
#define SYS_SHADOW_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/shadow.h"

struct vu_dir;

/*
 * Real directories and files that stand for made ones which guests watch
 * (inotify): see shadow_tree.c. What guests do to a watched node is done to
 * what stands for it, and the kernel tells whoever watches that. All
 * functions are safe from any thread, which must be the monitor itself (it
 * has no guest's ids).
 */
struct shadow_trees;

/*
 * @shadows:	in whose directory they are
 * @others:	guests that watch must get in by name, as somebody else
 */
struct shadow_trees *shadow_trees_new(struct shadows *shadows, bool others);

/* Nothing is watched: nobody needs to ask. */
bool shadow_trees_empty(const struct shadow_trees *t);

/*
 * A node of a mount (struct mount.id) by its name. The name of a directory's
 * entry is given as dir and name, where they are known apart.
 */
struct tree_name {
	unsigned mount;
	const char *rel;
};

/*
 * The node is going to be watched. *news: nothing of it was told until now.
 * Then a directory must be given its names by shadow_tree_fill() before; those
 * that are made meanwhile are known already. And what of it is open should be
 * told to shadow_tree_open().
 * Return: O_PATH descriptor, -ENOSPC when there are too many, or -errno
 */
int shadow_tree_watch(struct shadow_trees *t, struct tree_name n, bool dir,
		      bool *news);
/* names NULL: they are not known, and it is not to be watched. */
int shadow_tree_fill(struct shadow_trees *t, struct tree_name n,
		     const struct vu_dir *names);

/*
 * What has happened to it, if anybody may be told; else nothing. Names that
 * came by themselves, which nobody was told of, come now.
 */
void shadow_tree_made(struct shadow_trees *t, struct tree_name n, bool dir);
void shadow_tree_linked(struct shadow_trees *t, struct tree_name old,
			struct tree_name n);
void shadow_tree_gone(struct shadow_trees *t, struct tree_name n, bool dir);
/* to_dir: what was there, with exchange; else nothing of it is asked */
struct tree_move {
	struct tree_name from, to;
	bool dir, to_dir, exchange;
};
void shadow_tree_moved(struct shadow_trees *t, const struct tree_move *m);
void shadow_tree_changed(struct shadow_trees *t, struct tree_name n, bool dir);
void shadow_tree_cut(struct shadow_trees *t, struct tree_name n);
/*
 * It was opened, with these flags. Return: a descriptor of what stands for
 * it, opened so, to be closed when it is; -ENOENT: nobody wants to know
 */
int shadow_tree_open(struct shadow_trees *t, struct tree_name n, bool dir,
		     int flags);

/*
 * Time to look which are still watched? watched() is asked with the kernel's
 * number of the node, as inotify tells it.
 */
bool shadow_trees_many(struct shadow_trees *t);
void shadow_trees_prune(struct shadow_trees *t,
			bool (*watched)(void *arg, uint64_t ino), void *arg);

/*
 * Forget all of the mounts that are not there any more. Who watches is told
 * that everything was removed.
 */
void shadow_trees_sweep(struct shadow_trees *t,
			bool (*there)(void *arg, unsigned mount), void *arg);

#endif
