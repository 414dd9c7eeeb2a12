/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files with several names. A server that knows files by path has a node for
 * each name, and would show what is written by one of them by the other only
 * when it is stored. So such nodes share one struct opened; that they are the
 * same file is told by the number of the inode, and by link(2) itself.
 */
#include "mod/vufuse/opened.h"

static struct node **free_place(struct opened *o)
{
	for (int i = 0; i < OTHERS; i++)
		if (!o->other[i])
			return &o->other[i];
	return NULL;
}

/* fs->lock is held. */
static void share(struct opened *o, struct node *n)
{
	struct node **place = n->data ? NULL : free_place(o);

	if (!place)
		return;
	*place = n;
	n->data = o;
}

void opened_linked(struct fs *fs, struct node *n, struct node *other)
{
	struct opened *o = n == other ? NULL : opened_find(fs, n);

	if (!o)
		return;
	pthread_mutex_lock(&fs->lock);
	share(o, other);
	pthread_mutex_unlock(&fs->lock);
	opened_put(fs, o);
}

void opened_share_open(struct fs *fs, struct node *n, const struct fuse_attr *a)
{
	struct opened *o;

	if (a->nlink < 2 || !a->ino)
		return;
	pthread_mutex_lock(&fs->lock);
	TAILQ_FOREACH(o, &fs->files->list, link)
		if (o->stamped && !o->orphan && o->stamp.ino == a->ino)
			break;
	if (o)
		share(o, n);
	pthread_mutex_unlock(&fs->lock);
}

/* It stays with the others, for guests that have opened it by that name. */
bool opened_unshare(struct fs *fs, struct opened *o, struct node *n)
{
	bool others = false;

	pthread_mutex_lock(&fs->lock);
	for (int i = 0; i < OTHERS; i++) {
		if (!o->other[i] || o->dead[i])
			continue;
		if (o->other[i] == n) {
			o->dead[i] = true;
			others = true;
		} else if (o->node == n) {
			o->node = o->other[i];
			o->other[i] = n;
			o->dead[i] = true;
			others = true;
		}
	}
	pthread_mutex_unlock(&fs->lock);
	return others;
}

bool opened_shared(struct fs *fs, struct node *n)
{
	bool shared = false;
	struct opened *o;

	pthread_mutex_lock(&fs->lock);
	o = n->data;
	for (int i = 0; o && i < OTHERS && !shared; i++)
		shared = o->other[i] && !o->dead[i];
	pthread_mutex_unlock(&fs->lock);
	return shared;
}

struct node *opened_living(struct fs *fs, struct node *n)
{
	struct node *living = NULL;
	struct opened *o;

	pthread_mutex_lock(&fs->lock);
	o = n->data;
	if (o && o->node != n)
		living = tree_get(fs->tree, o->node);
	pthread_mutex_unlock(&fs->lock);
	return living;
}

void opened_stale(struct fs *fs, struct opened *o)
{
	pthread_mutex_lock(&fs->lock);
	tree_stale(fs->tree, o->node);
	for (int i = 0; i < OTHERS; i++)
		if (o->other[i])
			tree_stale(fs->tree, o->other[i]);
	pthread_mutex_unlock(&fs->lock);
}
