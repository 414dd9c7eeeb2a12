/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_ENTRIES_H
#define VUFUSE_ENTRIES_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "mod/vufuse/buckets.h"
#include "mod/vufuse/tree.h"

/*
 * What a tree is made of. For tree.c alone; the tree's lock is held in all
 * functions but inode_alloc(). Nothing here speaks to the server.
 */

/* Why a node is kept; it is in the list of that name. */
enum place {
	USED,		/* by someone, or it has data; the root always */
	PINNED,		/* by the names in it */
	IDLE,		/* by nothing: the longest unused ones go first */
	DOOMED,		/* no name leads to it any more: goes with the lock */
	PLACES
};

/* As small as it can be: there are many. */
struct inode {
	struct node node;		/* first: what others see of it */
	struct link link;		/* in tree->inodes, by number */
	TAILQ_ENTRY(inode) list;
	LIST_HEAD(, entry) names;	/* the one looked up last is first */
	LIST_HEAD(, entry) children;
	uint64_t nlookup;		/* what the server has counted */
	uint64_t generation;
	uint64_t until;			/* the attributes are valid */
	uint64_t learned;		/* tick at which they were set */
	uint64_t brought;		/* the same; 0: they have changed since */
	uint64_t changed;		/* tick of the last change of a name */
	struct fuse_attr attr;
	uint32_t refs;
	uint16_t nnames;
	uint8_t place;
	/* The number has become another node's: no answer but -EIO. */
	bool bad;
	bool gone;			/* its last name was removed */
};

/* A name in a directory. */
struct entry {
	struct link link;		/* first: in tree->entries */
	LIST_ENTRY(entry) sibling;	/* in dir->children */
	union {
		LIST_ENTRY(entry) alias;	/* in inode->names */
		TAILQ_ENTRY(entry) absent;	/* in tree->absent */
	};
	struct inode *dir;
	struct inode *inode;		/* NULL: there is no such name */
	uint64_t until;			/* this is valid */
	uint32_t hash;
	uint8_t len;
	char name[];			/* not terminated */
};

TAILQ_HEAD(inode_list, inode);
TAILQ_HEAD(entry_list, entry);

struct tree {
	pthread_mutex_t lock;
	struct conn *conn;
	struct inode *root;
	size_t max;
	struct buckets inodes, entries;
	struct inode_list list[PLACES];
	size_t count[PLACES];
	struct entry_list absent;	/* the longest unused is first */
	size_t nabsent;
	size_t nextra;			/* names but the first of each node */
	uint64_t tick;			/* see tree.c */
	uint64_t gone;			/* newest tick of what was dropped */
};

/* A name to look for. */
struct key {
	struct inode *dir;
	const char *name;
	size_t len;
	uint32_t hash;
};

struct key key_of(struct inode *dir, const char *name, size_t len);

/* 0 or -ENOMEM; nothing is left then */
int entries_init(struct tree *t, mode_t type, size_t max);
void entries_free(struct tree *t);
/* What is too much goes from the tree into dead. */
void entries_trim(struct tree *t, struct inode_list *dead);

/* A node of no tree, with one reference. */
struct inode *inode_alloc(uint64_t id, mode_t type, uint64_t generation);
void inode_add(struct tree *t, struct inode *i);
/* NULL: there is none (that is not bad) */
struct inode *inode_find(const struct tree *t, uint64_t id);
void inode_hold(struct tree *t, struct inode *i);
void inode_drop(struct tree *t, struct inode *i);
/* It is bad from now on, and loses its names. */
void inode_condemn(struct tree *t, struct inode *i);

struct entry *entry_find(const struct tree *t, const struct key *k);
/* It was looked up again. */
void entry_touch(struct tree *t, struct entry *e);
void entry_remove(struct tree *t, struct entry *e);
/*
 * The name leads to the node, which is held; what it has led to loses the
 * name. A directory has one name, and loses the one it had. 0, also when
 * there is no memory to note it; -EIO: the directory would be in itself
 */
int entry_place(struct tree *t, const struct key *k, struct inode *i,
		uint64_t until);
/* There is no such name; until 0: that is not noted. */
void entry_absent(struct tree *t, const struct key *k, uint64_t until);

#endif
