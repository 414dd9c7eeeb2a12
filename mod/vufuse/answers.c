/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * An answer may come late: the name it brings has been removed meanwhile, or
 * its attributes have been changed. A tick is counted for each change that
 * we make or hear of; a directory bears the tick of the last change of a
 * name in it, and a node that of its attributes. Who asks notes the tick
 * before. The answer serves him in any case, but is kept only where nothing
 * has changed since. A node that is dropped, or that was not known when it
 * changed, leaves its tick in "gone", from which new nodes begin.
 *
 * Of two answers that were asked for at the same time the later one is
 * believed about names; about attributes it is the first, which counts as a
 * change like any other.
 */
#include "mod/vufuse/answers.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/clock.h"

#define SECOND UINT64_C(1000000000)

/* Until when is valid what has come now? 0: not even now */
static uint64_t valid_until(uint64_t now, uint64_t sec, uint32_t nsec)
{
	if (!sec && !nsec)
		return 0;
	if (nsec >= SECOND)
		nsec = SECOND - 1;
	if (sec >= (UINT64_MAX - now) / SECOND)
		return UINT64_MAX;
	return now + sec * SECOND + nsec;
}

static void learn_attr(struct tree *t, struct inode *i,
		       const struct fuse_attr *a, uint64_t until,
		       uint64_t since)
{
	if (i->learned > since)
		return;
	i->attr = *a;
	i->until = until;
	i->learned = i->brought = ++t->tick;
}

void answer_stale(struct tree *t, struct inode *i)
{
	i->until = 0;
	i->brought = 0;
	i->learned = ++t->tick;
}

int answer_prepare(struct tree *t, const struct fuse_entry_out *e,
		   struct inode **fresh)
{
	int err = 0;

	*fresh = NULL;
	if (!e->nodeid || e->nodeid == FUSE_ROOT_ID)
		err = -EIO;
	else if (!(*fresh = inode_alloc(e->nodeid, e->attr.mode & S_IFMT,
					e->generation)))
		err = -ENOMEM;
	if (err && e->nodeid)
		conn_forget(t->conn, e->nodeid, 1);
	return err;
}

/* The node of an answer, held. fresh is used up. */
static struct inode *inode_answered(struct tree *t, struct inode *fresh)
{
	struct inode *i = inode_find(t, fresh->node.id);

	if (i && (i->generation != fresh->generation ||
		  i->node.type != fresh->node.type)) {
		inode_condemn(t, i);
		i = NULL;
	}
	if (i) {
		free(fresh);
		inode_hold(t, i);
	} else {
		i = fresh;
		inode_add(t, i);
	}
	i->nlookup++;
	return i;
}

int answer_entry(struct tree *t, const struct key *k, uint64_t since,
		 const struct fuse_entry_out *e, struct inode *fresh,
		 struct inode **found)
{
	struct inode *i = inode_answered(t, fresh);
	uint64_t now = now_ns();
	int err = 0;

	learn_attr(t, i, &e->attr,
		   valid_until(now, e->attr_valid, e->attr_valid_nsec), since);
	i->gone = false;
	if (k->dir->changed <= since)
		err = entry_place(t, k, i, valid_until(now, e->entry_valid,
						       e->entry_valid_nsec));
	if (err)
		inode_drop(t, i);
	*found = i;
	return err;
}

void answer_absent(struct tree *t, const struct key *k, uint64_t since,
		   uint64_t sec, uint32_t nsec)
{
	if (k->dir->changed <= since)
		entry_absent(t, k, valid_until(now_ns(), sec, nsec));
}

int answer_attr(struct tree *t, struct inode *i, uint64_t since,
		const struct fuse_attr_out *a)
{
	if (!i->bad && (a->attr.mode & S_IFMT) != i->node.type)
		inode_condemn(t, i);
	if (i->bad)
		return -EIO;
	learn_attr(t, i, &a->attr,
		   valid_until(now_ns(), a->attr_valid,
			       a->attr_valid_nsec), since);
	return 0;
}
