/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_SHADOW_TREE_INNER_H
#define SYS_SHADOW_TREE_INNER_H

/* What shadow_tree.c and shadow_told.c share: see the top of the former. */

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "sys/shadow_tree.h"

enum { BUCKETS = 256 };

struct mark {
	LIST_ENTRY(mark) link;
	unsigned mount;
	ino_t ino;		/* as stat(2) tells it */
	uint64_t number;	/* as inotify does: not always the same */
	bool fresh;		/* the guest may not have its watch yet */
};

struct tree {
	LIST_ENTRY(tree) link;
	unsigned mount;
	char name[16];		/* in the scratch directory */
	int fd;			/* O_PATH */
	size_t marks, names;
};

struct shadow_trees {
	pthread_mutex_t lock;	/* guards everything */
	struct shadows *shadows;
	bool others;
	LIST_HEAD(, tree) trees;
	LIST_HEAD(, mark) marked[BUCKETS];
	atomic_size_t marks;
	size_t look_at;		/* so many marks */
	size_t names, told;
	int dir, aside;		/* where all is; -1: not made yet */
	int own;		/* inotify: see number_of() */
};

/* --- all with the lock held --- */

/* A name below a directory: no symlink is followed. Descriptor or -errno */
int tree_look(int dir, const char *rel, uint64_t flags);
/* r NULL: aside, which is of no tree. 0 or -errno */
int tree_make_entry(struct shadow_trees *t, struct tree *r, int dir,
		    const char *name, bool is_dir);
/* The directory of a name, and which it is there. */
const char *tree_split(const char *rel, char dir[PATH_MAX]);
/* Make the directories on the way, and the last. Descriptor or -errno */
int tree_make_way(struct shadow_trees *t, struct tree *r, const char *rel);

struct tree *tree_of(const struct shadow_trees *t, unsigned mount);

struct mark *mark_of(const struct shadow_trees *t, ino_t ino);
bool tree_marked(const struct shadow_trees *t, int fd);
bool tree_entry_marked(const struct shadow_trees *t, int dir, const char *name);
void tree_unmark(struct shadow_trees *t, struct mark *m);

#endif
