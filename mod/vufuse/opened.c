/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * What guests open is the content (content.h), a memfd that all openers of a
 * file share; the server's file is opened beside it, to fill the content, and
 * to store what guests write. We are not told of close: a file that was
 * opened for writing stays open at the server until the content has no
 * writers any more, which the keeper finds out each second.
 *
 * struct opened is what node->data points to. It lives from the first open on
 * until it is clean, unused and too many are kept. fs->lock guards the
 * pointer, the list and the count of users (threads that are at work with
 * it); opened->lock is held while the server is asked for or given content,
 * and is never taken while fs->lock is held. Contents have locks of their
 * own: to look at one (stat) a user needs none.
 *
 * A content is as new as the server's file when size and time of change are
 * those it was filled or stored with (the stamp). While guests have it open
 * it is not filled again, whatever happens on the other side: it is the file.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "mod/vufuse/opened.h"

enum {
	KEPT = 256,	/* of those that nobody uses; each has descriptors */
	LOOKS = 8,	/* at so many, when there are more */
};

/* --- users --- */

static struct opened *opened_new(struct fs *fs, struct node *n)
{
	struct opened *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->content = content_new(fs->pool, "vufuse");
	if (!o->content) {
		free(o);
		return NULL;
	}
	pthread_mutex_init(&o->lock, NULL);
	o->node = n;
	n->data = o;
	TAILQ_INSERT_TAIL(&fs->files->list, o, link);
	fs->files->n++;
	return o;
}

/* The newest are at the end: the others are given up first. */
struct opened *opened_make(struct fs *fs, struct node *n)
{
	struct opened *o;

	pthread_mutex_lock(&fs->lock);
	o = n->data;
	if (o) {
		TAILQ_REMOVE(&fs->files->list, o, link);
		TAILQ_INSERT_TAIL(&fs->files->list, o, link);
	} else {
		o = opened_new(fs, n);
	}
	if (o)
		o->users++;
	pthread_mutex_unlock(&fs->lock);
	return o;
}

struct opened *opened_find(struct fs *fs, struct node *n)
{
	struct opened *o;

	pthread_mutex_lock(&fs->lock);
	o = n->data;
	if (o)
		o->users++;
	pthread_mutex_unlock(&fs->lock);
	return o;
}

/* Nodes of what was freed: the tree may drop them when they are put. */
struct freed {
	struct node *node[1 + OTHERS];
	int n;
};

static void free_node(struct fs *fs, struct node *n, struct freed *freed)
{
	freed->node[freed->n++] = tree_get(fs->tree, n);
	n->data = NULL;
}

/* fs->lock is held; it may not be when put_freed() is called, which is due. */
static void opened_free(struct fs *fs, struct opened *o, struct freed *freed)
{
	TAILQ_REMOVE(&fs->files->list, o, link);
	fs->files->n--;
	free_node(fs, o->node, freed);
	for (int i = 0; i < OTHERS; i++)
		if (o->other[i])
			free_node(fs, o->other[i], freed);
	content_free(o->content);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

static bool put_freed(struct fs *fs, struct freed *freed)
{
	bool any = freed->n;

	while (freed->n)
		tree_put(fs->tree, freed->node[--freed->n]);
	return any;
}

static bool needless(const struct opened *o)
{
	return !o->users && !o->has_file && !content_used(o->content) &&
	       (o->orphan || !content_maybe_changed(o->content));
}

/* What has no name and is in no use is not waited with. */
void opened_put(struct fs *fs, struct opened *o)
{
	struct freed freed = { .n = 0 };

	pthread_mutex_lock(&fs->lock);
	o->users--;
	if (o->orphan && needless(o))
		opened_free(fs, o, &freed);
	pthread_mutex_unlock(&fs->lock);
	put_freed(fs, &freed);
}

/*
 * There are more than need be kept: free the oldest, unless it is in use. Those
 * that are seem new from then on, and it is not looked at many each time.
 */
void opened_trim(struct fs *fs)
{
	struct freed freed = { .n = 0 };
	struct opened *o;

	pthread_mutex_lock(&fs->lock);
	for (int i = 0; i < LOOKS && fs->files->n > KEPT; i++) {
		o = TAILQ_FIRST(&fs->files->list);
		if (needless(o)) {
			opened_free(fs, o, &freed);
			break;
		}
		TAILQ_REMOVE(&fs->files->list, o, link);
		TAILQ_INSERT_TAIL(&fs->files->list, o, link);
	}
	pthread_mutex_unlock(&fs->lock);
	put_freed(fs, &freed);
}

bool opened_evict(struct fs *fs)
{
	struct freed freed = { .n = 0 };
	struct opened *o;

	pthread_mutex_lock(&fs->lock);
	TAILQ_FOREACH(o, &fs->files->list, link)
		if (needless(o))
			break;
	if (o)
		opened_free(fs, o, &freed);
	pthread_mutex_unlock(&fs->lock);
	return put_freed(fs, &freed);
}

/* --- all of them --- */

/* Everything that is there now, each with a user: undo with drop_all(). */
struct opened **opened_take_all(struct fs *fs, size_t *n)
{
	struct opened *o, **all;

	*n = 0;
	pthread_mutex_lock(&fs->lock);
	all = calloc(fs->files->n + 1, sizeof(*all));
	if (all)
		TAILQ_FOREACH(o, &fs->files->list, link) {
			o->users++;
			all[(*n)++] = o;
		}
	pthread_mutex_unlock(&fs->lock);
	return all;
}

void opened_drop_all(struct fs *fs, struct opened **all, size_t n)
{
	while (n)
		opened_put(fs, all[--n]);
	free(all);
}

void opened_free_all(struct fs *fs)
{
	struct freed freed = { .n = 0 };
	struct opened *o;

	while ((o = TAILQ_FIRST(&fs->files->list))) {
		if (o->has_file)
			file_close(fs->conn, NULL, &o->file);
		opened_free(fs, o, &freed);
		put_freed(fs, &freed);
	}
}

bool opened_busy(struct vu_mount *m)
{
	struct fs *fs = fs_of(m);
	struct opened *o;
	bool busy = false;

	pthread_mutex_lock(&fs->lock);
	TAILQ_FOREACH(o, &fs->files->list, link)
		if (content_used(o->content))
			busy = true;
	pthread_mutex_unlock(&fs->lock);
	return busy && conn_state(fs->conn) != CONN_DEAD;
}

/* --- what others ask --- */

/* The times that stand for the server's: see store_times(). */
static void told_times(struct fs *fs, const struct node *n,
		       const struct fuse_attr *a, struct stat *st)
{
	const struct told *t;

	pthread_mutex_lock(&fs->lock);
	t = n->more;
	if (t && t->mtime == a->mtime && t->mtimensec == a->mtimensec &&
	    t->ctime == a->ctime && t->ctimensec == a->ctimensec) {
		st->st_mtim = t->mtim;
		st->st_ctim = t->ctim;
	}
	pthread_mutex_unlock(&fs->lock);
}

bool opened_storing(struct fs *fs, struct node *n)
{
	struct opened *o = opened_find(fs, n);
	bool storing = o && o->storing;

	if (o)
		opened_put(fs, o);
	return storing;
}

void opened_stat(struct fs *fs, struct node *n, const struct fuse_attr *a,
		 bool storing, struct stat *st)
{
	struct opened *o = opened_find(fs, n);
	struct stat now;

	told_times(fs, n, a, st);
	if (!o)
		return;
	if (content_filled(o->content) &&
	    (storing || o->storing || content_maybe_changed(o->content) ||
	     content_written(o->content)) &&
	    !content_stat(o->content, &now)) {
		st->st_blocks = now.st_blocks;
		st->st_atim = now.st_atim;
		/* opened for writing, and nothing was written */
		if (now.st_size != st->st_size || storing || o->storing ||
		    opened_ns(&now.st_mtim) != o->stored) {
			st->st_mtim = now.st_mtim;
			st->st_ctim = now.st_ctim;
		}
		st->st_size = now.st_size;
		/* without a name, it is changed by its descriptor alone */
		if (!st->st_nlink)
			st->st_mode = (st->st_mode & ~0777) |
				      (now.st_mode & 0777);
	}
	opened_put(fs, o);
}

void opened_orphan(struct fs *fs, struct node *n)
{
	struct opened *o = opened_find(fs, n);

	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->orphan = !opened_unshare(fs, o, n);
	opened_stale(fs, o);
	if (o->orphan)
		opened_finish(fs, NULL, o);
	pthread_mutex_unlock(&o->lock);
	opened_put(fs, o);
}

/*
 * As O_TRUNC does it: the content first, and it tells the server. One that is
 * not what the server has need not be kept for that.
 */
static int truncate_content(struct fs *fs, struct vu_ctx *ctx,
			    struct opened *o, off_t size)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = size };
	struct fuse_attr a;
	int err = tree_attr(fs->tree, ctx, o->node, &a);

	if (err)
		return err;
	if (!opened_up_to_date(o, &a)) {
		content_forget(o->content);
		return opened_set_attr(fs, ctx, o->node, o->has_file ?
				       &o->file : NULL, &in, NULL);
	}
	err = content_truncate(o->content, size);
	return err ?: opened_store(fs, ctx, o);
}

int opened_truncate(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		    off_t size)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = size };
	struct opened *o = opened_find(fs, n);
	int err;

	if (!o)
		return opened_set_attr(fs, ctx, n, NULL, &in, NULL);
	err = fs_lock(&o->lock, ctx);
	if (!err) {
		err = truncate_content(fs, ctx, o, size);
		pthread_mutex_unlock(&o->lock);
	}
	opened_put(fs, o);
	return err;
}

void opened_times(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		  const struct timespec times[2], uint64_t since)
{
	struct opened *o = opened_find(fs, n);
	struct stat st;

	if (!o)
		return;
	if (!fs_lock(&o->lock, ctx)) {
		if (content_filled(o->content)) {
			content_times(o->content, times);
			if (!content_stat(o->content, &st))
				opened_note_times(o, &st);
			opened_stamp(fs, ctx, o, since);
		}
		pthread_mutex_unlock(&o->lock);
	}
	opened_put(fs, o);
}

void opened_mode(struct fs *fs, struct node *n, mode_t mode)
{
	struct opened *o = opened_find(fs, n);

	if (!o)
		return;
	/* what a set-user-id bit gives, a server may not give away */
	content_mode(o->content, mode & 0777);
	opened_put(fs, o);
}
