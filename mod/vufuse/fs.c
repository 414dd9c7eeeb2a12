/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all operations of a mounted file system begin with. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mod/vufuse/fs.h"

enum { LOOK_NS = 100 * 1000 * 1000 };	/* between two looks at the caller */

/*
 * As with the kernel: a program that serves a file system can do much to
 * those who use it, so it is seen by the one who mounted it alone, unless he
 * says otherwise.
 */
static bool may_see(const struct fs *fs, struct vu_ctx *ctx)
{
	return !ctx || fs->opt.allow_other || vu_who(ctx)->uid == fs->opt.uid;
}

int fs_thread(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	sigset_t every, before;
	int err;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	err = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int fs_lock(pthread_mutex_t *lock, struct vu_ctx *ctx)
{
	struct timespec t;
	int err = pthread_mutex_trylock(lock);

	if (!err)
		return 0;
	vu_may_wait(ctx);
	do {
		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_nsec += LOOK_NS;
		if (t.tv_nsec >= 1000000000) {
			t.tv_nsec -= 1000000000;
			t.tv_sec++;
		}
		err = pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &t);
	} while (err && !vu_gone(ctx));
	return err ? -EINTR : 0;
}

int fs_enter(struct fs *fs, struct vu_ctx *ctx)
{
	if (!may_see(fs, ctx))
		return -EACCES;
	if (conn_state(fs->conn) == CONN_READY)
		return 0;
	vu_may_wait(ctx);
	return conn_ready(fs->conn, ctx);
}

int fs_permitted(struct fs *fs, struct vu_ctx *ctx, struct node *n, int want)
{
	struct fuse_attr a;
	struct stat st;
	int err;

	if (!fs->opt.default_permissions || !ctx)
		return 0;
	err = tree_attr(fs->tree, ctx, n, &a);
	if (err)
		return err;
	attr_to_stat(&a, &st);
	return vu_permits(ctx, &st, want);
}

int fs_xattr_permitted(struct vu_ctx *ctx, const struct node *n,
		       const char *name, bool change)
{
	bool never = !strncmp(name, "user.", 5) && !S_ISREG(n->type) &&
		     !S_ISDIR(n->type);

	if (!strncmp(name, "trusted.", 8) && ctx && vu_who(ctx)->uid)
		never = true;
	return !never ? 0 : change ? -EPERM : -ENODATA;
}

/* The directory above a path, as long as it has one. */
static size_t above(const char *path, size_t n)
{
	while (n && path[n - 1] != '/')
		n--;
	return n ? n - 1 : 0;
}

/* May the caller search all directories on the way to the path? */
static int may_search(struct fs *fs, struct vu_ctx *ctx, const char *path)
{
	char dir[PATH_MAX];
	size_t len = strlen(path);
	struct node *n;
	int err = 0;

	if (!fs->opt.default_permissions || !ctx || !len)
		return 0;
	if (len >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, len + 1);
	do {
		len = above(dir, len);
		dir[len] = '\0';
		err = tree_walk(fs->tree, ctx, dir, &n);
		if (err)
			return err;
		err = fs_permitted(fs, ctx, n, X_OK);
		tree_put(fs->tree, n);
	} while (!err && len);
	return err;
}

int fs_walk(struct fs *fs, struct vu_ctx *ctx, const char *path,
	    struct node **n)
{
	int err = fs_enter(fs, ctx);

	if (!err)
		err = may_search(fs, ctx, path);
	return err ?: tree_walk(fs->tree, ctx, path, n);
}

int fs_walk_to_change(struct fs *fs, struct vu_ctx *ctx, const char *path,
		      struct node **dir, const char **name)
{
	int err = fs_enter(fs, ctx);

	if (!err)
		err = may_search(fs, ctx, path);
	if (!err)
		err = tree_walk_parent(fs->tree, ctx, path, dir, name);
	if (err)
		return err;
	err = fs_permitted(fs, ctx, *dir, W_OK | X_OK);
	if (err)
		tree_put(fs->tree, *dir);
	return err;
}

/* A file whose name is gone, but has others, the server knows by those. */
static int attr_of_file(struct fs *fs, struct vu_ctx *ctx, struct node *n,
			uint64_t since, struct fuse_attr *a)
{
	int err = tree_attr_since(fs->tree, ctx, n, since, a);
	struct node *living = err == -ENOENT ? opened_living(fs, n) : NULL;

	if (living) {
		err = tree_attr(fs->tree, ctx, living, a);
		tree_put(fs->tree, living);
	}
	return err;
}

int fs_stat(struct fs *fs, struct vu_ctx *ctx, struct node *n, uint64_t since,
	    struct stat *st)
{
	bool storing = S_ISREG(n->type) && opened_storing(fs, n);
	struct fuse_attr a;
	int err = attr_of_file(fs, ctx, n, since, &a);

	if (!err && S_ISREG(n->type) && a.nlink > 1) {
		opened_settle_links(fs, ctx, n);
		err = tree_attr(fs->tree, ctx, n, &a);
	}
	if (err)
		return err;
	attr_to_stat(&a, st);
	if (!st->st_blksize)
		st->st_blksize = 4096;
	if (S_ISREG(n->type))
		opened_stat(fs, n, &a, storing, st);
	return 0;
}
