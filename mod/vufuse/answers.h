/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_ANSWERS_H
#define VUFUSE_ANSWERS_H

#include "mod/vufuse/entries.h"

/*
 * What the server's answers change in a tree. For tree.c and walk.c. since is
 * tree->tick as it was before the answer was asked for. The tree's lock is
 * held, but in answer_prepare().
 */

/*
 * Before the lock is taken. 0 and a node for answer_entry(), which is needed
 * if its number is new; on failure the lookup is given back.
 */
int answer_prepare(struct tree *t, const struct fuse_entry_out *e,
		   struct inode **fresh);
/* Uses up fresh. 0 and the node, held; or -EIO, see tree_entered() */
int answer_entry(struct tree *t, const struct key *k, uint64_t since,
		 const struct fuse_entry_out *e, struct inode *fresh,
		 struct inode **found);
/* There is no such name, and that is valid for so long. */
void answer_absent(struct tree *t, const struct key *k, uint64_t since,
		   uint64_t sec, uint32_t nsec);
/* 0; -EIO when the node is bad, or becomes it by this */
int answer_attr(struct tree *t, struct inode *i, uint64_t since,
		const struct fuse_attr_out *a);
/* They have changed: what was asked for before is not kept. */
void answer_stale(struct tree *t, struct inode *i);

/* The lock. tree_leave() tells the server what to forget. */
void tree_enter(struct tree *t);
void tree_leave(struct tree *t);

#endif
