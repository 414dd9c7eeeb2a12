/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * One lock guards all that entries.c keeps. It is not held while the server
 * is asked, nor while it is told to forget: what is dropped is collected and
 * told about when the lock has been given back.
 *
 * Each node in an answer has been counted by the server (a lookup), and we
 * count the same; all are given back at once when the node is dropped. The
 * counts of both sides are sums, so it does not matter that an answer with
 * the same number may be on its way: that is a node of its own then.
 *
 * What becomes of answers is in answers.c, the walk along a path in walk.c.
 */
#include "mod/vufuse/tree.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "mod/vufuse/answers.h"
#include "mod/vufuse/entries.h"
#include "mod/vufuse/requests.h"

#define ALWAYS UINT64_MAX	/* since then nothing can have changed */

struct tree *tree_new(struct conn *c, mode_t rootmode, size_t nodes)
{
	mode_t type = rootmode & S_IFMT;
	struct tree *t = malloc(sizeof(*t));

	if (!t || entries_init(t, type ? type : S_IFDIR, nodes)) {
		free(t);
		return NULL;
	}
	t->conn = c;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void tree_free(struct tree *t)
{
	entries_free(t);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void tree_enter(struct tree *t)
{
	pthread_mutex_lock(&t->lock);
}

void tree_leave(struct tree *t)
{
	struct inode_list dead = TAILQ_HEAD_INITIALIZER(dead);
	struct inode *i;

	entries_trim(t, &dead);
	pthread_mutex_unlock(&t->lock);
	while ((i = TAILQ_FIRST(&dead))) {
		TAILQ_REMOVE(&dead, i, list);
		if (i->nlookup)
			conn_forget(t->conn, i->node.id, i->nlookup);
		free(i->node.more);
		free(i);
	}
}

static struct inode *inode_of(struct node *n)
{
	return (struct inode *)n;
}

static struct key key_named(struct node *dir, const char *name)
{
	return key_of(inode_of(dir), name, strlen(name));
}

/* --- nodes --- */

struct node *tree_node(struct tree *t, uint64_t id)
{
	struct inode *i;

	tree_enter(t);
	i = inode_find(t, id);
	if (i)
		inode_hold(t, i);
	tree_leave(t);
	return i ? &i->node : NULL;
}

struct node *tree_get(struct tree *t, struct node *n)
{
	tree_enter(t);
	inode_hold(t, inode_of(n));
	pthread_mutex_unlock(&t->lock);	/* nothing can have become too much */
	return n;
}

void tree_put(struct tree *t, struct node *n)
{
	tree_enter(t);
	inode_drop(t, inode_of(n));
	tree_leave(t);
}

/* The path, in the last bytes before end: where it begins, or NULL. */
static char *prepend_names(const struct tree *t, const struct inode *i,
			   char *begin, char *end, int *err)
{
	const struct entry *e;

	for (; i != t->root; i = e->dir) {
		e = LIST_FIRST(&i->names);
		*err = !e ? -ENOENT : end - begin <= e->len ? -ENAMETOOLONG : 0;
		if (*err)
			return NULL;
		end -= e->len;
		memcpy(end, e->name, e->len);
		*--end = '/';
	}
	return end;
}

ssize_t tree_name(struct tree *t, struct node *n, char *buf, size_t size)
{
	char path[PATH_MAX], *end = path + sizeof(path), *at;
	int err = 0;
	size_t len;

	tree_enter(t);
	at = prepend_names(t, inode_of(n), path, end, &err);
	tree_leave(t);
	if (!at)
		return err;
	if (at < end)
		at++;		/* the first slash */
	len = end - at;
	if (len >= size)
		return -ERANGE;
	memcpy(buf, at, len);
	buf[len] = '\0';
	return len;
}

/* --- attributes --- */

static int ask_attr(struct tree *t, struct vu_ctx *ctx, struct inode *i,
		    uint64_t since, struct fuse_attr *a)
{
	struct fuse_attr_out out;
	int err = ask_getattr(t->conn, ctx, i->node.id, NULL, &out);

	if (err)
		return err;
	tree_enter(t);
	err = answer_attr(t, i, since, &out);
	tree_leave(t);
	*a = out.attr;
	return err;
}

int tree_attr(struct tree *t, struct vu_ctx *ctx, struct node *n,
	      struct fuse_attr *a)
{
	struct inode *i = inode_of(n);
	uint64_t now = now_ns(), since;
	bool bad, gone, valid;
	int err = 0;

	tree_enter(t);
	bad = i->bad;
	gone = i->gone;
	valid = now < i->until;
	if (valid || gone)
		*a = i->attr;
	since = t->tick;
	tree_leave(t);
	if (bad)
		return -EIO;
	if (!valid)
		err = ask_attr(t, ctx, i, since, a);
	if (!gone)
		return err;
	a->nlink = 0;
	return err == -ENOENT || err == -ESTALE ? 0 : err;
}

int tree_attr_since(struct tree *t, struct vu_ctx *ctx, struct node *n,
		    uint64_t since, struct fuse_attr *a)
{
	struct inode *i = inode_of(n);
	bool known;

	tree_enter(t);
	known = i->brought > since && !i->bad && !i->gone;
	if (known)
		*a = i->attr;
	tree_leave(t);
	return known ? 0 : tree_attr(t, ctx, n, a);
}

uint64_t tree_ino(struct tree *t, struct node *n)
{
	uint64_t ino;

	tree_enter(t);
	ino = inode_of(n)->attr.ino;
	tree_leave(t);
	return ino;
}

void tree_gone(struct tree *t, struct node *n)
{
	tree_enter(t);
	inode_of(n)->gone = true;
	tree_leave(t);
}

void tree_learn(struct tree *t, struct node *n, const struct fuse_attr_out *a)
{
	tree_enter(t);
	answer_attr(t, inode_of(n), ALWAYS, a);
	tree_leave(t);
}

void tree_stale(struct tree *t, struct node *n)
{
	tree_enter(t);
	answer_stale(t, inode_of(n));
	tree_leave(t);
}

void tree_stale_id(struct tree *t, uint64_t id)
{
	struct inode *i;

	tree_enter(t);
	i = inode_find(t, id);
	if (i)
		answer_stale(t, i);
	else
		t->gone = ++t->tick;
	tree_leave(t);
}

/* --- names --- */

static int add_name(struct tree *t, struct node *dir, const char *name,
		    uint64_t since, const struct fuse_entry_out *e,
		    struct node **n)
{
	struct key k = key_named(dir, name);
	struct inode *fresh, *i;
	int err = answer_prepare(t, e, &fresh);

	if (err)
		return err;
	tree_enter(t);
	err = answer_entry(t, &k, since, e, fresh, &i);
	if (since == ALWAYS)
		k.dir->changed = ++t->tick;
	if (!err && n)
		*n = &i->node;
	else if (!err)
		inode_drop(t, i);
	tree_leave(t);
	return err;
}

int tree_entered(struct tree *t, struct node *dir, const char *name,
		 const struct fuse_entry_out *e, struct node **n)
{
	return add_name(t, dir, name, ALWAYS, e, n);
}

int tree_listed(struct tree *t, uint64_t since, struct node *dir,
		const char *name, const struct fuse_entry_out *e,
		struct node **n)
{
	return add_name(t, dir, name, since, e, n);
}

uint64_t tree_now(struct tree *t)
{
	uint64_t now;

	tree_enter(t);
	now = t->tick;
	tree_leave(t);
	return now;
}

/* What the name led to is held then. */
static struct inode *take_name(struct tree *t, const struct key *k,
			       uint64_t *until)
{
	struct entry *e = entry_find(t, k);
	struct inode *i = e ? e->inode : NULL;

	k->dir->changed = ++t->tick;
	if (!e)
		return NULL;
	*until = e->until;
	if (i) {
		inode_hold(t, i);
		answer_stale(t, i);
	}
	entry_remove(t, e);
	return i;
}

void tree_removed(struct tree *t, struct node *dir, const char *name)
{
	struct key k = key_named(dir, name);
	struct inode *i;
	uint64_t until;

	tree_enter(t);
	i = take_name(t, &k, &until);
	if (i)
		inode_drop(t, i);
	tree_leave(t);
}

void tree_renamed(struct tree *t, struct node *from, const char *name,
		  struct node *to, const char *newname, bool exchange)
{
	struct key old = key_named(from, name), new = key_named(to, newname);
	uint64_t moved_until, other_until;
	struct inode *moved, *other;

	if (from == to && !strcmp(name, newname))
		return;
	tree_enter(t);
	moved = take_name(t, &old, &moved_until);
	other = take_name(t, &new, &other_until);
	/* one that would be in itself just has no name, as far as we know */
	if (moved)
		entry_place(t, &new, moved, moved_until);
	if (other && exchange)
		entry_place(t, &old, other, other_until);
	if (moved)
		inode_drop(t, moved);
	if (other)
		inode_drop(t, other);
	tree_leave(t);
}

void tree_stale_entry(struct tree *t, uint64_t dir, const char *name)
{
	struct inode *i;

	tree_enter(t);
	i = inode_find(t, dir);
	if (i) {
		struct key k = key_named(&i->node, name);
		struct entry *e = entry_find(t, &k);

		/* it may still lead there: ask when it is needed */
		if (e)
			e->until = 0;
		i->changed = ++t->tick;
		answer_stale(t, i);
	}
	tree_leave(t);
}

/* --- all of them --- */

/*
 * While it has data a node does not move in the list of those that are used,
 * so each is met once, and the one we hold leads to the next.
 */
static struct inode *next_data(struct inode *i)
{
	while (i && !i->node.data)
		i = TAILQ_NEXT(i, list);
	return i;
}

void tree_each_data(struct tree *t, void (*f)(void *arg, struct node *n),
		    void *arg)
{
	struct inode *i, *next;

	tree_enter(t);
	i = next_data(TAILQ_FIRST(&t->list[USED]));
	while (i) {
		inode_hold(t, i);
		tree_leave(t);
		f(arg, &i->node);
		tree_enter(t);
		next = next_data(TAILQ_NEXT(i, list));
		inode_drop(t, i);
		i = next;
	}
	tree_leave(t);
}

size_t tree_size(struct tree *t)
{
	size_t n;

	tree_enter(t);
	n = t->inodes.count;
	tree_leave(t);
	return n;
}
