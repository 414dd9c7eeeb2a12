/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_TREE_H
#define VUFUSE_TREE_H

#include <linux/fuse.h>
#include <sys/stat.h>

#include "mod/vufuse/conn.h"

/*
 * The names and attributes of a mount, as far as they were looked up: kept
 * as long as the server has said (entry_valid, attr_valid), also that there
 * is no such name. The number of nodes that nobody uses is bounded; what is
 * dropped is forgotten at the server too.
 */
struct tree;

struct node {
	uint64_t id;		/* the server's number */
	mode_t type;		/* S_IFMT bits; never changes */
	/*
	 * For who keeps something with the node: guarded by its own lock, and
	 * changed only while a reference is held (it is looked at when the
	 * last one is put). While it is not NULL the node is not dropped.
	 */
	void *_Atomic data;
	/* As data, but it is freed with the node, which it does not keep. */
	void *more;
};

/*
 * Nothing is asked here. The root has number FUSE_ROOT_ID and type S_IFDIR
 * (or what rootmode says), and is never forgotten. The connection must live
 * as long. NULL: no memory
 * @nodes:	how many to keep that nobody uses, and how many names that do
 *		not exist
 */
struct tree *tree_new(struct conn *c, mode_t rootmode, size_t nodes);
/* All references are back. The server is told nothing: it is at its end. */
void tree_free(struct tree *t);

/*
 * The node of a name ("" is the root; else "a/b"), with a reference. Also
 * -ENOENT, -ENOTDIR, -EIO (nonsense from the server), and as ask_lookup().
 */
int tree_walk(struct tree *t, struct vu_ctx *ctx, const char *path,
	      struct node **n);
/*
 * The directory that a name is in, with a reference, and the last component,
 * which points into path. -EINVAL for the root.
 */
int tree_walk_parent(struct tree *t, struct vu_ctx *ctx, const char *path,
		     struct node **dir, const char **name);
/* The node with a number, with a reference; NULL: not known (any more). */
struct node *tree_node(struct tree *t, uint64_t id);
/*
 * One more for who has a reference, or has set its data. Unlike all others
 * here it never drops a node (conn_forget()), so it may be called with a lock
 * held.
 */
struct node *tree_get(struct tree *t, struct node *n);
void tree_put(struct tree *t, struct node *n);

/*
 * A name that leads to the node now, without asking the server: of several
 * the one that was looked up last. "" is the root. Return: length; -ENOENT
 * when no name is known, -ERANGE when size is too small for it and its NUL,
 * -ENAMETOOLONG
 */
ssize_t tree_name(struct tree *t, struct node *n, char *buf, size_t size);

/*
 * Its attributes: kept ones while they are valid, else by GETATTR. -EIO, and
 * so from then on, when the server has changed its type.
 */
int tree_attr(struct tree *t, struct vu_ctx *ctx, struct node *n,
	      struct fuse_attr *a);
/*
 * The same, but those that an answer has brought since (tree_now()) will do,
 * however short they are valid: who has just looked a name up knows them.
 */
int tree_attr_since(struct tree *t, struct vu_ctx *ctx, struct node *n,
		    uint64_t since, struct fuse_attr *a);
/* The inode number that its attributes had last; 0: they never came. */
uint64_t tree_ino(struct tree *t, struct node *n);
/* An answer has brought them. */
void tree_learn(struct tree *t, struct node *n, const struct fuse_attr_out *a);
/* They have changed: ask when they are needed. */
void tree_stale(struct tree *t, struct node *n);

/*
 * A name was made, and leads to e: takes over one lookup. Return: 0 and the
 * node with a reference (n NULL: none wanted); -EIO when e is nonsense (the
 * root, no node, a directory in itself), -ENOMEM; the lookup is given back
 * then. A known node that has another type or generation in e is another one
 * now: what had the number is -EIO for who uses it, and has no name.
 */
int tree_entered(struct tree *t, struct node *dir, const char *name,
		 const struct fuse_entry_out *e, struct node **n);
/*
 * The same for a name that was listed. since: what tree_now() has answered
 * before the listing was asked for. What has changed meanwhile is not kept.
 */
int tree_listed(struct tree *t, uint64_t since, struct node *dir,
		const char *name, const struct fuse_entry_out *e,
		struct node **n);
uint64_t tree_now(struct tree *t);
/*
 * A name was removed; a node without names lives while it is used. Here and
 * in tree_renamed() the attributes of what the names led to are stale as
 * well; those of the directories are the caller's affair.
 */
void tree_removed(struct tree *t, struct node *dir, const char *name);
/*
 * What was removed was its last name. From then on it has no links, whatever
 * the server says (libfuse keeps what is open under another name), and the
 * last attributes it had when the server does not know it any more.
 */
void tree_gone(struct tree *t, struct node *n);
/* exchange: both names lived, and have changed places. */
void tree_renamed(struct tree *t, struct node *from, const char *name,
		  struct node *to, const char *newname, bool exchange);

/* What the server said by itself; what is not known is ignored. */
void tree_stale_id(struct tree *t, uint64_t id);
void tree_stale_entry(struct tree *t, uint64_t dir, const char *name);

/* Each node whose data is not NULL, with a reference held meanwhile. */
void tree_each_data(struct tree *t, void (*f)(void *arg, struct node *n),
		    void *arg);
/* Nodes, with the root. */
size_t tree_size(struct tree *t);

#endif
